"""The evaluator of a table is exact, and says NaN of what the table does not hold."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from biglittle.bench import Benchmark, Candidates, get_space
from biglittle.bench.errors import (
    ConstraintError,
    GateError,
    UnknownNameError,
)
from biglittle.bench.gates import get_gate
from biglittle.bench.pareto import nondominated
from biglittle.bench.provenance import words_at
from biglittle.bench.synthetic import DEVICE
from biglittle.searchers import SearchSettings, get_searcher
from biglittle.searchers.evaluators.table import TableEvaluator
from biglittle.searchers.summary import front_values

Pairs = Callable[[TableEvaluator], tuple[np.ndarray, np.ndarray]]
OBJECTIVES = ("error", "latency_ms")


@pytest.mark.parametrize("split", ["val", "test"])
def test_the_table_is_exact_point_by_point(bench: Benchmark, split: str) -> None:
    evaluator, rng = TableEvaluator(bench, DEVICE, split), np.random.default_rng(0)
    rows = rng.integers(0, len(evaluator.listed), (2, 300))
    gate, cut = rng.integers(0, 3, 300), rng.integers(0, 257, 300)
    candidates = Candidates(evaluator.listed[rows[0]], evaluator.listed[rows[1]], gate, cut)
    points = evaluator.evaluate(candidates)
    true = bench.query_many(points.little, points.big, points.gate, points.threshold, DEVICE, split)
    for name in ("accuracy", "escalation_rate", "latency_ms", "latency_p95_ms", "peak_memory_mib"):
        assert np.array_equal(getattr(points, name), getattr(true, name)), name
    assert dict(points.provenance) == dict(true.provenance)
    assert points.split == split


def test_every_point_has_the_words_of_its_own_networks() -> None:
    """Latencies of whole networks on the Pi 4 are sums; those of exits are predicted."""
    bench = Benchmark.load("fbnet-cifar10")
    evaluator = TableEvaluator(bench, "raspberry-pi-4")
    columns = bench.table.networks
    cut = int(np.flatnonzero(columns["exit"] != "")[0])
    number = evaluator.space.exit_numbers([str(columns["exit"][cut])])
    genomes = evaluator.space.parse([str(columns["architecture"][cut])])
    exits = np.append(number, 0), np.zeros(2, np.uint8)
    twice, none = np.repeat(genomes, 2, axis=0), np.zeros(2, np.int64)
    points = evaluator.evaluate(Candidates(twice, twice, none, none, exits=exits))
    words = [words_at(points.provenance, i)["latency_ms"] for i in range(2)]
    assert words == ["predicted", "block-sum"]
    swept = evaluator.sweep(twice, twice, exits)
    first = [int(np.flatnonzero(swept.owner == i)[0]) for i in range(2)]
    assert [words_at(swept.provenance, i)["latency_ms"] for i in first] == words
    assert dict(words_at(points.provenance, 0))["accuracy"] == "measured"


def test_curves_of_all_pairs_give_the_exact_front(bench: Benchmark, all_pairs: Pairs) -> None:
    evaluator = TableEvaluator(bench, DEVICE)
    swept = evaluator.sweep(*all_pairs(evaluator))
    values = np.stack([1 - swept.figures["accuracy"], swept.figures["latency_ms"]], axis=1)
    values = values[nondominated(values)]
    exact = front_values(bench.front(DEVICE, OBJECTIVES).chosen, OBJECTIVES)
    assert np.allclose(values, exact[nondominated(exact)], rtol=0, atol=1e-12)
    assert set(np.unique(swept.owner)) == set(range(len(evaluator.listed) ** 2))
    gates = np.array(evaluator.gates)[swept.gate]
    some = np.random.default_rng(0).integers(0, len(gates), 50)
    for i in some:
        cut = get_gate(str(gates[i])).cut(swept.figures["threshold"][i], 10)
        assert int(cut) == swept.cut[i]


def test_every_pair_found_means_no_regret(bench: Benchmark) -> None:
    evaluator = TableEvaluator(bench, DEVICE)
    for name in ("random", "nsga2"):
        outcome = get_searcher(name).run(evaluator, 14 * 14, population=20)
        if outcome.n_evaluations == 14 * 14:
            assert bench.regret(outcome.front, DEVICE) == pytest.approx(0.0, abs=1e-9)
    assert get_searcher("random").run(evaluator, 500).n_evaluations <= 14 * 14


def test_what_is_not_in_the_table_is_nan_and_never_ranked(bench: Benchmark) -> None:
    evaluator = TableEvaluator(bench, DEVICE)
    stranger = get_space("fbnet").parse(["3" * 22])
    gate = np.zeros(1, int)
    points = evaluator.evaluate(Candidates(stranger, evaluator.listed[:1], gate, gate))
    assert np.isnan([points.accuracy[0], points.escalation_rate[0], points.latency_ms[0]]).all()
    assert np.isnan(evaluator.networks(stranger).accuracy[0])
    with pytest.raises(ConstraintError, match="not in the table"):
        evaluator.sweep(stranger, stranger)


def test_a_share_of_the_images_is_the_first_ones(bench: Benchmark) -> None:
    evaluator = TableEvaluator(bench, DEVICE)
    quarter = evaluator.at(0.25)
    right = bench.table.predictions("val").correct[:, :75]
    rows = [bench.row(a) for a in bench.table.space.format(quarter.listed)]
    assert np.array_equal(quarter.networks(quarter.listed).accuracy, right[rows].mean(axis=1))
    for share in (0.0, 1.5, 1e-6):
        with pytest.raises(ConstraintError, match="share"):
            TableEvaluator(bench, DEVICE, share=share)


def test_bounds_and_unknown_names_are_refused(bench: Benchmark) -> None:
    for gate in ("oracle", "random"):
        with pytest.raises(GateError, match="bound or a control"):
            TableEvaluator(bench, DEVICE, gates=[gate])
    with pytest.raises(UnknownNameError):
        TableEvaluator(bench, "no-such-device")


def test_params_are_counted(bench: Benchmark) -> None:
    evaluator = TableEvaluator(bench, DEVICE)
    settings = SearchSettings(objectives=("error", "params"), budget=40, population=10)
    outcome = get_searcher("nsga2")(evaluator, settings)
    space = get_space("fbnet")
    both = [
        space.params(space.parse(list(a)), 10) for a in (outcome.front.little, outcome.front.big)
    ]
    escalates = outcome.front.escalation_rate > 0  # else little is deployed alone
    assert np.array_equal(outcome.front.params, both[0] + escalates * both[1])
