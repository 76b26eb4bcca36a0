"""Entropy of the principal components of block maps, which two components of AZ-NAS are made of."""

from __future__ import annotations

import torch

from ..network import PassError
from ..passes import Passes

SMALL = 1e-8  # keeps 0 log 0 finite


def entropies(passes: Passes) -> list[float]:
    """Per block, the entropy in nat of the shares of variance of its principal components.

    Raises:
        PassError: the maps of a block do not vary.
    """
    return passes.once("block_entropies", lambda: _entropies(passes))


def _entropies(passes: Passes) -> list[float]:
    out = []
    for name, maps in passes.block_maps:
        rows = maps.permute(0, 2, 3, 1).reshape(-1, maps.shape[1])
        centred = rows - rows.mean(0)
        variances = torch.linalg.eigvalsh((centred.T @ centred / len(rows)).double()).clamp_min(0)
        if float(variances.sum()) <= 0:
            raise PassError(f"the maps of block {name!r} do not vary: no principal components.")
        share = variances / variances.sum()
        out.append(float(-(share * torch.log(share + SMALL)).sum()))
    return out
