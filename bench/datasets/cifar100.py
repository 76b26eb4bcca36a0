"""CIFAR-100, fine labels, from the official binary or python version; nothing is unpickled by name.

The pictures carry no licence: they are read, never shipped. Source: Krizhevsky 2009, "Learning
Multiple Layers of Features from Tiny Images"; MD5 of the archives: the page of the data set.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..errors import DatasetError
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

_N_CLASSES, _SIZE = 100, 32
_PIXELS = 3 * _SIZE * _SIZE
_COUNTS = {"train": 50_000, "test": 10_000}
_PUBLISHED = {
    "cifar-100-python.tar.gz": "md5-eb9058c3a382ffc7106e4002c42a8d85",
    "cifar-100-binary.tar.gz": "md5-03b5dce01913d631647c71ecec9e9cb8",
}
_MAX_FILE = 200 * MIB


def _read_binary(files: Members) -> Arrays:
    """Records of a coarse label, a fine label and 3072 pixel bytes, planar."""
    arrays: Arrays = {}
    for split, n in _COUNTS.items():
        where = files.where(f"{split}.bin")
        raw = np.frombuffer(files.read(f"{split}.bin", _MAX_FILE), np.uint8)
        if raw.size != n * (2 + _PIXELS):
            raise DatasetError(
                f"{where} has {raw.size} bytes, expected {n * (2 + _PIXELS)}: the file is "
                "truncated; fetch it again."
            )
        records = raw.reshape(n, 2 + _PIXELS)
        arrays[f"x_{split}"] = np.ascontiguousarray(interleaved(records[:, 2:], _SIZE))
        arrays[f"y_{split}"] = checked_labels(records[:, 1], n, _N_CLASSES, where)
    return arrays


def _read_pickled(files: Members) -> Arrays:
    """A dictionary for each split, of which plain values alone are read, never a name."""
    arrays: Arrays = {}
    for split, n in _COUNTS.items():
        where = files.where(split)
        try:
            held = load_plain(files.read(split, _MAX_FILE), encoding="bytes")
        except PickleError as error:
            raise unreadable(where, error) from error
        if not isinstance(held, dict) or not {b"data", b"fine_labels"} <= set(held):
            raise unreadable(where, "it holds no b'data' and b'fine_labels'")
        pixels = held[b"data"]
        whole = isinstance(pixels, np.ndarray) and pixels.shape == (n, _PIXELS)
        if not whole or pixels.dtype != np.uint8:
            raise unreadable(where, f"its pixels are not bytes of shape {(n, _PIXELS)}")
        arrays[f"x_{split}"] = np.ascontiguousarray(interleaved(pixels, _SIZE))
        arrays[f"y_{split}"] = checked_labels(held[b"fine_labels"], n, _N_CLASSES, where)
    return arrays


_LAYOUTS = (
    arrays_layout(_MAX_FILE),
    Layout("cifar-100-binary", {f"{split}.bin": _MAX_FILE for split in _COUNTS}, _read_binary),
    Layout("cifar-100-python", dict.fromkeys(_COUNTS, _MAX_FILE), _read_pickled),
)


def read(place: Path) -> Arrays | None:
    """The four arrays, unchecked; None where there are none.

    Args:
        place: a folder with ``.npy`` files, the official binary or python version (as torchvision
            keeps it), or the archive of one of them; or such an archive itself.

    Raises:
        DatasetError: a file that is damaged, or larger than it may be, or an archive of another
            hash than its publisher gives.
    """
    return read_place(place, _LAYOUTS, tuple(_PUBLISHED), _PUBLISHED)


_CLASSES = """
apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly
camel can castle caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup
dinosaur dolphin elephant flatfish forest fox girl hamster house kangaroo keyboard lamp lawn_mower
leopard lion lizard lobster man maple_tree motorcycle mountain mouse mushroom oak_tree orange orchid
otter palm_tree pear pickup_truck pine_tree plain plate poppy porcupine possum rabbit raccoon ray
road rocket rose sea seal shark shrew skunk skyscraper snail snake spider squirrel streetcar
sunflower sweet_pepper table tank telephone television tiger tractor train trout tulip turtle
wardrobe whale willow_tree wolf woman worm
"""

DATASET = Dataset(
    name="cifar100",
    n_classes=_N_CLASSES,
    classes=tuple(name.replace("_", " ") for name in _CLASSES.split()),
    height=_SIZE,
    mean=(0.5071, 0.4867, 0.4408),
    std=(0.2675, 0.2565, 0.2761),
    n_val=5000,
    split_seed=0,
    hashes={},  # nobody publishes those of the arrays; the archives' are compared
    read=read,
    how_to_get="Get them with: biglittle data fetch cifar100",
    official=("https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz",),
)
