"""Intervals that hold what they promise: conformal prediction on held-out architectures.

A prediction comes with a standard deviation that nobody has checked. On networks that the model
never saw, errors are divided by it; the quantile of these ratios, counted with one network more
than there are, is what a standard deviation has to be multiplied by. The level then holds on
average over networks drawn like those, and not over networks that a search picked: for these see
the searched split.

Points of pairs depend on each other through their networks: their ratios are pooled, so that the
level holds on average over points, not for any one pair.

Source: Lei et al. 2018, "Distribution-Free Predictive Inference for Regression" (algorithm 2 and
section 5.2, errors relative to a fitted spread).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

LEVEL = 0.9
LEAST_STD = 1e-4  # a hundredth of a point: below that a spread is rounding


def conformal_quantile(scores: Array, level: float) -> float:
    """The quantile of scores, shape (n,), that covers ``level`` of further ones like them.

    With so few that none covers it, the largest.
    """
    rank = min(int(np.ceil((len(scores) + 1) * level)), len(scores))
    return float(np.sort(scores)[rank - 1])


@dataclass(frozen=True)
class Intervals:
    """How wide intervals are.

    Attributes:
        level: nominal share of the cases that intervals hold.
        network: factor on the standard deviation of a single network.
        pair: factor on the standard deviation of an operating point of a pair.
        gain_std: standard deviation of a pair's gain halfway between its ends, a fraction.
        escalation_rate: half-width of the interval of an escalation rate.
        n_networks: number of held-out networks that were calibrated on.
    """

    level: float
    network: float
    pair: float
    gain_std: float
    escalation_rate: float
    n_networks: int

    def as_dict(self) -> dict[str, Any]:
        """As plain JSON."""
        return asdict(self)


def pair_std(std_little: Array, std_big: Array, rate: Array, gain_std: float) -> Array:
    """Standard deviation of an operating point's accuracy, shape (n,).

    The errors of both networks and of the gain, taken as independent; the gain's is 0 at both ends.
    """
    ends = ((1 - rate) * std_little) ** 2 + (rate * std_big) ** 2
    return np.asarray(np.sqrt(ends + gain_std**2 * 4 * rate * (1 - rate)))


@dataclass(frozen=True)
class Residuals:
    """Held-out networks and operating points, predicted and true.

    Attributes:
        network: predicted accuracy of single networks, shape (n,).
        network_std: standard deviation that the model gives each of them, shape (n,).
        network_truth: true accuracy of single networks, shape (n,).
        little: index of each point's little network, shape (k,).
        big: index of each point's big network, shape (k,).
        pair: predicted accuracy of points, shape (k,).
        pair_truth: true accuracy of points, shape (k,).
        rate: predicted escalation rate of points, shape (k,).
        rate_truth: true escalation rate of points, shape (k,).
    """

    network: Array
    network_std: Array
    network_truth: Array
    little: NDArray[np.intp]
    big: NDArray[np.intp]
    pair: Array
    pair_truth: Array
    rate: Array
    rate_truth: Array

    @property
    def std(self) -> Array:
        """Standard deviations of single networks, none smaller than rounding, shape (n,)."""
        return np.maximum(self.network_std, LEAST_STD)

    def within(self, networks: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Which points are of pairs made of these networks alone, shape (k,)."""
        return np.isin(self.little, networks) & np.isin(self.big, networks)


def calibrated(
    residuals: Residuals, level: float = LEVEL, networks: NDArray[np.intp] | None = None
) -> Intervals:
    """Intervals that hold ``level`` of these networks and their points.

    Args:
        residuals: held-out networks and points, predicted and true.
        level: share of the cases to cover.
        networks: indices of the networks to calibrate on; None for all.
    """
    rows = np.arange(len(residuals.network)) if networks is None else networks
    points, std = residuals.within(rows), residuals.std
    off = np.abs(residuals.network - residuals.network_truth)[rows] / std[rows]
    little, big = residuals.little[points], residuals.big[points]
    rate, truth = residuals.rate[points], residuals.pair_truth[points]
    # What would be left if both networks' accuracies were known.
    shift = (1 - rate) * (residuals.network_truth - residuals.network)[little]
    shift = shift + rate * (residuals.network_truth - residuals.network)[big]
    left = truth - residuals.pair[points] - shift
    inner = (rate > 0.05) & (rate < 0.95)
    scaled = left[inner] ** 2 / (4 * rate[inner] * (1 - rate[inner]))
    gain_std = float(np.sqrt(scaled.mean())) if inner.any() else 0.0
    spread = np.maximum(pair_std(std[little], std[big], rate, gain_std), LEAST_STD)
    by_pair = np.abs(residuals.pair[points] - truth) / spread
    by_rate = np.abs(rate - residuals.rate_truth[points])
    return Intervals(
        level=level,
        network=conformal_quantile(off, level),
        pair=conformal_quantile(by_pair, level) if points.any() else float("nan"),
        gain_std=gain_std,
        escalation_rate=conformal_quantile(by_rate, level) if points.any() else float("nan"),
        n_networks=len(rows),
    )


def coverage(
    residuals: Residuals, intervals: Intervals, networks: NDArray[np.intp]
) -> dict[str, float]:
    """Share of networks and of points that intervals hold, and how wide they are on average.

    Args:
        residuals: held-out networks and points, predicted and true.
        intervals: intervals that were calibrated on other networks.
        networks: indices of the networks to count.
    """
    std, points = residuals.std, residuals.within(networks)
    half = intervals.network * std[networks]
    rate = residuals.rate[points]
    spread = pair_std(
        std[residuals.little[points]], std[residuals.big[points]], rate, intervals.gain_std
    )
    wide = intervals.pair * np.maximum(spread, LEAST_STD)
    return {
        "network": float(
            (np.abs(residuals.network - residuals.network_truth)[networks] <= half).mean()
        ),
        "network_half_width": float(half.mean()),
        "pair": float((np.abs(residuals.pair - residuals.pair_truth)[points] <= wide).mean()),
        "pair_half_width": float(wide.mean()),
        "escalation_rate": float(
            (np.abs(rate - residuals.rate_truth[points]) <= intervals.escalation_rate).mean()
        ),
    }
