"""Gradient signal preservation: how removing weights changes the norm of the gradient.

    grasp = sum_l sum -w_l * (H g)_l        g = dL/dw, H the Hessian of L

Source: Wang et al. 2020, "Picking Winning Tickets Before Training by Preserving Gradient Flow",
with the sign and the sum of Abdelfattah et al. 2021 (temperature 1, one batch). H g is exact (a
second backward pass), not a difference quotient; L is over the first 16 images of the batch, where
theirs is over all 64. A layer before a batch norm has L(c w_l) = L(w_l), hence -w_l * (H g)_l =
||g_l||^2: what goes beyond a squared norm of the gradient is of layers without one after them.
"""

from __future__ import annotations

from ..passes import Passes
from ._proxy import Proxy


def grasp(passes: Passes) -> float:
    """The signed sum."""
    return sum(float(-(w.value * h).sum()) for w, h in passes.hessian_gradient)


PROXY = Proxy("grasp", "Wang et al. 2020", ("hessian_gradient",), True, grasp)
