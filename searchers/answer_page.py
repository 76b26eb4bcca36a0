"""What a search answers, as the first block of a page: the verdict, its figures, its networks."""

from __future__ import annotations

import contextlib
import html
from collections.abc import Mapping, Sequence
from typing import Any

from ..bench import Benchmark, BigLittleError, DeviceProfile
from ..bench.anatomy import anatomies
from ..bench.figures import FIGURES
from ..bench.provenance import LATENCIES
from ..bench.recommend import Recommendation
from .answer import big_text, by_test_text, gain_text, sentence
from .front_question import FrontQuestion, latency_warning
from .network_svg import network_svg, trunk_svg
from .pages.page import Cell, table, verdict

_FIGURES = (
    *("accuracy", "escalation_rate", *LATENCIES),
    *("energy_mj", "macs", "peak_memory_mib"),
)
WORDS = {"pair": "Use this pair", "single": "Use one network", "nothing": "Nothing fits"}
TIE = "A pair or one network: too close to call"
_KINDS = {"pair": "good", "single": "single", "nothing": "bad"}


def answers_section(
    answers: Sequence[Recommendation],
    config: Mapping[str, Any],
    rows: Mapping[int, int] | None = None,
) -> str:
    """The answers at each budget as HTML: the first one at length, then the others.

    Args:
        answers: what a search recommends at each budget.
        config: config of the run, which names the device; without one nothing is drawn.
        rows: row of the page's linked view by number of the answer, where it has one.
    """
    if not answers:
        return ""
    question, rows = FrontQuestion.of(config, "the search"), rows or {}
    profile, bench = drawn_on(question)
    warning = html.escape(latency_warning(config))
    beware = f'<p class="warning">{warning}</p>\n' if warning else ""
    first, *others = answers
    where = " and ".join(question.devices)
    block = verdict(
        *(("open", TIE) if _uncertain(first) else (_KINDS[first.verdict], WORDS[first.verdict])),
        _lead(first, where),
        f"{beware}{_gain(first)}{answer_table(first)}{_strip(first, profile, bench)}",
    )
    entries = "".join(
        f'<li class="{answer.verdict}">{html.escape(sentence(answer))}{_button(rows.get(number))}'
        f"{_strip(answer, profile, bench)}</li>"
        for number, answer in enumerate(others, start=1)
    )
    if not entries:
        return block
    more = f'<summary>Other budgets</summary><ol class="others">{entries}</ol>'
    return f"{block}<details>{more}</details>"


def _lead(answer: Recommendation, where: str) -> str:
    """What is recommended, for which budget and device."""
    on = f" on {where}" if where else ""
    budget = answer.asked_text()
    if answer.verdict == "nothing":
        return f"{on.strip() or 'here'}: nothing that was seen is {budget}."
    if answer.verdict == "pair":
        assert answer.pair is not None
        pair = answer.pair
        return (
            f"{pair.little} \u2192 {pair.big}, gate {pair.gate}, threshold {pair.threshold:.4g}"
            f"{on}, {budget}."
        )
    assert answer.single is not None
    return f"{answer.single['architecture']}{on}, {budget}."


def _gain(answer: Recommendation) -> str:
    """What the pair gains, or why a single network is recommended instead."""
    if answer.verdict == "nothing":
        return ""
    if answer.verdict == "pair" and answer.single is not None:
        text = f"It gains {gain_text(answer)} over the best single network within that budget."
        if _uncertain(answer):
            text += " The interval holds 0: the single network may do as well."
        text += by_test_text(answer) + big_text(answer)
    else:
        text = sentence(answer)
    return f'<p class="gain">{html.escape(text)}</p>'


def _uncertain(answer: Recommendation) -> bool:
    """Whether a pair is recommended whose gain may be none."""
    return answer.verdict == "pair" and answer.gain_low is not None and answer.gain_low <= 0


def answer_table(answer: Recommendation, called: str = "") -> str:
    """The figures of the pair beside those of the best single network; "" where neither is.

    Args:
        answer: pair and single network, each where there is one.
        called: what the pair is called; empty: by the verdict.
    """
    pair, single = answer.pair, answer.single
    if pair is None and single is None:
        return ""
    rows = []
    for name in _FIGURES:
        mine = None if pair is None else getattr(pair, name)
        own = "latency_ms" if name in LATENCIES else name
        its = None if single is None else single.get(own)
        if mine is None and its is None:
            continue
        words = {} if pair is None else pair.provenance
        of_single = {} if single is None else single.get("provenance", {})
        rows.append(
            (
                f"{FIGURES[name].label}, {FIGURES[name].shown_unit}",
                _with_word(name, mine, words.get(name)),
                _with_word(name, its, of_single.get(own)),
                _difference(name, mine, its),
            )
        )
    beside = "" if single is None else f"\n{single['architecture']}"
    heads = ["", called or ("this pair" if answer.verdict == "pair" else "the best pair")]
    return table([*heads, f"best single network{beside}", "difference"], rows)


def _with_word(name: str, value: float | None, word: str | None) -> Cell:
    return "" if value is None else (FIGURES[name].text(value), word or "")


def _difference(name: str, mine: float | None, its: float | None) -> str:
    if mine is None or its is None:
        return ""
    if FIGURES[name].shown_unit == "%":
        return f"{100 * (mine - its):+.2f} points"
    share = round(100 * (mine / its - 1)) if its else None
    return "" if share is None else f"{share:+d} %" if share else "0 %"


def _button(row: int | None) -> str:
    if row is None:
        return ""
    return f' <button type="button" data-selects="{row}">Show in the plot</button>'


def _strip(answer: Recommendation, profile: DeviceProfile | None, bench: Benchmark | None) -> str:
    """What is recommended, drawn; nothing where there is no device of its space."""
    ids: list[str] = []
    if answer.verdict == "pair" and answer.pair is not None:
        ids = [answer.pair.little, answer.pair.big]
    elif answer.single is not None:
        ids = [str(answer.single["architecture"])]
    return drawn_networks(ids, profile, bench)


def drawn_on(question: FrontQuestion) -> tuple[DeviceProfile | None, Benchmark | None]:
    """The device and the table of a question, to draw networks of; None for what is not here."""
    profile = bench = None
    with contextlib.suppress(BigLittleError):  # a device that is not here, or no space of layers
        profile = question.profiles(None)[0]
    if profile is not None and question.table is not None:
        with contextlib.suppress(BigLittleError):  # a table that is not here
            bench = question.bench(None, question.table)
    return profile, bench


def drawn_networks(
    ids: Sequence[str], profile: DeviceProfile | None, bench: Benchmark | None
) -> str:
    """Networks drawn layer by layer; a trunk that two share stands once. "" where none can be."""
    if profile is None or not ids:
        return ""
    try:
        networks = anatomies(ids, profile, bench)
    except BigLittleError:  # of another space than the device's
        return ""
    svg = trunk_svg(*networks) if len(networks) == 2 else None
    return f'<div class="strip">{svg or network_svg(networks)}</div>'
