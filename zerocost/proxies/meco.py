"""Smallest eigenvalues of feature maps' correlations (MeCo).

    meco = sum_l lambda_min( corr(f_l) )

f_l are the maps of one image after layer l, a row per channel.

Source: Jiang, Wang and Bie 2023, "MeCo: Zero-Shot NAS with One Data and Single Forward Pass via
Minimum Eigenvalue of Correlation". Layers are convolutions, norms, activations and
pools; their code also adds what every container gives, which counts the last layer of each again,
and drops what is not a number. A channel that is constant has no correlation with any other: its
row is zero, as there, and so is the smallest eigenvalue. So it is with at least as many channels as
positions, where nothing needs computing.
"""

from __future__ import annotations

import torch

from ..passes import Passes
from ._proxy import Proxy


def smallest_eigenvalue(maps: torch.Tensor) -> float:
    """Smallest eigenvalue of the correlation between channels of maps (channels, h, w)."""
    rows = maps.flatten(1).double()
    channels, positions = rows.shape
    if channels > positions - 1:
        return 0.0  # centred rows span positions - 1 dimensions at most
    centred = rows - rows.mean(1, keepdim=True)
    norms = centred.norm(dim=1)
    if bool((norms <= 1e-7 * rows.norm(dim=1)).any()):
        return 0.0
    unit = centred / norms[:, None]
    return max(0.0, float(torch.linalg.eigvalsh(unit @ unit.T)[0]))


def meco(passes: Passes) -> float:
    """The sum over layers."""
    return sum(smallest_eigenvalue(maps) for _, maps in passes.layer_maps)


PROXY = Proxy("meco", "Jiang et al. 2023", ("layer_maps",), False, meco)
