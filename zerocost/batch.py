"""Batches that networks are scored on: noise, or images of a data set."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from ..bench.datasets import get_dataset
from ..bench.errors import BigLittleError


@dataclass(frozen=True)
class Batch:
    """Images and labels, and where they are from.

    Attributes:
        images: floating point, shape (n, channels, height, width).
        labels: int64, shape (n,); None for images without labels.
        name: description of the batch, as written beside results.
    """

    images: torch.Tensor
    labels: torch.Tensor | None
    name: str


def noise_batch(
    n: int = 64, n_classes: int = 10, shape: tuple[int, int, int] = (3, 32, 32), seed: int = 0
) -> Batch:
    """``n`` images of independent N(0, 1) pixels with labels drawn uniformly.

    Args:
        n: number of images to draw.
        n_classes: number of classes; labels are 0 to ``n_classes - 1``.
        shape: channels, height and width of an image.
        seed: seeds the random draw.
    """
    generator = torch.Generator().manual_seed(seed)
    images = torch.randn(n, *shape, generator=generator)
    labels = torch.randint(n_classes, (n,), generator=generator)
    return Batch(images, labels, f"noise, n={n}, seed={seed}")


def dataset_batch(name: str, n: int = 64, seed: int = 0, folder: Path | None = None) -> Batch:
    """``n`` training images of a data set, drawn without regard to class, normalised.

    Args:
        name: name of the data set.
        n: number of images to draw.
        seed: seeds the random draw.
        folder: folder with the images; None looks in the data folder.

    Raises:
        UnknownNameError: there is no data set of that name.
        DatasetError: the images are not in the folder.
        BigLittleError: the data set has fewer than ``n`` images.
    """
    dataset = get_dataset(name)
    images = dataset.load(folder)["train"]
    if not 0 < n <= len(images):
        raise BigLittleError(
            f"a batch of {n} images of {name}; expected 1 to {len(images)}, which is all there are."
        )
    index = np.random.default_rng(seed).choice(len(images), n, replace=False)
    pixels = images.images[index].astype(np.float32) / 255
    pixels = (pixels - np.array(dataset.mean, np.float32)) / np.array(dataset.std, np.float32)
    x = torch.from_numpy(np.ascontiguousarray(pixels.transpose(0, 3, 1, 2)))
    y = torch.from_numpy(images.labels[index].astype(np.int64))
    return Batch(x, y, f"{name} train, n={n}, seed={seed}")
