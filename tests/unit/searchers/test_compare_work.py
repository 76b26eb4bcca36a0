"""A comparison whose runs are shared among workers is that of one process."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from biglittle.bench.device import SHIPPED
from biglittle.bench.errors import BigLittleError, ConstraintError
from biglittle.bench.synthetic import DEVICE, synthetic_table
from biglittle.bench.table_writer import write_table
from biglittle.searchers import SearchSettings
from biglittle.searchers.compare_work import SearchWork
from biglittle.searchers.comparison_run import run_comparison
from biglittle.searchers.judge import Judge, judge_called

NAMES = "random,local-search"


@pytest.fixture(scope="module")
def own_table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("table") / "t.h5"
    write_table(path, synthetic_table(n_networks=20, seed=2), "test", "2020-01-01")
    return path


def without_times(judge: Judge, *where: Any) -> dict[str, Any]:
    """What a comparison says, but how long runs took, which differs from run to run."""
    report = run_comparison(judge, NAMES, SearchSettings(budget=60), 2, None, *where)
    for row in (document := report.document())["table"]:
        del row["seconds"]
    return document


def test_two_workers_compare_as_one(own_table: Path) -> None:
    for gates in (None, ("margin",)):  # with a true front, and without one
        judge = judge_called("table", [DEVICE], str(own_table), gates=gates)
        assert without_times(judge) == without_times(judge, 2)


def test_the_surrogate_is_loaded_by_each_worker() -> None:
    pytest.importorskip("onnxruntime")
    judge = judge_called("surrogate", None, "fbnet-cifar10")
    assert without_times(judge) == without_times(judge, 2)


def test_a_worker_with_another_table_says_so(own_table: Path) -> None:
    judge = judge_called("table", [DEVICE], str(own_table))
    work = SearchWork.of(judge, SearchSettings(budget=60), ("random",))
    other = replace(work, hashes={"table_sha256": "0" * 64}, evaluator=None)
    with pytest.raises(BigLittleError, match="a worker searches other files"):
        other.start()


def test_what_is_sent_needs_no_file_of_ours(own_table: Path, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    for file in own_table.parent.iterdir():
        shutil.copy(file, folder)
    device = folder / "board.json"
    shutil.copy(SHIPPED / "raspberry-pi-4.json", device)
    judge = judge_called("table", [str(device)], str(folder / "t.h5"))
    settings = SearchSettings(budget=60)
    here = SearchWork.of(judge, settings, ("random",)).start()(("random", 1))
    sent = SearchWork.of(judge, settings, ("random",)).sent()
    shutil.rmtree(folder)
    there = sent.start()(("random", 1))
    assert len(here.history) == len(there.history)
    for one, other in zip(here.history, there.history, strict=True):
        assert np.array_equal(one.values, other.values)
    assert (
        SearchWork.of(judge_called("table", None, "fbnet-cifar10"), settings, ()).sent().files == {}
    )


def test_a_judge_made_by_hand_is_refused(own_table: Path) -> None:
    judge = replace(judge_called("table", [DEVICE], str(own_table)), question=None)
    with pytest.raises(ConstraintError, match="expected one of judge_called"):
        SearchWork.of(judge, SearchSettings(budget=60), ("random",))


def test_one_search_is_not_shared(search: Any) -> None:
    code, _, err = search("--workers", "2")
    assert code == 1
    assert "add --compare nsga2,random" in err


def test_a_cluster_compares_as_this_machine(ray_cluster: Any, own_table: Path) -> None:
    judge = judge_called("table", [DEVICE], str(own_table))
    assert without_times(judge) == without_times(judge, 1, "ray")
