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
from ._patterns import patterns
from ._proxy import Proxy


def swap(passes: Passes) -> float:
    """The count, a whole number."""
    codes = patterns(passes).codes.numpy()
    if len(codes) == 1:
        ordered = np.sort(codes[0])
        return float(1 + np.count_nonzero(ordered[1:] != ordered[:-1]))
    return float(np.unique(codes, axis=1).shape[1])


PROXY = Proxy("swap", "Peng et al. 2024", ("relu_patterns",), False, swap)
