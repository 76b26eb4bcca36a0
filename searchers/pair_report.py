"""What a gate does to one pair, in the terminal; ``pair_page.py`` has the same as a page.

The figures come ready from ``bench.diagnostics``; nothing is computed here but the place of a
character.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich import box
from rich.console import Console
from rich.table import Table

from ..bench import Benchmark, Gate, OperatingPoint, Pair
from ..bench.datasets import DATASETS, get_dataset
from ..bench.diagnostics import Diagnostics, diagnose, explain
from ..bench.figures import FIGURES, POINT_FIGURES
from ..bench.gates import N_CODES
from ..bench.gates.per_class import PerClass
from ..bench.terminal import fitting

PLOT_COLUMNS, PLOT_ROWS = 72, 17
MOST_CLASSES = 40  # that a reader is shown; JSON has all
_UNKNOWN = "not available"
_OUTCOMES = (
    ("escalated_needed", "escalated, needed: only big is right"),
    ("escalated_in_vain", "escalated in vain: both right or both wrong"),
    ("escalated_harmed", "escalated, harmed: only little is right"),
    ("kept_right", "kept: little is right"),
    ("kept_hopeless", "kept: both are wrong"),
    ("kept_needed", "kept although needed: only big is right"),
    ("routing_accuracy", "routed as it should be"),
)
_FAILURES = (
    ("failure_auroc", "AUROC of little's failures (0.5: tells nothing)"),
    ("failure_aurc", "AURC: little's mean error, the surest answers first"),
    ("gate_calibration_error", "calibration error of the gate's own values"),
)
_BESIDE = (
    ("accuracy", "this gate", None),
    ("random_accuracy", "random, same escalation rate", "gain_over_random"),
    ("oracle_accuracy", "oracle, same escalation rate", "gap_to_oracle"),
    ("oracle_best_accuracy", "oracle, at its best rate", "gap_to_oracle_best"),
    ("little_accuracy", "little alone", None),
    ("big_accuracy", "big alone", None),
)


@dataclass(frozen=True)
class PairReport:
    """All that is shown of a pair under a gate.

    Attributes:
        point: the operating point on a device.
        device: name of the device.
        diagnostics: what the gate does there, one point.
        curve: what it does at every cut, 257 points.
        classes: names of the classes, or their numbers.
        class_thresholds: the ``max_prob`` from which each class is kept, shape (n_classes,), for a
            gate that has one threshold per class; else None.
        promise: what is guaranteed of the threshold, one sentence an entry; empty where nothing is.
    """

    point: OperatingPoint
    device: str
    diagnostics: Diagnostics
    curve: Diagnostics
    classes: Sequence[str]
    class_thresholds: NDArray[np.float64] | None = None
    promise: Sequence[str] = ()

    def title(self) -> str:
        """The pair, its gate, and where it was looked at."""
        at = f"{self.point.gate} {float(self.point.threshold)!r}"
        return f"{self.point.little} -> {self.point.big}, {at}, {self.diagnostics.split} images"

    def record(self) -> dict[str, Any]:
        """The diagnostics as plain JSON; a list per class goes by the names in ``classes``."""
        each = self.class_thresholds
        thresholds = {} if each is None else {"class_max_prob_thresholds": each.tolist()}
        return {**self.diagnostics.record(0), "classes": list(self.classes), **thresholds}

    def word(self, name: str) -> str:
        """The provenance of a figure of the diagnostics."""
        return self.diagnostics.provenance.get(name, "unknown")


def pair_report(
    bench: Benchmark,
    pair: Pair,
    gate: Gate,
    device: str,
    split: str = "test",
    promise: Sequence[str] = (),
    point: OperatingPoint | None = None,
) -> PairReport:
    """All that is shown of a pair under a gate, from a table.

    Args:
        bench: the table that has both networks.
        pair: the little and the big network.
        gate: the gate between them, with its threshold.
        device: name or profile of the device for the operating point's costs.
        split: whose images are routed, ``val`` or ``test``.
        promise: what is guaranteed of the threshold, one sentence an entry.
        point: the operating point where it is evaluated already; None: it is evaluated here.

    Raises:
        BigLittleError: the table has no such network, gate, device or split.
    """
    table = bench.table
    little, big = table.pair_rows(pair)
    numbers = tuple(str(c) for c in range(table.n_classes))
    named = table.dataset in DATASETS.names()
    scorer = table.gate_codes.scorer(gate.metric, little) if gate.metric == "per_class" else None
    return PairReport(
        point=bench.query(pair, gate, device, split) if point is None else point,
        device=device,
        diagnostics=explain(table, pair, gate, split),
        curve=diagnose(table, little, big, gate.metric, range(N_CODES + 1), split),
        classes=get_dataset(table.dataset).classes if named else numbers,
        class_thresholds=(
            scorer.class_thresholds(gate.threshold) if isinstance(scorer, PerClass) else None
        ),
        promise=promise,
    )


def figure_rows(report: PairReport) -> list[tuple[str, str, str]]:
    """The operating point's figures and those of little's calibration: name, value, provenance."""
    rows, words = [], report.point.provenance
    for name in POINT_FIGURES:
        value = getattr(report.point, name)
        shown = _UNKNOWN if value is None else _shown(name, value)
        rows.append((FIGURES[name].label, shown, words.get(name, "")))
    diagnostics = report.diagnostics
    worst = float(diagnostics.worst_macs[0])
    counted = not np.isnan(worst)
    shown = _shown("macs", worst) if counted else _UNKNOWN
    rows.append(("worst-case MACs", shown, report.word("worst_macs") if counted else ""))
    error = f"{diagnostics.calibration_error[0]:.4f} ± {diagnostics.calibration_rounding:.4f}"
    rows.append(("little's calibration error", error, report.word("calibration_error")))
    return rows


def failure_rows(report: PairReport) -> list[tuple[str, str, str]]:
    """How well the gate tells little's wrong answers from right ones: name, value, provenance."""
    rows = []
    for name, text in _FAILURES:
        value = float(getattr(report.diagnostics, name)[0])
        if np.isnan(value):  # what is not there came about in no way
            shown = "not a probability" if name == "gate_calibration_error" else _UNKNOWN
            rows.append((text, shown, ""))
        else:
            rows.append((text, f"{value:.4f}", report.word(name)))
    return rows


