"""Parsing of requests: multipart files, or JSON with base64."""

import asyncio
import base64
import binascii
import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import HTTPException, Request
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from keras_rbi.serving.limits import Limits

HOW = (
    "Send images as multipart files (curl -F images=@a.jpg -F images=@b.png), or as JSON, "
    '{"images": ["<base64>", ...]} with Content-Type: application/json.'
)
# What images are called in a request. Files are taken whatever they are called.
FIELD = "images"
AT = "Put @ before a file's name: -F images=@a.jpg."
BASE64 = "Send the file's bytes in base64 alone, without line breaks and 'data:image/...;base64,'."
# Other than images, which a request may have and nobody looks at.
MOST_FIELDS = 100

# It writes a line for every malformed request, and the clients are told.
logging.getLogger("python_multipart").setLevel(logging.CRITICAL)


async def images_of(request: Request, limits: Limits) -> list[tuple[str, bytes | str]]:
    """Name and bytes of each image of a request, or its name and what is wrong with it.

    Args:
        request: The request, of which nothing was read yet.
        limits: Of its size, and of the time that it may take to arrive.

    Returns:
        List of pairs. The second of a pair is `bytes`, or a `str` that says why there are none.

    Raises:
        HTTPException: 413 for too large a request, 408 for too slow a one, 415 for one that is
            neither multipart nor JSON, 400 for one without images.
    """
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > limits.max_request_bytes:
        raise _too_large(limits)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    capped = Request(request.scope, _capped(request.receive, limits))
    try:
        async with asyncio.timeout(limits.request_seconds):
            if kind == "multipart/form-data":
                images: list[tuple[str, bytes | str]] = await _files(capped, limits)
            elif kind == "application/json":
                body = await capped.body()
                images = await asyncio.to_thread(_from_json, body, limits)
            else:
                raise HTTPException(415, f"Content-Type is {kind!r}. {HOW}")
    except TimeoutError:
        raise HTTPException(
            408, f"The request did not arrive whole in {limits.request_seconds:g} seconds."
        ) from None
    if not images:
        raise HTTPException(400, f"There are no images in the request. {HOW}")
    if len(images) > limits.queue:
        raise HTTPException(
            413, f"{len(images)} images in a request; the service takes {limits.queue} at most."
        )
    return images


def _capped(receive: Callable[[], Awaitable[Any]], limits: Limits) -> Callable[[], Awaitable[Any]]:
    """Refuses to go on once more bytes came than a request may have."""
    received = 0

    async def capped() -> Any:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > limits.max_request_bytes:
            raise _too_large(limits)
        return message

    return capped


def _too_large(limits: Limits) -> HTTPException:
    return HTTPException(413, f"A request may have {limits.max_request_bytes} bytes at most.")


async def _files(request: Request, limits: Limits) -> list[tuple[str, bytes | str]]:
    # One more than is taken, so that it is this service which says so.
    parser = MultiPartParser(
        request.headers, request.stream(), max_files=limits.queue + 1, max_fields=MOST_FIELDS
    )
    # In memory, where the capped request has room: files would use up the descriptors.
    parser.spool_max_size = limits.max_request_bytes
    try:
        form = await parser.parse()
    except MultiPartException as error:
        raise HTTPException(400, error.message) from None
    try:
        parts = [
            value
            for name, value in form.multi_items()
            if isinstance(value, UploadFile) or name == FIELD
        ]
        return [
            (part.filename or f"image {number}", await part.read())
            if isinstance(part, UploadFile)
            else (f"image {number}", f"'image {number}' is text and no file. {AT}")
            for number, part in enumerate(parts)
        ]
    finally:
        await form.close()


def _from_json(body: bytes, limits: Limits) -> list[tuple[str, bytes | str]]:
    # The parser stops the whole service for as long as it makes values, and base64 has no commas.
    if body.count(b",") > limits.queue + MOST_FIELDS:
        raise HTTPException(413, f"More than {limits.queue} images and {MOST_FIELDS} other values.")
    try:
        content = json.loads(body, object_pairs_hook=_without_repeats)
    except (ValueError, RecursionError) as error:
        raise HTTPException(400, f"The body is not JSON ({error}). {HOW}") from None
    images = content.get(FIELD) if isinstance(content, dict) else None
    if not isinstance(images, list):
        raise HTTPException(400, f'The JSON has no list "images". {HOW}')
    return [_from_base64(f"image {number}", text) for number, text in enumerate(images)]


def _from_base64(name: str, text: Any) -> tuple[str, bytes | str]:
    try:
        return name, base64.b64decode(text, validate=True)
    except (TypeError, ValueError, binascii.Error):
        return name, f"{name!r} is not base64 text. {BASE64}"


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object, of which JSON's parser would keep the last of several lists of images."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("an object has a name twice")
    return found
