"""Answers as part of a page: sentences, and networks drawn where their device is here."""

from __future__ import annotations

import html

import pytest

from biglittle.bench.recommend import budgets, recommend
from biglittle.searchers import SearchOutcome
from biglittle.searchers.answer import sentence
from biglittle.searchers.answer_page import answers_section


@pytest.mark.parametrize(
    ("device", "drawn"), [("raspberry-pi-4", True), ("a-board-that-is-gone", False)]
)
def test_every_answer_is_said_and_drawn_where_its_device_is_here(
    outcome: SearchOutcome, device: str, drawn: bool
) -> None:
    answers = recommend(outcome.front, budgets(outcome.front, {}), outcome.singles)
    section = answers_section(answers, {"sources": {"device": device}})
    for answer in answers:
        assert html.escape(sentence(answer)) in section
        assert f'<li class="{answer.verdict}">' in section
    strips = sum(answer.verdict != "nothing" for answer in answers)
    assert section.count('<div class="strip"><svg') == (strips if drawn else 0)


def test_no_answer_takes_no_room() -> None:
    assert answers_section((), {}) == ""


def test_a_warning_stands_above_the_answers(outcome: SearchOutcome) -> None:
    answers = recommend(outcome.front, budgets(outcome.front, {}), outcome.singles)
    sources = {"device": "elsewhere", "latency_warning": "it is <wide>"}
    section = answers_section(answers, {"sources": sources})
    assert section.index("on elsewhere it is &lt;wide&gt;") < section.index("<ol")
    assert "warning" not in answers_section(answers, {"sources": {"device": "elsewhere"}})
