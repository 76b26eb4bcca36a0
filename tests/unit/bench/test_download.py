"""Downloads from a server on this machine: resumed, checked, and nothing kept that is not whole."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from biglittle.bench import download as module
from biglittle.bench.download import PART, download
from biglittle.bench.errors import DownloadError

CONTENT = bytes(range(256)) * 4096  # 1 MiB
HASH = hashlib.sha256(CONTENT).hexdigest()


class Handler(BaseHTTPRequestHandler):
    """Serves what its server is told to, in the way that it is told."""

    def do_GET(self) -> None:
        server: Server = self.server  # type: ignore[assignment]
        asked = self.headers.get("Range")
        server.asked.append(asked)
        content, start = server.content, 0
        if server.status != 200:
            self.send_error(server.status)
            return
        if asked and server.ranges:
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
            if start >= len(content):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(content)}")
                self.end_headers()
                return
            self.send_response(206)
            at = start if server.honest else 0
            self.send_header("Content-Range", f"bytes {at}-{len(content) - 1}/{len(content)}")
        else:
            self.send_response(200)
        if server.says_length:
            self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        rest = content[start:]
        if server.breaks_after:
            rest = rest[: server.breaks_after.pop(0)]
        self.wfile.write(rest)

    def log_message(self, *_: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    """A server with what it does as attributes."""

    content, status = CONTENT, 200
    ranges = says_length = honest = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[str | None] = []
        self.breaks_after: list[int] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/table.tar"


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        thread = threading.Thread(target=partial(running.serve_forever, poll_interval=0.02))
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def test_a_whole_file_is_fetched(server: Server, tmp_path: Path) -> None:
    steps: list[tuple[int, int | None]] = []
    download(server.url, HASH, tmp_path / "f", lambda done, total: steps.append((done, total)))
    assert (tmp_path / "f").read_bytes() == CONTENT
    assert [p.name for p in tmp_path.iterdir()] == ["f"]
    assert steps[-1] == (len(CONTENT), len(CONTENT))
    assert server.asked == [None]


def test_what_is_there_is_gone_on_from(server: Server, tmp_path: Path) -> None:
    (tmp_path / f"f{PART}").write_bytes(CONTENT[:1000])
    download(server.url, HASH, tmp_path / "f")
    assert server.asked == ["bytes=1000-"]
    assert (tmp_path / "f").read_bytes() == CONTENT


def test_a_connection_that_breaks_is_made_again(server: Server, tmp_path: Path) -> None:
    server.breaks_after = [1000, 2000]
    download(server.url, HASH, tmp_path / "f")
    assert server.asked == [None, "bytes=1000-", "bytes=3000-"]
    assert (tmp_path / "f").read_bytes() == CONTENT


def test_a_server_that_is_gone_leaves_what_came(server: Server, tmp_path: Path) -> None:
    server.breaks_after = [1000, 0]
    with pytest.raises(DownloadError, match="1,000 bytes are kept: run the same again to go on"):
        download(server.url, HASH, tmp_path / "f")
    assert [p.name for p in tmp_path.iterdir()] == [f"f{PART}"]
    download(server.url, HASH, tmp_path / "f")  # what the error says to do
    assert server.asked[-1] == "bytes=1000-"
    assert (tmp_path / "f").read_bytes() == CONTENT


@pytest.mark.parametrize("kind", ["no ranges", "other range", "no length"])
def test_a_server_without_ranges_is_read_from_the_start(
    server: Server, tmp_path: Path, kind: str
) -> None:
    server.ranges = kind != "no ranges"
    server.honest = kind != "other range"
    server.says_length = kind != "no length"
    (tmp_path / f"f{PART}").write_bytes(CONTENT[:1000])
    if kind == "other range":  # such a server is never believed
        with pytest.raises(DownloadError, match="another part of the file"):
            download(server.url, HASH, tmp_path / "f")
        server.ranges = False
    download(server.url, HASH, tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == CONTENT


def test_a_part_that_is_whole_is_not_fetched_again(server: Server, tmp_path: Path) -> None:
    (tmp_path / f"f{PART}").write_bytes(CONTENT)
    download(server.url, HASH, tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == CONTENT


def test_a_part_of_another_version_is_thrown_away(server: Server, tmp_path: Path) -> None:
    (tmp_path / f"f{PART}").write_bytes(b"x" * 1000)
    download(server.url, HASH, tmp_path / "f")
    assert server.asked == ["bytes=1000-", None]
    assert (tmp_path / "f").read_bytes() == CONTENT


def test_another_hash_leaves_nothing(server: Server, tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match=f"has SHA-256 {HASH}, expected {'0' * 64}"):
        download(server.url, "0" * 64, tmp_path / "f")
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_never_ends_is_stopped(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_BYTES", 1000)
    server.says_length = False
    with pytest.raises(DownloadError, match="sends more than"):
        download(server.url, HASH, tmp_path / "f")
    server.says_length = True
    with pytest.raises(DownloadError, match=r"has 1,048,576 bytes.*has room for 1,000"):
        download(server.url, HASH, tmp_path / "f")


@pytest.mark.parametrize(("status", "text"), [(404, "check the address"), (503, "Unavailable")])
def test_a_refusal_says_what_to_do(server: Server, tmp_path: Path, status: int, text: str) -> None:
    server.status = status
    with pytest.raises(DownloadError, match=text):
        download(server.url, HASH, tmp_path / "f")


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://host/f", "https://", "table.tar"])
def test_other_addresses_are_not_opened(tmp_path: Path, url: str) -> None:
    with pytest.raises(DownloadError, match="https:// or http://"):
        download(url, HASH, tmp_path / "f")


def test_a_host_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match=r"cannot be fetched \(.*refused"):
        download("http://127.0.0.1:9/f", HASH, tmp_path / "f")


def test_a_place_that_cannot_be_written_is_named(server: Server, tmp_path: Path) -> None:
    (tmp_path / f"f{PART}").mkdir()
    with pytest.raises(DownloadError, match="BIGLITTLE_DATA"):
        download(server.url, HASH, tmp_path / "f")
