"""Batch-norm recalibration: the statistics of a sub-network are not those of the supernet.

Source: Yu and Huang 2019, "Universally Slimmable Networks" (section 3.4, post-statistics).
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import torch
from torch import nn

from ..bench.datasets import Dataset, Images
from .images import normalised

RECALIBRATION_IMAGES = 1280  # ten batches of training size
RECALIBRATION_BATCH = 128  # that of training

Net = TypeVar("Net", bound=nn.Module)


@torch.no_grad()
def recalibrated(network: Net, images: torch.Tensor, batch: int = 500) -> Net:
    """``network`` in evaluation mode with batch-norm statistics averaged over ``images``.

    Args:
        network: changed in place: its running statistics only.
        images: normalised training images without augmentation, (n, channels, height, width).
        batch: images a forward pass; every batch has the same weight in the average.
    """
    norms = [m for m in network.modules() if isinstance(m, nn.BatchNorm2d)]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None
    network.train()
    for part in images.split(batch):  # type: ignore[no-untyped-call]
        network(part)
    return network.eval()


def calibrated(
    network: Net,
    train: Images,
    dataset: Dataset,
    n_images: int = RECALIBRATION_IMAGES,
    batch: int = RECALIBRATION_BATCH,
) -> Net:
    """``network`` recalibrated, unless told otherwise as every network of a table is.

    Args:
        network: network on the CPU, whose running statistics and memory format are changed in
            place.
        train: training images, of which the first are taken.
        dataset: facts of the images.
        n_images: number of images to take.
        batch: images a forward pass.
    """
    first = train.subset(np.arange(min(n_images, len(train))))
    images = normalised(first, dataset).contiguous(memory_format=torch.channels_last)
    network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return recalibrated(network, images, batch)
