"""Downloads that resume and are verified."""

import hashlib
import http.client
import os
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from keras_rbi.datasets.archives.locate import find_extracted, missing_message, needed_files
from keras_rbi.datasets.dataset_info import BytesProgress, DatasetInfo

ATTEMPTS = 5
PAUSE = 2.0
TIMEOUT = 60.0
CHUNK = 2**18
BROKEN = (urllib.error.URLError, ConnectionError, TimeoutError, http.client.HTTPException)


def download(
    info: DatasetInfo,
    data_dir: str | Path,
    subset: str | None = None,
    progress: BytesProgress = lambda *_: None,
) -> None:
    """Downloads the files of a released set that are not there yet.

    What was broken off goes on where it stopped.

    Args:
        info: The set.
        data_dir: The folder for the files, which is made.
        subset: The option of the set, where it has one. Defaults to `None`.
        progress: Called with the name of a file, the bytes that are there and all of its bytes.

    Raises:
        ValueError: If the set has files that cannot be downloaded without its page, if a file
            cannot be had, or if it is not the one that was released.
    """
    data_dir = Path(data_dir)
    if find_extracted(info, data_dir) is not None:
        return
    files = [*needed_files(info, subset), *(file for file in info.files if not file.needed)]
    if any(file.url is None for file in files):
        raise ValueError(missing_message(info, data_dir, subset))
    data_dir.mkdir(parents=True, exist_ok=True)
    for file in files:
        path = data_dir / file.name
        if not path.is_file():
            assert file.url is not None
            assert file.checksum is not None
            fetch(file.url, path, file.checksum, progress)


def fetch(url: str, path: Path, checksum: str, progress: BytesProgress = lambda *_: None) -> None:
    """Downloads one file.

    Args:
        url: Its address.
        path: Where to put it. Until it is whole and right it is called `NAME.part`.
        checksum: `"sha256:..."` or `"md5:..."`.
        progress: As in `download`.

    Raises:
        ValueError: If it cannot be had, or is another file than expected.
    """
    part = path.with_name(path.name + ".part")
    for attempt in range(1, ATTEMPTS + 1):
        try:
            if _receive(url, part, path.name, progress):
                break
            reason = "the connection was closed early"
        except urllib.error.HTTPError as error:
            reason = f"the server responds {error.code} {error.reason}"
            if error.code < 500:
                raise ValueError(_failure(url, path, reason)) from error
        except BROKEN as error:
            reason = str(getattr(error, "reason", error)) or type(error).__name__
        except OSError as error:
            raise ValueError(f"{str(part)!r} cannot be written: {error.strerror}.") from error
        if attempt == ATTEMPTS:
            raise ValueError(_failure(url, path, reason))
        time.sleep(PAUSE)
    kind, _, expected = checksum.partition(":")
    found = _digest(part, kind)
    if found != expected:
        part.unlink()
        raise ValueError(
            f"{url} is not the file that was released: its {kind} is {found} instead of "
            f"{expected}. It was thrown away. Try again, or get it from the set's page."
        )
    os.replace(part, path)


def _receive(url: str, part: Path, name: str, progress: BytesProgress) -> bool:
    """Goes on with a file; returns whether it is whole."""
    have = part.stat().st_size if part.is_file() else 0
    request = urllib.request.Request(url, headers={"User-Agent": "keras-rbi"})
    if have:
        request.add_header("Range", f"bytes={have}-")
    try:
        response = urllib.request.urlopen(request, timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        # Nothing is left to send: the part is whole, or none of this file. The checksum tells.
        if error.code == 416 and have:
            return True
        raise
    with response:
        begin = _first_byte(response, have)
        length = response.headers.get("Content-Length")
        total = begin + int(length) if length else 0
        with part.open("r+b" if begin else "wb") as target:
            target.seek(begin)
            done = begin
            while chunk := response.read(CHUNK):
                target.write(chunk)
                done += len(chunk)
                progress(name, done, total)
    return not total or done >= total


def _first_byte(response: Any, have: int) -> int:
    """The place in the file that the response begins at."""
    if response.status != 206:
        return 0
    content_range = response.headers.get("Content-Range", "")
    if not content_range.startswith(f"bytes {have}-"):
        raise http.client.HTTPException(f"the server sent {content_range!r} for bytes {have}-")
    return have


def _digest(path: Path, kind: str) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, kind).hexdigest()


def _failure(url: str, path: Path, reason: str) -> str:
    return (
        f"{url} cannot be downloaded: {reason}. Call again to go on with what is there, or get the "
        f"file yourself and put it at {str(path)!r}."
    )
