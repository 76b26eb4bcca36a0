"""Image data sets, one file each; ``get_dataset("cifar10")`` gives one by name."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from ..registry import Registry
from ._dataset import Dataset, Images, data_folder
from ._fetch import fetch

DATASETS = Registry("data set", __name__, Path(__file__).parent, "DATASET")


def get_dataset(name: str) -> Dataset:
    """The data set called ``name``.

    Raises:
        UnknownNameError: no such data set.
    """
    return cast(Dataset, DATASETS.load(name))


__all__ = ["DATASETS", "Dataset", "Images", "data_folder", "fetch", "get_dataset"]
