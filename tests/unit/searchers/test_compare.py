"""Regret, tests of significance and the comparison itself, where the answer is known."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from biglittle.bench import Benchmark
from biglittle.bench.errors import ConstraintError, UnknownNameError
from biglittle.bench.hypervolume import Reference
from biglittle.bench.synthetic import DEVICE, synthetic_table
from biglittle.bench.table_writer import write_table
from biglittle.searchers import SearchSettings, Snapshot
from biglittle.searchers.compare import compare, holm, markdown, regrets, wilcoxon
from biglittle.searchers.evaluators.table import TableEvaluator


def test_regret_in_closed_form() -> None:
    box = Reference(("error", "latency_ms"), (0.0, 0.0), (1.0, 1.0), 0.5, 3)
    history = [
        Snapshot(10, np.array([[0.5, 0.5]])),  # a quarter of the box
        Snapshot(20, np.array([[0.5, 0.5], [0.25, 0.75]])),  # and a sixteenth
    ]
    regret = regrets(history, np.array([5, 10, 15, 20, 40]), box)
    assert np.allclose(regret, [1.0, 0.5, 0.5, 1 - 0.3125 / 0.5, 1 - 0.3125 / 0.5])


def test_significance() -> None:
    rng = np.random.default_rng(0)
    one = rng.random(10)
    assert wilcoxon(one, one) == 1.0
    assert wilcoxon(one[:1], one[1:2]) == 1.0
    assert wilcoxon(one, one + 1.0) == pytest.approx(2 / 2**10)  # all ten signs alike
    assert holm({"a": 0.02, "b": 0.5, "c": 0.02}) == {"a": 0.06, "c": 0.06, "b": 0.5}
    assert holm({}) == {}


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("table") / "table.h5"
    write_table(path, synthetic_table(n_networks=25, seed=1), "test", "2020-01-01")
    return path


def test_a_comparison(table: Path) -> None:
    bench = Benchmark.load(table)
    evaluator, told = TableEvaluator(bench, DEVICE), []
    settings = SearchSettings(budget=100, population=20)
    comparison = compare(
        evaluator,
        ("random", "local_search"),
        settings,
        3,
        bench.reference(DEVICE),
        lambda name, run, outcome: told.append((name, run, outcome)),
    )
    assert len(told) == 6
    assert comparison.exact
    for name, run, outcome in told:
        assert comparison.final(name)[run] == pytest.approx(bench.regret(outcome.front, DEVICE))
        assert (np.diff(comparison.regret[name][run]) <= 1e-12).all()
    document = json.loads(json.dumps(comparison.as_dict()))
    assert {row["searcher"] for row in document["table"]} == {"random", "local_search"}
    assert "| `random` |" in markdown(document["table"])
    open_ended = compare(evaluator, ("random",), settings, 2)
    assert not open_ended.exact
    assert min(open_ended.final("random")) == pytest.approx(0.0, abs=0.2)


@pytest.mark.parametrize(
    ("names", "seeds", "soft"),
    [
        ((), 3, ""),
        (("random", "random"), 3, ""),
        (("random",), 0, ""),
        (("random",), 2, "accuracy"),
    ],
)
def test_comparisons_that_cannot_be(
    table: Path, names: tuple[str, ...], seeds: int, soft: str
) -> None:
    evaluator = TableEvaluator(Benchmark.load(table), DEVICE)
    with pytest.raises(ConstraintError, match="cannot compare"):
        compare(evaluator, names, SearchSettings(budget=50, soft=soft), seeds)


def test_an_unknown_searcher_is_said_before_anything_runs(table: Path) -> None:
    evaluator = TableEvaluator(Benchmark.load(table), DEVICE)
    with pytest.raises(UnknownNameError, match="nsga2"):
        compare(evaluator, ("random", "nsga-2x"), SearchSettings(budget=50), 1)
