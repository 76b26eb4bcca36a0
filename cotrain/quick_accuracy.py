"""A rough accuracy of an inherited network, to follow a training by."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F

from ..bench.datasets import Dataset, Images
from .images import normalised
from .recalibrate import recalibrated
from .supernet import Supernet


@torch.no_grad()
def quick_accuracy(
    net: Supernet, arch: str, splits: dict[str, Images], dataset: Dataset, resolution: int, n: int
) -> float:
    """Accuracy in [0, 1] of an inherited network on the first ``n`` validation images."""
    device = next(net.parameters()).device

    def resized(images: Images) -> torch.Tensor:
        x = normalised(images, dataset).to(device)
        if resolution != dataset.height:
            x = F.interpolate(x, size=(resolution, resolution), mode="area")
        return x.contiguous(memory_format=torch.channels_last)

    train = splits["train"].subset(np.arange(min(1000, len(splits["train"]))))
    network = recalibrated(net.inherit(arch).to(device), resized(train))
    val = splits["val"].subset(np.arange(min(n, len(splits["val"]))))
    hits = network(resized(val)).argmax(1).cpu().numpy() == val.labels
    return float(hits.mean())
