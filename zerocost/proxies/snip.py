"""Connection sensitivity: how much the loss changes when weights are removed, to first order.

    snip = sum_l sum |w_l * dL/dw_l|        l over convolutions and linear layers

Source: Lee et al. 2019, "SNIP: Single-shot Network Pruning based on Connection Sensitivity",
summed over the network as in Abdelfattah et al. 2021. The derivative with respect to a
mask of ones, which they take, is w * dL/dw. Not normalised.
"""

from __future__ import annotations

from ..passes import Passes
from ._proxy import Proxy


def snip(passes: Passes) -> float:
    """The sum of absolute sensitivities."""
    return sum(float((w.value * w.gradient).abs().sum()) for w in passes.gradients)


PROXY = Proxy("snip", "Lee et al. 2019", ("gradients",), True, snip)
