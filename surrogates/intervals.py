"""Intervals that hold what they promise: conformal prediction on held-out architectures.

A prediction comes with a standard deviation that nobody has checked. On networks that the model
never saw, errors are divided by it; the quantile of these ratios, counted with one network more
than there are, is what a standard deviation has to be multiplied by. The level then holds on
average over networks drawn like those; it is no promise about networks that a search picked, for
which see the searched split.

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
        level: nominal share of cases inside.
        network: what the standard deviation of a single network is multiplied by.
        pair: the same for an operating point of a pair.
        gain_std: error of a pair's gain halfway between its ends, a fraction.
        escalation_rate: half-width of the interval of an escalation rate.
        n_networks: held-out networks that these rest on.
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
        network_std: its standard deviation, shape (n,).
        network_truth: shape (n,).
        little: index of each point's little network, shape (k,).
        big: index of each point's big network, shape (k,).
        pair: predicted accuracy of points, shape (k,).
        pair_truth: shape (k,).
        rate: predicted escalation rate, shape (k,).
        rate_truth: shape (k,).
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
        """Standard deviations that are no rounding, shape (n,)."""
        return np.maximum(self.network_std, LEAST_STD)

    def within(self, networks: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Which points are of pairs made of these networks alone, shape (k,)."""
        return np.isin(self.little, networks) & np.isin(self.big, networks)


def calibrated(
    found: Residuals, level: float = LEVEL, networks: NDArray[np.intp] | None = None
) -> Intervals:
    """Intervals that hold ``level`` of these networks and their points.

    Args:
        found: held-out cases.
        level: share to be covered.
        networks: those to calibrate on; None for all.
    """
    kept = np.arange(len(found.network)) if networks is None else networks
    points, std = found.within(kept), found.std
    off = np.abs(found.network - found.network_truth)[kept] / std[kept]
    little, big = found.little[points], found.big[points]
    rate, truth = found.rate[points], found.pair_truth[points]
    # What would be left if both networks' accuracies were known.
    shift = (1 - rate) * (found.network_truth - found.network)[little]
    shift = shift + rate * (found.network_truth - found.network)[big]
    left = truth - found.pair[points] - shift
    inner = (rate > 0.05) & (rate < 0.95)
    scaled = left[inner] ** 2 / (4 * rate[inner] * (1 - rate[inner]))
    gain_std = float(np.sqrt(scaled.mean())) if inner.any() else 0.0
    spread = np.maximum(pair_std(std[little], std[big], rate, gain_std), LEAST_STD)
    by_pair = np.abs(found.pair[points] - truth) / spread
    by_rate = np.abs(rate - found.rate_truth[points])
    return Intervals(
        level=level,
        network=conformal_quantile(off, level),
        pair=conformal_quantile(by_pair, level) if points.any() else float("nan"),
        gain_std=gain_std,
        escalation_rate=conformal_quantile(by_rate, level) if points.any() else float("nan"),
        n_networks=len(kept),
    )


def coverage(
    found: Residuals, intervals: Intervals, networks: NDArray[np.intp]
) -> dict[str, float]:
    """Share of networks and of points that intervals hold, and how wide they are on average.

    Args:
        found: held-out cases.
        intervals: calibrated on others.
        networks: those to count.
    """
    std, points = found.std, found.within(networks)
    half = intervals.network * std[networks]
    rate = found.rate[points]
    spread = pair_std(std[found.little[points]], std[found.big[points]], rate, intervals.gain_std)
    wide = intervals.pair * np.maximum(spread, LEAST_STD)
    return {
        "network": float((np.abs(found.network - found.network_truth)[networks] <= half).mean()),
        "network_half_width": float(half.mean()),
        "pair": float((np.abs(found.pair - found.pair_truth)[points] <= wide).mean()),
        "pair_half_width": float(wide.mean()),
        "escalation_rate": float(
            (np.abs(rate - found.rate_truth[points]) <= intervals.escalation_rate).mean()
        ),
    }
