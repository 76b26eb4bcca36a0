"""Image data sets, one file each; ``get_dataset("cifar10")`` gives one by name."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from ..registry import Registry
from ._dataset import DATA_FOLDER_VARIABLE, Dataset, Images, data_folder
from ._fetch import fetch

DATASETS = Registry("data set", __name__, Path(__file__).parent, "DATASET")


def get_dataset(name: str) -> Dataset:
    """The data set called ``name``.

    Raises:
        UnknownNameError: no data set has this name.
    """
    return cast(Dataset, DATASETS.load(name))


__all__ = [
    "DATASETS",
    "DATA_FOLDER_VARIABLE",
    "Dataset",
    "Images",
    "data_folder",
    "fetch",
    "get_dataset",
]
