"""The page of a comparison names a searcher, and says where luck may have decided."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from biglittle.bench.hypervolume import Reference
from biglittle.searchers import SearchSettings
from biglittle.searchers.compare import Comparison
from biglittle.searchers.comparison_page import FLOOR, comparison_html


def comparison(exact: bool = True, seeds: int = 10, **ends: float) -> Comparison:
    at, rng = np.array([50, 100]), np.random.default_rng(0)
    regret = {
        name: np.abs(np.array([[0.5, end]]) + 0.001 * rng.random((seeds, 2)))
        for name, end in ends.items()
    }
    box = Reference(("error", "latency_ms"), np.zeros(2), np.ones(2), 0.5, 3)
    seconds = {name: np.full(seeds, 1.5) for name in ends}
    fronts = {name: [np.zeros((1, 2))] * seeds for name in ends}
    return Comparison(at, regret, seconds, exact, box, SearchSettings(budget=100), fronts)


@pytest.mark.parametrize(
    ("ends", "kind", "word"),
    [
        ({"nsga2": 0.01, "random": 0.1}, "good", "Use this one"),
        ({"nsga2": 0.01, "random": 0.01}, "open", "Ahead, perhaps by luck"),
        ({"nsga2": 0.01}, "open", "One searcher"),
    ],
)
def test_the_verdict_stands_first(ends: dict[str, float], kind: str, word: str) -> None:
    text = comparison_html(comparison(**ends), "a board, <table>")
    assert f'<section class="verdict {kind}"' in text
    assert f'<b class="word">{word}</b>' in text
    assert "a board, &lt;table&gt;" in text
    assert text.index("verdict " + kind) < text.index("data-chart=")


def test_every_searcher_has_a_line_and_a_row() -> None:
    names = [f"searcher_{i}" for i in range(8)]
    text = comparison_html(comparison(False, **{n: 0.1 * i for i, n in enumerate(names)}), "t")
    block = re.search(r'id="page-data">(.*?)</script>', text, re.DOTALL)
    assert block is not None
    (chart,) = json.loads(block[1])["charts"]
    lines = [mark for mark in chart["marks"] if mark["kind"] == "line"]
    assert len(lines) == 8
    assert len({(mark["colour"], mark.get("dash")) for mark in lines}) == 8
    assert chart["y"]["log"] is True
    assert min(min(mark["y"]) for mark in lines) >= FLOOR
    assert "front of all runs together" in text
    assert all(f'<td class="name">{name}</td>' in text for name in names)
