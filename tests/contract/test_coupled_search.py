"""Every searcher moves among couplings and exits: it keeps to those asked for, and finds them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from biglittle.bench import Benchmark
from biglittle.bench.errors import ConstraintError, UnknownNameError
from biglittle.bench.synthetic import DEVICE, synthetic_table
from biglittle.bench.table_writer import write_table
from biglittle.searchers import SEARCHERS, SearchSettings, get_searcher
from biglittle.searchers.evaluators.table import TableEvaluator

NAMES = SEARCHERS.names()
SMALL = {"budget": 60, "population": 20}
RESTRICTED = [None, ("prefix",), ("nested", "sibling")]


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Benchmark:
    path = tmp_path_factory.mktemp("exits") / "table.h5"
    write_table(
        path,
        synthetic_table(n_networks=14, n_val=100, n_test=100, seed=1, n_exits=6),
        "test",
        "2020-01-01",
    )
    return Benchmark.load(path)


@pytest.mark.parametrize("couplings", RESTRICTED)
@pytest.mark.parametrize("name", NAMES)
def test_searches_keep_to_the_couplings_and_their_figures_are_those_of_the_table(
    name: str, couplings: tuple[str, ...] | None, bench: Benchmark
) -> None:
    evaluator = TableEvaluator(bench, DEVICE)
    outcome = get_searcher(name)(evaluator, SearchSettings(**SMALL, couplings=couplings))
    assert outcome.n_unusable == 0  # no network is asked about that is not there
    front = outcome.front
    if couplings is None:  # pairs with one trunk are looked at by themselves
        assert "prefix" in front.coupling
    else:
        assert set(front.coupling) <= {*couplings}
    exact = bench.reported(front, DEVICE, "val")
    assert np.array_equal(exact.coupling, front.coupling)
    for figure in ("accuracy", "latency_ms", "energy_mj", "macs", "params", "peak_memory_mib"):
        assert getattr(exact, figure) == pytest.approx(getattr(front, figure), rel=1e-12), figure
    assert front.provenance == exact.provenance
    assert outcome.log is not None
    genes = np.concatenate([batch.genes for batch in outcome.log.batches if batch.fidelity == 1.0])
    assert len(np.unique(genes, axis=0)) == len(genes)


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_gives_the_same_front(name: str, bench: Benchmark) -> None:
    settings = SearchSettings(**SMALL, seed=4, gate="gene")
    fronts = [
        get_searcher(name)(TableEvaluator(bench, DEVICE), settings).front.records()
        for _ in range(2)
    ]
    assert fronts[0] == fronts[1]


@pytest.mark.parametrize("name", NAMES)
def test_budgets_of_the_first_population_hold_for_cut_networks(name: str, bench: Benchmark) -> None:
    evaluator, most = TableEvaluator(bench, DEVICE), 2.2e7
    settings = SearchSettings(**SMALL, budget_macs=most)
    outcome = get_searcher(name)(evaluator, settings)
    assert outcome.n_evaluations > 0


def test_a_search_goes_on_from_its_log(bench: Benchmark, tmp_path: Path) -> None:
    evaluator, path = TableEvaluator(bench, DEVICE), tmp_path / "log.npz"
    whole = get_searcher("nsga2")(evaluator, SearchSettings(**SMALL), checkpoint=path)
    resumed = get_searcher("nsga2")(evaluator, SearchSettings(**SMALL), checkpoint=path)
    assert resumed.front.records() == whole.front.records()


def test_couplings_that_there_are_not_are_refused_in_a_line(
    bench: Benchmark, tmp_path: Path
) -> None:
    write_table(tmp_path / "whole.h5", synthetic_table(n_networks=8), "test", "2020-01-01")
    whole = TableEvaluator(Benchmark.load(tmp_path / "whole.h5"), DEVICE)
    with pytest.raises(ConstraintError, match=r"prefix needs networks that are cut.*--on table"):
        get_searcher("random")(whole, SearchSettings(**SMALL, couplings=("prefix",)))
    with pytest.raises(UnknownNameError, match="nested"):
        SearchSettings(couplings=("nestled",))
    assert SearchSettings(couplings=("prefix", "nested", "sibling")).couplings is None
