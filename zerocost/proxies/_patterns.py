"""Agreement of ReLU patterns between images, which two proxies are made of."""

from __future__ import annotations

import torch

from ..passes import Passes


def agreements(passes: Passes) -> tuple[torch.Tensor, int]:
    """Per pair of images, ReLUs in the same state, (n, n) float64, and the number of ReLUs."""
    patterns = passes.relu_patterns
    n = len(patterns[0])
    both = torch.zeros(n, n, dtype=torch.float64)
    active = torch.zeros(n, dtype=torch.float64)
    for positive in patterns:
        x = positive.float()
        both += (x @ x.T).double().cpu()  # whole numbers below 2^24: exact in float32
        active += x.sum(1).double().cpu()
    total = sum(positive.shape[1] for positive in patterns)
    # c_i c_j + (1 - c_i)(1 - c_j), summed over ReLUs
    return 2 * both + total - active[:, None] - active[None], total
