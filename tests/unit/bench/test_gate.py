"""What is taken for a gate, or for a pair, and what is not."""

from __future__ import annotations

import pytest

from biglittle.bench import Benchmark, Gate, Pair
from biglittle.bench.errors import ArchitectureError, GateError
from biglittle.bench.synthetic import DEVICE


def test_two_ids_are_a_pair_and_a_name_with_a_threshold_is_a_gate(bench: Benchmark) -> None:
    ids = (bench.architectures[0], bench.architectures[1])
    pair, gate = Pair(*ids), Gate("margin", 0.4)
    assert bench.query(ids, ("margin", 0.4), DEVICE) == bench.query(pair, gate, DEVICE)
    by_ids = bench.curve(ids, "margin", DEVICE)
    assert by_ids.accuracy.tolist() == bench.curve(pair, "margin", DEVICE).accuracy.tolist()
    explained = bench.explain(ids, ("margin", 0.4))
    assert explained.escalation_rate == bench.explain(pair, gate).escalation_rate
    limits = {"latency_ms": 1e9}
    chosen = bench.choose(ids, "margin", DEVICE, limits)
    assert chosen == bench.choose(pair, "margin", DEVICE, limits)
    alone = bench.front(DEVICE, "accuracy", gates="margin")
    assert {str(g) for g in alone.points.gate} == {"margin"}


def test_what_is_neither_says_what_to_pass(bench: Benchmark) -> None:
    pair = Pair(*bench.architectures[:2])
    with pytest.raises(GateError, match=r"Gate\('margin', 0\.42\).*Benchmark\.curve"):
        bench.query(pair, "margin", DEVICE)  # type: ignore[arg-type]
    with pytest.raises(GateError, match="pass its name alone: 'entropy'"):
        bench.curve(pair, Gate("entropy", 0.5), DEVICE)  # type: ignore[arg-type]
    with pytest.raises(GateError, match="pass its name alone"):
        bench.curves(pair.little, Gate("entropy", 0.5), DEVICE)  # type: ignore[arg-type]
    for wrong in (pair.little, (pair.little,), (1, 2), None):
        with pytest.raises(ArchitectureError, match=r"Pair\(little=\.\.\., big=\.\.\.\)"):
            bench.query(wrong, Gate("margin", 0.4), DEVICE)  # type: ignore[arg-type]


def test_thresholds_for_each_class_are_told_their_gate(bench: Benchmark) -> None:
    with pytest.raises(GateError, match=r"Gate\('per_class', 0\.5\)"):
        Gate("margin", [0.5] * 10)  # type: ignore[arg-type]
    point = bench.query(bench.architectures[:2], Gate("per_class", 0.5), DEVICE)
    assert point.gate == "per_class"
