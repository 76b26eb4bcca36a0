"""First-order effect of the weights on the loss, with its sign.

    plain = sum_l sum w_l * dL/dw_l        l over convolutions and linear layers

Source: Mozer and Smolensky 1989 ("Skeletonization"), as in Abdelfattah et al. 2021 (their code). A
layer followed by batch norm does not change the loss when scaled, so that its own sum is zero: what
is left in networks with batch norm throughout is the classifier's.
"""

from __future__ import annotations

from ..passes import Passes
from ._proxy import Proxy


def plain(passes: Passes) -> float:
    """The signed sum."""
    return sum(float((w.value * w.gradient).sum()) for w in passes.gradients)


PROXY = Proxy("plain", "Abdelfattah et al. 2021", ("gradients",), True, plain)
