"""Searches with and without budgets of the first population, and what the page says of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from biglittle.bench.synthetic import DEVICE, synthetic_table
from biglittle.bench.table_writer import write_table
from biglittle.data_tables.evidence.searchers import _common, initial_budget, initial_budget_nb201


def _run(figure: str | None, end: list[float], macs: float) -> dict[str, Any]:
    share, most = (None, None) if figure is None else (0.5, 1.5e6)
    return {
        "figure": figure,
        "share": share,
        "most": most,
        "evaluated_macs": [macs, macs],
        "quarter": [2 * e for e in end],
        "end": end,
    }


RUNS = {
    "budget": 500,
    "seeds": 2,
    "runs": [
        _run(None, [0.010, 0.020], 40e6),
        _run("params", [0.008, 0.018], 30e6),
        _run("macs", [0.013, 0.023], 20e6),
    ],
}


def test_the_page_says_which_budgets_help_and_which_do_not() -> None:
    text = initial_budget.budget_text(RUNS)
    assert "clearly lower under 1 and clearly higher under 1 of the 2 budgets" in text
    assert "change by -50 to -25 %" in text
    assert "| of all sizes | 3.000 % | 1.500 % | - | - | 40.0 M |" in text
    assert "at most 1.50 M parameters (50 % of them)" in text
    assert "-0.200 (-0.200 to -0.200)" in text
    assert "### The same on NAS-Bench-201" in initial_budget_nb201.nb201_text(RUNS)


def test_the_step_runs_on_any_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "table.h5"
    write_table(path, synthetic_table(n_networks=12, seed=2), "test", "2020-01-01")
    for module in (initial_budget, _common):
        for name, value in {"TABLE": str(path), "DEVICE": DEVICE, "BUDGET": 40}.items():
            if hasattr(module, name):
                monkeypatch.setattr(module, name, value)
    figures = initial_budget.measure(seeds=2)
    assert [run["figure"] for run in figures["runs"]] == [None, "params", "params", "macs", "macs"]
    assert all(len(run["end"]) == 2 for run in figures["runs"])
    assert "## What budgets of the first population change" in initial_budget.budget_text(figures)
