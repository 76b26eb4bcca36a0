"""The picture of a comparison names its searchers, and the same comparison draws the same bytes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from biglittle.bench.hypervolume import Reference
from biglittle.searchers import SearchSettings
from biglittle.searchers.compare import Comparison
from biglittle.searchers.compare_plot import write_plot

pytest.importorskip("matplotlib")


def comparison(exact: bool) -> Comparison:
    regret = np.array([[1.0, 0.25, 0.0], [1.0, 0.5, 0.125]])
    return Comparison(
        at=np.array([10, 20, 30]),
        regret={"random": regret, "nsga2": regret / 2},
        seconds={"random": np.ones(2), "nsga2": np.ones(2)},
        exact=exact,
        reference=Reference(("error", "latency_ms"), (0.0, 0.0), (1.0, 1.0), 0.5, 3),
        settings=SearchSettings(budget=30, population=10),
        fronts={},
    )


def test_the_same_comparison_draws_the_same_bytes(tmp_path: Path) -> None:
    first = write_plot(tmp_path / "new" / "a.svg", comparison(True), "on a board")
    again = write_plot(tmp_path / "b.svg", comparison(True), "on a board")
    assert first.read_bytes() == again.read_bytes()
    assert first.read_text(encoding="utf-8").count("<path") > 6
    png = write_plot(tmp_path / "c.png", comparison(False), "on a board")
    assert png.read_bytes().startswith(b"\x89PNG")
