"""Condition of the neural tangent kernel, as in TE-NAS.

    ntk = -log( lambda_max / lambda_min )   of   K_ij = <df(x_i)/dw, df(x_j)/dw>

f is the sum of logits, w are all parameters. Higher is better conditioned, hence the sign.

Source: Chen, Gong and Wang 2021, "Neural Architecture Search on ImageNet in Four GPU Hours: A
Theoretically Inspired Perspective" (TE-NAS). They take the ratio itself on many more images;
we take its logarithm on the 8 images that ``of_images.KERNEL_IMAGES`` allows, because each costs a
backward pass.
"""

from __future__ import annotations

import math

import torch

from ..network import PassError
from ..passes import Passes
from ._proxy import Proxy


def ntk(passes: Passes) -> float:
    """Minus the log of the condition number."""
    values = torch.linalg.eigvalsh(passes.sample_gradients)
    low, high = float(values[0]), float(values[-1])
    # Gradients are rounded to float32; the kernel, their product, is exact to the square of that.
    if low <= (len(values) * torch.finfo(torch.float32).eps) ** 2 * high:
        raise PassError(
            "the tangent kernel is singular (images with the same gradient): it has no condition "
            "number."
        )
    return -math.log(high / low)


PROXY = Proxy("ntk", "Chen et al. 2021 (TE-NAS)", ("sample_gradients",), False, ntk)
