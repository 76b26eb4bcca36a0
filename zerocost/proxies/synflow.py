"""Synaptic flow: how much passes through the weights when all are positive.

    synflow = log(1 + S),  S = sum_l sum |w_l| * dR/d|w_l|,  R = 1^T f(1; |w|)

Source: Tanaka et al. 2020, "Pruning neural networks without any data by iteratively conserving
synaptic flow"; normalisation layers left out as in Abdelfattah et al. 2021, convolutions
and linear layers counted. Two differences, neither of which changes a rank: everything is float64,
and we give the logarithm, because S grows by an order of magnitude per layer (1e61 has been
published in tables). Biases, in absolute value, carry flow but are not counted.
"""

from __future__ import annotations

import math

from ..passes import Passes
from ._proxy import Proxy


def synflow(passes: Passes) -> float:
    """The logarithm of the flow; 0 where nothing flows."""
    return math.log1p(sum(float((w.value * w.gradient).sum()) for w in passes.synaptic_flow))


PROXY = Proxy("synflow", "Tanaka et al. 2020", ("synaptic_flow",), False, synflow)
