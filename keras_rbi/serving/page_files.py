"""The files of the page, which nothing else is loaded with."""

import gzip
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import Response

FOLDER = Path(__file__).with_name("page")
KINDS = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
# Nothing from elsewhere, nothing in frames of others, and no script in what people call classes.
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src 'self' blob: data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    # A newer version of the package has other files of the same names.
    "Cache-Control": "no-cache",
    "Vary": "Accept, Accept-Encoding",
}


def wants_page(request: Any) -> bool:
    """Whether a request comes from a browser, and not from a program that asks for JSON."""
    return "text/html" in request.headers.get("accept", "")


def page_file(name: str, request: Any) -> Any:
    """A file of the page, compressed where that is understood."""
    headers, content = HEADERS, _content(name)
    if "gzip" in request.headers.get("accept-encoding", ""):
        headers, content = {**headers, "Content-Encoding": "gzip"}, _compressed(name)
    return Response(content, media_type=KINDS[Path(name).suffix], headers=headers)


def add_page_files(app: FastAPI) -> None:
    """Serves the files under `/page/`, and the description of the service under `/docs`."""
    names = sorted(path.name for path in FOLDER.iterdir() if path.suffix in KINDS)

    async def file(name: str, request: Request) -> Response:
        return (
            page_file(name, request) if name in names else Response("There is no such file.", 404)
        )

    async def docs(request: Request) -> Response:
        return page_file("docs.html", request)

    app.get("/page/{name}", include_in_schema=False)(file)
    app.get("/docs", include_in_schema=False)(docs)


@cache
def _content(name: str) -> bytes:
    return (FOLDER / name).read_bytes()


@cache
def _compressed(name: str) -> bytes:
    return gzip.compress(_content(name), mtime=0)
