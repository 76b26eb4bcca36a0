"""A front as a table in the terminal."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich import box
from rich.console import Console
from rich.measure import Measurement
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ..bench import Points
from ..bench.figures import FIGURES, counted, get_figure
from ..bench.network_names import are_ids
from ..bench.provenance import words_among
from ..bench.recommend import LEAST_RATE, NO_GATE, Recommendation, gateless, unasked
from ..bench.recommend import spread as best_spread
from ..bench.terminal import fitting, provenance_line
from .answer import UNKNOWN, sentence
from .outcome import SearchOutcome
from .singles import SingleNetworks
from .soft import parse_soft, score_of
from .summary import escalating

MISSING = "-"
ROOMY = 120  # terminal columns from which the heads of the table say the provenance


_COLUMNS = (
    "accuracy", "escalation_rate", "latency_ms", "latency_p95_ms", "energy_mj", "macs",
    "peak_memory_mib",
)  # fmt: skip
#: Figures that are shown only where they were asked for.
_ASKED = ("latency_worst_ms", "params", "ram_kib", "flash_kib")


def spread(n: int, top: int) -> NDArray[np.intp]:
    """Indices of at most ``top`` of ``n`` rows, evenly spread, both ends included.

    >>> spread(100, 5).tolist()
    [0, 25, 50, 74, 99]
    """
    return np.unique(np.rint(np.linspace(0, n - 1, max(1, min(n, top)))).astype(np.intp))[:n]


def print_outcome(
    outcome: SearchOutcome, searcher: str, devices: Sequence[str], says: str, console: Console
) -> None:
    """Prints what a search did, before its front: how much, how long, on what, the best point."""
    spent = outcome.n_evaluations if outcome.log is None else round(outcome.log.spent)
    price = "" if spent == outcome.n_evaluations else f" (rough ones, at the price of {spent:,})"
    console.print(
        f"{searcher} on {', '.join(devices)}: "
        f"{counted(outcome.n_evaluations, 'evaluation')}{price} in "
        f"{outcome.seconds_total:.1f} s ({outcome.seconds_overhead:.1f} s of it outside the "
        f"evaluator); {outcome.n_infeasible:,} beyond a limit, {outcome.n_unusable:,} without a "
        "figure."
    )
    if len(devices) > 1:
        console.print("Each cost is that of the device where it is largest.")
    console.print(says)
    front = outcome.front
    if not gateless(front):
        console.print(
            f"{escalating(front)} of the front's {len(front)} points escalate at least 1 % of the "
            "inputs; the others are in effect their little network alone."
        )
    if outcome.best is not None:
        console.print(best_text(outcome.settings.soft or "", outcome.best), markup=False)


def best_text(soft: str, best: Points) -> str:
    """The best point under a soft score in a line: its score, and figures with provenance.

    Args:
        soft: the score as it was given.
        best: the operating point whose score is best, alone in its arrays.
    """
    point = best[0]
    named = f"{point.little} -> {point.big}, {point.gate} {point.threshold:.4g}"
    if unasked(best)[0]:
        named = f"{point.little} alone"
    figures = ("accuracy", "latency_ms", "latency_p95_ms", "energy_mj", "peak_memory_mib")
    costs = ", ".join(
        f"{figure.label} {figure.text(float(value))} {figure.shown_unit} "
        f"({best.provenance.get(name, 'unknown')})"
        for name in figures
        if (value := getattr(point, name)) is not None and (figure := get_figure(name))
    )
    fractions = [n for n in parse_soft(soft, tuple(FIGURES)).names if FIGURES[n].shown_unit == "%"]
    note = f" ({' and '.join(fractions)} as a fraction from 0 to 1)" if fractions else ""
    score = float(score_of(soft, best)[0])
    return f"Best under {soft}: {named}; score {score:.4g}{note}, {costs}"


def point_text(point: Mapping[str, Any]) -> str:
    """An operating point in a line: gate, accuracy, latency and escalation, with provenance.

    Args:
        point: the point as plain JSON, as from ``OperatingPoint.as_dict``.
    """
    provenance = point["provenance"]
    return (
        f"{point['gate']} {point['threshold']:.4g}, accuracy {100 * point['accuracy']:.2f} % "
        f"({provenance['accuracy']}), latency {point['latency_ms']:.4g} ms "
        f"({provenance['latency_ms']}), {100 * point['escalation_rate']:.1f} % of the inputs "
        f"reach the big network ({provenance['escalation_rate']})"
    )


def print_answers(answers: Sequence[Recommendation], console: Console, warning: str = "") -> None:
    """Prints which pair to use at each budget, or that a single network does as well.

    Args:
        answers: the recommendation at each budget.
        console: console to print on.
        warning: what to beware of before any of them is used; it stands above them.
    """
    if not answers:
        return
    question = "Which pair?" if answers[0].pairs else "Which network?"
    console.print(Text(question, style="bold"))
    if warning:
        console.print(Padding(Text(warning, style="bold red"), (0, 0, 0, 2)))
    for answer in answers:
        console.print(Padding(Text(sentence(answer)), (0, 0, 0, 2)))
    console.print()


def print_front(
    points: Points,
    best_singles: SingleNetworks | None,
    console: Console,
    top: int = 20,
    figures: Collection[str] = (),
    recommended: Mapping[int, str] | None = None,
) -> None:
    """Prints the front as a table, with the provenance of every column in its head.

    Rows go from fast to slow. Architectures follow the table, by row number. A column that has no
    figure at all is left out.

    Args:
        points: operating points of the front, in any order.
        best_singles: the best single network at each point's latency, one row per point.
        console: console to print on; it decides on colours.
        top: rows at most, spread evenly over the front, both ends included.
        figures: those that were searched for or limited; those that are not always shown are
            shown then.
        recommended: why a row is, by row; these are always shown, and marked.
    """
    if not len(points):
        console.print("The front is empty.")
        return
    order = np.argsort(points.latency_ms, kind="stable")
    recommended = recommended or {}
    rows = best_spread(points, top, recommended) if recommended else order[spread(len(order), top)]
    one, networks = unasked(points) & (points.gate != NO_GATE), gateless(points)
    names = [*_COLUMNS, *(name for name in _ASKED if name in figures)]
    if networks:  # what every network has alike says nothing
        names.remove("escalation_rate")
        best_singles = None
    n_first = 1 if networks else 2
    columns = [get_figure(n) for n in names if np.isfinite(points.figure(n)).any()]

    def worded(words: Mapping[str, str], name: str, values: NDArray[np.float64]) -> str:
        """The words of a column's figures, where several occur the weakest last."""
        there = rows[np.isfinite(values[rows])]
        return ", ".join(words_among(words, name, there)) or UNKNOWN

    heads = [
        (c.head, c.shown_unit, worded(points.provenance, c.name, points.figure(c.name)))
        for c in columns
    ]
    word = ""
    if best_singles is not None:
        word = worded(best_singles.provenance, "accuracy", best_singles.accuracy)
    of_single = ("1 net", "%", word)
    lines: list[tuple[list[str], bool]] = []
    for number, i in enumerate(rows, start=1):
        cells = [_cell(float(points.figure(c.name)[i]), c.text) for c in columns]
        gate = [] if networks else [str(points.gate[i]), f"{points.threshold[i]:.3f}"]
        if one[i]:
            gate = ["little alone", MISSING]
        mark = "* " if i in recommended else ""
        line = [f"{mark}{number}", *cells[:n_first], *gate, *cells[n_first:]]
        if best_singles is not None:
            line.append(_cell(float(best_singles.accuracy[i]), FIGURES["accuracy"].text))
        lines.append((line, i in recommended))

    def laid_out(layout: tuple[bool, int]) -> Table:
        with_words, blanks = layout
        made = Table(
            title=_title(len(rows), len(points)),
            title_justify="left",
            header_style="bold",
            box=box.SIMPLE_HEAD,
            show_edge=False,
            padding=(0, blanks),
        )

        def add(head: tuple[str, str, str]) -> None:
            words = (head[2].replace(", ", ",\n"),) if with_words else ()
            text = Text("\n".join((*head[:2], *words)), justify="right")
            made.add_column(text, justify="right", overflow="fold")

        made.add_column("#", justify="right")
        for head in heads[:n_first]:
            add(head)
        if not networks:
            made.add_column("gate", no_wrap=True)
            made.add_column("thresh", justify="right", no_wrap=True)
        for head in heads[n_first:]:
            add(head)
        if best_singles is not None:
            add(of_single)
        for line, stands_out in lines:
            made.add_row(*line, style="bold" if stands_out else None)
        return made

    roomy = [(True, 1), (True, 0)] if console.width >= ROOMY else []
    (with_words, _), table = fitting(laid_out, [*roomy, (False, 0)], console)
    console.print(table)
    if not with_words:
        words: dict[str, list[str]] = {}
        shown = heads if best_singles is None else [*heads, of_single]
        for name, _, word in shown:
            words.setdefault(word, []).append(name)
        console.print(Text(provenance_line(words), style="dim"))
    escalated = "" if networks else "escal: share of inputs that reach the big network; "
    notes = f"acc: accuracy; {escalated}mean, p95: latency."
    if "latency_worst_ms" in names:
        notes += " worst: latency of an escalated input."
    if best_singles is not None:
        notes += " 1 net: the most accurate single network seen that is at most as slow on average."
    if recommended:
        notes += " *: recommended."
    if one[rows].any():
        notes += (
            " little alone: the big network is never asked, so that memory and parameters are "
            "those of little."
        )
    if ((points.escalation_rate < LEAST_RATE) & ~one & (points.gate != NO_GATE))[rows].any():
        notes += (
            " A pair that escalates less than 1 % is in effect its little network: without the big "
            "one it answers nearly the same in less memory."
        )
    console.print(Text(notes, style="dim"))
    _print_architectures(points, best_singles, rows, console)
    if networks or not are_ids(points.little):  # 'show' draws none of these
        return
    console.print(
        Text(
            "\nAn id is one digit a layer, first to last: what each block is. See it drawn: "
            "biglittle show ID, or the difference of two: biglittle show LITTLE BIG.",
            style="dim",
        )
    )


