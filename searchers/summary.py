"""A front in a few numbers: its hypervolume, and how it compares with single networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ..bench import Points
from ..bench.errors import ConstraintError
from ..bench.figures import get_figure
from ..bench.provenance import words_taken
from .search import SINGLE_COSTS, SingleNetworks


def front_values(points: Points, objectives: Sequence[str]) -> NDArray[np.float64]:
    """The points as a matrix of shape (n, n_objectives), everything minimised."""
    wanted = [get_figure(o) for o in objectives]
    return np.stack([o.minimised(points.figure(o.name)) for o in wanted], axis=1)


def escalating(points: Points, least: float = 0.01) -> int:
    """How many points send at least a share ``least`` of the inputs to their big network.

    The others are in effect one network: their big hardly ever runs.
    """
    return int((points.escalation_rate >= least).sum())


def best_single(
    points: Points, singles: SingleNetworks, cost: str = "latency_ms"
) -> SingleNetworks:
    """For each operating point the most accurate single network that costs no more.

    Both sides come from one evaluator and so have the same provenance. A mean cost of the pair is
    set against the constant cost of the single network.

    Args:
        points: operating points of pairs, n of them.
        singles: the networks to choose from.
        cost: the figure that may not be exceeded: latency_ms, energy_mj, macs or peak_memory_mib.

    Returns:
        n rows in the order of the points; an empty row where no network is cheap enough.

    Raises:
        ConstraintError: a figure by which networks cannot be compared with pairs.
    """
    if cost not in SINGLE_COSTS:
        raise ConstraintError(
            f"single networks cannot be compared by {cost!r}; expected {', '.join(SINGLE_COSTS)}."
        )
    price = np.asarray(getattr(singles, cost), np.float64)
    order = np.lexsort((-singles.accuracy, price))
    order = order[np.isfinite(price[order]) & np.isfinite(singles.accuracy[order])]
    running = np.maximum.accumulate(singles.accuracy[order])
    fresh = np.ones(len(order), bool)
    fresh[1:] = running[1:] > running[:-1]
    steps = order[fresh]
    figure = points.figure(cost)
    at = np.searchsorted(price[steps], figure, side="right") - 1
    none = (at < 0) | ~np.isfinite(figure)
    row = np.where(none, 0, at)

    def column(name: str) -> NDArray[np.float64]:
        if not len(steps):
            return np.full(len(points), np.nan)
        return np.where(none, np.nan, np.asarray(getattr(singles, name), np.float64)[steps][row])

    words: Mapping[str, str] = dict(singles.provenance)
    if len(steps):
        words = words_taken(singles.provenance, steps[row])
    ids = singles.architecture[steps][row] if len(steps) else np.full(len(points), "")
    return SingleNetworks(
        architecture=np.where(none, "", ids),
        accuracy=column("accuracy"),
        **{name: column(name) for name in SINGLE_COSTS},
        provenance=words,
    )
