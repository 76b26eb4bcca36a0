"""Trainability of AZ-NAS: whether gradients keep their size from block to block.

    az_trainability = mean over blocks of  -s - 1 / (s + 1e-6) + 2

s is the largest singular value of A_l = E[ g_in g_out^T ] over images and positions, where g_out
are random signs at the block's output and g_in their gradient at its input. 0 is best, at s = 1.
Where a block shrinks its maps by k, the k x k inputs of an output count as channels.

Source: Lee and Ham 2024, "AZ-NAS: Assembling Zero-Cost Proxies for Network Architecture Search".
Theirs is minus infinity for a block that is the identity; such blocks, a legal
choice in our spaces, are not counted.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F

from ..network import PassError
from ..passes import Passes
from ._proxy import Proxy


def az_trainability(passes: Passes) -> float:
    """The mean over blocks."""
    by_block = []
    for name, g_out, g_in in passes.block_gradients:
        shrink = g_in.shape[2] // g_out.shape[2]
        if (g_out.shape[2] * shrink, g_out.shape[3] * shrink) != tuple(g_in.shape[2:]):
            raise PassError(
                f"block {name!r} maps {tuple(g_in.shape[2:])} to {tuple(g_out.shape[2:])} "
                "positions; expected a whole ratio, the same in both directions."
            )
        inner = F.pixel_unshuffle(g_in, shrink) if shrink > 1 else g_in
        a = inner.permute(0, 2, 3, 1).reshape(-1, inner.shape[1])
        b = g_out.permute(0, 2, 3, 1).reshape(-1, g_out.shape[1])
        outer = (a.T @ b / len(a)).double()
        square = outer @ outer.T if len(outer) < len(outer.T) else outer.T @ outer
        s = math.sqrt(max(0.0, float(torch.linalg.eigvalsh(square)[-1])))
        by_block.append(-s - 1 / (s + 1e-6) + 2)
    return sum(by_block) / len(by_block)


PROXY = Proxy(
    "az_trainability",
    "Lee and Ham 2024",
    ("block_gradients",),
    False,
    az_trainability,
)
