"""Query, curve and front against answers worked out image by image."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from biglittle.bench import FIGURES, Benchmark, Gate, Pair
from biglittle.bench.errors import (
    ArchitectureError,
    ConstraintError,
    GateError,
    TableError,
    UnknownNameError,
)
from biglittle.bench.gates import GATES, get_metric, stored_metrics
from biglittle.bench.pareto import nondominated
from biglittle.bench.synthetic import DEVICE, synthetic_table
from biglittle.bench.table_writer import write_table


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Benchmark:
    path = tmp_path_factory.mktemp("table") / "table.h5"
    write_table(path, synthetic_table(), "1", "2026-01-01")
    return Benchmark.load(path)


@pytest.fixture(scope="module")
def pair(bench: Benchmark) -> Pair:
    dearest = int(np.argmax(bench.table.networks["macs"]))
    return Pair(bench.architectures[0], bench.architectures[dearest])


@pytest.mark.parametrize("metric", stored_metrics())
@pytest.mark.parametrize("split", ["val", "test"])
def test_query_agrees_with_counting_by_hand(
    bench: Benchmark, pair: Pair, metric: str, split: str
) -> None:
    said = bench.table.predictions(split)
    little, big = bench.row(pair.little), bench.row(pair.big)
    threshold = 0.4
    values = get_metric(metric).decode(said.codes[metric][little], 10)
    hits = escalated = 0
    for image, label in enumerate(said.labels):
        sure = values[image] <= threshold if metric == "entropy" else values[image] >= threshold
        escalated += not sure
        hits += said.top1[little if sure else big, image] == label
    point = bench.query(pair, Gate(metric, threshold), DEVICE, split)
    assert point.accuracy == hits / len(said.labels)
    assert point.escalation_rate == escalated / len(said.labels)


@pytest.mark.parametrize("metric", GATES.names())
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


@pytest.mark.parametrize("metric", GATES.names())
def test_curve_and_query_agree_at_every_threshold(
    bench: Benchmark, pair: Pair, metric: str
) -> None:
    curve = bench.curve(pair, metric, DEVICE)
    for i, threshold in enumerate(curve.threshold):
        point = bench.query(pair, Gate(metric, float(threshold)), DEVICE)
        assert point.accuracy == curve.accuracy[i]
        assert point.escalation_rate == curve.escalation_rate[i]
        assert point.latency_p95_ms == curve.latency_p95_ms[i]


def test_p95_is_that_of_the_two_modes(bench: Benchmark, pair: Pair) -> None:
    costs = bench.costs(DEVICE)
    little, big = (costs.latency_ms[bench.row(a)] for a in (pair.little, pair.big))
    said = bench.table.predictions("test").codes["margin"][bench.row(pair.little)]
    for threshold in get_metric("margin").thresholds(10)[::16]:
        point = bench.query(pair, Gate("margin", float(threshold)), DEVICE)
        escalated = said < Gate("margin", float(threshold)).cut(10)
        each = little + big * escalated
        assert point.latency_ms == pytest.approx(each.mean())
        assert point.latency_p95_ms == pytest.approx(np.quantile(each, 0.95, method="inverted_cdf"))


@pytest.mark.parametrize(
    "objectives", [("error", "latency_ms"), ("error", "latency_ms", "peak_memory_mib")]
)
def test_front_is_that_of_all_points(bench: Benchmark, objectives: tuple[str, ...]) -> None:
    points = []
    for little in bench.architectures:
        for big in bench.architectures:
            for metric in stored_metrics():
                curve = bench.curve(Pair(little, big), metric, DEVICE, "val")
                memory = bench.query(Pair(little, big), Gate(metric, 0.5), DEVICE).peak_memory_mib
                columns = {
                    "error": 1 - curve.accuracy,
                    "latency_ms": curve.latency_ms,
                    "peak_memory_mib": np.full(len(curve.threshold), memory),
                }
                points.append(np.stack([columns[o] for o in objectives], axis=1))
    everything = np.concatenate(points)
    expected = np.unique(everything[nondominated(everything)].round(12), axis=0)
    front = bench.front(DEVICE, objectives)
    got = np.stack(
        [
            1 - front.chosen.accuracy if o == "error" else _on_val(bench, front.points, o)
            for o in objectives
        ],
        axis=1,
    )
    assert np.allclose(np.unique(got.round(12), axis=0), expected)
    assert front.n_pairs == len(bench.architectures) ** 2


def _on_val(bench: Benchmark, points: object, name: str) -> np.ndarray:
    return bench.reported(points, DEVICE, "val").figure(name)  # type: ignore[arg-type]


def test_limits_are_kept_and_the_impossible_says_what_is_reachable(bench: Benchmark) -> None:
    cheapest = float(bench.costs(DEVICE).latency_ms.min())
    front = bench.front(DEVICE, limits={"latency_ms": cheapest * 1.5})
    assert (_on_val(bench, front.points, "latency_ms") <= cheapest * 1.5).all()
    with pytest.raises(ConstraintError, match=f"latency_ms {cheapest:.4g}"):
        bench.front(DEVICE, limits={"latency_ms": cheapest / 2})
    with pytest.raises(ConstraintError, match="not usable"):
        bench.front(DEVICE, limits={"latency_ms": float("nan")})
    with pytest.raises(UnknownNameError, match="latency_ms"):
        bench.front(DEVICE, limits={"latencyms": 3.0})


def test_networks_without_a_figure_are_left_out_and_counted(tmp_path: Path) -> None:
    contents = synthetic_table()
    contents.devices[DEVICE]["latency_ms"][[0, 3]] = np.nan
    write_table(tmp_path / "t.h5", contents, "1", "2026-01-01")
    bench = Benchmark.load(tmp_path / "t.h5")
    front = bench.front(DEVICE)
    assert front.n_left_out == 2
    gone = {bench.architectures[0], bench.architectures[3]}
    assert not gone & {*front.points.little, *front.points.big}
    point = bench.query(
        Pair(bench.architectures[0], bench.architectures[1]), Gate("margin", 0.5), DEVICE
    )
    assert point.latency_ms is None


def test_same_network_twice_and_little_dearer_than_big_are_legal(
    bench: Benchmark, pair: Pair
) -> None:
    same = bench.curve(Pair(pair.big, pair.big), "margin", DEVICE)
    assert len(set(same.accuracy)) == 1
    reverse = bench.query(Pair(pair.big, pair.little), Gate("margin", 0.5), DEVICE)
    assert 0 < reverse.accuracy < 1


def test_bad_queries_say_what_was_expected(bench: Benchmark, pair: Pair) -> None:
    outside = "7" * 22
    with pytest.raises(TableError, match="not in table 'synthetic'"):
        bench.query(Pair(outside, pair.big), Gate("margin", 0.5), DEVICE)
    with pytest.raises(ArchitectureError, match="22 digits"):
        bench.query(Pair("123", pair.big), Gate("margin", 0.5), DEVICE)
    for bad in (-0.1, 1.1, float("nan")):
        with pytest.raises(GateError, match="from 0 to 1"):
            bench.query(pair, Gate("margin", bad), DEVICE)
    with pytest.raises(GateError, match="not a number"):
        Gate("margin", "0.5")  # type: ignore[arg-type]
    with pytest.raises(UnknownNameError, match="Did you mean 'margin'"):
        Gate("margn", 0.5)
    with pytest.raises(UnknownNameError, match="split"):
        bench.query(pair, Gate("margin", 0.5), DEVICE, "train")


def test_a_computed_mean_never_calls_itself_measured(tmp_path: Path) -> None:
    contents = synthetic_table()
    contents.devices[DEVICE]["provenance"] = {"latency_ms": "measured", "energy_mj": "measured"}
    write_table(tmp_path / "t.h5", contents, "1", "2026-01-01")
    provenance = Benchmark.load(tmp_path / "t.h5").provenance(DEVICE)
    assert provenance["accuracy"] == "measured"
    assert {v for k, v in provenance.items() if k not in ("accuracy", "escalation_rate")} == {
        "modelled"
    }


def test_every_objective_is_a_figure_of_points(bench: Benchmark) -> None:
    points = bench.front(DEVICE).points
    for name in FIGURES:
        assert points.figure(name).shape == (len(points),)


def test_costs_of_ones_own_are_answered_under_their_name(bench: Benchmark, pair: Pair) -> None:
    costs = bench.costs(DEVICE)
    bench.assume("twice-as-slow", replace(costs, latency_ms=2 * costs.latency_ms, gate_ms=0.0))
    gate = Gate("margin", 0.0)
    slow, fast = (bench.query(pair, gate, device) for device in ("twice-as-slow", DEVICE))
    assert slow.latency_ms == pytest.approx(2 * (fast.latency_ms - costs.gate_ms))
    with pytest.raises(TableError, match="already"):
        bench.assume(DEVICE, costs)
    with pytest.raises(TableError, match=f"has {len(bench.table)}"):
        bench.assume("short", costs.take([0, 1]))
