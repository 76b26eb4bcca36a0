"""Many points, many curves, the choice of a threshold, and how far a front is from the true one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from biglittle.bench import Benchmark, Gate, Pair
from biglittle.bench.errors import ConstraintError, GateError, TableError, UnknownNameError
from biglittle.bench.exact_front import FrontInterrupted
from biglittle.bench.exact_points import ExactPoints
from biglittle.bench.gates import GATES, get_gate
from biglittle.bench.hypervolume import hypervolume
from biglittle.bench.points import concatenate
from biglittle.bench.regret import REFERENCE_SETS
from biglittle.bench.synthetic import DEVICE, synthetic_table
from biglittle.bench.table_writer import write_table

FIGURES = ("accuracy", "escalation_rate", "latency_ms", "latency_p95_ms", "energy_mj", "macs")


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Benchmark:
    path = tmp_path_factory.mktemp("table") / "table.h5"
    write_table(path, synthetic_table(), "1", "2026-01-01")
    return Benchmark.load(path)


@pytest.mark.parametrize("swept", [False, True])
def test_many_points_are_those_of_one_query_each(
    bench: Benchmark, swept: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("biglittle.bench.counts._WORTH_SWEEPING", 0 if swept else 10**9)
    fresh = Benchmark(bench.table)
    rng, n = np.random.default_rng(0), 300
    ids = np.array(bench.architectures)
    little, big = ids[rng.integers(0, len(ids), (2, n))]
    gate = np.array(GATES.names())[rng.integers(0, len(GATES.names()), n)]
    threshold = rng.random(n) * np.where(gate == "entropy", 2.3, 1.0)
    many = fresh.query_many(little, big, gate, threshold, DEVICE, "val")
    assert many.split == "val"
    for i in range(n):
        one = bench.query(
            Pair(str(little[i]), str(big[i])), Gate(str(gate[i]), threshold[i]), DEVICE, "val"
        )
        assert many[i] == one
    rows = [[bench.row(str(a)) for a in part] for part in (little, big)]
    by_row = fresh.query_many(*rows, gate, threshold, DEVICE, "val")
    assert np.array_equal(by_row.accuracy, many.accuracy)


def test_arrays_broadcast_against_one_threshold_or_gate(bench: Benchmark) -> None:
    ids = bench.architectures
    found = bench.query_many(ids[0], ids, "margin", 0.5, DEVICE)
    assert len(found) == len(ids)
    assert set(found.little) == {ids[0]}
    sweep = bench.query_many(ids[0], ids[3], "margin", np.linspace(0, 1, 11), DEVICE)
    assert (np.diff(sweep.escalation_rate) >= 0).all()


def test_the_kept_sweeps_stay_within_their_room(
    bench: Benchmark, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("biglittle.bench.counts._SWEPT_BYTES", 3 * 257 * 14 * 4)
    monkeypatch.setattr("biglittle.bench.counts._WORTH_SWEEPING", 0)
    counts = ExactPoints(bench.table).counts("val")
    every = np.arange(len(bench.table))
    counts.many("margin", every, every, np.full(len(every), 100))
    assert 1 <= len(counts._swept) <= 3


@pytest.mark.parametrize("gate", GATES.names())
def test_curves_of_one_little_are_its_curves(bench: Benchmark, gate: str) -> None:
    ids = bench.architectures
    for bigs in (None, [ids[3], ids[0], ids[3]]):
        found = bench.curves(ids[1], gate, DEVICE, bigs, "val")
        for j, big in enumerate(found.bigs):
            curve = bench.curve(Pair(ids[1], str(big)), gate, DEVICE, "val")
            assert np.array_equal(found.accuracy[:, j], curve.accuracy)
            assert np.array_equal(found.latency_ms[:, j], curve.latency_ms)
            rate = found.escalation_rate
            assert np.array_equal(rate if rate.ndim == 1 else rate[:, j], curve.escalation_rate)


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


def test_bad_points_say_what_was_expected(bench: Benchmark) -> None:
    ids = bench.architectures
    with pytest.raises(TableError, match="not in table"):
        bench.query_many("7" * 22, ids[0], "margin", 0.5, DEVICE)
    with pytest.raises(TableError, match="rows are 0 to 11"):
        bench.query_many([12], [0], "margin", 0.5, DEVICE)
    with pytest.raises(TableError, match="float64"):
        bench.query_many([0.5], [0], "margin", 0.5, DEVICE)
    with pytest.raises(GateError, match=r"1\.5 is outside"):
        bench.query_many([0, 1], [0, 1], "margin", [0.5, 1.5], DEVICE)
    with pytest.raises(UnknownNameError, match="margin"):
        bench.query_many([0], [0], "margn", 0.5, DEVICE)
    with pytest.raises(GateError, match="1 to 256"):
        bench.front(DEVICE, n_thresholds=0)
    for objectives in ((), ("error", "error")):
        with pytest.raises(ConstraintError, match="each once"):
            bench.front(DEVICE, objectives)


def test_points_of_val_and_test_do_not_mix(bench: Benchmark) -> None:
    front = bench.front(DEVICE)
    assert (front.chosen.split, front.points.split) == ("val", "test")
    with pytest.raises(TableError, match="'val' and 'test'"):
        concatenate([front.chosen, front.points])


def test_the_oracle_bounds_and_random_trails_the_front(bench: Benchmark) -> None:
    box = bench.reference(DEVICE)
    reached = {}
    for gate in ("oracle", "random"):
        front = bench.front(DEVICE, gates=[gate])
        values = np.stack([1 - front.chosen.accuracy, front.chosen.latency_ms], axis=1)
        reached[gate] = hypervolume(values, box.utopian, box.nadir)
    assert reached["oracle"] > box.hypervolume > reached["random"]


@pytest.mark.parametrize("objectives", REFERENCE_SETS)
def test_regret_is_nothing_for_the_true_front_and_all_for_nothing(
    bench: Benchmark, objectives: tuple[str, ...]
) -> None:
    front = bench.front(DEVICE, objectives)
    assert bench.regret(front, DEVICE, objectives) == pytest.approx(0, abs=1e-12)
    half = front.points.take(np.arange(0, len(front), 2))
    assert 0 < bench.regret(half, DEVICE, objectives) < 1
    assert bench.regret(front.points.take(np.arange(0)), DEVICE, objectives) == 1


def test_a_stored_reference_box_is_used(tmp_path: Path, bench: Benchmark) -> None:
    box = bench.reference(DEVICE)
    contents = synthetic_table()
    stored = {**box.as_dict(), "hypervolume": 2 * box.hypervolume}
    contents = type(contents)(
        **{**vars(contents), "reference_points": {DEVICE: {"error,latency_ms": stored}}}
    )
    write_table(tmp_path / "t.h5", contents, "1", "2026-01-01")
    again = Benchmark.load(tmp_path / "t.h5")
    assert again.regret(again.front(DEVICE), DEVICE) == pytest.approx(0.5)


def test_every_device_has_a_box_for_every_set(bench: Benchmark) -> None:
    boxes = bench.reference_points()
    assert set(boxes) == {DEVICE}
    assert set(boxes[DEVICE]) == {",".join(names) for names in REFERENCE_SETS}
    for names in REFERENCE_SETS:
        box = boxes[DEVICE][",".join(names)]
        assert (np.array(box["utopian"]) < np.array(box["nadir"])).all()
        assert 0 < box["hypervolume"] < 1


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


def test_explain_is_about_the_point_that_query_gives(bench: Benchmark) -> None:
    ids = bench.architectures
    pair, gate = Pair(ids[0], ids[5]), Gate("margin", 0.4)
    for split in ("val", "test"):
        told, point = bench.explain(pair, gate, split), bench.query(pair, gate, DEVICE, split)
        assert (told.split, len(told)) == (split, 1)
        assert told.accuracy[0] == point.accuracy
        assert told.escalation_rate[0] == point.escalation_rate
