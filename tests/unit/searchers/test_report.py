"""The report opens without a network and says where its figures come from."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from biglittle.bench import Points
from biglittle.bench.errors import BigLittleError, MissingExtraError
from biglittle.bench.recommend import budgets, marks, recommend
from biglittle.searchers import SearchOutcome, SingleNetworks
from biglittle.searchers.accuracy_view import accuracy_view
from biglittle.searchers.report import write_report

Config = dict[str, Any]


def test_report_is_self_contained(
    tmp_path: Path, outcome: SearchOutcome, best: SingleNetworks, config: Config
) -> None:
    pytest.importorskip("plotly")
    exact = outcome.front.take(np.arange(0, 25, 5))
    path = write_report(tmp_path / "report.html", outcome.front, config, best, exact)
    text = path.read_text()
    assert not re.findall(r"<(?:script|link|img|iframe)[^>]*(?:src|href)\s*=", text)
    assert text.count("Plotly.newPlot(") >= 2
    assert len(text) > 1_000_000  # plotly itself is inside
    assert "block-sum" in text
    assert "raspberry-pi-4" in text
    assert "measured accuracy, inherited weights" in text
    assert text.count("<tr><td>") == 25
    for architecture in outcome.front.little:
        assert architecture in text
    assert list(tmp_path.iterdir()) == [path]


def test_report_escapes_what_it_is_given(
    tmp_path: Path, outcome: SearchOutcome, config: Config
) -> None:
    pytest.importorskip("plotly")
    named = {**config, "sources": {"device": "<script>alert(1)</script>"}}
    text = write_report(tmp_path / "report.html", outcome.front, named).read_text()
    assert "<script>alert" not in text


def test_without_plotly(
    tmp_path: Path, outcome: SearchOutcome, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "plotly.graph_objects", None)
    with pytest.raises(MissingExtraError, match=r"'\.\[report\]'"):
        write_report(tmp_path / "report.html", outcome.front, config)
    assert not list(tmp_path.iterdir())


def test_unwritable(outcome: SearchOutcome, config: Config, blocked: Path) -> None:
    pytest.importorskip("plotly")
    with pytest.raises(BigLittleError, match="cannot write"):
        write_report(blocked / "report.html", outcome.front, config)


def test_no_latency(tmp_path: Path, outcome: SearchOutcome, config: Config) -> None:
    nothing = np.full(25, np.nan)
    points = Points(**{**vars(outcome.front), "latency_ms": nothing})
    with pytest.raises(BigLittleError, match="no latency"):
        write_report(tmp_path / "report.html", points, config)


def test_a_report_answers_first_and_draws_what_it_recommends(
    outcome: SearchOutcome, config: Config, tmp_path: Path
) -> None:
    pytest.importorskip("plotly")
    answers = recommend(outcome.front, budgets(outcome.front, {}), outcome.singles)
    with_device = {**config, "sources": {"device": "raspberry-pi-4"}}
    path = write_report(tmp_path / "r.html", outcome.front, with_device, answers=answers)
    page = path.read_text(encoding="utf-8")
    assert page.index("Which pair?") < page.index("Accuracy against mean latency")
    assert page.count('<div class="strip"><svg') == sum(a.verdict != "nothing" for a in answers)
    assert page.count('<tr class="chosen"') == len(marks(answers))


def test_a_report_of_an_unknown_device_draws_no_networks(
    outcome: SearchOutcome, config: Config, tmp_path: Path
) -> None:
    pytest.importorskip("plotly")
    answers = recommend(outcome.front, budgets(outcome.front, {}), outcome.singles)
    elsewhere = {**config, "sources": {"device": "a-board-that-is-gone"}}
    path = write_report(tmp_path / "r.html", outcome.front, elsewhere, answers=answers)
    page = path.read_text(encoding="utf-8")
    assert "Which pair?" in page
    assert '<div class="strip">' not in page


def test_the_plot_shows_the_half_that_is_compared(
    outcome: SearchOutcome, best: SingleNetworks, config: Config, tmp_path: Path
) -> None:
    pytest.importorskip("plotly")
    accuracy = np.linspace(0.3, 0.9, 25)
    front = Points(**{**vars(outcome.front), "accuracy": accuracy})
    text = write_report(tmp_path / "r.html", front, config, best).read_text(encoding="utf-8")
    low = accuracy_view(accuracy)[0]
    assert f'"range":[{100 * low:.1f},' in text
    assert f"The axis begins at {100 * low:.1f} %" in text
    assert text.index("Accuracy against mean latency") < text.index("What a pair gains over")
    assert text.count("Plotly.newPlot(") >= 3
    exact = Points(**{**vars(front), "accuracy": accuracy + 0.08})
    text = write_report(tmp_path / "r.html", front, config, best, exact).read_text(encoding="utf-8")
    both = accuracy_view(accuracy, highest=exact.accuracy.max())
    assert both[1] > 0.98
    assert f'"range":[{100 * both[0]:g},{100 * both[1]:g}]' in text
    alone = write_report(tmp_path / "r.html", front, config).read_text(encoding="utf-8")
    assert "What a pair gains over" not in alone
