"""What a gate does to one pair, as a page: the verdict, the pair on its curve, diagnostics."""

from __future__ import annotations

import html
from pathlib import Path

import numpy as np

from ..bench import Benchmark
from ..bench.diagnostics import Diagnostics
from ..bench.gates import get_gate
from ..bench.recommend import Budget, Recommendation
from .answer import big_text, by_test_text, gain_text, on_test, one_point
from .answer_page import answer_table, drawn_networks, drawn_on
from .front_files import write_files
from .front_question import FrontQuestion, question_sources
from .judge import DEFAULT_TABLE
from .pages.charts import Charts, bars, line, points
from .pages.page import page, table, verdict
from .pages.view import view_document, view_section
from .pages.view_rows import PairGroup
from .pair_curves import table_curves
from .pair_report import PairReport, oracle_share, report_tables, shown_classes
from .report import commands_of
from .table_singles import best_table_single, table_single_group


def write_pair_page(
    path: str | Path, bench: Benchmark, report: PairReport, table_given: str = DEFAULT_TABLE
) -> Path:
    """The path of the page, one self-contained HTML file; its folder is made if need be.

    Args:
        path: path of the file.
        bench: the table that the report is of.
        report: all that is shown of the pair.
        table_given: what ``--table`` takes for it.

    Raises:
        BigLittleError: the file cannot be written.
    """
    path = Path(path)
    config = {"sources": question_sources([report.device], bench, table_given)}
    question = FrontQuestion.of(config, "the pair")
    name, point = next(iter(question.devices)), one_point(report.point)
    document = view_document(
        [PairGroup("pair", name, point)],
        [table_single_group(bench, report.device, name)],
        commands_of(question, True).known_by(bench.table.names),
        bench.table.n_classes,
        labels={"pair": "this pair", "single": "single networks of the table"},
        curves=table_curves(bench, {name: point}, {name: report.device}),
        selected=0,
    )
    charts = Charts()
    tables = "".join(
        f"<h2>{html.escape(title)}</h2>{table(heads, rows)}"
        for title, heads, rows in report_tables(report)
    )
    body = f"""{pair_verdict(bench, report, question)}
<h2>The pair on its curve</h2>
{view_section(_note(report))}
<h2>Accuracy against escalation rate</h2>
<p>{html.escape(oracle_share(report))} The dotted line is what escalating at random gives; the
dashed one is what an oracle could do that asks the big network where this helps.</p>
{_curve_chart(charts, report)}
<h2>Which classes reach the big network</h2>
{_class_chart(charts, report)}
{tables}"""
    text = page(
        f"Big/little pair under {report.point.gate}",
        body,
        {"view": document, "charts": charts.records},
    )
    return write_files(path.parent, {path.name: text})[0]


def pair_verdict(bench: Benchmark, report: PairReport, question: FrontQuestion) -> str:
    """Whether the pair pays at this threshold, as the first block of its page."""
    point, answer = report.point, pair_answer(bench, report)
    name = next(iter(question.devices))
    lead = (
        f"{point.little} \u2192 {point.big}, gate {point.gate}, threshold {point.threshold:.4g} on "
        f"{name}."
    )
    single, low = answer.single, answer.gain_low
    if single is None:
        kind, word, gain = "open", "No single network is as fast", "There is nothing to compare."
    else:
        pays = (answer.gain or 0.0) > 0
        gain = f"It gains {gain_text(answer)} over {single['architecture']}, the best single "
        gain += "network that is as fast."
        kind, word = ("good", "This pair pays") if pays else ("bad", "A single network is better")
        if answer.refuted is False and low is not None and low <= 0 <= (answer.gain_high or 0.0):
            kind, word = "open", "As good as a single network"
            gain += " The interval holds 0."
        gain += by_test_text(answer) + big_text(answer)
    if not get_gate(point.gate).deployable:
        kind, word = "open", f"No device can run {point.gate}"
        gain += " It is a bound or a control, no choice."
    if point.better_alone is not None:
        gain += f" {point.better_alone.text()}"
    promise = "".join(f"<p>{html.escape(text)}</p>" for text in report.promise)
    drawing = drawn_networks([point.little, point.big], *drawn_on(question))
    below = f'<p class="gain">{html.escape(gain)}</p>{promise}'
    below += answer_table(answer, "this pair") + drawing
    return verdict(kind, word, lead, below)