def _title(n_shown: int, n: int) -> str:
    if n_shown == n:
        return f"Front: {counted(n, 'operating point')}"
    return f"Front: {n_shown} of {n} operating points, spread evenly from fastest to slowest"


def _cell(value: float, show: Callable[[float], str]) -> str:
    return MISSING if np.isnan(value) else show(value)


def _print_architectures(
    points: Points, singles: SingleNetworks | None, rows: NDArray[np.intp], console: Console
) -> None:
    table = Table(title="Architectures", title_justify="left", box=None, header_style="bold")
    table.add_column("#", justify="right")
    networks = gateless(points)
    heads = ("network",) if networks else ("little", "big")
    coupled = bool((points.coupling[rows] != "").any())
    coupling = ("coupling",) if coupled else ()
    for head in (*heads, *coupling, *(("1 net",) if singles is not None else ())):
        table.add_column(head, no_wrap=True)
    lines: list[str] = []
    for number, i in enumerate(rows, start=1):
        ids, one = [str(points.little[i]), str(points.big[i])], bool(unasked(points)[i])
        if networks:
            ids = ids[:1]
        elif one:
            ids[1] = MISSING
        if coupled:
            ids.append(MISSING if one else str(points.coupling[i]) or MISSING)
        if singles is not None:
            ids.append(str(singles.architecture[i]) or MISSING)
        table.add_row(str(number), *ids)
        of_single = f"; 1 net: {ids[-1]}" if singles is not None else ""
        pair = " -> ".join(ids[: len(heads)])
        if one and not networks:
            pair = f"{ids[0]} alone"
        kind = f", {ids[len(heads)]}" if coupled and not one else ""
        line = f"{number:>2}  {pair}{kind}"
        if len(line + of_single) > console.width:
            of_single = of_single.replace("; ", "\n    ", 1)
        lines.append(line + of_single)
    widest = Measurement.get(console, console.options.update(max_width=1000), table).maximum
    if widest <= console.width:
        console.print(Padding(table, (1, 0, 0, 0)))
        return
    console.print("\nArchitectures")  # too wide for a table: whole ids, that can be copied
    for line in lines:
        console.print(line, soft_wrap=True, markup=False, highlight=False)
