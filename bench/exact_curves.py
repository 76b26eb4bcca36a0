"""Exact curves of a table's pairs, every cut of a gate at once, and the best cut of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from .better_alone import better_alone
from .cost import pair_costs
from .curve import Curve, Curves
from .exact_points import ExactPoints
from .figures import checked_limits
from .gate import Gate
from .gates import get_gate
from .limits import best_of, check_known, unreachable, within
from .measured_pairs import whole_provenance
from .pair import Pair
from .points import OperatingPoint


def exact_curve(exact: ExactPoints, pair: Pair, gate: str, device: str, split: str) -> Curve:
    """All operating points of a pair under one gate metric; see ``Benchmark.curve``."""
    little, big = exact.table.pair_rows(pair)
    counts, costs = exact.counts(split), exact.costs(device)
    escalated, hits = counts.curve(gate, little, big)
    rate = escalated / counts.n_images
    shared = exact.shared(device, gate, little, big, costs)
    first, second = costs.one(little), costs.one(big)
    figures = pair_costs(first, second, rate, shared)
    return Curve(
        pair=pair,
        gate=gate,
        device=device,
        split=split,
        threshold=exact.thresholds(gate),
        escalation_rate=rate,
        accuracy=hits / counts.n_images,
        provenance=whole_provenance(exact.words(device, first, second, reach=[rate]), shared, rate),
        coupling=str(exact.couplings.names(little, big)),
        **figures,
    )


def exact_choice(
    exact: ExactPoints, pair: Pair, gate: str, device: str, limits: Mapping[str, float]
) -> OperatingPoint:
    """The most accurate threshold within limits on ``val``; see ``Benchmark.choose``."""
    limits = checked_limits(limits)
    points = exact_curve(exact, pair, gate, device, "val").points
    of, given = f"{pair.little} -> {pair.big}", exact.table.given
    check_known(points, limits, of, device, given)
    allowed = np.flatnonzero(within(points, limits))
    if not len(allowed):
        best = {n: best_of(points, n) for n in limits}
        raise unreachable(limits, best, f"of this pair under {gate} on {device}")
    best_at = int(allowed[np.argmax(points.accuracy[allowed])])
    point = exact.point(pair, Gate(gate, float(points.threshold[best_at])), device, "test")
    judged, ids = exact.counts("val"), exact.table.names
    n_right = round(float(points.accuracy[best_at]) * judged.n_images)
    rows, costs = exact.table.pair_rows(pair), exact.costs(device)
    reported, others = exact.counts("test"), exact.table.rows(exits=True)
    alone = better_alone(rows, ids, n_right, limits, costs, judged, reported, others)
    return replace(point, better_alone=alone)


def exact_curves(
    exact: ExactPoints,
    little: str,
    gate: str,
    device: str,
    bigs: Sequence[str] | None,
    split: str,
) -> Curves:
    """The curves of one little network with many bigs; see ``Benchmark.curves``."""
    row = exact.table.network_row(little)
    rows = exact.table.rows() if bigs is None else exact.rows(np.asarray(bigs, np.str_))
    counts, costs = exact.counts(split), exact.costs(device)
    escalated, hits = counts.curves(gate, row, rows)
    rate = escalated / counts.n_images
    whole = exact.shared(device, gate, np.array([row]), rows, costs)
    first, second = costs.take([row]), costs.take(rows)
    figures = pair_costs(first, second, rate, whole)
    shared = get_gate(gate).kind not in ("pairwise", "paired")
    return Curves(
        little=little,
        bigs=exact.table.names[rows],
        gate=gate,
        device=device,
        split=split,
        threshold=exact.thresholds(gate),
        escalation_rate=rate[:, 0] if shared and len(rows) else rate,
        accuracy=hits / counts.n_images,
        provenance=dict(whole_provenance(exact.words(device, first, second), whole, rate)),
        **{n: figures[n] for n in ("latency_ms", "latency_p95_ms", "energy_mj", "macs")},
    )
