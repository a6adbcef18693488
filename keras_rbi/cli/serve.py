"""`keras-rbi serve`."""

import importlib.util
from pathlib import Path
from typing import Annotated

import typer

from keras_rbi import export as exports
from keras_rbi._version import __version__
from keras_rbi.cli.common_options import reports
from keras_rbi.cli.loading import load
from keras_rbi.cli.output import asked, doing, fail, notes, one_line_errors, print_json
from keras_rbi.export.errors import ExportError
from keras_rbi.serving.cached_onnx import cached_onnx
from keras_rbi.serving.limits import Limits
from keras_rbi.training.run_folder import find_model

NEEDED = ("fastapi", "uvicorn", "python_multipart", "onnxruntime", "prometheus_client")
# What a service may relate an image to: nothing of other users' requests.
RELATIONS = ("self", "references")
LOOPBACK = "127.0.0.1"
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
    """Serve predictions over HTTP, with ONNX Runtime.

    A run or a .keras file is exported first, and the ONNX file kept in the folder `serving` beside
    it. A prediction never depends on what others send at the same time.

    Examples:

    `keras-rbi serve runs/birds-1`

    `curl -F images=@photo.jpg http://127.0.0.1:8000/predict`
    """
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        fail(f"Not installed: {', '.join(missing)}. Use pip install 'keras-rbi[serve]'.")
    if relations not in (None, *RELATIONS):
        fail(f"--relations must be one of {', '.join(RELATIONS)}. Received: {relations!r}.")
    from keras_rbi.serving.onnx_model import OnnxModel
    from keras_rbi.serving.run import run

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
        served = OnnxModel(_onnx_file(model, relations))
    url = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    if asked.json:
        print_json({"serving": str(model), "url": url, "relations": served.relations})
    notes().print(
        f"Serving {model} on {url} (relations {served.relations}). Ask it:\n"
        f"  curl -F images=@photo.jpg {url}/predict",
        highlight=False,
        soft_wrap=True,
        markup=False,
    )
    run(served, limits, host, port)


def _onnx_file(model: Path, relations: str | None) -> Path:
    if model.suffix.lower() == ".onnx":
        if relations is not None:
            fail("The relations of an .onnx file are fixed. Leave out --relations.")
        return model
    file = find_model(model)

    def export(path: Path) -> None:
        network, class_names = load(model)
        if getattr(network, "relations", None) == "batch" and relations is None:
            fail(
                "This model relates the images of a batch: other users' images would change "
                "predictions. Serve it with --relations self."
            )
        with doing("Exporting to ONNX and comparing"):
            try:
                exports.export_model(
                    network,
                    path,
                    "onnx",
                    relations=relations,
                    outputs="probabilities",
                    class_names=class_names,
                    verbose=False,
                )
            except ExportError as error:
                fail(str(error))

    return cached_onnx(file, relations, __version__, export)
