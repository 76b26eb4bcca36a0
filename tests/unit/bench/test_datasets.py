"""Data sets: three layouts of CIFAR-10 on disk, and what is said when the images are not right."""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path

import numpy as np
import pytest

from biglittle.bench.datasets import Dataset, Images, cifar10, data_folder, get_dataset
from biglittle.bench.datasets._dataset import array_hash, stratified_split
from biglittle.bench.errors import DatasetError, MissingExtraError, UnknownNameError

BATCHES = [f"data_batch_{i}" for i in range(1, 6)] + ["test_batch"]
N = 20  # images a batch in the small files written here; the real ones hold 10,000


@pytest.fixture
def arrays() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {
        "x_train": rng.integers(0, 256, (5 * N, 32, 32, 3), np.uint8),
        "y_train": np.tile(np.arange(10, dtype=np.uint8), 5 * N // 10),
        "x_test": rng.integers(0, 256, (N, 32, 32, 3), np.uint8),
        "y_test": np.tile(np.arange(10, dtype=np.uint8), N // 10),
    }


@pytest.fixture
def small(arrays: dict[str, np.ndarray], monkeypatch: pytest.MonkeyPatch) -> Dataset:
    """CIFAR-10 as it is read, with the hashes of ``arrays``."""
    monkeypatch.setattr(cifar10, "_BATCH", N)
    hashes = {key: array_hash(array) for key, array in arrays.items()}
    return dataclasses.replace(get_dataset("cifar10"), hashes=hashes, n_val=10)


def _batches(arrays: dict[str, np.ndarray]) -> list[tuple[str, np.ndarray, np.ndarray]]:
    x = [*np.split(arrays["x_train"], 5), arrays["x_test"]]
    y = [*np.split(arrays["y_train"], 5), arrays["y_test"]]
    return list(zip(BATCHES, x, y, strict=True))


def _write_arrays(folder: Path, arrays: dict[str, np.ndarray]) -> None:
    for key, array in arrays.items():
        np.save(folder / f"{key}.npy", array)


def _write_binary(folder: Path, arrays: dict[str, np.ndarray]) -> None:
    inner = folder / "cifar-10-batches-bin"
    inner.mkdir()
    for name, x, y in _batches(arrays):
        planar = x.transpose(0, 3, 1, 2).reshape(N, -1)
        np.concatenate([y[:, None], planar], axis=1).tofile(inner / f"{name}.bin")


def _write_npm(folder: Path, arrays: dict[str, np.ndarray]) -> None:
    image = pytest.importorskip("PIL.Image")
    inner = folder / "package"
    inner.mkdir()
    for name, x, _ in _batches(arrays):
        image.fromarray(x.reshape(N, 1024, 3)).save(inner / f"{name}.png")
    for split in ("train", "test"):
        labels = json.dumps(arrays[f"y_{split}"].tolist())
        (inner / f"{split}_lables.json").write_text(labels)


@pytest.mark.parametrize("write", [_write_arrays, _write_binary, _write_npm])
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


def test_an_altered_image_is_refused(
    tmp_path: Path, small: Dataset, arrays: dict[str, np.ndarray]
) -> None:
    arrays["x_test"][0, 0, 0, 0] ^= 1
    _write_arrays(tmp_path, arrays)
    expected = small.hashes["x_test"][:12]
    with pytest.raises(DatasetError, match=rf"array x_test .* expected {expected}.*altered"):
        small.load(tmp_path)


def test_a_truncated_binary_says_got_and_expected(
    tmp_path: Path, small: Dataset, arrays: dict[str, np.ndarray]
) -> None:
    _write_binary(tmp_path, arrays)
    path = tmp_path / "cifar-10-batches-bin" / "data_batch_3.bin"
    path.write_bytes(path.read_bytes()[:-1])
    size = N * 3073
    message = rf"data_batch_3\.bin has {size - 1} bytes, expected {size}: .*truncated"
    with pytest.raises(DatasetError, match=message):
        small.load(tmp_path)


def test_a_truncated_array_is_a_data_set_error(
    tmp_path: Path, small: Dataset, arrays: dict[str, np.ndarray]
) -> None:
    _write_arrays(tmp_path, arrays)
    path = tmp_path / "x_train.npy"
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(DatasetError, match=r"x_train\.npy cannot be read"):
        small.load(tmp_path)


def test_a_truncated_png_is_a_data_set_error(
    tmp_path: Path, small: Dataset, arrays: dict[str, np.ndarray]
) -> None:
    _write_npm(tmp_path, arrays)
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
    with pytest.raises(MissingExtraError, match=r"PNG.*'PIL'.*pip install 'biglittle\[train\]'"):
        get_dataset("cifar10").load(tmp_path)


def test_unknown_data_set_names_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'cifar10'"):
        get_dataset("cifar-10")


def test_the_folder_comes_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BIGLITTLE_DATA", str(tmp_path))
    assert data_folder() == tmp_path
    monkeypatch.delenv("BIGLITTLE_DATA")
    assert data_folder().name == "biglittle"


def test_a_split_is_stratified_disjoint_and_fixed_by_its_seed() -> None:
    labels = np.random.default_rng(0).permutation(np.repeat(np.arange(10), 50)).astype(np.uint8)
    train, val = stratified_split(labels, 100, seed=0)
    assert np.bincount(labels[val]).tolist() == [10] * 10
    assert np.array_equal(np.sort(np.concatenate([train, val])), np.arange(500))
    assert np.array_equal(val, stratified_split(labels, 100, seed=0)[1])
    assert not np.array_equal(val, stratified_split(labels, 100, seed=1)[1])


def test_a_subset_keeps_the_order_asked_for(arrays: dict[str, np.ndarray]) -> None:
    images = Images(arrays["x_test"], arrays["y_test"])
    subset = images.subset(np.array([7, 3]))
    assert subset.labels.tolist() == [7, 3]
    assert len(subset) == 2


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
