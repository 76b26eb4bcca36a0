"""Every searcher moves among couplings and exits: it keeps to those asked for, and finds them."""

from __future__ import annotations

from pathlib import Path

import pytest

from biglittle.bench import Benchmark
from biglittle.bench.errors import ConstraintError, UnknownNameError
from biglittle.bench.synthetic import DEVICE, synthetic_table
from biglittle.bench.table_writer import write_table
from biglittle.searchers import SearchSettings, get_searcher
from biglittle.searchers.evaluators.table import TableEvaluator

SMALL = {"budget": 60, "population": 20}


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
