"""The table that ships: what its card promises."""

from __future__ import annotations

import numpy as np
import pytest

from biglittle.bench import Benchmark, Gate, Pair, load_device
from biglittle.bench.rows import fp32_twins
from biglittle.bench.shipped_tables import find_table


@pytest.fixture(scope="module")
def bench() -> Benchmark:
    return Benchmark.load("fbnet-cifar10")


def test_size_coverage_and_quality(bench: Benchmark) -> None:
    assert find_table("fbnet-cifar10").stat().st_size < 25 * 2**20
    # 400 were asked for; the evaluation of the design ended before, and goes on by `table extend`
    assert len(set(bench.architectures)) == len(bench.architectures) >= 400
    assert bench.accuracy("val").max() >= 0.84
    latency = bench.costs("raspberry-pi-4").latency_ms[~bench.table.outside]
    whole = bench.costs("raspberry-pi-4").latency_ms[bench.table.rows()]
    assert whole.min() == pytest.approx(7.798, abs=0.01)
    assert latency.min() < 5  # of exits, which avoid the head of 1,504 channels
    assert latency.max() > 40
    counts, _ = np.histogram(latency, bins=np.linspace(7.7, 40, 7))
    assert counts.min() >= 5


def test_the_networks_that_fronts_ask_most_are_there_in_int8(bench: Benchmark) -> None:
    table, answers = bench.table, bench.table.predictions("test")
    rows = np.flatnonzero(table.networks["precision"] == "int8")
    assert len(rows) == 70
    assert {"", "12s"} <= {*table.networks["exit"][rows]}  # whole ones, and small heads
    plain = fp32_twins(table.networks)[rows]
    assert (plain >= 0).all()
    same = (answers.top1[rows] == answers.top1[plain]).mean(axis=1)
    assert same.min() > 0.95
    lost = answers.correct[plain].mean(axis=1) - answers.correct[rows].mean(axis=1)
    assert abs(lost.mean()) < 0.002
    both = Benchmark.load("fbnet-cifar10", precisions=("fp32", "int8"))
    pair = Pair(str(table.names[rows[0]]), "3333333333333333333333")  # precisions may be mixed
    assert 0.8 < both.query(pair, Gate("margin", 0.5), "raspberry-pi-4", split="test").accuracy
    added = [step["added"] for step in table.training["grown_from"]]
    assert [step for step in added if step][-5:] == [
        {"int8": 70},
        {"external": 1},
        {"standalone": 9},
        {"external": 1},
        {"standalone": 14},
    ]


def test_its_teacher_is_a_row_that_any_network_escalates_to(bench: Benchmark) -> None:
    row = bench.row("teacher")
    assert bench.accuracy("test")[row] > 0.92
    assert "teacher" not in bench.architectures
    point = bench.query(("0800000000000000000008", "teacher"), ("margin", 0.3), "raspberry-pi-4")
    assert point.accuracy > bench.accuracy("test")[bench.table.rows()].max()
    assert point.provenance["accuracy"] == "measured"
    assert point.latency_ms is None  # nothing dense was measured there
    predicted = bench.query(
        ("0800000000000000000008", "teacher"), ("margin", 0.3), "raspberry-pi-5"
    )
    assert 1 < predicted.latency_ms < bench.costs("raspberry-pi-5").latency_ms[row] < 20
    assert predicted.provenance["latency_ms"] in ("predicted", "modelled")
    assert bench.front("raspberry-pi-5", big="teacher").points.accuracy.max() > 0.92
    assert not np.isin("teacher", bench.front("raspberry-pi-4").points.big)


def test_only_choices_that_were_trained(bench: Benchmark) -> None:
    genomes = bench.table.space.parse(bench.architectures)
    assert set(np.unique(genomes)) == set(bench.table.space.allowed(bench.table.choices))
    assert "k5_e6" not in bench.table.choices


def test_splits_are_those_of_the_card(bench: Benchmark) -> None:
    labels = bench.table.predictions("val").labels
    assert np.bincount(labels).tolist() == [500] * 10
    assert np.bincount(bench.table.predictions("test").labels).tolist() == [1000] * 10
    index = bench.table.val_index
    assert len(np.unique(index)) == 5000
    assert index.max() < 50_000


def test_stored_columns_are_those_of_the_shipped_profiles(bench: Benchmark) -> None:
    genomes, inside = bench.table.genomes, ~bench.table.outside
    for name in bench.devices:
        device = load_device(name)
        expected = np.full(len(genomes), np.nan)
        for precision in ("fp32", "int8"):
            rows = inside & (bench.table.networks["precision"] == precision)
            model = device.latency_in(precision)
            expected[rows] = model.latency_ms(genomes[rows], bench.table.exits[rows])
        # A product of matrices rounds otherwise where it has more rows.
        latency = bench.costs(name).latency_ms
        np.testing.assert_allclose(latency[inside], expected[inside], rtol=1e-12)
        assert np.isfinite(expected).sum() >= 60


def test_macs_and_params_are_the_spaces(bench: Benchmark) -> None:
    space, inside, of = bench.table.space, ~bench.table.outside, bench.table.networks
    genomes, exits = bench.table.genomes[inside], bench.table.exits[inside]
    assert np.array_equal(of["macs"][inside], space.macs(genomes, 10, exits))
    assert np.array_equal(of["params"][inside], space.params(genomes, 10, exits))


def test_val_and_test_agree_on_which_networks_are_good(bench: Benchmark) -> None:
    assert np.corrcoef(bench.accuracy("val"), bench.accuracy("test"))[0, 1] > 0.95


def test_oracle_is_never_worse_than_any_gate(bench: Benchmark) -> None:
    said = bench.table.predictions("test")
    rng = np.random.default_rng(0)
    for little, big in rng.integers(0, len(bench.architectures), (20, 2)):
        oracle = (said.correct[little] | said.correct[big]).mean()
        pair = Pair(bench.architectures[little], bench.architectures[big])
        for gate in ("margin", "max_prob", "entropy"):
            assert bench.curve(pair, gate, "raspberry-pi-4").accuracy.max() <= oracle
