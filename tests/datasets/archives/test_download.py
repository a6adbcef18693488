"""Downloads from a server of our own, which can be made to fail."""

import contextlib
import dataclasses
import hashlib
import tarfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import released

from keras_rbi.datasets import load
from keras_rbi.datasets.archives import download
from keras_rbi.datasets.archives.download import fetch
from keras_rbi.datasets.catalogue import DATASETS
from keras_rbi.datasets.dataset_info import ReleasedFile


class Server(ThreadingHTTPServer):
    """Serves `content` and remembers the ranges that were asked for.

    `cuts` are the numbers of bytes after which responses are broken off, one for each response.
    """

    content = b""
    files: dict = {}  # noqa: RUF012
    ranges_work = True
    status = None
    wrong_range = False

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked = []
        self.cuts = []


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        server = self.server
        asked = self.headers.get("Range")
        server.asked.append(asked)
        if server.status:
            self.send_error(server.status)
            return
        content = server.files.get(self.path.strip("/"), server.content)
        begin = int(asked[6:-1]) if asked and server.ranges_work else 0
        if begin >= len(content) > 0:
            self.send_error(416)
            return
        self.send_response(206 if begin else 200)
        if begin:
            first = 0 if server.wrong_range else begin
            self.send_header("Content-Range", f"bytes {first}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(content) - begin))
        self.end_headers()
        cut = server.cuts.pop(0) if server.cuts else None
        with contextlib.suppress(ConnectionError):
            self.wfile.write(content[begin:] if cut is None else content[begin : begin + cut])

    def log_message(self, *_):
        """Says nothing."""


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(download, "PAUSE", 0.0)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    server = Server()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    server.url = f"http://127.0.0.1:{server.server_port}/"
    server.content = bytes(range(256)) * 4096
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def sha256(content):
    return "sha256:" + hashlib.sha256(content).hexdigest()


def test_a_file_arrives_whole_with_its_progress(server, tmp_path):
    steps = []
    path = tmp_path / "x.tar"
    fetch(server.url, path, sha256(server.content), lambda *step: steps.append(step))
    assert path.read_bytes() == server.content
    assert steps[-1] == ("x.tar", 2**20, 2**20)
    assert [done for _, done, _ in steps] == sorted({done for _, done, _ in steps})
    assert list(tmp_path.iterdir()) == [path]


def test_a_broken_download_goes_on_where_it_stopped(server, tmp_path):
    server.cuts = [1000, 5000]
    fetch(server.url, tmp_path / "x.tar", sha256(server.content))
    assert (tmp_path / "x.tar").read_bytes() == server.content
    assert server.asked == [None, "bytes=1000-", "bytes=6000-"]


def test_a_killed_download_goes_on_in_the_next_call(server, tmp_path):
    (tmp_path / "x.tar.part").write_bytes(server.content[:300_000])
    fetch(server.url, tmp_path / "x.tar", sha256(server.content))
    assert (tmp_path / "x.tar").read_bytes() == server.content
    assert server.asked == ["bytes=300000-"]


def test_a_part_that_is_whole_is_taken(server, tmp_path):
    (tmp_path / "x.tar.part").write_bytes(server.content)
    fetch(server.url, tmp_path / "x.tar", sha256(server.content))
    assert (tmp_path / "x.tar").read_bytes() == server.content


def test_a_server_without_ranges_starts_over(server, tmp_path):
    server.ranges_work = False
    server.cuts = [700_000, 1000]
    fetch(server.url, tmp_path / "x.tar", sha256(server.content))
    assert (tmp_path / "x.tar").read_bytes() == server.content
    # The second response begins anew and leaves 1,000 bytes; the third asks for what follows them.
    assert server.asked == [None, "bytes=700000-", "bytes=1000-"]


def test_another_file_is_thrown_away(server, tmp_path):
    with pytest.raises(ValueError, match="not the file that was released: its sha256"):
        fetch(server.url, tmp_path / "x.tar", sha256(b"other"))
    assert list(tmp_path.iterdir()) == []


def test_what_a_server_refuses_is_told_at_once(server, tmp_path):
    server.status = 404
    with pytest.raises(ValueError, match=r"404 .*x.tar"):
        fetch(server.url, tmp_path / "x.tar", sha256(b""))
    assert len(server.asked) == 1


@pytest.mark.parametrize("trouble", ["status", "range", "cuts", "nobody"])
def test_trouble_that_goes_on_ends(server, tmp_path, trouble):
    url = server.url
    if trouble == "status":
        server.status = 503
    elif trouble == "range":
        (tmp_path / "x.tar.part").write_bytes(b"abc")
        server.wrong_range = True
    elif trouble == "cuts":
        server.cuts = [10] * 5
    else:
        # A port that was just free.
        url = "http://127.0.0.1:1/"
    with pytest.raises(ValueError, match="cannot be downloaded") as raised:
        fetch(url, tmp_path / "x.tar", sha256(server.content))
    assert "\n" not in str(raised.value)
    assert not (tmp_path / "x.tar").exists()
    if trouble == "cuts":
        assert (tmp_path / "x.tar.part").read_bytes() == server.content[:50]


def test_load_downloads_what_is_missing(server, tmp_path, monkeypatch):
    released.cub_200_2011(tmp_path / "made")
    archive = tmp_path / "CUB_200_2011.tgz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(tmp_path / "made", ".")
    content = archive.read_bytes()
    server.files = {"CUB_200_2011.tgz": content}
    info = DATASETS["cub_200_2011"]
    files = (ReleasedFile("CUB_200_2011.tgz", server.url + "CUB_200_2011.tgz", sha256(content)),)
    monkeypatch.setitem(DATASETS, info.name, dataclasses.replace(info, files=files))
    with pytest.warns(match="not as it should be"):
        data = load("cub_200_2011", tmp_path / "data", "test", 8, download=True)
    assert len(data) == 6
    with pytest.warns(match="not as it should be"):
        load("cub_200_2011", tmp_path / "data", "train", 8, download=True)
    assert len(server.asked) == 1


def test_sets_without_a_public_address_name_their_page(tmp_path):
    with pytest.raises(ValueError, match=r"nabirds.tar.gz.*allaboutbirds.*cannot be downloaded"):
        load("nabirds", tmp_path, download=True)
    assert list(tmp_path.iterdir()) == []


def test_every_address_has_a_checksum():
    for info in DATASETS.values():
        for file in info.files:
            if file.url:
                kind, _, digest = file.checksum.partition(":")
                assert len(digest) == {"sha256": 64, "md5": 32}[kind]
