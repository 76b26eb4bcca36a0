"""Batch-norm recalibration: the statistics of a sub-network are not those of the supernet.

Source: Yu and Huang 2019, "Universally Slimmable Networks" (section 3.4, post-statistics).
"""

from __future__ import annotations

from typing import TypeVar

import torch
from torch import nn

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
