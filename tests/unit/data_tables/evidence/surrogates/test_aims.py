"""What was not run is said, and what was asked stands beside what was reached."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("scipy")
from biglittle.data_tables.evidence import _page
from biglittle.data_tables.evidence.surrogates import (
    aims,
    nb201,
    searched,
)
from biglittle.surrogates.report import summary


@pytest.fixture
def figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of figures."""
    monkeypatch.setattr(_page, "FIGURES", tmp_path / "figures")
    return tmp_path / "figures"


def trial(mae: float) -> dict[str, Any]:
    figures = {"mae": mae, "bias": 0.0, "kendall_tau": 0.9}
    split = {"network": figures, "pair": figures, "escalation_rate": {"mae": mae}}
    return {"val": split, "coverage": {"network": 0.9, "pair": 0.8}}


def test_steps_that_were_not_run_are_named(figures: Path) -> None:
    owners = _page.claims()
    for mark in ("surrogates/recipes", "surrogates/searched", "searched"):
        assert _page.text_of(mark, owners) == f"Step `{owners[mark]}` was not run yet."
    assert "| - | not run |" in _page.text_of("surrogates/aims", owners)
    assert "latency, accuracy" in nb201.nb201_text({"seeds": 5, "n_cells": 10, "transfer": {}})


def test_what_was_asked_stands_beside_what_was_reached() -> None:
    recipes = {"shipped": summary([trial(0.006), trial(0.0065), trial(0.012)])}
    splits = {"random": {"recipes": recipes, "table": {}}}
    report = {"recipe": "shipped", "n_networks": 50, "splits": splits}
    rows = [
        {"accuracy": 0.8, "low": 0.7, "high": 0.9, "evaluated_accuracy": a, "outside": False}
        | {"escalation_rate": 0.5, "evaluated_escalation_rate": 0.5}
        for a in (0.79, 0.795, 0.75)
    ]
    row_figures = searched.optimism(rows)
    facts = {"architectures": 6, "new_architectures": 5, "budget": 1, "device": "toy"}
    found = {**facts, "points": rows, "figures": row_figures}
    lines = aims.asked_text({"searched": found}, report).splitlines()
    by_name = {line.split("|")[1].strip(): line for line in lines if line.startswith("| ")}
    curve = by_name["pairs, both unseen: mean absolute error along the curve, points"]
    assert "0.65 ± " in curve
    assert curve.endswith("| yes |")
    assert by_name["searched, 6 networks: optimism, points"].endswith("| +2.17 ± 1.42 | **no** |")
    assert by_name["90 % intervals of pairs: hold"].endswith("| **no** |")
