"""A curve: both ends, every threshold, its length and its points."""

from __future__ import annotations

import numpy as np
import pytest

from biglittle.bench import Benchmark, Gate, Pair
from biglittle.bench.gates import pair_gates
from biglittle.bench.synthetic import DEVICE


@pytest.mark.parametrize("metric", pair_gates())
def test_curve_ends_are_little_alone_and_big_alone(
    bench: Benchmark, pair: Pair, metric: str
) -> None:
    alone, curve = bench.accuracy("test"), bench.curve(pair, metric, DEVICE)
    costs = bench.costs(DEVICE)
    little, big = bench.row(pair.little), bench.row(pair.big)
    assert curve.accuracy[0] == alone[little]
    assert curve.accuracy[-1] == alone[big]
    assert (curve.escalation_rate[0], curve.escalation_rate[-1]) == (0.0, 1.0)
    assert curve.latency_ms[0] == costs.latency_ms[little]
    assert curve.latency_ms[-1] == costs.latency_ms[little] + costs.latency_ms[big]
    assert (np.diff(curve.escalation_rate) >= 0).all()


@pytest.mark.parametrize("metric", pair_gates())
def test_curve_and_query_agree_at_every_threshold(
    bench: Benchmark, pair: Pair, metric: str
) -> None:
    curve = bench.curve(pair, metric, DEVICE)
    for i, threshold in enumerate(curve.threshold):
        point = bench.query(pair, Gate(metric, float(threshold)), DEVICE)
        assert point.accuracy == curve.accuracy[i]
        assert point.escalation_rate == curve.escalation_rate[i]
        assert point.latency_p95_ms == curve.latency_p95_ms[i]


def test_a_curve_is_as_long_as_its_arrays_and_holds_operating_points(bench: Benchmark) -> None:
    pair = Pair(*bench.architectures[:2])
    curve = bench.curve(pair, "margin", DEVICE)
    assert len(curve) == len(curve.threshold) == len(list(curve))
    assert curve[7] == bench.query(pair, Gate("margin", float(curve.threshold[7])), DEVICE)
    assert curve[7] in curve
    part = curve[10:20]
    assert len(part) == 10
    assert part.accuracy.tolist() == curve.accuracy[10:20].tolist()
    assert part.pair == pair
