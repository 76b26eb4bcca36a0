"""From uint8 images to training batches: normalise, crop, flip, resize."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F

from ..bench.datasets import Dataset, Images

CROP_PADDING = 4  # pixels at 32x32, the usual CIFAR augmentation


def normalised(images: Images, dataset: Dataset) -> torch.Tensor:
    """Images as float32 (n, channels, height, width), channels last in memory."""
    mean = torch.tensor(dataset.mean).mul_(255)
    std = torch.tensor(dataset.std).mul_(255)
    x = (torch.from_numpy(images.images).float() - mean) / std
    return x.permute(0, 3, 1, 2)


def augmented_batch(
    images: Images, dataset: Dataset, index: np.ndarray, resolution: int, rng: np.random.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """A batch with random crops and flips, resized to ``resolution`` by area averaging.

    Args:
        images: the split to draw from.
        dataset: its facts.
        index: which images, shape (batch,).
        resolution: rows (and columns) of the result.
        rng: every random choice comes from it.

    Returns:
        Images (batch, channels, resolution, resolution) float32 and labels (batch,) int64.
    """
    x = normalised(images.subset(index), dataset)
    n, side = len(index), dataset.height
    padded = F.pad(x, (CROP_PADDING,) * 4)
    top, left = rng.integers(0, 2 * CROP_PADDING + 1, (2, n))
    flip = rng.random(n) < 0.5
    rows = torch.from_numpy(top)[:, None] + torch.arange(side)
    columns = torch.arange(side).repeat(n, 1)
    columns[torch.from_numpy(flip)] = torch.arange(side - 1, -1, -1)
    columns = columns + torch.from_numpy(left)[:, None]
    nhwc = padded.permute(0, 2, 3, 1)
    x = nhwc[torch.arange(n)[:, None, None], rows[:, :, None], columns[:, None, :]]
    x = x.permute(0, 3, 1, 2)
    if resolution != side:
        x = F.interpolate(x, size=(resolution, resolution), mode="area")
    y = torch.from_numpy(images.labels[index].astype(np.int64))
    return x.contiguous(memory_format=torch.channels_last), y
