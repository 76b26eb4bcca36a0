"""Searchers side by side: run, written and told."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from biglittle.bench.errors import ConstraintError
from biglittle.bench.synthetic import DEVICE, synthetic_table
from biglittle.bench.table_writer import write_table
from biglittle.searchers import SearchSettings
from biglittle.searchers.comparison_run import FILES, run_comparison
from biglittle.searchers.judge import judge_called


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
