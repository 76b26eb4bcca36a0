"""Expressivity of AZ-NAS: how evenly the variance of features is spread over directions.

    az_expressivity = sum over blocks of -sum_c p_c log p_c

p are the eigenvalues of the covariance between channels, over images and positions, as shares.

Source: Lee and Ham 2024, "AZ-NAS: Assembling Zero-Cost Proxies for Network Architecture Search".
Weights are the network's own, where they draw He initialisation; batch norm takes
their scale out. Blocks that return their input unchanged are not counted.
"""

from __future__ import annotations

from ..passes import Passes
from ._expressivity import entropies
from ._proxy import Proxy


def az_expressivity(passes: Passes) -> float:
    """The sum over blocks, in nat."""
    return sum(entropies(passes))


PROXY = Proxy("az_expressivity", "Lee and Ham 2024", ("block_maps",), False, az_expressivity)
