"""Fashion-MNIST from idx files of its form, packed and not."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

from biglittle.bench.datasets import fashion_mnist, get_dataset
from biglittle.bench.errors import DatasetError
from biglittle.bench.spaces import get_space

N = {"train": 20, "test": 10}


def images(n: int) -> bytes:
    pixels = np.random.default_rng(n).integers(1, 256, (n, 28, 28), np.uint8)
    return struct.pack(">4B3I", 0, 0, 8, 3, n, 28, 28) + pixels.tobytes()


def labels(n: int) -> bytes:
    return struct.pack(">4BI", 0, 0, 8, 1, n) + bytes(i % 10 for i in range(n))


@pytest.fixture(params=[".gz", ""])
def folder(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(fashion_mnist, "_COUNTS", N)
    for prefix, n in (("train", N["train"]), ("t10k", N["test"])):
        for name, content in (("images-idx3", images(n)), ("labels-idx1", labels(n))):
            packed = gzip.compress(content) if request.param else content
            (tmp_path / f"{prefix}-{name}-ubyte{request.param}").write_bytes(packed)
    return tmp_path


def test_images_stand_in_a_margin_in_three_colours(folder: Path) -> None:
    arrays = get_dataset("fashion_mnist").read(folder)
    assert arrays is not None
    x = arrays["x_train"]
    assert x.shape == (20, 32, 32, 3)
    assert np.array_equal(x[..., 0], x[..., 2])
    whole = np.frombuffer(images(20)[16:], np.uint8).reshape(20, 28, 28)
    assert np.array_equal(x[:, 2:-2, 2:-2, 1], whole)
    assert int(x.sum()) == 3 * int(whole.sum(dtype=np.int64))  # the margin is black
    assert arrays["y_test"].tolist() == list(range(10))


def test_it_fits_the_space_of_the_shipped_table() -> None:
    dataset = get_dataset("fashion-mnist")
    get_space("fbnet").check_images(dataset.name, dataset.height)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "does not start as an idx file of 3 axes"),
        (labels(20), "does not start as an idx file of 3 axes"),
        (images(20)[:-1], r"declares \(20, 28, 28\) and holds 15679 bytes"),
        (struct.pack(">4B3I", 0, 0, 8, 3, *[2**32 - 1] * 3), "declares .4294967295"),
        (images(19), "expected 20 images"),
        (gzip.compress(images(20))[:-9], "cut short"),
        (b"\x1f\x8b" + b"x" * 50, "cannot be read"),
    ],
)
def test_other_contents_are_refused(folder: Path, content: bytes, text: str) -> None:
    (file,) = folder.glob("train-images*")
    file.write_bytes(content)
    with pytest.raises(DatasetError, match=text):
        fashion_mnist.read(folder)


def test_a_gzip_bomb_is_not_unpacked(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (file,) = folder.glob("train-images*")
    file.write_bytes(gzip.compress(bytes(10**6)))
    with pytest.raises(DatasetError, match="expands to more than 1000 bytes"):
        fashion_mnist.idx(file.read_bytes(), b"\0\0\x08\x03", "here", 1000)


@pytest.mark.skipif(not fashion_mnist._DEBIAN.exists(), reason="Debian's package is not installed")
def test_debians_package_is_what_was_published(tmp_path: Path) -> None:
    assert len(get_dataset("fashion_mnist").load(tmp_path / "none")["test"]) == 10_000
