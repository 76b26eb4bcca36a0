"""CIFAR-10 as it is read: every layout on disk, and what is said when the images are not right."""

from __future__ import annotations

import os
import pickle
import sys
from pathlib import Path

import numpy as np
import pytest

from biglittle.bench.datasets import Dataset, data_folder, get_dataset
from biglittle.bench.errors import DatasetError, MissingExtraError

BATCHES = [f"data_batch_{i}" for i in range(1, 6)] + ["test_batch"]


N = 20  # images a batch in the small files of conftest.py


def test_every_layout_gives_the_same_images(
    tmp_path: Path, small: Dataset, arrays: dict[str, np.ndarray], write
) -> None:
    write(tmp_path, arrays)
    splits = small.load(tmp_path)
    assert {name: len(split) for name, split in splits.items()} == {
        "train": 5 * N - 10,
        "val": 10,
        "test": N,
    }
    assert np.array_equal(splits["test"].images, arrays["x_test"])
    assert splits["val"].labels.tolist() != sorted(splits["val"].labels)
    assert sorted(splits["val"].labels) == list(range(10))


def test_an_empty_folder_says_how_to_get_the_images(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"no cifar10 images in .*biglittle data fetch cifar10"):
        get_dataset("cifar10").load(tmp_path)


def test_a_truncated_binary_says_got_and_expected(
    tmp_path: Path, small: Dataset, arrays: dict[str, np.ndarray], layouts
) -> None:
    layouts["binary"](tmp_path, arrays)
    path = tmp_path / "cifar-10-batches-bin" / "data_batch_3.bin"
    path.write_bytes(path.read_bytes()[:-1])
    size = N * 3073
    message = rf"data_batch_3\.bin has {size - 1} bytes, expected {size}: .*truncated"
    with pytest.raises(DatasetError, match=message):
        small.load(tmp_path)


@pytest.mark.parametrize("protocol", range(6))
def test_pickles_of_every_protocol_are_read(
    tmp_path: Path, small: Dataset, arrays: dict[str, np.ndarray], protocol: int, layouts
) -> None:
    layouts["python"](tmp_path, arrays, protocol)
    assert np.array_equal(small.load(tmp_path)["test"].images, arrays["x_test"])


class _Calls:
    def __init__(self, function, *arguments: object) -> None:  # type: ignore[no-untyped-def]
        self.call = (function, arguments)

    def __reduce__(self):  # type: ignore[no-untyped-def]
        return self.call


@pytest.mark.parametrize(
    ("batch", "text"),
    [
        (_Calls(os.mkdir, "made-by-a-pickle"), r"asks for posix\.mkdir, which no array needs"),
        (_Calls(eval, "1 + 1"), r"asks for __builtin__\.eval"),
        ({b"labels": []}, "cannot be read"),
        (
            {b"labels": [0] * N, b"data": np.zeros((N, 5), np.uint8)},
            r"of shape \(20, 5\), expected",
        ),
        (
            {b"labels": [0], b"data": np.zeros((N, 3072), np.uint8)},
            "has list of 1 entries; expected 20 whole",
        ),
        ([1, 2], "cannot be read"),
    ],
)
def test_a_pickle_that_is_no_batch_is_refused_and_not_run(
    tmp_path: Path,
    small: Dataset,
    arrays: dict[str, np.ndarray],
    monkeypatch: pytest.MonkeyPatch,
    batch: object,
    text: str,
    layouts,
) -> None:
    monkeypatch.chdir(tmp_path)
    layouts["python"](tmp_path, arrays)
    path = tmp_path / "cifar-10-batches-py" / "data_batch_2"
    path.write_bytes(pickle.dumps(batch, protocol=2))
    with pytest.raises(DatasetError, match=text):
        small.load(tmp_path)
    assert not (tmp_path / "made-by-a-pickle").exists()


@pytest.mark.parametrize("name", ["cifar-10-python.tar.gz", "cifar-10-binary.tar.gz"])
def test_a_truncated_archive_is_a_data_set_error(
    tmp_path: Path, small: Dataset, arrays: dict[str, np.ndarray], name: str, layouts
) -> None:
    layouts["python archive"](tmp_path, arrays)
    (tmp_path / "cifar-10-python.tar.gz").rename(tmp_path / name)
    whole = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DatasetError, match=rf"{name} cannot be read"):
        small.load(tmp_path)


def test_a_truncated_array_is_a_data_set_error(
    tmp_path: Path, small: Dataset, arrays: dict[str, np.ndarray], layouts
) -> None:
    layouts["arrays"](tmp_path, arrays)
    path = tmp_path / "x_train.npy"
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(DatasetError, match=r"x_train\.npy cannot be read"):
        small.load(tmp_path)


def test_a_truncated_png_is_a_data_set_error(
    tmp_path: Path, small: Dataset, arrays: dict[str, np.ndarray], layouts
) -> None:
    layouts["npm"](tmp_path, arrays)
    path = tmp_path / "package" / "test_batch.png"
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(DatasetError, match=r"test_batch\.png cannot be read"):
        small.load(tmp_path)


def test_png_files_without_pillow_give_the_pip_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in BATCHES:
        (tmp_path / f"{name}.png").touch()
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(
        MissingExtraError,
        match=r"PNG.*'PIL'.*pip install --constraint constraints\.txt '\.\[train\]'",
    ):
        get_dataset("cifar10").load(tmp_path)


@pytest.mark.cifar10
def test_the_real_images_split_as_the_table_says() -> None:
    dataset = get_dataset("cifar10")
    if dataset.read(data_folder() / "cifar10") is None:
        pytest.skip(f"no CIFAR-10 in {data_folder()}: biglittle data fetch cifar10")
    splits = dataset.load()
    assert {k: len(v) for k, v in splits.items()} == {"train": 45000, "val": 5000, "test": 10000}
    assert np.bincount(splits["val"].labels).tolist() == [500] * 10
    pixels = splits["train"].images.reshape(-1, 3)
    assert pixels.mean(axis=0, dtype=float) / 255 == pytest.approx(dataset.mean, abs=1e-3)
    assert pixels.std(axis=0, dtype=float) / 255 == pytest.approx(dataset.std, abs=1e-3)
