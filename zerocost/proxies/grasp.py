"""Gradient signal preservation: how removing weights changes the norm of the gradient.

    grasp = sum_l sum -w_l * (H g)_l        g = dL/dw, H the Hessian of L

Source: Wang et al. 2020, "Picking Winning Tickets Before Training by Preserving Gradient Flow",
with the sign and the sum of Abdelfattah et al. 2021 (temperature 1, one batch). H g is exact (a
second backward pass) and over the whole batch: of 16 images it ranks otherwise, and a difference of
two gradients is off by more than the figure. A layer before a batch norm has L(c w_l) = L(w_l),
hence -w_l * (H g)_l = ||g_l||^2: what goes beyond a squared norm of the gradient is of layers
without one after them.
"""

from __future__ import annotations

from ..passes import Passes
from ._proxy import Proxy


def grasp(passes: Passes) -> float:
    """The signed sum."""
    return -passes.gradient_growth


PROXY = Proxy("grasp", "Wang et al. 2020", ("gradient_growth",), True, grasp)
