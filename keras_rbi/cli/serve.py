"""`keras-rbi serve` and `keras-rbi demo`."""

import functools
import importlib.util
import shlex
import webbrowser
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from keras_rbi import export as exports
from keras_rbi._version import __version__
from keras_rbi.cli.check_address import check_address
from keras_rbi.cli.common_options import reports
from keras_rbi.cli.destination import check_folder
from keras_rbi.cli.loading import load
from keras_rbi.cli.output import asked, doing, fail, notes, one_line_errors, print_json
from keras_rbi.export.errors import ExportError
from keras_rbi.serving.cached_onnx import cached_onnx
from keras_rbi.serving.limits import MOST_REFERENCES, Limits
from keras_rbi.training.run_folder import find_model

if TYPE_CHECKING:
    from keras_rbi.serving.beside import Beside
    from keras_rbi.serving.onnx_model import OnnxModel
    from keras_rbi.serving.reference_images import ReferenceImages

NEEDED = ("fastapi", "uvicorn", "python_multipart", "onnxruntime", "prometheus_client")
# What a service may relate an image to: nothing of other users' requests.
RELATIONS = ("self", "references")
LOOPBACK = "127.0.0.1"
# Of what is in an ONNX file besides, and how it is made: a file that has less is made again.
CONTENT = "features, maps and attention"
# Enough for some dozens of each of some dozens of classes, looked at in half a minute.
REFERENCES = 1000
DEFAULTS = Limits()


@reports
def serve(
    model: Annotated[Path, typer.Argument(help="A run folder, a .keras file or an .onnx file.")],
    host: Annotated[
        str,
        typer.Option(help="The address to listen on; 0.0.0.0 lets other machines in."),
    ] = LOOPBACK,
    port: Annotated[int, typer.Option(min=0, max=65535)] = 8000,
    relations: Annotated[
        str | None,
        typer.Option(help="`self` or `references`. [default: the model's, which must be of these]"),
    ] = None,
    references: Annotated[
        int,
        typer.Option(
            min=0,
            max=MOST_REFERENCES,
            help="Most training images of a run that are shown as look-alikes; 0 for none.",
        ),
    ] = REFERENCES,
    keep: Annotated[
        Path | None,
        typer.Option(
            help="A folder for photographs that people correct on the page, and a table of them "
            "that `keras-rbi train --dataset` reads. [default: none are taken]"
        ),
    ] = None,
    max_batch: Annotated[
        int, typer.Option(min=1, help="Most images that the model is given at once.")
    ] = DEFAULTS.max_batch,
    deadline_ms: Annotated[
        float,
        typer.Option(min=0, help="Milliseconds for which an image waits for others."),
    ] = 1000 * DEFAULTS.deadline,
    queue: Annotated[
        int,
        typer.Option(min=1, help="Most images in hand; further requests get 503."),
    ] = DEFAULTS.queue,
    max_request_bytes: Annotated[
        int, typer.Option(min=1, help="Larger requests get 413.")
    ] = DEFAULTS.max_request_bytes,
    max_pixels: Annotated[
        int, typer.Option(min=1, help="Images with more are not decoded.")
    ] = DEFAULTS.max_pixels,
    decode_seconds: Annotated[
        float, typer.Option(help="Images that take more of a processor to decode are refused.")
    ] = DEFAULTS.decode_seconds,
    decode_bytes: Annotated[
        int, typer.Option(min=1, help="Images that take more memory to decode are refused.")
    ] = DEFAULTS.decode_bytes,
    max_connections: Annotated[
        int,
        typer.Option(min=1, help="For more, those that have sent no whole request make room."),
    ] = DEFAULTS.connections,
) -> None:
    """Serve predictions over HTTP, with ONNX Runtime, and a page to drop photographs on.

    A run or a .keras file is exported first, and the ONNX file kept in the folder `serving` beside
    it. A prediction never depends on what others send at the same time.

    Examples:

    `keras-rbi serve runs/birds-1`

    `curl -F images=@photo.jpg http://127.0.0.1:8000/predict`
    """
    with one_line_errors():
        limits = Limits(
            max_batch,
            deadline_ms / 1000,
            queue,
            max_request_bytes,
            max_pixels,
            decode_seconds=decode_seconds,
            decode_bytes=decode_bytes,
            connections=max_connections,
        )
        _serve(model, limits, host, port, relations, references, keep, opens=False)


