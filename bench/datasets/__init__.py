"""Image data sets, one file each; ``get_dataset("cifar10")`` gives one by name."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from ..errors import UnknownNameError
from ..registry import Registry, instance_of
from ._dataset import DATA_FOLDER_VARIABLE, Dataset, Images, data_folder
from ._fetch import fetch
from ._image_folder import import_folder
from ._prepared import prepared_dataset, prepared_names

DATASETS = Registry(
    "data set",
    __name__,
    Path(__file__).parent,
    "DATASET",
    "biglittle.datasets",
    instance_of(Dataset),
)


def get_dataset(name: str) -> Dataset:
    """The data set called ``name``: one that is known, or one that ``data import`` made.

    Raises:
        UnknownNameError: no data set has this name.
    """
    if name.replace("-", "_") not in DATASETS.names():
        if (own := prepared_dataset(name)) is not None:
            return own
        advice = "Pictures of your own: biglittle data import FOLDER --name NAME --size SIDE."
        raise UnknownNameError("data set", name, (*DATASETS.names(), *prepared_names()), advice)
    return cast(Dataset, DATASETS.load(name))


__all__ = [
    "DATASETS",
    "DATA_FOLDER_VARIABLE",
    "Dataset",
    "Images",
    "data_folder",
    "fetch",
    "get_dataset",
    "import_folder",
    "prepared_names",
]