def routing_rows(report: PairReport) -> list[tuple[str, str, str]]:
    """What became of the images: name, share in percent, provenance."""
    return [
        (text, _percent(getattr(report.diagnostics, name)[0]), report.word(name))
        for name, text in _OUTCOMES
    ]


def beside_rows(report: PairReport) -> list[tuple[str, str, str, str]]:
    """The gate beside control and bound: name, accuracy, this gate's lead in points, provenance."""
    rows = []
    for name, text, difference in _BESIDE:
        lead = ""
        if difference is not None:
            sign = 1 if difference.startswith("gain") else -1
            lead = f"{sign * 100 * getattr(report.diagnostics, difference)[0]:+.2f}"
        if name == "oracle_best_accuracy":
            text += f" of {_percent(report.diagnostics.oracle_best_escalation_rate[0])} %"
        rows.append((text, _percent(getattr(report.diagnostics, name)[0]), lead, report.word(name)))
    return rows


def shown_classes(report: PairReport) -> NDArray[np.intp]:
    """Places of all classes, or where there are too many of those that are escalated most."""
    if len(report.classes) <= MOST_CLASSES:
        return np.arange(len(report.classes))
    rate = np.nan_to_num(report.diagnostics.class_escalation_rate[0], nan=-1.0)
    return np.argsort(-rate, kind="stable")[:MOST_CLASSES]


def class_rows(report: PairReport) -> list[tuple[str, ...]]:
    """Each shown class: name, accuracy and escalation rate in percent, and its threshold if any."""
    rows = []
    for i in shown_classes(report).tolist():
        name = report.classes[i]
        figures = (
            report.diagnostics.class_accuracy[0, i],
            report.diagnostics.class_escalation_rate[0, i],
        )
        row = (name, *("-" if np.isnan(v) else _percent(v) for v in figures))
        if report.class_thresholds is not None:
            row += (f"{report.class_thresholds[i]:.4f}",)
        rows.append(row)
    return rows


def oracle_share(report: PairReport) -> str:
    """One sentence: how much of what an oracle could gain over chance this gate gains."""
    share = report.diagnostics.oracle_share[0]
    if np.isnan(share):
        return "At this escalation rate an oracle gains nothing over escalating at random."
    return (
        f"The gate reaches {_percent(share, 1)} % of what an oracle gains over random escalation "
        f"at this rate ({report.word('oracle_share')})."
    )


def _shown(name: str, value: float) -> str:
    return f"{FIGURES[name].text(value)} {FIGURES[name].shown_unit}"


