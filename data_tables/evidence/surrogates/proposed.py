"""Operating points that searches propose on the shipped surrogate, to be evaluated for real."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ....bench import Benchmark, load_device
from ....bench.errors import BigLittleError
from ....surrogates import (
    Surrogate,
    SurrogateEvaluator,
)
from .._page import Step, load
from ._common import DEVICE, TABLE, learnable, say

#: Searches whose fronts are really evaluated: limit of latency in ms, seed, penalty outside.
SEARCHES = tuple((limit, seed) for limit in (15.0, 20.0, 30.0) for seed in (0, 1))
SEARCH_BUDGET, PROPOSED = 5000, 48  # pairs, each under every gate


def measure() -> dict[str, Any]:
    """Operating points spread over fronts that NSGA-II finds on the shipped surrogate."""
    from ....bench.files import file_hash
    from ....searchers import get_searcher
    from ....searchers.console import spread
    from ....searchers.settings import SearchSettings

    bench = Benchmark.load(TABLE)
    folder = bench.table.path.parent / "surrogate"
    judge = SurrogateEvaluator(Surrogate.load(folder), load_device(DEVICE))
    held = learnable(bench.table)
    rows: list[dict[str, Any]] = []
    each = -(-PROPOSED // (2 * len(SEARCHES)))
    for limit, seed in SEARCHES:
        settings = SearchSettings(budget=SEARCH_BUDGET, seed=seed, limits={"latency_ms": limit})
        front = get_searcher("nsga2")(judge, settings).front
        front = front.take(np.argsort(front.latency_ms))
        real = np.flatnonzero(front.escalation_rate >= 0.01)
        other = np.setdiff1d(np.arange(len(front)), real)
        picked = [r[spread(len(r), each)] for r in (real, other) if len(r)]
        points = front.take(np.sort(np.concatenate(picked)))
        intervals = judge.intervals(points)
        for i in range(len(points)):
            point = points[i]
            rows.append(
                {
                    "latency_ms_max": limit,
                    "seed": seed,
                    "little": point.little,
                    "big": point.big,
                    "gate": point.gate,
                    "threshold": point.threshold,
                    "latency_ms": point.latency_ms,
                    "accuracy": point.accuracy,
                    "low": float(intervals.low[i]),
                    "high": float(intervals.high[i]),
                    "escalation_rate": point.escalation_rate,
                    "distance": float(intervals.distance[i]),
                    "outside": bool(intervals.outside[i]),
                }
            )
        say(f"within {limit:g} ms, seed {seed}: {len(points)} points of {len(front)}")
    new = {r[who] for r in rows for who in ("little", "big")} - held
    say(f"{len(rows)} points of {len(new)} networks that the table does not hold")
    return {
        "surrogate_sha256": file_hash(folder / "surrogate.json"),
        "device": DEVICE,
        "budget": SEARCH_BUDGET,
        "new_architectures": len(new),
        "points": rows,
    }


def proposed() -> dict[str, Any]:
    """What was proposed.

    Raises:
        BigLittleError: the step was not run yet.
    """
    figures = load("surrogates/proposed")
    if figures is None:
        raise BigLittleError("nothing is proposed yet; run the step 'surrogates/proposed' first.")
    return figures


def in_random_order(points: Sequence[Mapping[str, Any]]) -> list[str]:
    """Networks of points, in the order of shuffled points: the first ones are a fair sample."""
    order = np.random.default_rng(0).permutation(len(points))
    return list(dict.fromkeys(points[i][who] for i in order for who in ("little", "big")))


STEP = Step(measure)
