"""A pair that a device measured end to end has those latencies wherever anybody asks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from biglittle.bench import Benchmark, Candidates, Gate, Pair, Points
from biglittle.bench.cost import NetworkCosts, pair_figure
from biglittle.bench.errors import ConstraintError
from biglittle.bench.measured_pairs import MeasuredPairs
from biglittle.bench.synthetic import DEVICE, synthetic_table
from biglittle.bench.table_writer import write_table
from biglittle.searchers.evaluators.table import TableEvaluator

GATE = Gate("margin", 0.3)
LATENCIES = ("latency_ms", "latency_p95_ms", "latency_worst_ms")


def entry(pair: Pair, kept_ms: float | None, escalated_ms: float, **more: str) -> dict[str, object]:
    """A pair as it stands in a device profile."""
    return {
        "little": pair.little, "big": pair.big, "gate": GATE.metric, "kept_ms": kept_ms,
        "escalated_ms": escalated_ms, "provenance": "measured",
    } | more  # fmt: skip


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    where = tmp_path_factory.mktemp("table") / "table.h5"
    write_table(where, synthetic_table(n_networks=9, seed=3), "test", "2020-01-01")
    return where


def benchmark(path: Path, *entries: dict[str, object]) -> Benchmark:
    """A benchmark whose device measured these pairs."""
    bench = Benchmark.load(path)
    bench._exact._measured_pairs[DEVICE] = MeasuredPairs(entries)
    return bench


def ends(path: Path) -> Pair:
    """The cheapest and the most expensive network of the table."""
    bench = Benchmark.load(path)
    costs = bench.costs(DEVICE).latency_ms[bench.table.rows()]
    ids = bench.architectures
    return Pair(ids[int(np.argmin(costs))], ids[int(np.argmax(costs))])


def test_a_point_and_a_curve_take_what_was_measured(path: Path) -> None:
    pair = ends(path)
    plain, bench = Benchmark.load(path), benchmark(path, entry(pair, 3.0, 8.0))
    point = bench.query(pair, GATE, DEVICE)
    rate = point.escalation_rate
    assert 0.05 < rate < 1
    assert point.latency_ms == pytest.approx(3.0 + rate * 5.0)
    assert (point.latency_p95_ms, point.latency_worst_ms) == pytest.approx((8.0, 8.0))
    assert {point.provenance[n] for n in LATENCIES} == {"measured"}
    summed = plain.query(pair, GATE, DEVICE)
    assert point.provenance["energy_mj"] == summed.provenance["energy_mj"]
    assert (point.macs, point.energy_mj) == (summed.macs, summed.energy_mj)
    curve = bench.curve(pair, "margin", DEVICE)
    some = curve.escalation_rate > 0
    np.testing.assert_allclose(curve.latency_ms[some], 3.0 + curve.escalation_rate[some] * 5.0)
    np.testing.assert_array_equal(  # where nothing is escalated it is the little network alone
        curve.latency_ms[~some], plain.curve(pair, "margin", DEVICE).latency_ms[~some]
    )
    curves = bench.curves(pair.little, "margin", DEVICE)
    at = curves.bigs.tolist().index(pair.big)
    np.testing.assert_array_equal(curves.latency_ms[:, at], curve.latency_ms)
    np.testing.assert_array_equal(
        np.delete(curves.latency_ms, at, axis=1),
        np.delete(plain.curves(pair.little, "margin", DEVICE).latency_ms, at, axis=1),
    )


def test_another_gate_a_failure_and_a_sum_are_no_measurement(path: Path) -> None:
    pair = ends(path)
    plain = Benchmark.load(path).query(pair, GATE, DEVICE)
    for other in (
        entry(pair, 3.0, 8.0, gate="entropy"),
        entry(pair, None, 8.0, error="no kernel"),
        entry(pair, 3.0, 8.0, provenance="modelled"),
        entry(Pair(pair.big, pair.little), 3.0, 8.0),
    ):
        assert benchmark(path, other).query(pair, GATE, DEVICE) == plain
    assert not MeasuredPairs([entry(pair, None, 8.0)])


def test_of_a_mixture_nothing_looks_measured(path: Path) -> None:
    pair = ends(path)
    bench = benchmark(path, entry(pair, 3.0, 8.0))
    words = bench.provenance(DEVICE)
    both = bench.query_many([pair.little] * 2, [pair.big, pair.little], "margin", 0.3, DEVICE)
    assert both.provenance["latency_ms"] == words["latency_ms"] != "measured"
    alone = bench.query_many([pair.little], [pair.big], "margin", 0.3, DEVICE)
    assert alone.provenance["latency_ms"] == "measured"
    assert alone.latency_ms[0] == both.latency_ms[0] == bench.query(pair, GATE, DEVICE).latency_ms


@pytest.mark.parametrize(("kept_ms", "escalated_ms"), [(0.2, 0.9), (40.0, 900.0)])
def test_the_exact_front_is_that_of_all_points(
    path: Path, kept_ms: float, escalated_ms: float
) -> None:
    pair = ends(path)
    bench = benchmark(path, entry(pair, kept_ms, escalated_ms))
    front = bench.front(DEVICE).chosen
    ids = bench.architectures
    every = [
        bench.curve(Pair(a, b), gate, DEVICE, "val").points
        for a in ids
        for b in ids
        for gate in ("margin", "max_prob", "entropy")
    ]
    values = np.concatenate([np.stack([-p.accuracy, p.latency_ms], axis=1) for p in every])
    order = np.lexsort((values[:, 1], values[:, 0]))
    best, wanted = np.inf, []
    for accuracy, latency in values[order]:
        if latency < best:
            best = latency
            wanted.append((accuracy, latency))
    got = sorted(set(zip((-front.accuracy).tolist(), front.latency_ms.tolist(), strict=True)))
    np.testing.assert_allclose(got, sorted(wanted), rtol=1e-12)
    used = (front.little == pair.little) & (front.big == pair.big) & (front.gate == "margin")
    assert bool((used & (front.escalation_rate > 0)).any()) is (kept_ms < 1)
    limit = float(np.median(front.latency_ms))
    limited = bench.front(DEVICE, limits={"latency_ms": limit}).chosen
    assert limited.latency_ms.max() <= limit
    with pytest.raises(ConstraintError, match=f"latency_ms {front.latency_ms.min():.4g}"):
        bench.front(DEVICE, limits={"latency_ms": 0.1})


def test_a_search_in_the_table_sees_the_same_points(path: Path) -> None:
    pair = ends(path)
    bench = benchmark(path, entry(pair, 3.0, 8.0))
    judge = TableEvaluator(bench, DEVICE, "val")
    space = judge.space
    little, big = space.parse([pair.little]), space.parse([pair.big])
    swept = judge.sweep(little, big)
    cut = swept.cut
    points: Points = judge.evaluate(
        Candidates(np.repeat(little, len(cut), 0), np.repeat(big, len(cut), 0), swept.gate, cut)
    )
    np.testing.assert_array_equal(points.latency_ms, swept.figures["latency_ms"])
    margin = (points.gate == "margin") & (points.escalation_rate > 0)
    np.testing.assert_allclose(
        points.latency_ms[margin], 3.0 + 5.0 * points.escalation_rate[margin]
    )


def test_costs_of_numbers_and_arrays_alike() -> None:
    def costs(*ms: float) -> NetworkCosts:
        column = np.array(ms)
        words = {"latency_ms": "measured", "energy_mj": "modelled"}
        return NetworkCosts(column, column, column, column, column, column, 0.5, words)

    pairs = MeasuredPairs([entry(Pair("8", "0"), 2.0, 7.0)])
    assert pairs.shared("entropy", ("8", "0"), (costs(1.0), costs(4.0))) is None
    ids = np.array(["8", "8"]), np.array(["0", "4"])
    shared = pairs.shared("margin", ids, (costs(1.0, 1.0), costs(4.0, 4.0)))
    got = pair_figure("latency_ms", costs(1.0, 1.0), costs(4.0, 4.0), np.array([0.5, 0.5]), shared)
    assert got.tolist() == pytest.approx([4.5, 3.5])
