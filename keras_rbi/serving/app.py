"""The HTTP application: routes, requests and responses."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Annotated, Any, Protocol

import numpy as np
from fastapi import FastAPI, Query, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from keras_rbi.evaluation.top_classes import top_classes
from keras_rbi.serving.admission import Admission, FullError
from keras_rbi.serving.batcher import Batcher
from keras_rbi.serving.count_responses import CountResponses
from keras_rbi.serving.decoders import Decoders
from keras_rbi.serving.limits import Limits
from keras_rbi.serving.metrics import Metrics
from keras_rbi.serving.openapi import METRICS_RESPONSES, PREDICT_RESPONSES, REQUEST_BODY
from keras_rbi.serving.request_images import HOW, images_of
from keras_rbi.serving.unless_client_leaves import unless_client_leaves

# Seconds after which a client that was turned away may come back.
RETRY_AFTER = "1"
# What servers count where nobody waits for the response any more.
CLIENT_LEFT = 499


class Model(Protocol):
    """What the service needs of a model: `OnnxModel` has it."""

    class_names: Sequence[str]
    image_size: int
    relations: str

    def predict(self, images: np.ndarray) -> np.ndarray:
        """Probabilities `(batch, classes)` of uint8 images `(batch, side, side, 3)`."""


def create_app(model: Model, limits: Limits) -> FastAPI:
    """The service around a model.

    `POST /predict` answers images, `GET /health` tells that it runs and with what, `GET /metrics`
    counts for Prometheus, `GET /` says how to use it and `GET /docs` shows it.

    Args:
        model: The model, whose answer to an image must depend on that image alone.
        limits: What to take on.

    Returns:
        An ASGI application, for uvicorn.
    """
    admission = Admission(limits.queue)
    metrics = Metrics(lambda: admission.in_hand)
    batcher = Batcher(model.predict, limits.max_batch, limits.deadline, metrics.batch_sizes.observe)
    decoders = Decoders(model.image_size, limits)

    @asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[None]:
        await decoders.start()
        batcher.start()
        yield
        await batcher.stop()
        await decoders.stop()

    app = FastAPI(title="keras-rbi", lifespan=lifespan)

    async def decoded(name: str, content: bytes | str, number: int) -> np.ndarray | str:
        """The image, or what is wrong with it."""
        if isinstance(content, str):
            return content
        try:
            return await decoders.decode(content, name, number)
        except ValueError as error:
            return str(error)

    async def answer(images: list[tuple[str, bytes | str]], top: int) -> tuple[int, dict[str, Any]]:
        found = await asyncio.gather(
            *(decoded(name, content, number) for number, (name, content) in enumerate(images))
        )
        readable = [image for image in found if not isinstance(image, str)]
        metrics.images.labels("answered").inc(len(readable))
        metrics.images.labels("refused").inc(len(found) - len(readable))
        rows = iter(await batcher.submit(readable))
        predictions = [
            {"image": name, "error": image}
            if isinstance(image, str)
            else {"image": name, "top": top_classes(next(rows), model.class_names, top)}
            for (name, _), image in zip(images, found, strict=True)
        ]
        content: dict[str, Any] = {"predictions": predictions}
        if readable:
            return 200, content
        return 400, {"detail": "; ".join(map(str, found)), **content}

    async def respond(request: Any, top: int) -> Any:
        try:
            # Before anything of it is read. While it arrives it holds no place, or slow clients
            # would hold all of them.
            with admission.admit(1):
                pass
            images = await images_of(request, limits)
            with admission.admit(len(images)):
                status, content = await unless_client_leaves(request, answer(images, top))
            return JSONResponse(content, status)
        except FullError:
            detail = f"There are {admission.in_hand} images in hand already. Come back later."
            return JSONResponse({"detail": detail}, 503, {"Retry-After": RETRY_AFTER})
        except HTTPException as error:
            return JSONResponse({"detail": error.detail}, error.status_code)
        except ClientDisconnect:
            return Response(status_code=CLIENT_LEFT)

    app.add_middleware(CountResponses, path="/predict", metrics=metrics)

    @app.post("/predict", openapi_extra=REQUEST_BODY, responses=PREDICT_RESPONSES)
    async def predict(request: Request, top: Annotated[int, Query(ge=1)] = 5) -> Response:
        """The likeliest classes of each image, or why it cannot be read."""
        return await respond(request, top)

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

    @app.get("/")
    async def about() -> dict[str, str]:
        """How to use the service."""
        return {
            "POST /predict": f"The likeliest classes of images; ?top=3 gives three. {HOW}",
            "GET /health": "That the service runs, and with what.",
            "GET /metrics": "Counters for Prometheus.",
            "GET /docs": "This, as a page.",
        }

    return app
