"""Zen-score: how strongly features answer to noise, weights being Gaussian.

    zen = log E || f(x) - f(x + a e) ||_1  +  sum over batch norms of log s
    s^2 = mean over channels of the variance of the batch norm's input

x and e are N(0, 1), a = 0.01, weights are drawn from N(0, 1), f are the maps before global pooling.

Source: Lin et al. 2021, "Zen-NAS: A Zero-Shot NAS for High-Performance Image Recognition".
Their code sums absolute differences, which we follow, where the paper writes a
Frobenius norm. s is the deviation of this very batch, as in the paper; their code reads a running
average that starts at 1. One draw of 16 images. Labels and images are not looked at.
"""

from __future__ import annotations

import math

from ..network import PassError
from ..passes import Passes
from ._proxy import Proxy


def zen(passes: Passes) -> float:
    """The log of the response, undone by batch norm and put back."""
    response = passes.gaussian_response
    if response.change <= 0:
        raise PassError("the features do not change with the input, so there is no logarithm.")
    return math.log(response.change) + sum(response.log_deviations)


PROXY = Proxy("zen", "Lin et al. 2021", ("gaussian_response",), False, zen)
