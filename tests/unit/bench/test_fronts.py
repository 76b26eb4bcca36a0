"""The front of a whole table: all points of all gates, limits, thresholds and interrupts."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from biglittle.bench import Benchmark, Gate, Pair
from biglittle.bench.errors import (
    ConstraintError,
    UnknownNameError,
)
from biglittle.bench.exact_front import FrontInterrupted
from biglittle.bench.gates import get_gate, stored_metrics
from biglittle.bench.hypervolume import hypervolume
from biglittle.bench.pareto import nondominated
from biglittle.bench.synthetic import DEVICE, synthetic_table
from biglittle.bench.table_writer import write_table


def test_the_oracle_bounds_and_random_trails_the_front(bench: Benchmark) -> None:
    box = bench.reference(DEVICE)
    reached = {}
    for gate in ("oracle", "random"):
        front = bench.front(DEVICE, gates=[gate])
        values = np.stack([1 - front.chosen.accuracy, front.chosen.latency_ms], axis=1)
        reached[gate] = hypervolume(values, box.utopian, box.nadir)
    assert reached["oracle"] > box.hypervolume > reached["random"]


def test_fewer_thresholds_are_spread_over_the_codes(bench: Benchmark) -> None:
    front = bench.front(DEVICE, gates=["margin"], n_thresholds=4)
    assert set(front.points.threshold) <= set(get_gate("margin").thresholds(10)[::64])
    assert front.n_points == 12 * 12 * 5
    assert 0 < front.n_counted < front.n_points


def test_an_interrupted_front_keeps_what_was_done(bench: Benchmark) -> None:
    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(FrontInterrupted) as caught:
        Benchmark(bench.table).front(DEVICE, on_progress=interrupt)
    assert len(caught.value.front.points) > 0


@pytest.mark.parametrize(
    "objectives", [("error", "latency_ms"), ("error", "latency_ms", "peak_memory_mib")]
)
def test_front_is_that_of_all_points(bench: Benchmark, objectives: tuple[str, ...]) -> None:
    points = []
    for little in bench.architectures:
        for big in bench.architectures:
            for metric in stored_metrics():
                curve = bench.curve(Pair(little, big), metric, DEVICE, "val")
                columns = {
                    "error": 1 - curve.accuracy,
                    "latency_ms": curve.latency_ms,
                    "peak_memory_mib": curve.peak_memory_mib,
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


@pytest.mark.parametrize("cost", ["peak_memory_mib", "params"])
def test_a_network_alone_stands_in_the_front_as_itself(bench: Benchmark, cost: str) -> None:
    """A point that asks no big network counts none, so that no network alone beats a point."""
    front = bench.front(DEVICE, ("error", cost), gates=["margin"])
    rows = bench.table.rows()
    costs, ids = bench.costs(DEVICE).take(rows), list(bench.architectures)
    own = costs.params if cost == "params" else costs.weights_mib + costs.activation_mib
    for points in (front.chosen, front.points):
        single = np.flatnonzero(points.escalation_rate == 0)
        assert len(single)
        assert points.figure(cost)[single].tolist() == [
            own[ids.index(little)] for little in points.little[single]
        ]
    figures = np.stack([1 - bench.accuracy("val")[rows], own], axis=1)
    chosen = np.stack([front.chosen.error, front.chosen.figure(cost)], axis=1)
    for single in figures:
        beaten = (single <= chosen).all(axis=1) & (single < chosen - 1e-12).any(axis=1)
        assert not beaten.any()
    smallest = bench.front(DEVICE, ("error", "latency_ms"), {cost: float(own.min())})
    assert (smallest.points.figure(cost) == own.min()).all()
    with pytest.raises(ConstraintError, match=re.escape(f"{cost} {own.min():.4g}")):
        bench.front(DEVICE, ("error", "latency_ms"), {cost: float(own.min()) / 2})


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


def test_a_front_over_more_than_three_objectives_says_that_it_will_not(bench: Benchmark) -> None:
    four = ("error", "latency_ms", "macs", "peak_memory_mib")
    with pytest.raises(ConstraintError, match="over 4 objectives will not be worked out") as told:
        bench.front(DEVICE, four)
    assert "'biglittle search'" in str(told.value)  # which takes them: searchers' tests have four
