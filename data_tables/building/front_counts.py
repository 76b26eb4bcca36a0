"""What the exact fronts of a table ask of each of its networks: what a small file keeps first."""

from __future__ import annotations

from collections import Counter

import numpy as np

from ...bench import Benchmark


def asked_for(bench: Benchmark) -> Counter[str]:
    """How many points of exact fronts each network is part of, by name.

    Fronts are those of error on val against latency on each device, and against MACs. A point
    that never escalates counts twice for its one network.
    """
    counts: Counter[str] = Counter()
    questions = [(device, ("error", "latency_ms")) for device in bench.devices]
    for device, objectives in [*questions, (bench.devices[0], ("error", "macs"))]:
        front = bench.front(device, objectives)
        for names in (front.points.little, front.points.big):
            counts.update(str(name) for name in names)
    return counts


def share_of_budgets(bench: Benchmark) -> dict[str, float]:
    """For which share of budgets of latency each network is part of the best answer, by name.

    A device's budgets lie evenly on a logarithmic scale between the ends of its exact front of
    error on val against latency; the best answer to one is the last point of the front within it.

    Returns:
        Sum over all devices, the largest first.
    """
    shares: dict[str, float] = {}
    for device in bench.devices:
        points = bench.front(device).points
        order = np.argsort(points.latency_ms, kind="stable")
        widths = np.diff(np.log(points.latency_ms[order]), append=0.0)
        widths[-1] = 0.0  # the last point answers every budget beyond the front
        for row, width in zip(order, widths / max(widths.sum(), 1e-12), strict=True):
            for name in {str(points.little[row]), str(points.big[row])}:
                shares[name] = shares.get(name, 0.0) + float(width)
    return dict(sorted(shares.items(), key=lambda item: -item[1]))
