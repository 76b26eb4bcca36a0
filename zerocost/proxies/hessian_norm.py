"""Curvature of the loss along its own gradient.

    hessian_norm = ||H g||_2 / ||g||_2        g = dL/dw, H the Hessian of L

Over convolutions and linear layers. A lower bound of the Hessian's spectral norm, the figure that
Chen and Hsieh 2020 ("Stabilizing DARTS by perturbation-based regularization") and Zela et al. 2020
("Understanding and Robustifying Differentiable Architecture Search") tie to generalisation: it is
one step of the power iteration started at the gradient. They iterate until it converges; we stop
after one step, over the first 16 images of the batch.
"""

from __future__ import annotations

import math

from ..network import PassError
from ..passes import Passes
from ._proxy import Proxy


def hessian_norm(passes: Passes) -> float:
    """The ratio of norms."""
    parts = passes.hessian_gradient
    product = sum(float(h.square().sum()) for _, h in parts)
    gradient = sum(float(w.gradient.square().sum()) for w, _ in parts)
    if gradient == 0:
        raise PassError("the gradient of the loss is zero, so there is no curvature along it.")
    return math.sqrt(product / gradient)


PROXY = Proxy("hessian_norm", "Zela et al. 2020", ("hessian_gradient",), True, hessian_norm)
