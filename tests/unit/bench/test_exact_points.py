"""Many points at once are those of one query each, and bad ones are named."""

from __future__ import annotations

import numpy as np
import pytest

from biglittle.bench import Benchmark, Gate, Pair
from biglittle.bench.errors import ConstraintError, GateError, TableError, UnknownNameError
from biglittle.bench.gates import pair_gates
from biglittle.bench.synthetic import DEVICE


@pytest.mark.parametrize("swept", [False, True])
def test_many_points_are_those_of_one_query_each(
    bench: Benchmark, swept: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("biglittle.bench.counts._WORTH_SWEEPING", 0 if swept else 10**9)
    fresh = Benchmark(bench.table)
    rng, n = np.random.default_rng(0), 300
    ids = np.array(bench.architectures)
    little, big = ids[rng.integers(0, len(ids), (2, n))]
    gate = np.array(pair_gates())[rng.integers(0, len(pair_gates()), n)]
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
    points = bench.query_many(ids[0], ids, "margin", 0.5, DEVICE)
    assert len(points) == len(ids)
    assert set(points.little) == {ids[0]}
    sweep = bench.query_many(ids[0], ids[3], "margin", np.linspace(0, 1, 11), DEVICE)
    assert (np.diff(sweep.escalation_rate) >= 0).all()


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


def test_a_pair_costs_what_a_query_says_at_its_escalation_rate() -> None:
    whole = Benchmark.load("fbnet-cifar10")
    arch = "8088880080000088808880"
    for pair in (Pair(f"{arch}@14", arch), Pair("0800000000000000000008", "6" * 22)):
        for device in ("raspberry-pi-4", "jetson-nano"):
            point = whole.query(pair, Gate("margin", 0.4), device)
            costs = whole.pair_costs(pair, point.escalation_rate, device)
            words = costs.pop("provenance")
            assert costs == {name: getattr(point, name) for name in costs}
            assert words == {name: point.provenance[name] for name in words}
            assert set(words) == {name for name, value in costs.items() if value is not None}
    for rate in (-0.1, 1.5, float("nan")):
        with pytest.raises(ConstraintError, match="expected a share from 0 to 1"):
            whole.pair_costs(pair, rate, device)


@pytest.mark.parametrize("given", ["x", "0.5", None, [1, 2], True, {}, 1j, object()])
def test_a_number_of_a_wrong_type_is_named_with_what_was_expected(  # type: ignore[no-untyped-def]
    bench: Benchmark, given
) -> None:
    pair = (bench.architectures[0], bench.architectures[1])
    limits = {"latency_ms": given}
    with pytest.raises(ConstraintError, match=r"an escalation rate of .*; expected a share"):
        bench.pair_costs(pair, given, DEVICE)
    for asks in (
        lambda: bench.choose(pair, "margin", DEVICE, limits),
        lambda: bench.choose_cascade(pair, "margin", DEVICE, limits),
        lambda: bench.front(DEVICE, limits=limits),
    ):
        with pytest.raises(ConstraintError, match=r"the limit .* is not usable; expected a number"):
            asks()
    with pytest.raises(GateError, match="thresholds; expected a whole number from 1 to 256"):
        bench.front(DEVICE, n_thresholds=given)
    if given not in (None, [1, 2]):  # no number, and two of them
        with pytest.raises(GateError, match=r"are not numbers; expected one of all points"):
            bench.query_many([0], [1], "margin", given, DEVICE)


def test_thresholds_that_do_not_fit_one_another_are_refused(bench: Benchmark) -> None:
    with pytest.raises(GateError, match="are not numbers"):
        bench.query_many([0, 1], [1, 0], "margin", [[0.5], [0.5, 0.6]], DEVICE)
    with pytest.raises(GateError, match=r"2\.5 thresholds; expected a whole number"):
        bench.front(DEVICE, n_thresholds=2.5)  # type: ignore[arg-type]
