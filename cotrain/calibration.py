"""Images that ranges of activations are taken from, where a network gets fewer bits."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ..bench.datasets import Dataset, Images
from ..bench.errors import DatasetError
from .images import normalised

#: So many of the first training images, which are among those batch norms are recalibrated on.
CALIBRATION_IMAGES = 512
CALIBRATION_SPLIT = "train"


def calibration_images(
    images: Mapping[str, Images],
    dataset: Dataset,
    split: str = CALIBRATION_SPLIT,
    n_images: int = CALIBRATION_IMAGES,
) -> NDArray[np.float32]:
    """The images that ranges of activations are taken from, normalised, (n, channels, h, w).

    Args:
        images: images by split, from ``Dataset.load``.
        dataset: facts of the images, such as their mean.
        split: split of which the first images are taken; only ``train`` is accepted.
        n_images: number of images to take.

    Raises:
        DatasetError: a split whose answers choose or report, or no image.
    """
    if split != CALIBRATION_SPLIT:
        raise DatasetError(
            f"calibration on images of {split!r} is refused: thresholds are chosen on val and "
            f"reported on test, which no network may have seen. Expected {CALIBRATION_SPLIT!r}."
        )
    if n_images < 1:
        raise DatasetError(f"{n_images} calibration images; expected at least 1.")
    train = images[split]
    first = train.subset(np.arange(min(n_images, len(train))))
    return np.ascontiguousarray(normalised(first, dataset).numpy())
