"""Visual Wake Words: is a person in the picture? From COCO's pictures and annotations.

A picture is of class 1 where a person covers more than 0.5 % of it. COCO's 2017 training pictures
are train and val, its validation pictures test. Licence: annotations CC BY 4.0; the pictures have
those of their authors. Source: Chowdhery et al. 2019, "Visual Wake Words Dataset" (section 3); as
in its TensorFlow scripts, the annotation's ``area`` is compared with the picture's.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
from msgspec import Meta, Struct

from ..documents import read_json
from ..errors import DatasetError
from ..files import why_unreadable
from ._dataset import Arrays, Dataset
from ._pictures import square, unusable
from ._prepared import read_mapped

SIDE = 96  # as in MLPerf Tiny
PERSON, LEAST_SHARE = "person", 0.005
_SPLITS = {"train": "train2017", "test": "val2017"}
_MAX_ANNOTATIONS = 2**30  # bytes; those of 2017 have 470 MB

Side = Annotated[int, Meta(ge=1, le=10**6)]
FileName = Annotated[str, Meta(min_length=1, max_length=255, pattern=r"^[^/\\]+$")]


class _Image(Struct):
    id: int
    file_name: FileName
    width: Side
    height: Side


class _Annotation(Struct):
    image_id: int
    category_id: int
    area: Annotated[float, Meta(ge=0)]


class _Category(Struct):
    id: int
    name: str


class _Instances(Struct):
    """What is read of a file of COCO annotations."""

    images: list[_Image]
    annotations: list[_Annotation]
    categories: list[_Category]


def labels_of(path: Path) -> dict[str, int]:
    """The class of every picture by its file name, in the order of the file.

    Args:
        path: path of a file ``instances_*.json`` of COCO.

    Raises:
        DatasetError: it is not a file of COCO annotations, or knows no person.
    """
    try:
        held = read_json(path, _Instances, _MAX_ANNOTATIONS)
    except (OSError, ValueError) as error:
        why = why_unreadable(error, f"it is not a file of COCO annotations ({error}).")
        raise DatasetError(f"{path} cannot be read: {why}") from error
    person = next((c.id for c in held.categories if c.name == PERSON), None)
    if person is None:
        raise DatasetError(f"{path} has no category {PERSON!r}; expected COCO's instances.")
    share = {image.id: image.width * image.height * LEAST_SHARE for image in held.images}
    with_person = {
        a.image_id
        for a in held.annotations
        if a.category_id == person and a.area > share.get(a.image_id, np.inf)
    }
    return {image.file_name: int(image.id in with_person) for image in held.images}


def read(place: Path) -> Arrays | None:
    """The four arrays at 96x96 pixels, unchecked; None where there are none.

    Args:
        place: a folder with ``annotations/instances_train2017.json`` and ``..._val2017.json`` and
            the pictures in ``train2017`` and ``val2017``; or with ``.npy`` files.

    Raises:
        DatasetError: annotations that are damaged, or pictures that are not there or not usable.
    """
    arrays = read_mapped(place)  # which has three gigabytes
    files = {s: place / "annotations" / f"instances_{year}.json" for s, year in _SPLITS.items()}
    if arrays is not None or not all(path.is_file() for path in files.values()):
        return arrays
    arrays = {}
    for split, year in _SPLITS.items():
        labels = labels_of(files[split])
        pixels = np.empty((len(labels), SIDE, SIDE, 3), np.uint8)
        wrong = []
        for row, name in enumerate(labels):
            try:
                pixels[row] = square(place / year / name, SIDE)
            except (OSError, ValueError) as error:
                wrong.append(f"{year}/{name} ({error})")
        if wrong:
            raise DatasetError(unusable(wrong).rpartition(", or")[0] + ".")
        arrays[f"x_{split}"] = pixels
        arrays[f"y_{split}"] = np.array(list(labels.values()), np.uint8)
    return arrays


DATASET = Dataset(
    name="visual_wake_words",
    n_classes=2,
    classes=("no person", "person"),
    height=SIDE,
    mean=(0.485, 0.456, 0.406),  # those of ImageNet, as is usual
    std=(0.229, 0.224, 0.225),
    n_val=8000,
    split_seed=0,
    hashes={},  # nobody publishes those of resized pictures
    read=read,
    how_to_get="Get COCO's 2017 pictures and annotations from its authors, then: biglittle data "
    "fetch visual_wake_words --from FOLDER",
)
