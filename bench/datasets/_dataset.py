"""What a data set is: splits of images that are checked by hash before anyone uses them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..class_numbers import Classes
from ..errors import DatasetError
from ..home import home_folder

#: Where data sets are looked for when no folder is given.
DATA_FOLDER_VARIABLE = "BIGLITTLE_DATA"

#: The four arrays of a data set by name; labels of more than 256 classes take two bytes.
Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Images:
    """Images and labels of one split.

    Attributes:
        images: pixels, uint8, shape (n, height, width, channels).
        labels: true class of each image, shape (n,); uint8 up to 256 classes.
        index: where each stood in the set it was taken from, int64, shape (n,); None: as given.
    """

    images: NDArray[np.uint8]
    labels: Classes
    index: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.labels)

    def subset(self, index: NDArray[np.int64]) -> Images:
        """The images at ``index``, in that order."""
        origin = index if self.index is None else self.index[index]
        return Images(self.images[index], self.labels[index], origin)


def array_hash(array: NDArray[np.unsignedinteger[Any]]) -> str:
    """SHA-256 of an array's bytes in C order."""
    whole = np.ascontiguousarray(array).reshape(-1)
    return hashlib.sha256(whole.view(np.uint8).data).hexdigest()


def data_folder() -> Path:
    """The folder in which data sets are kept: ``$BIGLITTLE_DATA``, else a folder under home.

    Raises:
        NoHomeError: the user has no home, and the variable is not set.
    """
    if given := os.environ.get(DATA_FOLDER_VARIABLE):
        return Path(given)
    return home_folder(Path.home, DATA_FOLDER_VARIABLE) / ".cache" / "biglittle"


def stratified_split(
    labels: Classes, n_val: int, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Sorted indices of train and validation images, with every class equally shared out.

    Args:
        labels: true class of each image, shape (n,).
        n_val: number of validation images, a multiple of the number of classes.
        seed: seed of the random draw.
    """
    rng = np.random.default_rng(seed)
    classes = np.unique(labels)
    per_class = n_val // len(classes)
    val = np.concatenate(
        [rng.permutation(np.flatnonzero(labels == c))[:per_class] for c in classes]
    )
    val = np.sort(val).astype(np.int64)
    return np.setdiff1d(np.arange(len(labels), dtype=np.int64), val), val


@dataclass(frozen=True)
class Dataset:
    """A data set: its facts, how to find it on disk, and the hashes that decide what it is.

    Attributes:
        name: key of the data set.
        n_classes: how many classes there are.
        classes: names of the classes, in label order.
        height: rows (and columns) of an image.
        mean: per-channel mean of train images scaled to [0, 1].
        std: per-channel standard deviation of the same images.
        n_val: how many training images are set aside for validation.
        split_seed: seed with which those images are drawn.
        hashes: SHA-256 of the arrays ``x_train``, ``y_train``, ``x_test``, ``y_test``, as far as
            somebody published them; where none are, a reader checks hashes of files.
        read: reads the four arrays from a folder or an archive; None where it holds no such data.
        how_to_get: one sentence for the person whose folder is empty.
        official: addresses of the files as their publisher gives them; empty where that needs a
            licence to be accepted or a selection to be made.
        npm_package: an npm package that holds the images as well; "" for none.
    """

    name: str
    n_classes: int
    classes: tuple[str, ...]
    height: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    n_val: int
    split_seed: int
    hashes: dict[str, str]
    read: Callable[[Path], Arrays | None]
    how_to_get: str
    official: tuple[str, ...] = ()
    npm_package: str = ""

    def load(self, folder: Path | None = None) -> dict[str, Images]:
        """Splits ``train``, ``val`` and ``test``.

        Args:
            folder: where the files or their archive are; None looks in ``data_folder() / name``.

        Raises:
            DatasetError: nothing found there, or the arrays' hashes are not the known ones.
        """
        where = folder or data_folder() / self.name
        arrays = self.read(where)
        if arrays is None:
            raise DatasetError(f"no {self.name} images in {where}. {self.how_to_get}")
        self.check(arrays, where)
        full = Images(arrays["x_train"], arrays["y_train"])
        train, val = stratified_split(full.labels, self.n_val, self.split_seed)
        test = Images(arrays["x_test"], arrays["y_test"])
        return {"train": full.subset(train), "val": full.subset(val), "test": test}

    def check(self, arrays: Mapping[str, NDArray[Any]], where: object) -> None:
        """Nothing, if the arrays are those of the data set, from whichever layout they came.

        Args:
            arrays: ``x_train``, ``y_train``, ``x_test``, ``y_test``.
            where: place they came from, for the message.

        Raises:
            DatasetError: an array whose SHA-256 or shape is not the known one.
        """
        for key, array in arrays.items():
            expected = self.hashes.get(key)
            if expected is not None and (got := array_hash(array)) != expected:
                raise DatasetError(
                    f"{self.name} array {key} in {where} has SHA-256 {got[:12]}..., expected "
                    f"{expected[:12]}...: the images are incomplete or altered. "
                    f"{self.how_to_get}"
                )
            wanted = (self.height, self.height, len(self.mean)) if key.startswith("x") else ()
            if array.shape[1:] != wanted:
                raise DatasetError(
                    f"{self.name} array {key} in {where} has shape {array.shape}, expected "
                    f"{('n', *wanted)}. {self.how_to_get}"
                )
        for split in ("train", "test"):
            labels = arrays[f"y_{split}"]
            if len(labels) != len(arrays[f"x_{split}"]) or labels.max(initial=0) >= self.n_classes:
                raise DatasetError(
                    f"{self.name} in {where} has {len(labels)} labels up to {labels.max(initial=0)}"
                    f" for {len(arrays[f'x_{split}'])} images of {split}; expected one an image, "
                    f"below {self.n_classes}. {self.how_to_get}"
                )
