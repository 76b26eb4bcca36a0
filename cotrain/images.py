"""From uint8 images to training batches: normalise, crop, flip, resize."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from ..bench.datasets import Dataset, Images

CROP_PADDING = 4  # pixels at 32x32, the usual CIFAR augmentation


def normalised(images: Images, dataset: Dataset) -> torch.Tensor:
    """Images as float32 (n, channels, height, width), channels last in memory."""
    mean = torch.tensor(dataset.mean).mul_(255)
    std = torch.tensor(dataset.std).mul_(255)
    pixels = images.images  # of a file that is mapped read-only, where torch warns
    x = torch.from_numpy(pixels if pixels.flags.writeable else pixels.copy()).float()
    x = (x - mean) / std
    return x.permute(0, 3, 1, 2)


@dataclass(frozen=True)
class Crop:
    """Where each image of a batch is cut out of its padded self, and whether it is mirrored.

    Attributes:
        top: first row, from 0 to twice the padding, shape (n,).
        left: first column, in the same range, shape (n,).
        flip: whether the image is mirrored left to right, shape (n,).
    """

    top: NDArray[np.int64]
    left: NDArray[np.int64]
    flip: NDArray[np.bool_]

    @classmethod
    def drawn(cls, n: int, rng: np.random.Generator) -> Crop:
        """Random crops and flips of ``n`` images."""
        top, left = rng.integers(0, 2 * CROP_PADDING + 1, (2, n))
        return cls(top, left, rng.random(n) < 0.5)

    def take(self, index: np.ndarray) -> Crop:
        """The crops of some images, by their places."""
        return Crop(self.top[index], self.left[index], self.flip[index])


def augmented_batch(
    images: Images, dataset: Dataset, index: np.ndarray, resolution: int, rng: np.random.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """A batch with random crops and flips; every random choice comes from ``rng``.

    The other arguments, and what is returned, are those of `cropped_batch`.
    """
    return cropped_batch(images, dataset, index, resolution, Crop.drawn(len(index), rng))


def cropped_batch(
    images: Images, dataset: Dataset, index: np.ndarray, resolution: int, crop: Crop
) -> tuple[torch.Tensor, torch.Tensor]:
    """A batch with given crops and flips, resized to ``resolution`` by area averaging.

    Args:
        images: the split to draw from.
        dataset: facts of the data set, such as its mean and deviation.
        index: indices of the images, shape (batch,).
        resolution: rows (and columns) of the result.
        crop: how each image of the batch is cropped and mirrored.

    Returns:
        Images (batch, channels, resolution, resolution) float32 and labels (batch,) int64.
    """
    x = normalised(images.subset(index), dataset)
    n, side = len(index), dataset.height
    padded = F.pad(x, (CROP_PADDING,) * 4)
    rows = torch.from_numpy(crop.top)[:, None] + torch.arange(side)
    columns = torch.arange(side).repeat(n, 1)
    columns[torch.from_numpy(crop.flip)] = torch.arange(side - 1, -1, -1)
    columns = columns + torch.from_numpy(crop.left)[:, None]
    nhwc = padded.permute(0, 2, 3, 1)
    x = nhwc[torch.arange(n)[:, None, None], rows[:, :, None], columns[:, None, :]]
    x = x.permute(0, 3, 1, 2)
    if resolution != side:
        x = F.interpolate(x, size=(resolution, resolution), mode="area")
    y = torch.from_numpy(images.labels[index].astype(np.int64))
    return x.contiguous(memory_format=torch.channels_last), y
