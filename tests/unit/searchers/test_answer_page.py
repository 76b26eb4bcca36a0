"""Answers as part of a page: sentences, and networks drawn where their device is here."""

from __future__ import annotations

import html

import pytest

from biglittle.bench.recommend import budgets, recommend
from biglittle.searchers import SearchOutcome
from biglittle.searchers.answer import sentence
from biglittle.searchers.answer_page import answer_table, answers_section


@pytest.mark.parametrize(
    ("device", "drawn"), [("raspberry-pi-4", True), ("a-board-that-is-gone", False)]
)
def test_every_answer_is_said_and_drawn_where_its_device_is_here(
    outcome: SearchOutcome, device: str, drawn: bool
) -> None:
    answers = recommend(outcome.front, budgets(outcome.front, {}), outcome.singles)
    section = answers_section(answers, {"sources": {"device": device}})
    first, *others = answers
    assert first.pair is not None
    assert f"{first.pair.little} \u2192 {first.pair.big}, gate {first.pair.gate}" in section
    assert f"{100 * first.gain:+.2f} points" in section
    for answer in others:
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
    assert section.index("on elsewhere it is &lt;wide&gt;") < section.index("<table")
    assert "warning" not in answers_section(answers, {"sources": {"device": "elsewhere"}})


def test_the_figures_stand_beside_those_of_the_single_network(outcome: SearchOutcome) -> None:
    first = recommend(outcome.front, budgets(outcome.front, {}), outcome.singles)[0]
    assert first.pair is not None
    assert first.single is not None
    text = answer_table(first)
    assert ">this pair</th>" in text
    assert ">mine</th>" in answer_table(first, "mine")
    assert str(first.single["architecture"]) in text
    shown = f"{100 * first.pair.accuracy:.2f} <small>predicted</small>"
    beside = f"{100 * first.single['accuracy']:.2f} <small>predicted</small>"
    assert f"<td>{shown}</td><td>{beside}</td><td>{100 * first.gain:+.2f} points</td>" in text
    assert "mean energy" not in text  # nobody knows it


@pytest.mark.parametrize(
    ("low", "high", "kind"), [(0.01, 0.02, "good"), (-0.01, 0.02, "open"), (None, None, "good")]
)
def test_a_gain_that_may_be_none_is_not_green(
    outcome: SearchOutcome, low: float | None, high: float | None, kind: str
) -> None:
    first = recommend(outcome.front, budgets(outcome.front, {}), outcome.singles)[0]
    if low is not None and high is not None:
        first = first.with_gain(low, high, "bootstrap")
    section = answers_section([first], {})
    assert f'class="verdict {kind}"' in section
    assert ("The interval holds 0" in section) == (kind == "open")
    assert ("too close to call" in section) == (kind == "open") != ("Use this pair" in section)


def test_nothing_that_fits_is_said(outcome: SearchOutcome) -> None:
    (answer,) = recommend(outcome.front, budgets(outcome.front, {"latency_ms": 1.0}))
    section = answers_section([answer], {"sources": {"device": "a<b"}})
    assert 'class="verdict bad"' in section
    assert "Nothing fits" in section
    assert "on a&lt;b: nothing that was seen is within the limits" in section
