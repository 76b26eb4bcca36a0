"""Active learning is shown round by round."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("scipy")
from biglittle.data_tables.evidence import _page
from biglittle.data_tables.evidence.surrogates import (
    improve,
)


@pytest.fixture
def figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of figures."""
    monkeypatch.setattr(_page, "FIGURES", tmp_path / "figures")
    return tmp_path / "figures"


def test_active_learning_is_shown_round_by_round() -> None:
    figures = {"n": 3, "mae": 0.01, "optimism": 0.008, "worst": 0.02, "coverage": 0.5}
    better = figures | {"mae": 0.004, "optimism": 0.001}
    both = {"networks": better, "points": better}
    rounds = [
        {"round": 1, "n_fitted": 30, "networks": 4, "figures": {"networks": figures}},
        {"round": 2, "n_fitted": 33, "networks": 4, "figures": both},
    ]
    compared = [figures | {"n_fitted": 30}, better | {"n_fitted": 36}]
    found = {"batch": 4, "budget": 1, "device": "toy", "latency_ms_max": 30.0, "wall_s": 60.0}
    asked = {"points": 3, "left_out": 2, "by_round": compared}
    document = {**found, "rounds": rounds, "held_out": [], "searched": asked}
    lines = improve.improve_text(document).splitlines()
    assert "| 1 | 30 | 4 | 1.00 | +0.80 | 0 | - | - |" in lines
    assert "| 2 | 33 | 4 | 0.40 | +0.10 | 3 | 0.40 | +0.10 |" in lines
    assert "| 0 | 30 | 1.00 | +0.80 | +2.00 | 50% |" in lines
    assert "| 1 | 36 | 0.40 | +0.10 | +2.00 | 50% |" in lines
