"""Tests of "this risk is too high" that hold for any finite number of images, without assumptions.

Each gives a p-value: under the hypothesis that the risk on new inputs is at least so high, it is
below any u with a probability of at most u. Inputs are drawn independently from one distribution;
nothing else is asked of them.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

MOST_STAKE = 0.9  # of the wealth that a bet may lose at once


def binomial_p_values(n_wrong: NDArray[np.int64], n: int, risk: float) -> NDArray[np.float64]:
    """P-values of "errors are at least so frequent", by the binomial tail, of the same shape.

    Args:
        n_wrong: errors among n inputs, integers of any shape.
        n: number of inputs that were counted.
        risk: frequency of errors that is to be ruled out, between 0 and 1.

    >>> binomial_p_values(np.array([0, 5, 10]), 10, 0.5).round(4).tolist()
    [0.001, 0.623, 1.0]
    """
    if risk <= 0.0:
        return np.ones(np.shape(n_wrong))
    if risk >= 1.0:
        return (np.asarray(n_wrong) >= n).astype(np.float64)
    logs = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, n + 1)))])
    k = np.arange(n + 1)
    log_p = logs[n] - logs - logs[::-1] + k * math.log(risk) + (n - k) * math.log1p(-risk)
    return np.asarray(np.minimum(np.cumsum(np.exp(log_p)), 1.0)[n_wrong])


def betting_p_value(losses: NDArray[np.floating], risk: float, delta: float) -> float:
    """The p-value of "the mean loss is at least so high", by betting against it.

    A bettor stakes part of the wealth on each loss, in their order, before seeing it; if the
    hypothesis holds, the wealth never grows beyond a factor 1/u with a probability over u. Unlike
    a bound by the range alone this makes use of losses that hardly vary, as those do that are 0 for
    every input that is escalated.

    Args:
        losses: losses in [-1, 1], shape (n,).
        risk: mean loss that is to be ruled out, below 1.
        delta: level at which the p-value will be used; stakes are good for that.

    Source: Waudby-Smith and Ramdas 2024, Estimating means of bounded random variables by betting,
        section 4.3 (hedged capital, here on one side, with their predictable plug-in stakes).
    """
    n = len(losses)
    y, mean = (np.asarray(losses, np.float64) + 1.0) / 2.0, (risk + 1.0) / 2.0
    count = np.arange(1, n + 1)
    running = (0.5 + np.cumsum(y)) / (count + 1)
    spread = (0.25 + np.cumsum((y - running) ** 2)) / (count + 1)
    before = np.concatenate([[0.25], spread[:-1]])
    stake = np.sqrt(2.0 * math.log(1.0 / delta) / (n * before))
    wealth = np.cumsum(np.log1p(np.minimum(stake, MOST_STAKE / (1.0 - mean)) * (mean - y)))
    return float(np.exp(-max(0.0, float(wealth.max(initial=0.0)))))
