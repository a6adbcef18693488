"""The HTTP application: routes, requests and responses."""

import asyncio
import difflib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import Match, Route

from keras_rbi.serving.admission import Admission, FullError
from keras_rbi.serving.beside import Beside
from keras_rbi.serving.count_responses import CountResponses
from keras_rbi.serving.kept_corrections import KeptCorrections, NoRoomError
from keras_rbi.serving.limits import Limits
from keras_rbi.serving.metrics import Metrics
from keras_rbi.serving.openapi import (
    COMPARE_RESPONSES,
    CORRECTION_RESPONSES,
    EXPLAIN_RESPONSES,
    METRICS_RESPONSES,
    MODEL_RESPONSES,
    NEAREST_RESPONSES,
    OBSERVATION_RESPONSES,
    PHOTOGRAPH_RESPONSES,
    PREDICT_RESPONSES,
    REFERENCES_RESPONSES,
    REQUEST_BODY,
)
from keras_rbi.serving.page_files import add_page_files, page_file, wants_page
from keras_rbi.serving.request_images import HOW, images_of
from keras_rbi.serving.service import Model, Reply, Sent, Service
from keras_rbi.serving.unless_client_leaves import unless_client_leaves

__all__ = ["Model", "create_app"]

# Seconds after which a client that was turned away may come back.
RETRY_AFTER = "1"
# What servers count where nobody waits for the response any more.
CLIENT_LEFT = 499
# Maps of more classes at once are more than a person looks at.
MOST_CLASSES = 20
MOST_REFERENCES = 20
NO_MAPS = "This model has no maps. {}"
NO_REFERENCES = (
    "There are no reference photographs beside this model: serve a run whose training images are "
    "still there, without --references 0."
)

Work = Callable[[list[Sent]], Awaitable[Reply]]
Names = Annotated[list[str] | None, Query(alias="class", max_length=MOST_CLASSES)]
Count = Annotated[int, Query(ge=1, le=MOST_REFERENCES)]


