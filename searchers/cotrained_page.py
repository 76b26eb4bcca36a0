"""``cotrained.html``: what co-training made of the pairs that a front promised."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..bench.figures import FIGURES
from .answer_page import drawn_networks, drawn_on
from .front_files import write_files
from .front_question import FrontQuestion
from .pages.charts import Charts, points
from .pages.page import Cell, page, table, verdict

FILE = "cotrained.html"
_COLOURS = ("blue", "green", "purple", "black")


def write_cotrained(folder: Path, reports: Sequence[Mapping[str, Any]]) -> Path:
    """The path of the page about co-trained pairs, one self-contained HTML file.

    Args:
        folder: folder of the pairs' folders.
        reports: reports as ``cotrain_front`` yields them, at least one.

    Raises:
        BigLittleError: the file cannot be written.
    """
    charts, best = Charts(), best_report(reports)
    question = FrontQuestion.of(best["config"], "the pairs")
    on = f" for {' and '.join(question.devices)}" if question.devices else ""
    body = f"""{_verdict(best, question)}
<h2>Promised and trained</h2>
<p>Promised: by the search. Before: the weights that training began with, threshold chosen anew.
Trained: on test, threshold chosen on val within the promised mean latency.</p>
{_chart(charts, reports)}
{_table(reports)}"""
    text = page(f"Which co-trained pair{on}?", body, {"charts": charts.records})
    return write_files(folder, {FILE: text})[0]


def best_report(reports: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The report of the pair that is most accurate on val; the first of equals."""
    return max(reports, key=lambda report: float(report["after"]["val"]["accuracy"]))


def _gain(report: Mapping[str, Any]) -> float | None:
    """Accuracy on test that training gained, in points; None where nothing was before it."""
    before = report["before"]
    if before is None:
        return None
    return 100 * float(report["after"]["test"]["accuracy"] - before["test"]["accuracy"])


def _verdict(report: Mapping[str, Any], question: FrontQuestion) -> str:
    after, method = report["after"]["test"], report["config"]["method"]
    lead = (
        f"{after['little']} \u2192 {after['big']}, trained by {method}, gate {after['gate']}, "
        f"threshold {after['threshold']:.4g}: of the pairs trained the most accurate on val."
    )
    gain = _gain(report)
    if gain is None:
        says, kind = "It began with random weights, so that there is no gain to tell.", "open"
    else:
        says = f"Training gains {gain:+.2f} points on test over the weights that it began with."
        kind = "good" if gain > 0 else "bad"
    promised = report["promised"]
    rows: list[list[Cell]] = []
    for name in ("accuracy", "escalation_rate", "latency_ms", "latency_p95_ms", "peak_memory_mib"):
        values = [promised.get(name), after.get(name)]
        if values[1] is None:
            continue
        cells = [
            ("" if value is None else FIGURES[name].text(value), words.get(name, ""))
            for value, words in zip(
                values, (promised["provenance"], after["provenance"]), strict=True
            )
        ]
        rows.append([f"{FIGURES[name].label}, {FIGURES[name].shown_unit}", *cells])
    for name, label in (("little_accuracy", "little alone"), ("big_accuracy", "big alone")):
        rows.append([f"accuracy of {label}, %", "", f"{100 * after[name]:.2f}"])
    drawing = drawn_networks([after["little"], after["big"]], *drawn_on(question))
    figures = table(["", "promised", "trained, on test"], rows)
    below = f'<p class="gain">{html.escape(says)}</p>{figures}{drawing}'
    return verdict(kind, "Use this pair", lead, below)


def _chart(charts: Charts, reports: Sequence[Mapping[str, Any]]) -> str:
    promised = [report["promised"] for report in reports]
    word = promised[0]["provenance"].get("accuracy", "unknown")
    marks = [_points(f"promised ({word})", promised, "vermilion", "diamond")]
    before = [report["before"]["test"] for report in reports if report["before"] is not None]
    if before:
        marks.append(_points("before (measured)", before, "grey", "square"))
    for i, method in enumerate(dict.fromkeys(r["config"]["method"] for r in reports)):
        after = [r["after"]["test"] for r in reports if r["config"]["method"] == method]
        marks.append(_points(f"{method} (measured)", after, _COLOURS[i % len(_COLOURS)], "circle"))
    return charts.add("Co-trained pairs", "mean latency, ms", "accuracy, %", marks)


def _points(name: str, some: Sequence[Mapping[str, Any]], colour: str, style: str) -> Any:
    x, y = [p["latency_ms"] for p in some], [100 * p["accuracy"] for p in some]
    texts = [
        f"{name}\n{p['little']} \u2192 {p['big']}\naccuracy {100 * p['accuracy']:.2f} %\n"
        f"mean latency {p['latency_ms']:.4g} ms"
        for p in some
    ]
    return points(name, x, y, texts, colour, style)


def _table(reports: Sequence[Mapping[str, Any]]) -> str:
    heads = [
        "little\nbig",
        "method",
        "gate\nthreshold",
        "accuracy, %\npromised",
        "before",
        "trained",
    ]
    heads += ["gain\npoints", "escalation, %", "mean latency, ms\npromised", "trained"]
    rows: list[list[Cell]] = []
    for report in reports:
        promised, after = report["promised"], report["after"]["test"]
        before, gain = report["before"], _gain(report)
        was, now = promised["provenance"], after["provenance"]
        shown = "" if before is None else _percent(before["test"]["accuracy"])
        rows.append(
            [
                f"{after['little']}\n{after['big']}",
                report["config"]["method"],
                f"{after['gate']}\n{after['threshold']:.4g}",
                (_percent(promised["accuracy"]), was.get("accuracy", "")),
                shown,
                (_percent(after["accuracy"]), now["accuracy"]),
                "" if gain is None else f"{gain:+.2f}",
                (_percent(after["escalation_rate"]), now["escalation_rate"]),
                (f"{promised['latency_ms']:.4g}", was.get("latency_ms", "")),
                (f"{after['latency_ms']:.4g}", now["latency_ms"]),
            ]
        )
    return table(heads, rows, ids=(0,))


def _percent(share: float) -> str:
    return f"{100 * share:.2f}"
