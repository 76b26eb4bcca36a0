"""What the plots of a front show of its accuracies, so that a gain of a point can be seen."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..bench import Points
from ..bench.recommend import Recommendation
from .singles import SingleNetworks

BELOW, ABOVE = 0.1, 0.05  # blank space, as shares of the accuracies that are shown


def accuracy_view(
    accuracy: NDArray[np.float64], answers: Sequence[Recommendation] = (), highest: float = 0.0
) -> tuple[float, float]:
    """The lowest and the highest accuracy to show, fractions.

    Networks that are next to useless reach far down and squeeze what is compared into a few pixels.
    So the better half of the points is shown, and further down only as far as what is recommended
    and the single network beside it.

    Args:
        accuracy: accuracies of the points, fractions; at least one is not NaN.
        answers: what is recommended at each budget.
        highest: highest accuracy of whatever else is drawn.

    >>> accuracy_view(np.array([0.38, 0.6, 0.80, 0.85, 0.86]))
    (0.794, 0.863)
    """
    needed = [float(np.nanmedian(accuracy))]
    for answer in answers:
        needed += [] if answer.pair is None else [answer.pair.accuracy]
        needed += [] if answer.single is None else [float(answer.single["accuracy"])]
    high = max(float(np.nanmax(accuracy)), float(highest), *needed)
    low = min(needed)
    extent = high - low or 0.01
    return round(low - BELOW * extent, 4), round(high + ABOVE * extent, 4)


def view_text(accuracy: NDArray[np.float64], lowest: float) -> str:
    """A sentence on the points below what is shown; empty where there are none."""
    n_below = int((accuracy < lowest).sum())
    if not n_below:
        return ""
    return (
        f"The axis begins at {100 * lowest:.1f} %, so that a gain can be seen: {n_below} of the "
        f"{len(accuracy)} points are below it. Double-click into the plot to see all."
    )


def gain_over_single(points: Points, best_singles: SingleNetworks) -> NDArray[np.float64]:
    """Accuracy of each point minus that of its best single network, fractions, shape (n,).

    NaN where no single network is as fast.

    Args:
        points: operating points of pairs, n of them.
        best_singles: the best single network at each point's latency, one row per point.
    """
    return np.asarray(points.accuracy - best_singles.accuracy)
