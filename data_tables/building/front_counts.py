"""How often the exact fronts of a table ask each of its networks: what a small file keeps first."""

from __future__ import annotations

from collections import Counter

from ...bench import Benchmark


def asked_for(bench: Benchmark, macs: bool = False) -> Counter[str]:
    """How many points of the exact fronts of all devices each network is part of, by name.

    Fronts are those of error on val against latency; a point that never escalates counts twice
    for its one network.

    Args:
        bench: benchmark of the table.
        macs: count the front of error against MACs too.
    """
    counts: Counter[str] = Counter()
    questions = [(device, ("error", "latency_ms")) for device in bench.devices]
    if macs:
        questions.append((bench.devices[0], ("error", "macs")))
    for device, objectives in questions:
        front = bench.front(device, objectives)
        for names in (front.points.little, front.points.big):
            counts.update(str(name) for name in names)
    return counts
