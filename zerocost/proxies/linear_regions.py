"""Linear regions between images.

    linear_regions = mean over pairs i < j of Hamming(c_i, c_j)

c_i are the states of all ReLUs for image i. Every ReLU in which two images differ is a boundary
between linear regions that the straight line from one image to the other has to cross, so this is a
lower bound of the regions met on the way, averaged over pairs.

Source: Hanin and Rolnick 2019, "Complexity of Linear Regions in Deep Networks" (regions
along a line); Chen et al. 2021 (TE-NAS) count distinct patterns among random inputs instead. That
count is the number of inputs for any network of useful size, hence the pairs.
"""

from __future__ import annotations

from ..passes import Passes
from ._patterns import patterns
from ._proxy import Proxy


def linear_regions(passes: Passes) -> float:
    """The mean Hamming distance."""
    relu = patterns(passes)
    n = len(relu.agreements)
    return float((relu.n_relus - relu.agreements).sum()) / (n * (n - 1))


PROXY = Proxy("linear_regions", "Hanin and Rolnick 2019", ("relu_patterns",), False, linear_regions)
