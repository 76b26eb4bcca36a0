"""One search, run and answered, and its files and words."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from biglittle.bench.errors import ConstraintError, UnknownNameError
from biglittle.bench.synthetic import DEVICE, synthetic_table
from biglittle.bench.table_writer import write_table
from biglittle.searchers import SearchSettings
from biglittle.searchers.judge import Judge, judge_called
from biglittle.searchers.search_run import FILES, check_alone, run_search


@pytest.fixture(scope="module")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Judge:
    path = tmp_path_factory.mktemp("table") / "table.h5"
    write_table(path, synthetic_table(n_networks=20, seed=2), "test", "2020-01-01")
    return judge_called("table", [DEVICE], str(path))


def test_a_search_is_reported_on_test_and_says_how_to_go_on(judge: Judge) -> None:
    moved: list[tuple[int, int]] = []
    report = run_search(
        judge, "random", SearchSettings(budget=60), on_progress=lambda *at: moved.append(at)
    )
    assert moved[-1] == (60, 60)
    assert report.outcome.front.split == "test"
    assert report.singles is None
    assert report.document()["config"]["searcher"] == "random"
    text = io.StringIO()
    report.print(Console(file=text, width=200), 5, None, ["search", "--budget", "60"])
    assert "How to go on:" in text.getvalue()
    assert "biglittle search --budget 60 --out out/search" in text.getvalue()


def test_a_search_writes_its_files(judge: Judge, tmp_path: Path) -> None:
    pytest.importorskip("plotly")
    report = run_search(judge, "random", SearchSettings(budget=60), warm=True)
    report.write(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {*FILES}
    document = json.loads((tmp_path / "front.json").read_text())
    assert document["front"] == json.loads(json.dumps(report.document()))["front"]


def test_what_does_not_suit_is_refused(judge: Judge) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'random'"):
        run_search(judge, "randm", SearchSettings(budget=60))
    with pytest.raises(ConstraintError, match="Leave them out"):
        check_alone("random,nsga2", True, None)
    check_alone("random,nsga2", False, None)
    check_alone("", True, Path("log.npz"))
