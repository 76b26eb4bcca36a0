"""Tar files: equal members are equal bytes, and Python's own reader agrees with ours."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
from pathlib import Path

import pytest

from biglittle.bench.bounded import LimitError
from biglittle.bench.tar import BLOCK, TarStream, headers, write_tar


def test_bytes_hang_on_names_and_contents_alone(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"content")
    first = write_tar(tmp_path / "a.tar", {"x": b"1", "y/z": file})
    file.chmod(0o700)
    os.utime(file, (1e9, 1e9))
    assert write_tar(tmp_path / "b.tar", {"x": b"1", "y/z": file}) == first
    assert (tmp_path / "a.tar").read_bytes() == (tmp_path / "b.tar").read_bytes()
    assert hashlib.sha256((tmp_path / "a.tar").read_bytes()).hexdigest() == first
    with tarfile.open(tmp_path / "a.tar") as archive:
        assert archive.getnames() == ["x", "y/z"]
        assert archive.extractfile("y/z").read() == b"content"  # type: ignore[union-attr]


def test_members_are_read_in_their_order(tmp_path: Path) -> None:
    write_tar(tmp_path / "a.tar", {"x": b"1" * 600, "y": b"", "z": b"3"})
    content = (tmp_path / "a.tar").read_bytes()
    stream = TarStream(io.BytesIO(content), len(content))
    seen = []
    for name, kind, size in headers(stream, 10):
        assert kind == b"0"
        seen.append((name, b"".join(stream.parts(size))))
        stream.skip(-size % BLOCK)
    assert seen == [("x", b"1" * 600), ("y", b""), ("z", b"3")]


def test_limits_hold() -> None:
    stream = TarStream(io.BytesIO(b"x" * 100), 50)
    with pytest.raises(LimitError, match="more than"):
        stream.read(51)
    with pytest.raises(EOFError, match="cut short"):
        TarStream(io.BytesIO(b"x"), 50).read(2)


def test_a_name_that_a_header_cannot_hold_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="longer name"):
        write_tar(tmp_path / "a.tar", {"x" * 101: b""})
    assert list(tmp_path.iterdir()) == []
