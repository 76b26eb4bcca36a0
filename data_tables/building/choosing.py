"""Which networks of a searched front active learning evaluates, and what is promised of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from ...bench import Points
from ...bench.rows import is_held_out
from ...searchers.console import spread
from ...surrogates import (
    Surrogate,
    SurrogateEvaluator,
)

JUDGED_POINTS = 40  # of a round's front: those whose networks were both evaluated


def choose(
    front: Points,
    std: Mapping[str, float],
    evaluated: Iterable[str],
    batch: int,
) -> list[tuple[str, str]]:
    """Networks of a front to evaluate, each with the reason: ``spread`` or ``uncertain``.

    Half of them are little and big of points that are spread over the front's latency, taken ever
    more densely until there are enough; the others are those with the largest deviation.

    Args:
        front: operating points that a search found.
        std: how far off the surrogate thinks it may be, by architecture of the front.
        evaluated: architectures that need no evaluation.
        batch: number of networks, at the most.
    """
    order, seen = np.argsort(front.latency_ms, kind="stable"), set(evaluated)
    reasons: dict[str, str] = {}
    wanted = batch - batch // 2
    dense = max(wanted // 2, 1)
    while True:
        for row in order[spread(len(front), dense)]:
            for architecture in (str(front.little[row]), str(front.big[row])):
                if architecture not in seen and len(reasons) < wanted:
                    reasons[architecture] = "spread"
                    seen.add(architecture)
        if len(reasons) == wanted or dense >= len(front):
            break
        dense *= 2
    left = sorted({*map(str, front.little), *map(str, front.big)} - seen)
    left.sort(key=lambda a: -std[a])
    reasons |= dict.fromkeys(left[: batch - len(reasons)], "uncertain")
    return list(reasons.items())


def predicted(surrogate: Surrogate, architectures: Sequence[str]) -> list[dict[str, Any]]:
    """What a surrogate promises of some networks, plain JSON."""
    promised = surrogate.predict_networks(surrogate.space.parse(list(architectures)))
    return [
        {
            "architecture": architecture,
            "held_out": is_held_out(architecture),
            "accuracy": float(promised.accuracy[i]),
            "low": float(promised.low[i]),
            "high": float(promised.high[i]),
            "outside": bool(promised.outside[i]),
        }
        for i, architecture in enumerate(architectures)
    ]


def points_between(
    judge: SurrogateEvaluator, front: Points, ready: set[str]
) -> list[dict[str, Any]]:
    """Operating points of the front between networks that are or will be evaluated."""
    rows = [i for i in range(len(front)) if {str(front.little[i]), str(front.big[i])} <= ready]
    if not rows:
        return []
    some = front.take(np.array(rows))
    some = some.take(np.argsort(some.latency_ms, kind="stable")[spread(len(some), JUDGED_POINTS)])
    interval = judge.intervals(some)
    return [
        {
            "little": str(some.little[i]),
            "big": str(some.big[i]),
            "gate": str(some.gate[i]),
            "threshold": float(some.threshold[i]),
            "latency_ms": float(some.latency_ms[i]),
            "accuracy": float(some.accuracy[i]),
            "low": float(interval.low[i]),
            "high": float(interval.high[i]),
            "escalation_rate": float(some.escalation_rate[i]),
        }
        for i in range(len(some))
    ]
