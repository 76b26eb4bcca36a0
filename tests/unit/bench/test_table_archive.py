"""Archives of tables: loaded by path or by address, never unverified and never half unpacked."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from biglittle.bench import Benchmark
from biglittle.bench import table_archive as module
from biglittle.bench.errors import BigLittleError, DownloadError, TableError
from biglittle.bench.shipped_tables import find_table
from biglittle.bench.table_archive import (
    CONTENTS,
    Member,
    archived_table,
    contents_json,
    is_address,
    is_archive,
    read_archive,
)
from biglittle.bench.tar import write_tar


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of data sets, empty."""
    monkeypatch.setenv("BIGLITTLE_DATA", str(tmp_path / "data"))
    return tmp_path / "data" / "tables"


@pytest.fixture
def archive(tmp_path: Path, path: Path) -> tuple[Path, str]:
    """An archive of a small table, and its hash."""
    files = {"table.h5": path.read_bytes(), "table.json": path.with_suffix(".json").read_bytes()}
    members = {n: Member(len(c), hashlib.sha256(c).hexdigest()) for n, c in files.items()}
    target = tmp_path / "t.tar"
    return target, write_tar(target, {CONTENTS: contents_json("synthetic", members), **files})


@pytest.fixture
def address(archive: tuple[Path, str]) -> Iterator[str]:
    """The address of that archive on a server of this machine."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    folder = str(archive[0].parent)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder)) as server:
        thread = threading.Thread(target=partial(server.serve_forever, poll_interval=0.02))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/t.tar"
        server.shutdown()
        thread.join()


def test_an_archive_is_a_table(archive: tuple[Path, str], data: Path, path: Path) -> None:
    file, sha256 = archive
    for given in (Benchmark.load(file), Benchmark.load(f"{file}#sha256={sha256}")):
        assert given.table.path == data / sha256 / "table.h5"
        assert given.architectures == Benchmark.load(path).architectures
    assert sorted(p.name for p in data.iterdir()) == [sha256]


def test_an_address_is_a_table(archive: tuple[Path, str], address: str, data: Path) -> None:
    file, sha256 = archive
    bench = Benchmark.load(address, sha256=sha256.upper())
    assert bench.table.path == data / sha256 / "table.h5"
    assert sorted(p.name for p in data.iterdir()) == [sha256]
    file.unlink()  # what is here is not fetched again
    assert find_table(f"{address}#sha256={sha256}") == bench.table.path


def test_an_address_needs_its_hash(address: str, archive: tuple[Path, str], data: Path) -> None:
    with pytest.raises(TableError, match="nothing is fetched unverified; put #sha256=HASH"):
        Benchmark.load(address)
    with pytest.raises(TableError, match="expected 64 hexadecimal digits"):
        Benchmark.load(address, sha256="abc")
    with pytest.raises(DownloadError, match=f"has SHA-256 {archive[1]}, expected"):
        Benchmark.load(address, sha256="0" * 64)
    assert not [p for p in data.rglob("*") if p.is_file()]


def test_another_hash_of_a_file_is_refused(archive: tuple[Path, str], path: Path) -> None:
    for file in (archive[0], path):
        with pytest.raises(TableError, match=f"expected {'0' * 64}"):
            Benchmark.load(file, sha256="0" * 64)
    assert len(Benchmark.load(path, sha256=hashlib.sha256(path.read_bytes()).hexdigest())) == 12


def test_no_part_of_an_archive_is_believed_twice(
    archive: tuple[Path, str], data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that runs full, or a kill, in the middle of unpacking leaves no table."""
    file, sha256 = archive

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module.os, "fsync", full)
    with pytest.raises(TableError, match=r"cannot be unpacked .*No space left.*BIGLITTLE_DATA"):
        archived_table(file)
    assert list(data.iterdir()) == []
    monkeypatch.undo()
    monkeypatch.setenv("BIGLITTLE_DATA", str(data.parent))
    (data / f".{sha256}.partial").mkdir()  # of a process that was killed
    (data / f".{sha256}.partial" / "table.h5").write_bytes(b"half")
    assert len(Benchmark.load(file)) == 12
    assert [p.name for p in data.iterdir()] == [sha256]


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(TableError, match=r"absent\.tar cannot be read .*no such file"):
        Benchmark.load(tmp_path / "absent.tar")


def test_contents_are_compared_without_unpacking(archive: tuple[Path, str]) -> None:
    contents = read_archive(archive[0])
    assert (contents.name, list(contents.files)) == ("synthetic", ["table.h5", "table.json"])


def test_what_an_archive_is_called() -> None:
    assert is_address("https://host/t.tar")
    assert not is_address("C:/t.tar")
    assert is_archive("t.tar#sha256=00")
    assert not is_archive("t.h5")
    with pytest.raises(BigLittleError, match="https:// or http://"):
        archived_table("ftp://host/t.tar", "0" * 64)
