"""SVHN, cropped digits, from the two ``.mat`` files; the label 10, a zero, becomes 0.

For non-commercial use: they are read, never shipped. Source: Netzer et al. 2011, "Reading Digits in
Natural Images with Unsupervised Feature Learning"; MD5 of the files: those that torchvision checks.
"""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import numpy as np

from ._dataset import Arrays, Dataset
from ._layouts import MIB, Layout, arrays_layout, checked_labels, read_place, unreadable
from ._members import Members

_N_CLASSES, _SIZE = 10, 32
_COUNTS = {"train": 73_257, "test": 26_032}
_MD5 = {"train": "e26dedcc434d2e4c54c9b2d4a06d8373", "test": "eb5a983be6a315427106f1b164d9cef3"}
_MAX_FILE = 256 * MIB


def _read_matlab(files: Members) -> Arrays:
    """Two MATLAB files, each with pixels ``X`` (32, 32, 3, n) and labels ``y`` (n, 1), 1 to 10.

    SciPy's reader trusts what a file declares, so it sees no file but those that were published.
    """
    from scipy.io import loadmat  # type: ignore[import-untyped]

    arrays: Arrays = {}
    for split, n in _COUNTS.items():
        name = f"{split}_32x32.mat"
        content = files.read(name, _MAX_FILE)
        got = hashlib.md5(content, usedforsecurity=False).hexdigest()
        if got != _MD5[split]:
            raise unreadable(
                files.where(name), f"its MD5 is {got[:12]}..., published is {_MD5[split][:12]}..."
            )
        held = loadmat(io.BytesIO(content), variable_names=["X", "y"])
        pixels, labels = np.asarray(held["X"]), np.asarray(held["y"]).reshape(-1)
        if pixels.dtype != np.uint8 or pixels.shape != (_SIZE, _SIZE, 3, n):
            raise unreadable(files.where(name), f"its X is {pixels.dtype} of {pixels.shape}")
        arrays[f"x_{split}"] = np.ascontiguousarray(pixels.transpose(3, 0, 1, 2))
        digits = np.where(labels == _N_CLASSES, 0, labels)
        arrays[f"y_{split}"] = checked_labels(digits, n, _N_CLASSES, files.where(name))
    return arrays


_LAYOUTS = (
    arrays_layout(),
    Layout("", {f"{split}_32x32.mat": _MAX_FILE for split in _COUNTS}, _read_matlab),
)


def read(place: Path) -> Arrays | None:
    """The four arrays, unchecked; None where there are none.

    Args:
        place: a folder with ``train_32x32.mat`` and ``test_32x32.mat`` (as torchvision keeps them),
            or with ``.npy`` files.

    Raises:
        DatasetError: a file that is damaged, or not the published one.
    """
    return read_place(place, _LAYOUTS)


DATASET = Dataset(
    name="svhn",
    n_classes=_N_CLASSES,
    classes=tuple("0123456789"),
    height=_SIZE,
    mean=(0.4377, 0.4438, 0.4728),
    std=(0.1980, 0.2010, 0.1970),
    n_val=5000,
    split_seed=0,
    hashes={},  # nobody publishes those of the arrays; the files' are compared
    read=read,
    how_to_get="Get them with: biglittle data fetch svhn",
    official=tuple(f"http://ufldl.stanford.edu/housenumbers/{s}_32x32.mat" for s in _COUNTS),
)
