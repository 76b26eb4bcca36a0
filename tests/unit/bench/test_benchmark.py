"""Query, curve and front against answers worked out image by image."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import biglittle.bench
from biglittle.bench import FIGURES, Benchmark, Front, Gate, Pair
from biglittle.bench.errors import (
    ArchitectureError,
    ConstraintError,
    GateError,
    TableError,
    UnknownNameError,
)
from biglittle.bench.gates import get_metric, stored_metrics
from biglittle.bench.synthetic import DEVICE, synthetic_table
from biglittle.bench.table_writer import write_table


@pytest.mark.parametrize("metric", stored_metrics())
@pytest.mark.parametrize("split", ["val", "test"])
def test_query_agrees_with_counting_by_hand(
    bench: Benchmark, pair: Pair, metric: str, split: str
) -> None:
    stored = bench.table.predictions(split)
    little, big = bench.row(pair.little), bench.row(pair.big)
    threshold = 0.4
    values = get_metric(metric).decode(stored.codes[metric][little], 10)
    hits = escalated = 0
    for image, label in enumerate(stored.labels):
        sure = values[image] <= threshold if metric == "entropy" else values[image] >= threshold
        escalated += not sure
        hits += stored.top1[little if sure else big, image] == label
    point = bench.query(pair, Gate(metric, threshold), DEVICE, split)
    assert point.accuracy == hits / len(stored.labels)
    assert point.escalation_rate == escalated / len(stored.labels)


def test_p95_is_that_of_the_two_modes(bench: Benchmark, pair: Pair) -> None:
    costs = bench.costs(DEVICE)
    little, big = (costs.latency_ms[bench.row(a)] for a in (pair.little, pair.big))
    stored = bench.table.predictions("test").codes["margin"][bench.row(pair.little)]
    for threshold in get_metric("margin").thresholds(10)[::16]:
        point = bench.query(pair, Gate("margin", float(threshold)), DEVICE)
        escalated = stored < Gate("margin", float(threshold)).cut(10)
        each = little + big * escalated
        assert point.latency_ms == pytest.approx(each.mean())
        assert point.latency_p95_ms == pytest.approx(np.quantile(each, 0.95, method="inverted_cdf"))


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


def test_a_threshold_is_chosen_on_val_and_reported_on_test(bench: Benchmark) -> None:
    ids, macs = bench.architectures, bench.table.networks["macs"]
    pair = Pair(ids[0], ids[int(np.argmax(macs))])
    val = bench.curve(pair, "margin", DEVICE, "val")
    limit = float(np.median(val.latency_ms))
    point = bench.choose(pair, "margin", DEVICE, {"latency_ms": limit})
    allowed = val.latency_ms <= limit
    assert point.accuracy == bench.query(pair, Gate("margin", point.threshold), DEVICE).accuracy
    again = bench.query(pair, Gate("margin", point.threshold), DEVICE, "val")
    assert again.accuracy == val.accuracy[allowed].max()
    with pytest.raises(ConstraintError, match=f"{val.latency_ms[0]:.4g}"):
        bench.choose(pair, "margin", DEVICE, {"latency_ms": val.latency_ms[0] / 2})


def test_explain_is_about_the_point_that_query_gives(bench: Benchmark) -> None:
    ids = bench.architectures
    pair, gate = Pair(ids[0], ids[5]), Gate("margin", 0.4)
    for split in ("val", "test"):
        told, point = bench.explain(pair, gate, split), bench.query(pair, gate, DEVICE, split)
        assert (told.split, len(told)) == (split, 1)
        assert told.accuracy[0] == point.accuracy
        assert told.escalation_rate[0] == point.escalation_rate


def test_every_repr_is_one_line_that_says_how_many(bench: Benchmark, front: Front) -> None:
    pair = Pair(*bench.architectures[:2])
    curve = bench.curve(pair, "margin", DEVICE)
    curves = bench.curves(pair.little, "margin", DEVICE)
    for value in (bench, front, front.points, curve, curves, front.points[:0]):
        text = repr(value)
        assert text.startswith(type(value).__name__)
        assert "\n" not in text
        assert len(text) < 250
    assert f"{len(bench)} inherited networks" in repr(bench)
    assert f"{len(front)} points" in repr(front)
    assert bench.provenance(DEVICE)["latency_ms"] in repr(front)


def test_a_benchmark_holds_architectures_and_pairs(bench: Benchmark) -> None:
    first, second = bench.architectures[:2]
    assert len(bench) == len(bench.architectures)
    assert list(bench) == bench.architectures
    assert first in bench
    assert "9" * 22 not in bench
    assert 3 not in bench
    assert Pair(first, second) in bench
    assert Pair(first, "nothing") not in bench


def test_dir_lists_what_is_imported_late() -> None:
    assert {*biglittle.bench.__all__} <= {*dir(biglittle.bench)}