@reports
def demo(
    model: Annotated[Path, typer.Argument(help="A run folder, a .keras file or an .onnx file.")],
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 for any that is free.")] = 0,
    references: Annotated[
        int, typer.Option(min=0, max=MOST_REFERENCES, help="As for `keras-rbi serve`.")
    ] = REFERENCES,
    keep: Annotated[Path | None, typer.Option(help="As for `keras-rbi serve`.")] = None,
) -> None:
    """Open a page in the browser: drop photographs, see what they are, look-alikes, and why.

    It is the page of `keras-rbi serve`, on this machine alone, until Ctrl-C.

    Example: `keras-rbi demo runs/birds-1`
    """
    with one_line_errors():
        _serve(model, DEFAULTS, LOOPBACK, port, None, references, keep, opens=True)


def _serve(
    model: Path,
    limits: Limits,
    host: str,
    port: int,
    relations: str | None,
    references: int,
    keep: Path | None,
    opens: bool,
) -> None:
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        fail(f"Not installed: {', '.join(missing)}. Use pip install 'keras-rbi[serve]'.")
    if relations not in (None, *RELATIONS):
        fail(f"--relations must be one of {', '.join(RELATIONS)}. Received: {relations!r}.")
    check_folder(keep, "--keep")
    check_address(host, port)
    from keras_rbi.serving.beside import read_beside
    from keras_rbi.serving.onnx_model import OnnxModel
    from keras_rbi.serving.run import run

    if model.suffix.lower() == ".onnx":
        if relations is not None:
            fail("The relations of an .onnx file are fixed. Leave out --relations.")
        served = OnnxModel(model)
        beside = read_beside(model)
    else:
        served, beside = _of_run(model, relations, references)

    def started(port: int) -> None:
        url = f"http://{f'[{host}]' if ':' in host else host}:{port}"
        if asked.json:
            print_json({"serving": str(model), "url": url, "relations": served.relations})
        notes().print(
            f"Serving {model} on {url} (relations {served.relations}). Open that in a browser, or "
            f"ask it:\n  curl -F images=@photo.jpg {url}/predict",
            highlight=False,
            soft_wrap=True,
            markup=False,
        )
        if opens:
            webbrowser.open(url)

    run(served, limits, host, port, beside, keep, started)


def _of_run(model: Path, relations: str | None, references: int) -> "tuple[OnnxModel, Beside]":
    """The model of a run in ONNX Runtime, and what lies beside it."""
    from keras_rbi.cli.beside_model import beside_model
    from keras_rbi.serving.onnx_model import OnnxModel
    from keras_rbi.serving.reference_images import attended_images

    # In this function alone: a service holds no Keras model.
    load_once = functools.cache(load)
    path, no_maps = _onnx_file(model, relations, load_once)
    served = OnnxModel(path)

    def stored() -> "ReferenceImages":
        network: Any = load_once(model)[0]
        return attended_images(network.references.photographs(), network.references.labels)

    return served, beside_model(model, served, references, no_maps, stored)


def _onnx_file(
    model: Path, relations: str | None, load: Callable[[Path], Any]
) -> tuple[Path, str | None]:
    """The ONNX file of a model, and why it has no maps, where that has just been found."""
    file = find_model(model)
    found: list[str] = []

    def export(path: Path) -> None:
        network, class_names = load(model)
        if getattr(network, "relations", None) == "batch" and relations is None:
            fail(
                "This model relates the images of a batch: other users' images would change "
                f"predictions. Serve it with keras-rbi serve {shlex.quote(str(model))} --relations "
                "self."
            )
        outputs, reason = exports.outputs_for_a_page(network, relations)
        if reason is not None:
            found.append(reason)
        with doing("Exporting to ONNX and comparing"):
            try:
                exports.export_model(
                    network,
                    path,
                    "onnx",
                    relations=relations,
                    outputs=outputs,
                    class_names=class_names,
                    verbose=False,
                )
            except ExportError as error:
                fail(str(error))

    path = cached_onnx(file, relations, f"{__version__} {CONTENT}", export)
    return path, found[0] if found else None
