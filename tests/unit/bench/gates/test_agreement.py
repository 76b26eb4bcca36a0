"""Agreement of two littles: counted by hand, paid for as a cascade, chosen exactly."""

from __future__ import annotations

import numpy as np
import pytest

from biglittle.bench import Benchmark, Cascade
from biglittle.bench.synthetic import DEVICE


def test_agreement_at_one_half_is_agreement_based_cascading(bench: Benchmark) -> None:
    first, second, big = (bench.architectures[i] for i in (0, 1, 5))
    stored = bench.table.predictions("test")
    a, b, c = (stored.top1[bench.row(n)] for n in (first, second, big))
    cascade = Cascade((first, second, big), [("max_prob", 1.0), ("agreement", 0.5)])
    point = bench.query_cascade(cascade, DEVICE)
    answers = np.where(a == b, a, c)
    assert point.accuracy == (answers == stored.labels).mean()
    assert point.reach == (1.0, 1.0, (a != b).mean())


def test_both_littles_are_paid_for_by_every_input(bench: Benchmark) -> None:
    first, second, big = names = tuple(bench.architectures[i] for i in (0, 1, 5))
    cascade = Cascade(names, [("max_prob", 1.0), ("agreement", 0.5)])
    point, costs = bench.query_cascade(cascade, DEVICE), bench.costs(DEVICE)
    rows = [bench.row(name) for name in (first, second, big)]
    for figure in ("latency_ms", "energy_mj", "macs"):
        little, other, large = getattr(costs, figure)[rows]
        assert getattr(point, figure) == pytest.approx(little + other + point.reach[2] * large)
    assert point.params <= costs.params[rows].sum()  # shared weights count once


def test_less_certain_of_two_that_agree_goes_first(bench: Benchmark) -> None:
    codes = bench.table.gate_codes.of_two("agreement", "test", 0, 1)
    stored = bench.table.predictions("test")
    same = stored.top1[0] == stored.top1[1]
    assert codes[same].min() >= 128 > codes[~same].max()
    least = np.minimum(*(stored.codes["max_prob"][row] for row in (0, 1)))
    assert np.array_equal(codes % 128, least // 2)


def test_its_thresholds_are_chosen_with_those_of_the_other_gates(bench: Benchmark) -> None:
    names = tuple(bench.architectures[i] for i in (0, 1, 5))
    gates = ("max_prob", "agreement")
    limit = 0.9 * bench.costs(DEVICE).latency_ms[[bench.row(n) for n in names]].sum()
    chosen = bench.choose_cascade(names, gates, DEVICE, {"latency_ms": limit})
    assert chosen.gates == gates
    val = bench.query_cascade(Cascade(names, list(zip(gates, chosen.thresholds, strict=True))),
                              DEVICE, "val")  # fmt: skip
    assert val.latency_ms is not None
    assert val.latency_ms <= limit
    for t in np.linspace(0, 1, 9):
        for u in np.linspace(0, 1, 9):
            cascade = Cascade(names, [("max_prob", float(t)), ("agreement", float(u))])
            point = bench.query_cascade(cascade, DEVICE, "val")
            assert point.latency_ms is not None
            assert point.latency_ms > limit or point.accuracy <= val.accuracy