def _percent(value: float, digits: int = 2) -> str:
    return f"{100 * value:.{digits}f}"


# ---- terminal ----------------------------------------------------------------------------------
def print_pair(report: PairReport, console: Console) -> None:
    """Prints the diagnostics of a pair as tables, and its curve as a plot of characters."""
    console.print(f"{report.title()}, on {report.device}")
    for title, heads, rows in report_tables(report):

        def laid_out(
            blanks: int,
            title: str = title,
            heads: tuple[str, ...] = heads,
            rows: list[tuple[str, ...]] = rows,
        ) -> Table:
            table = Table(
                title=title,
                title_justify="left",
                header_style="bold",
                box=box.SIMPLE_HEAD,
                show_edge=False,
                padding=(0, blanks),
            )
            for k, head in enumerate(heads):
                left = k == 0 or head == "provenance"
                table.add_column(head, justify="left" if left else "right", no_wrap=True)
            for row in rows:
                table.add_row(*row)
            return table

        console.print()
        console.print(fitting(laid_out, (1, 0), console)[1])
    console.print()
    for text in (*report.promise, oracle_share(report)):
        console.print(text)
    console.print()
    for line in text_plot(report):
        console.print(line, markup=False, no_wrap=True)


def report_tables(report: PairReport) -> list[tuple[str, tuple[str, ...], list[tuple[str, ...]]]]:
    """All that is told of a pair as tables: title, heads and rows of each."""
    thresholds = () if report.class_thresholds is None else ("kept from max_prob",)
    word = report.word("class_accuracy")
    return [
        ("Operating point", ("figure", "value", "provenance"), [*figure_rows(report)]),
        ("Routing, share of images", ("", "%", "provenance"), [*routing_rows(report)]),
        (
            "What the gate knows of little's failures",
            ("", "value", "provenance"),
            [*failure_rows(report)],
        ),
        (
            "Accuracy beside control and bound",
            ("", "%", "this gate ahead by", "provenance"),
            [*beside_rows(report)],
        ),
        (
            f"True classes{_of_many(report)} ({word})",
            ("class", "accuracy %", "escalated %", *thresholds),
            class_rows(report),
        ),
    ]


def _of_many(report: PairReport) -> str:
    n = len(report.classes)
    return f", the {MOST_CLASSES} of {n:,} that are escalated most" if n > MOST_CLASSES else ""


def text_plot(report: PairReport, columns: int = PLOT_COLUMNS, rows: int = PLOT_ROWS) -> list[str]:
    """Accuracy against escalation rate in plain characters: lines of at most ``columns``."""
    curve, edge = report.curve, 7
    width = columns - edge - 1
    x = np.linspace(0, 1, width)
    lines = {
        ".": np.interp(x, [0, 1], [curve.little_accuracy[0], curve.big_accuracy[0]]),
        "o": np.interp(x, *curve.oracle_line(0)),
        "*": np.interp(x, curve.escalation_rate, curve.accuracy),
    }
    low, high = (float(f([f(y) for y in lines.values()])) for f in (np.min, np.max))
    margin = 0.02 * (high - low) or 0.005
    low, high = low - margin, high + margin

    def row_of(y: Any) -> Any:
        return np.rint((high - np.asarray(y)) / (high - low) * (rows - 1)).astype(int)

    grid = np.full((rows, width), " ")
    for mark, y in lines.items():
        grid[row_of(y), np.arange(width)] = mark
    diagnostics = report.diagnostics
    grid[
        row_of(diagnostics.accuracy[0]), int(np.rint(diagnostics.escalation_rate[0] * (width - 1)))
    ] = "@"
    out = [f"accuracy, % ({report.word('accuracy')})"]
    for i, line in enumerate(grid):
        value = high - i / (rows - 1) * (high - low)
        label = f"{100 * value:{edge - 1}.2f} " if i % 4 == 0 or i == rows - 1 else " " * edge
        out.append(f"{label}|{''.join(line)}".rstrip())
    out.append(" " * edge + "+" + "-" * width)
    scale = "0" + "50".center(width - 4) + "100"
    out.append(" " * (edge + 1) + scale)
    rate = f"escalation rate, % ({report.word('escalation_rate')})"
    out.append(" " * (edge + 1) + rate.center(width).rstrip())
    out.append(f"  * {report.curve.gate}   @ this threshold")
    out.append(
        f"  o oracle ({report.word('oracle_accuracy')})   "
        f". random ({report.word('random_accuracy')})"
    )
    return out
