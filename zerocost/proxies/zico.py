"""Inverse coefficient of variation of gradients (ZiCo).

    zico = sum_l log( sum over weights w of layer l of mean_b |g_w(b)| / std_b g_w(b) )

b are mini-batches and g_w(b) the gradient of the loss of mini-batch b.

Source: Li et al. 2023, "ZiCo: Zero-shot NAS via Inverse Coefficient of Variation on Gradients".
Two mini-batches, as they recommend: the first and the second 16 images of the batch, or the halves
of a smaller one, where theirs have 64 and more. Weights without variation, and layers in which all
are, are left out, as in their code.
"""

from __future__ import annotations

import math

from ..network import PassError
from ..passes import Passes
from ._proxy import Proxy


def zico(passes: Passes) -> float:
    """The sum over layers."""
    by_layer = []
    for _, a, b in passes.mini_batch_gradients:
        deviation = (a - b).abs() / 2
        mean = (a.abs() + b.abs()) / 2
        total = float((mean / deviation)[deviation > 0].double().sum())
        if total > 0:
            by_layer.append(math.log(total))
    if not by_layer:
        raise PassError("no weight's gradient differs between the two mini-batches.")
    return sum(by_layer)


PROXY = Proxy("zico", "Li et al. 2023", ("mini_batch_gradients",), True, zico)
