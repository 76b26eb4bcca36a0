"""Sample-wise activation patterns (SWAP).

    swap = number of distinct columns of the matrix C

C has a row for each image and a column for each ReLU; an entry says whether the ReLU is active.

Source: Peng et al. 2024, "SWAP-NAS: Sample-Wise Activation Patterns for Ultra-fast NAS".
Their regularised version multiplies by a bell curve over the number of parameters
whose centre and width are chosen for each search; we leave that to the user.
"""

from __future__ import annotations

import numpy as np

from ..passes import Passes
from ._proxy import Proxy

WORD = 64


def swap(passes: Passes) -> float:
    """The count, a whole number."""
    columns = np.concatenate([p.cpu().numpy() for p in passes.relu_patterns], axis=1)
    n = len(columns)
    padded = np.zeros((-(-n // WORD) * WORD, columns.shape[1]), bool)
    padded[:n] = columns
    packed = np.ascontiguousarray(np.packbits(padded, axis=0).T).view(np.uint64)
    if packed.shape[1] == 1:
        return float(len(np.unique(packed)))
    return float(len(np.unique(packed, axis=0)))


PROXY = Proxy("swap", "Peng et al. 2024", ("relu_patterns",), False, swap)