def create_app(
    model: Model, limits: Limits, beside: Beside | None = None, keep: Path | None = None
) -> FastAPI:
    """The service around a model, and its page.

    `POST /predict` answers images, `POST /explain`, `/compare`, `/observations` and `/references`
    say more of them, `GET /model` tells what the model is, `GET /health` that it runs, `GET
    /metrics` counts for Prometheus. `GET /` is the page to a browser, and says how to use the
    service to others; `GET /docs` describes it.

    Args:
        model: The model, whose prediction of an image must depend on that image alone.
        limits: What to take on.
        beside: What is known of the model besides. Defaults to `None`, nothing.
        keep: A folder for corrections. Defaults to `None`: none are taken.

    Returns:
        An ASGI application, for uvicorn.
    """
    beside = beside or Beside()
    admission = Admission(limits.queue)
    metrics = Metrics(lambda: admission.in_hand)
    service = Service(model, limits, metrics, beside)
    kept = None if keep is None else KeptCorrections(keep)

    @asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[None]:
        await service.start()
        yield
        await service.stop()

    app = FastAPI(title="keras-rbi", lifespan=lifespan, docs_url=None, redoc_url=None)

    async def respond(request: Any, work: Work) -> Any:
        try:
            # Before anything of it is read. While it arrives it holds no place, or slow clients
            # would hold all of them.
            with admission.admit(1):
                pass
            images = await images_of(request, limits)
            with admission.admit(len(images)):
                status, content = await unless_client_leaves(request, _awaited(work, images))
            return JSONResponse(content, status)
        except FullError:
            detail = f"There are {admission.in_hand} images in hand already. Come back later."
            return JSONResponse({"detail": detail}, 503, {"Retry-After": RETRY_AFTER})
        except HTTPException as error:
            return JSONResponse({"detail": error.detail}, error.status_code)
        except ClientDisconnect:
            return Response(status_code=CLIENT_LEFT)

    def numbers(names: Sequence[str] | None) -> list[int]:
        return [_number(model.class_names, name) for name in names or ()]

    def need_maps() -> None:
        if not service.has_maps:
            raise HTTPException(404, NO_MAPS.format(beside.no_maps or "").strip())

    def need_references() -> None:
        if service.references is None:
            raise HTTPException(404, NO_REFERENCES)

    @app.exception_handler(405)
    async def wrong_method(request: Request, error: HTTPException) -> JSONResponse:
        # Each method of a path is a route of its own, and the first alone would be named.
        methods = {
            method
            for route in app.routes
            if route.matches(request.scope)[0] is not Match.NONE
            for method in getattr(route, "methods", None) or ()
        }
        return JSONResponse({"detail": error.detail}, 405, {"Allow": ", ".join(sorted(methods))})

    @app.post("/predict", openapi_extra=REQUEST_BODY, responses=PREDICT_RESPONSES)
    async def predict(
        request: Request,
        top: Annotated[int, Query(ge=1)] = 5,
        references: Annotated[int, Query(ge=0, le=MOST_REFERENCES)] = 0,
    ) -> Response:
        """The likeliest classes of each image, or why it cannot be read.

        With `references`, so many photographs of each class that are most like the image.
        """
        return await respond(request, lambda images: service.predict(images, top, references))

    @app.post("/explain", openapi_extra=REQUEST_BODY, responses=EXPLAIN_RESPONSES)
    async def explain(
        request: Request,
        names: Names = None,
        attended: Annotated[int, Query(ge=1, le=MOST_REFERENCES)] = 6,
    ) -> Response:
        """What in each image speaks for classes: rows of numbers from 0 to 1 to lay over it.

        Of the likeliest class, where none is asked for. Of a model that relates to references also
        whom the image attended to, so many of them, and what it would predict without.
        """
        if not service.attends:
            need_maps()
        classes = numbers(names)
        return await respond(request, lambda images: service.explain(images, classes, attended))

    @app.post("/compare", openapi_extra=REQUEST_BODY, responses=COMPARE_RESPONSES)
    async def compare(request: Request, first: str, second: str, references: Count = 1) -> Response:
        """What in each image, and in photographs of both classes, tells two classes apart."""
        need_maps()
        pair = _number(model.class_names, first), _number(model.class_names, second)
        if pair[0] == pair[1]:
            raise HTTPException(422, f"Two classes are compared. Received: {first!r} twice.")
        return await respond(request, lambda images: service.compare(images, pair, references))

    @app.post("/observations", openapi_extra=REQUEST_BODY, responses=OBSERVATION_RESPONSES)
    async def observations(request: Request, top: Annotated[int, Query(ge=1)] = 5) -> Response:
        """One prediction from all images of the request, of one thing, and what each adds."""
        return await respond(request, lambda images: service.observe(images, top))

    @app.post("/references", openapi_extra=REQUEST_BODY, responses=NEAREST_RESPONSES)
    async def nearest(request: Request, names: Names = None, count: Count = 4) -> Response:
        """The reference photographs that are most like each image: of all, or of each class."""
        need_references()
        classes = numbers(names)
        return await respond(request, lambda images: service.nearest(images, count, classes))

    @app.get("/references", responses=REFERENCES_RESPONSES)
    async def references_of(
        name: Annotated[str, Query(alias="class")],
    ) -> dict[str, Any]:
        """The reference photographs of a class."""
        need_references()
        assert service.references is not None
        found = service.references.of_class(_number(model.class_names, name))
        return {"references": [service.reference(number) for number in found]}

    @app.get("/references/{number}", response_class=Response, responses=PHOTOGRAPH_RESPONSES)
    async def photograph(number: int) -> Response:
        """A reference photograph, as the model sees it."""
        need_references()
        assert service.references is not None
        if not 0 <= number < len(service.references):
            raise HTTPException(404, f"There are {len(service.references)} references, from 0 on.")
        return Response(
            service.references.files[number],
            media_type="image/jpeg",
            headers={"Cache-Control": "max-age=3600", "X-Content-Type-Options": "nosniff"},
        )

    if kept is not None:

        @app.post("/corrections", openapi_extra=REQUEST_BODY, responses=CORRECTION_RESPONSES)
        async def corrections(
            request: Request,
            name: Annotated[str, Query(alias="class")],
            given: str = "",
        ) -> Response:
            """Keeps images of a class that the model took for another."""
            if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
                raise HTTPException(403, "Corrections are taken from the service's own page.")
            _number(model.class_names, name)
            if given:
                _number(model.class_names, given)
            return await respond(request, lambda images: _keep(service, kept, images, name, given))

    @app.get("/model", responses=MODEL_RESPONSES)
    async def about_model() -> dict[str, Any]:
        """What the model is, what is known of its predictions, and the limits of the service."""
        about = getattr(model, "about", {})
        return {
            "classes": list(model.class_names),
            "image_size": model.image_size,
            "relations": model.relations,
            "keras_rbi_version": about.get("keras_rbi_version"),
            "precision": about.get("precision"),
            "confidence": None if beside.confidence is None else beside.confidence.as_dict(),
            "observations": beside.calibration.as_dict()["temperatures"],
            "maps": service.has_maps,
            "no_maps": None if service.has_maps else beside.no_maps,
            "references": 0 if service.references is None else len(service.references),
            "attends": service.attends,
            "corrections": kept is not None,
            "card": beside.card or about.get("model_card"),
            "limits": asdict(limits),
        }

    @app.get("/health")
    async def health() -> dict[str, Any]:
        """That the service runs, and with what."""
        return {
            "status": "ok",
            "relations": model.relations,
            "image_size": model.image_size,
            "classes": len(model.class_names),
            "images_in_hand": admission.in_hand,
        }

    @app.get("/metrics", response_class=PlainTextResponse, responses=METRICS_RESPONSES)
    async def prometheus() -> Response:
        """Counters in Prometheus's text format."""
        return Response(metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    @app.get("/", response_model=dict[str, str])
    async def about(request: Request) -> Any:
        """How to use the service; to a browser, the page."""
        if wants_page(request):
            return page_file("index.html", request)
        return {
            "POST /predict": f"The likeliest classes of images; ?top=3 gives three. {HOW}",
            "POST /explain": "What speaks for ?class=NAME, place by place.",
            "POST /compare": "What tells ?first=NAME from &second=NAME.",
            "POST /observations": "One prediction from several images of one thing.",
            "POST /references": "The reference photographs that are most like an image.",
            "GET /model": "What the model is.",
            "GET /health": "That the service runs, and with what.",
            "GET /metrics": "Counters for Prometheus.",
            "GET /docs": "This, as a page. In a browser, / is a page to drop photographs on.",
        }

    add_page_files(app)
    endpoints = [route.path for route in app.routes if isinstance(route, Route)]
    app.add_middleware(CountResponses, endpoints=dict.fromkeys(endpoints), metrics=metrics)
    return app


async def _awaited(work: Work, images: list[Sent]) -> Reply:
    return await work(images)


async def _keep(
    service: Service, kept: KeptCorrections, images: list[Sent], label: str, given: str
) -> Reply:
    """Keeps what can be read of images."""
    entries: list[dict[str, Any]] = []
    for name, content in images:
        error = await service.check((name, content))
        if error is not None or isinstance(content, str):
            entries.append({"image": name, "error": error or str(content)})
            continue
        try:
            path = await asyncio.to_thread(kept.keep, content, label, given, name)
        except NoRoomError as full:
            raise HTTPException(413, f"No more corrections can be kept. {full}") from full
        entries.append({"image": name, "kept": path})
    errors = [entry["error"] for entry in entries if "error" in entry]
    content_of_all: dict[str, Any] = {"corrections": entries}
    if len(errors) < len(entries):
        return 200, content_of_all
    return 400, {"detail": "; ".join(errors), **content_of_all}


def _number(class_names: Sequence[str], name: str) -> int:
    """The number of a class, or what is near to a name that is none."""
    if name in class_names:
        return list(class_names).index(name)
    near = difflib.get_close_matches(name[:200], class_names, n=2)
    meant = f" Near: {', '.join(map(repr, near))}." if near else ""
    raise HTTPException(422, f"{name[:200]!r} is no class of this model.{meant}")
