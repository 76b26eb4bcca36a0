"""The page of a front answers first, opens without a network and is the same every time."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from biglittle.bench import Points
from biglittle.bench.errors import BigLittleError
from biglittle.bench.recommend import NO_GATE, budgets, marks, recommend
from biglittle.searchers import SearchOutcome
from biglittle.searchers.pages.view_rows import SingleGroup
from biglittle.searchers.report import (
    EXACT_LABEL,
    FrontPage,
    front_html,
    question_title,
    write_report,
)

Config = dict[str, Any]
DEVICE = "raspberry-pi-4"


@pytest.fixture
def front(outcome: SearchOutcome, config: Config) -> FrontPage:
    answers = recommend(outcome.front, budgets(outcome.front, {}), outcome.singles)
    singles = SingleGroup(DEVICE, outcome.singles)
    return FrontPage(outcome.front, config, 10, answers, singles)


def view_of(text: str) -> dict[str, Any]:
    block = re.search(r'id="page-data">(.*?)</script>', text, re.DOTALL)
    assert block is not None
    return json.loads(block[1])["view"]


def test_a_page_is_self_contained(front: FrontPage, tmp_path: Path) -> None:
    exact = front.points.take(np.arange(0, 25, 5))
    path = write_report(tmp_path / "new" / "report.html", replace(front, exact=exact))
    text = path.read_text(encoding="utf-8")
    assert not re.findall(r"<(?:script|link|img|iframe)[^>]*(?:src|href)\s*=(?!\"data:,)", text)
    assert {*re.findall(r"https?:[^\"<> ]*", text)} == {"http://www.w3.org/2000/svg"}
    assert len(text) < 300_000
    view = view_of(text)
    kinds = view["rows"]["kind"]
    assert [kinds.count(k) for k in range(4)] == [25, 5, 9, 0]
    assert EXACT_LABEL in view["kinds"][1]["label"]
    assert {*front.points.little, *front.points.big} <= {*view["networks"]}
    assert view["limits"] == {"latency_ms": 90.0}
    assert list(path.parent.iterdir()) == [path]


def test_what_was_measured_stands_beside_what_was_measured(front: FrontPage) -> None:
    assert front.singles is not None
    beside = replace(front.singles, beside="measured")
    view = view_of(front_html(replace(front, exact=front.points, exact_singles=beside)))
    kinds = view["rows"]["kind"]
    assert [kinds.count(k) for k in range(4)] == [25, 25, 9, 9]
    assert view["alone"] == {"pair": "single", "measured": "single_measured"}
    assert len(view["rows"]["chosen"]) == 18


def test_the_same_front_gives_the_same_bytes(front: FrontPage) -> None:
    assert front_html(front) == front_html(front)


def test_it_answers_first_and_draws_what_it_recommends(front: FrontPage) -> None:
    text = front_html(front)
    assert text.index('class="verdict') < text.index("operating points of the front")
    assert "<h1>Which pair for raspberry-pi-4?</h1>" in text
    drawn = sum(answer.verdict != "nothing" for answer in front.answers)
    assert text.count('<div class="strip"><svg') == drawn
    view = view_of(text)
    assert {int(row) for row in view["why"]} == {*marks(front.answers)}
    first = front.answers[0]
    assert view["selected"] == first.row
    for shown in (
        first.pair.little,
        first.pair.big,
        first.pair.gate,
        f"{first.pair.threshold:.4g}",
    ):
        assert shown in text[: text.index("operating points of the front")]


def test_a_front_of_an_unknown_device_draws_no_networks(front: FrontPage) -> None:
    elsewhere = {**front.config, "sources": {"device": "a-board-that-is-gone"}}
    text = front_html(replace(front, config=elsewhere))
    assert 'class="verdict' in text
    assert '<div class="strip">' not in text


def test_what_others_named_is_never_markup(front: FrontPage) -> None:
    evil = '</script><script>alert(1)</script><img src=x onerror="alert(2)">'
    names = np.full(25, evil)
    points = Points(**{**vars(front.points), "little": names})
    config = {**front.config, "sources": {"device": evil, "table": evil}}
    text = front_html(replace(front, points=points, config=config, answers=()))
    assert "<script>alert" not in text
    assert "<img" not in text
    assert evil in view_of(text)["networks"]


def test_a_third_objective_is_colour_and_size(front: FrontPage) -> None:
    config = {**front.config, "objectives": ["error", "latency_ms", "peak_memory_mib"]}
    axes = view_of(front_html(replace(front, config=config)))["axes"]
    assert axes == {
        "x": "latency_ms", "y": "accuracy", "colour": "peak_memory_mib", "size": "peak_memory_mib",
    }  # fmt: skip


def test_provenance_is_kept_for_every_figure(front: FrontPage) -> None:
    view = view_of(front_html(front))
    words = view["rows"]["words"]
    named = {name: view["words"][word] for name, word in words.items() if isinstance(word, int)}
    assert named["accuracy"] == "predicted"
    assert named["latency_ms"] == "block-sum"
    assert "energy_mj" not in words  # no row has one


def test_networks_without_gates_are_no_pairs(front: FrontPage) -> None:
    points = front.points
    columns = {**vars(points), "big": points.little, "gate": np.full(25, NO_GATE)}
    text = front_html(replace(front, points=Points(**columns), answers=()))
    assert "<h1>Which network for raspberry-pi-4?</h1>" in text
    assert "Each point is a single network." in text
    assert view_of(text)["kinds"][0]["label"].startswith("single networks of the front")


def test_unwritable(front: FrontPage, blocked: Path) -> None:
    with pytest.raises(BigLittleError, match="cannot write"):
        write_report(blocked / "report.html", front)


def test_no_latency(front: FrontPage) -> None:
    nothing = np.full(25, np.nan)
    points = Points(**{**vars(front.points), "latency_ms": nothing})
    with pytest.raises(BigLittleError, match="no latency"):
        front_html(replace(front, points=points))


def test_costs_that_were_given_are_no_device_in_a_title() -> None:
    assert question_title("pair", DEVICE) == f"Which pair for {DEVICE}?"
    assert question_title("pair", "given") == question_title("pair", "") == "Which pair?"