def pair_answer(bench: Benchmark, report: PairReport) -> Recommendation:
    """The pair beside the best single network at equal cost, as an answer.

    The single network is the one that is best on val of those that are as fast, shown on test.
    """
    point = report.point
    single = best_table_single(bench, one_point(point), report.device).records()[0]
    limits = {} if point.latency_ms is None else {"latency_ms": point.latency_ms}
    gain = None if single is None else point.accuracy - float(single["accuracy"])
    budget = Budget("at its own cost", limits)
    answer = Recommendation(budget, "table", 0, point, single, gain)
    counted = report.diagnostics.split == "test" and get_gate(point.gate).deployable
    return on_test(answer, bench, report.device) if counted else answer


def _note(report: PairReport) -> str:
    return (
        f"On {report.diagnostics.split} images. The line is the curve of the pair under its gate, "
        "and the slider moves the threshold along it. Thresholds are chosen on val."
    )


def _curve_chart(charts: Charts, report: PairReport) -> str:
    curve, diagnostics = report.curve, report.diagnostics
    rates, best = curve.oracle_line(0)
    hover = [
        f"threshold {threshold:.4f}\nescalation {100 * rate:.2f} %\naccuracy {100 * right:.2f} %"
        for threshold, rate, right in zip(
            curve.threshold, curve.escalation_rate, curve.accuracy, strict=True
        )
    ]
    here = _here(diagnostics)
    ends = [100 * float(curve.little_accuracy[0]), 100 * float(curve.big_accuracy[0])]
    of_oracle, of_random = report.word("oracle_accuracy"), report.word("random_accuracy")
    return charts.add(
        report.title(),
        f"escalation rate, % ({report.word('escalation_rate')})",
        "accuracy, %",
        [
            line(f"oracle ({of_oracle})", 100 * rates, 100 * best, "black", "dash"),
            line(f"random ({of_random})", [0, 100], ends, "grey", "dots"),
            line(
                f"{curve.gate}, all thresholds ({report.word('accuracy')})",
                100 * curve.escalation_rate,
                100 * curve.accuracy,
            ),
            points("", 100 * curve.escalation_rate, 100 * curve.accuracy, hover),
            points(
                f"threshold {report.point.threshold:g}",
                [100 * here[0]],
                [100 * here[1]],
                [f"threshold {report.point.threshold:g}"],
                "vermilion",
                "ring",
            ),
        ],
        x_range=(-2.0, 102.0),
    )


def _here(diagnostics: Diagnostics) -> tuple[float, float]:
    return float(diagnostics.escalation_rate[0]), float(diagnostics.accuracy[0])


def _class_chart(charts: Charts, report: PairReport) -> str:
    marks, shown = [], shown_classes(report)
    classes = [report.classes[i] for i in shown.tolist()]
    for name, text, colour in (
        ("class_escalation_rate", "escalated", "vermilion"),
        ("class_accuracy", "accuracy", "blue"),
    ):
        values = 100 * np.asarray(getattr(report.diagnostics, name)[0])[shown]
        hover = [f"{c}: {text} {v:.1f} %" for c, v in zip(classes, values, strict=True)]
        marks.append(bars(f"{text} ({report.word(name)})", values, hover, colour))
    return charts.add(
        "Classes", "true class", "share of the class's images, %", marks,
        y_range=(0.0, 100.0), categories=classes, height=360,
    )  # fmt: skip
