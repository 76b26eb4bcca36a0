"""Searchers side by side: run, written, shown, and what cannot be compared."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from biglittle.bench.errors import BigLittleError, ConstraintError
from biglittle.bench.synthetic import DEVICE, synthetic_table
from biglittle.bench.table_writer import write_table
from biglittle.searchers import SEARCHERS, SearchSettings
from biglittle.searchers.comparison_run import FILES, checked_names, run_comparison
from biglittle.searchers.evaluators.grid import GridSweeps
from biglittle.searchers.judge import judge_called


def test_searchers_side_by_side(search, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    arguments = ("--compare", "random,local_search", "--seeds", "2", "--budget", "60")
    code, out, err = search(*arguments, "--out", str(tmp_path))
    assert code == 0, err
    assert "true front" in out
    names = {f.name for f in tmp_path.iterdir()}
    assert {"compare.svg", "compare.md", "compare.json"} <= names


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("--compare", "random,ofa"), "--searcher ofa"),
        (("--compare", ","), "name the searchers"),
        (("--compare", "random,random"), "cannot compare"),
        (("--compare", "random,nsga2", "--warm-start"), "one search"),
        (("--compare", "random,nsga2", "--checkpoint", "log.npz"), "one search"),
    ],
)
def test_what_cannot_be_compared_is_one_clear_line(  # type: ignore[no-untyped-def]
    search, arguments: tuple[str, ...], text: str
) -> None:
    code, out, err = search(*arguments)
    assert code != 0
    assert text in err
    assert "Traceback" not in err
    assert not out.strip()


def test_all_are_those_that_suit_the_evaluator(table: str) -> None:
    evaluator = judge_called("table", (DEVICE,), table).evaluator
    assert checked_names("all", evaluator) == SEARCHERS.names()
    assert "successive_halving" not in checked_names("all", GridSweeps(evaluator))
    assert checked_names("local-search, nsga2", evaluator) == ("local_search", "nsga2")
    with pytest.raises(BigLittleError, match="name the searchers"):
        checked_names(" , ", evaluator)


def test_a_comparison_counts_its_runs_and_writes_its_files(tmp_path: Path) -> None:
    write_table(tmp_path / "t.h5", synthetic_table(n_networks=20, seed=2), "test", "2020-01-01")
    judge = judge_called("table", [DEVICE], str(tmp_path / "t.h5"))
    settings, moved = SearchSettings(budget=60), []
    report = run_comparison(
        judge, "random, local-search", settings, 2, lambda *at: moved.append(at)
    )
    assert moved == [(1, 4), (2, 4), (3, 4), (4, 4)]
    report.write(tmp_path / "out")
    assert {path.name for path in (tmp_path / "out").iterdir()} == {*FILES}
    document = json.loads((tmp_path / "out" / "compare.json").read_text())
    assert document == json.loads(json.dumps(report.document()))
    assert document["sources"]["device"] == DEVICE
    assert {row["searcher"] for row in document["table"]} == {"random", "local_search"}
    text = io.StringIO()
    report.print(Console(file=text, width=200), tmp_path / "out")
    assert "after 60 evaluations, 2 seeds" in text.getvalue()
    assert report.table() in text.getvalue()
    with pytest.raises(ConstraintError, match="cannot compare"):
        run_comparison(judge, "random,random", settings, 2)
