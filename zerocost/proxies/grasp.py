"""Gradient signal preservation: how removing weights changes the norm of the gradient.

    grasp = sum_l sum -w_l * (H g)_l        g = dL/dw, H the Hessian of L

Source: Wang et al. 2020, "Picking Winning Tickets Before Training by Preserving Gradient Flow",
with the sign and the sum of Abdelfattah et al. 2021 (temperature 1, one batch). Theirs is a second
derivative; ours the same figure from one gradient more, of weights scaled by 1.001 (``passes``): it
is right to about a thousandth of ||g||^2. A layer before a batch norm has L(c w_l) = L(w_l), hence
-w_l * (H g)_l = ||g_l||^2: what goes beyond a squared norm of the gradient is of layers without one
after them.
"""

from __future__ import annotations

from ..passes import Passes
from ._proxy import Proxy


def grasp(passes: Passes) -> float:
    """The signed sum."""
    return -passes.gradient_growth


PROXY = Proxy("grasp", "Wang et al. 2020", ("gradient_growth",), True, grasp)
