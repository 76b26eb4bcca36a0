"""Size of the Jacobian of the logits with respect to the image.

    jacobian_norm = mean_i ||J_i||_F,   ||J_i||_F^2 = E ||r^T J_i||^2,   r random signs

J_i are all logits of image i by its pixels, i the first 16 images of the batch. One draw of r per
image, averaged as sqrt(mean_i ||r_i^T J_i||^2), so that the whole costs one backward pass.

Source: Novak et al. 2018, "Sensitivity and Generalization in Neural Networks: an Empirical Study"
(the Frobenius norm of the input-output Jacobian). They compute it exactly and average the
norms; we estimate the mean square by random signs (Hutchinson 1990) and take one root.
"""

from __future__ import annotations

import math

from ..passes import Passes
from ._proxy import Proxy


def jacobian_norm(passes: Passes) -> float:
    """The root of the mean square."""
    return math.sqrt(float(passes.image_jacobian.double().square().sum(1).mean()))


PROXY = Proxy("jacobian_norm", "Novak et al. 2018", ("image_jacobian",), False, jacobian_norm)
