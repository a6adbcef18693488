"""Bytes of any kind as a request; the first line gives its content type."""

import asyncio

from starlette.exceptions import HTTPException
from starlette.requests import Request

from keras_rbi.serving.limits import Limits
from keras_rbi.serving.request_images import images_of

LIMITS = Limits(max_request_bytes=2**16, max_batch=8, queue=8)
CHUNK = 64


def check(data: bytes) -> None:
    """The client is told what is wrong with it, or its images have names and bytes."""
    kind, _, body = data.partition(b"\n")
    chunks = [body[at : at + CHUNK] for at in range(0, len(body), CHUNK)] or [b""]
    messages = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]
    messages[-1]["more_body"] = False

    async def receive():
        return messages.pop(0)

    # With an application, as in the service: what is malformed is then told with a status.
    scope = {"type": "http", "method": "POST", "app": None, "headers": [(b"content-type", kind)]}
    status = 200
    try:
        images = asyncio.run(images_of(Request(scope, receive), LIMITS))
    except HTTPException as error:
        status = error.status_code
    if status != 200:
        assert 400 <= status < 500
        return
    assert 0 < len(images) <= LIMITS.queue
    for name, content in images:
        assert isinstance(name, str)
        assert isinstance(content, bytes | str)
