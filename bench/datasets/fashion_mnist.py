"""Fashion-MNIST from its four idx files, or from Debian's package ``dataset-fashion-mnist``.

Its 28x28 grey images stand in a black margin of two pixels, three times, so that networks of 32x32
colour images take them. Licence: MIT. Source: Xiao et al. 2017, "Fashion-MNIST: a Novel Image
Dataset for Benchmarking Machine Learning Algorithms".
"""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ._dataset import Arrays, Dataset
from ._layouts import MIB, Layout, arrays_layout, checked_labels, read_place, unreadable
from ._members import Members

_N_CLASSES, _SIDE, _MARGIN = 10, 28, 2
_COUNTS = {"train": 60_000, "test": 10_000}
_FILES = (
    *("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    *("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
)
_DEBIAN = Path("/usr/share/datasets/fashion-mnist")
_MAX_FILE = 64 * MIB
_IMAGES, _LABELS = b"\0\0\x08\x03", b"\0\0\x08\x01"  # uint8 with three axes, and with one


def idx(content: bytes, start: bytes, where: str, limit: int = _MAX_FILE) -> NDArray[np.uint8]:
    """The array of an idx file, packed or not.

    Args:
        content: all bytes of the file.
        start: its first four bytes, which say the type and the number of axes.
        where: place of the file, for messages.
        limit: the most bytes that it may expand to.

    Raises:
        DatasetError: it is damaged, or of another type.
    """
    if content[:2] == b"\x1f\x8b":
        inflate = zlib.decompressobj(wbits=31)
        try:
            content = inflate.decompress(content, limit)
        except zlib.error as error:
            raise unreadable(where, str(error)) from error
        if not inflate.eof:
            raise unreadable(where, f"it is cut short, or expands to more than {limit} bytes")
    n_axes = start[3]
    if content[:4] != start or len(content) < 4 + 4 * n_axes:
        raise unreadable(where, f"it does not start as an idx file of {n_axes} axes of bytes")
    shape = tuple(np.frombuffer(content, ">u4", n_axes, 4).tolist())
    held = len(content) - 4 - 4 * n_axes
    if int(np.prod([float(side) for side in shape])) != held:
        raise unreadable(where, f"it declares {shape} and holds {held} bytes")
    return np.frombuffer(content, np.uint8, offset=4 + 4 * n_axes).reshape(shape)


def _colour(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Grey images (n, 28, 28) as (n, 32, 32, 3)."""
    margin = ((0, 0), (_MARGIN, _MARGIN), (_MARGIN, _MARGIN))
    return np.repeat(np.pad(images, margin)[..., None], 3, axis=3)


def _read_idx(files: Members, ending: str) -> Arrays:
    arrays: Arrays = {}
    for split, prefix in (("train", "train"), ("test", "t10k")):
        names = [f"{prefix}-{what}{ending}" for what in ("images-idx3-ubyte", "labels-idx1-ubyte")]
        contents = [files.read(name, _MAX_FILE) for name in names]
        images = idx(contents[0], _IMAGES, files.where(names[0]))
        labels = idx(contents[1], _LABELS, files.where(names[1]))
        n = _COUNTS[split]
        if images.shape != (n, _SIDE, _SIDE):
            raise unreadable(files.where(names[0]), f"it has {images.shape}, expected {n} images")
        arrays[f"x_{split}"] = _colour(images)
        arrays[f"y_{split}"] = checked_labels(labels, n, _N_CLASSES, files.where(names[1]))
    return arrays


def _layout(ending: str) -> Layout:
    files = dict.fromkeys((f"{name}{ending}" for name in _FILES), _MAX_FILE)
    return Layout("FashionMNIST/raw", files, lambda members: _read_idx(members, ending))


_LAYOUTS = (arrays_layout(256 * MIB), _layout(".gz"), _layout(""))


def read(place: Path) -> Arrays | None:
    """The four arrays, unchecked; None where there are none.

    Args:
        place: a folder with the four idx files, packed or not, or torchvision's folder above it,
            or ``.npy`` files. Where it has none, the folder of Debian's package is looked at.

    Raises:
        DatasetError: a file that is damaged, or larger than it may be.
    """
    arrays = read_place(place, _LAYOUTS)
    if arrays is None and not place.exists():
        arrays = read_place(_DEBIAN, _LAYOUTS)
    return arrays


DATASET = Dataset(
    name="fashion_mnist",
    n_classes=_N_CLASSES,
    classes=(
        *("T-shirt/top", "trouser", "pullover", "dress", "coat"),
        *("sandal", "shirt", "sneaker", "bag", "ankle boot"),
    ),
    height=_SIDE + 2 * _MARGIN,
    mean=(0.2190, 0.2190, 0.2190),
    std=(0.3318, 0.3318, 0.3318),
    n_val=5000,
    split_seed=0,
    # Of the arrays of Debian's package: it packs the files anew, and unpacked they have the MD5
    # of the published ones (f4a8712d..., 9018921c..., 8181f547..., 15d48437...).
    hashes={
        "x_train": "11eb08e06ebca3187972f539cef01f42146e13535ef04b92cc3169da3906f599",
        "y_train": "657fbd221bfc9f4198cc14b5619cc33ec57c58dd0e47af4d99d6650759e869a7",
        "x_test": "f8d50c372b3e2ce3dfc8924d6d23d84464789c7f70ebb34bd0b86b4ddb6ba90c",
        "y_test": "3d0e6c6ea990b53b6f8f500a41cac93881d981b315f84578b7d915342ade01e9",
    },
    read=read,
    how_to_get="Get them with: biglittle data fetch fashion_mnist, or install Debian's package "
    "dataset-fashion-mnist.",
    official=tuple(
        f"http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/{name}.gz" for name in _FILES
    ),
)
