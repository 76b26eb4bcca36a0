"""CIFAR-100 from files of its two published forms; nothing in them is run."""

from __future__ import annotations

import pickle
import tarfile
from pathlib import Path

import numpy as np
import pytest

from biglittle.bench.datasets import cifar100, get_dataset
from biglittle.bench.errors import DatasetError

N = {"train": 6, "test": 4}


@pytest.fixture
def arrays(monkeypatch: pytest.MonkeyPatch) -> dict[str, np.ndarray]:
    """A few images and labels; the fine label of the last is the highest."""
    monkeypatch.setattr(cifar100, "_COUNTS", N)
    rng = np.random.default_rng(0)
    arrays = {}
    for split, n in N.items():
        arrays[f"x_{split}"] = rng.integers(0, 256, (n, 32, 32, 3), np.uint8)
        arrays[f"y_{split}"] = np.append(rng.integers(0, 99, n - 1), 99).astype(np.uint8)
    return arrays


def planar(pixels: np.ndarray) -> np.ndarray:
    return pixels.transpose(0, 3, 1, 2).reshape(len(pixels), -1)


def write_binary(folder: Path, arrays: dict[str, np.ndarray]) -> Path:
    inner = folder / "cifar-100-binary"
    inner.mkdir(exist_ok=True)
    for split in N:
        y = arrays[f"y_{split}"][:, None]
        coarse = np.full_like(y, 19)
        np.concatenate([coarse, y, planar(arrays[f"x_{split}"])], axis=1).tofile(
            inner / f"{split}.bin"
        )
    return inner


def write_python(folder: Path, arrays: dict[str, np.ndarray]) -> Path:
    inner = folder / "cifar-100-python"
    inner.mkdir(exist_ok=True)
    for split in N:
        held = {
            b"filenames": [b"name.png"],
            b"batch_label": b"one",
            b"fine_labels": arrays[f"y_{split}"].tolist(),
            b"coarse_labels": [0] * N[split],
            b"data": planar(arrays[f"x_{split}"]),
        }
        (inner / split).write_bytes(pickle.dumps(held, protocol=2))
    return inner


@pytest.mark.parametrize("write", [write_binary, write_python])
def test_both_forms_hold_the_same(tmp_path: Path, arrays: dict, write) -> None:  # type: ignore[no-untyped-def, type-arg]
    inner = write(tmp_path, arrays)
    for place in (tmp_path, inner):
        got = get_dataset("cifar100").read(place)
        assert got is not None
        assert all(np.array_equal(got[key], arrays[key]) for key in arrays)


def test_an_archive_of_a_published_name_is_what_was_published(
    tmp_path: Path,
    arrays: dict,  # type: ignore[type-arg]
) -> None:
    inner = write_binary(tmp_path, arrays)
    for name in ("cifar-100-binary.tar.gz", "own.tar.gz"):
        with tarfile.open(tmp_path / name, "w:gz") as archive:
            archive.add(inner, "cifar-100-binary")
    with pytest.raises(DatasetError, match=r"its md5 is \w+\.\.\., published is 03b5dce01913"):
        cifar100.read(tmp_path / "cifar-100-binary.tar.gz")
    got = cifar100.read(tmp_path / "own.tar.gz")
    assert got is not None
    assert np.array_equal(got["x_test"], arrays["x_test"])


class Runs:
    """What a pickle would do when it is read by Python's own reader."""

    def __reduce__(self):  # type: ignore[no-untyped-def]
        return (open, ("/tmp/biglittle-cifar100-was-run", "w"))


@pytest.mark.parametrize(
    ("held", "text"),
    [
        (Runs(), "cannot be read"),
        ({b"data": 1}, "holds no b'data' and b'fine_labels'"),
        ({b"data": b"x", b"fine_labels": []}, r"not bytes of shape \(6, 3072\)"),
        (
            {b"data": np.zeros((6, 3072), np.uint8), b"fine_labels": [0] * 5 + [100]},
            "the label 100; expected 6 whole numbers from 0 to 99",
        ),
    ],
)
def test_other_contents_are_refused(tmp_path: Path, arrays: dict, held: object, text: str) -> None:  # type: ignore[type-arg]
    write_python(tmp_path, arrays)
    (tmp_path / "cifar-100-python" / "train").write_bytes(pickle.dumps(held, protocol=2))
    with pytest.raises(DatasetError, match=text):
        cifar100.read(tmp_path)
    assert not Path("/tmp/biglittle-cifar100-was-run").exists()


def test_a_file_that_is_cut_short_is_refused(tmp_path: Path, arrays: dict) -> None:  # type: ignore[type-arg]
    file = write_binary(tmp_path, arrays) / "test.bin"
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(DatasetError, match=r"expected 12296: the file is truncated"):
        cifar100.read(tmp_path)


def test_there_are_a_hundred_classes() -> None:
    dataset = get_dataset("cifar100")
    assert len(set(dataset.classes)) == dataset.n_classes == 100
    assert list(dataset.classes) == sorted(dataset.classes)
