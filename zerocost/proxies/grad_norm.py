"""Sum of the norms of the loss's gradient.

    grad_norm = sum_l ||dL/dw_l||_2        l over convolutions and linear layers

Source: Abdelfattah et al. 2021, "Zero-Cost Proxies for Lightweight NAS" L is the mean
cross-entropy of one batch. As there, biases and batch norm do not count.
"""

from __future__ import annotations

from ..passes import Passes
from ._proxy import Proxy


def grad_norm(passes: Passes) -> float:
    """The sum of norms."""
    return sum(float(w.gradient.norm()) for w in passes.gradients)


PROXY = Proxy("grad_norm", "Abdelfattah et al. 2021", ("gradients",), True, grad_norm)
