"""Distinctness of ReLU patterns (NASWOT).

    nwot = log |det K|,   K_ij = number of ReLUs in the same state for images i and j
                               = N - Hamming(c_i, c_j)

Source: Mellor et al. 2021, "Neural Architecture Search without Training". As in
their code, K is summed over all ReLU calls. A singular K (two images with one and the same pattern)
has no score: their log determinant is then minus infinity or rounding noise.
"""

from __future__ import annotations

import torch

from ..network import PassError
from ..passes import Passes
from ._patterns import patterns
from ._proxy import Proxy


def nwot(passes: Passes) -> float:
    """The log determinant."""
    values = torch.linalg.eigvalsh(patterns(passes).agreements)
    if float(values[0]) <= len(values) * torch.finfo(torch.float64).eps * float(values[-1]):
        raise PassError(
            "the kernel of ReLU patterns is singular (images with the same pattern in every "
            "layer): it has no log determinant."
        )
    return float(values.log().sum())


PROXY = Proxy("nwot", "Mellor et al. 2021", ("relu_patterns",), False, nwot)
