"""Co-trained pairs as a table in the terminal."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..bench.terminal import fitting, provenance_line

MISSING = "-"


def _share(value: float | None) -> str:
    return MISSING if value is None else f"{100 * value:.2f}"


def next_step(out: Path) -> str:
    """What to do with co-trained pairs once they are written, a line with its command."""
    return f"Next, on the device: biglittle validate {shlex.quote(str(out))}"


def print_reports(reports: Sequence[Mapping[str, Any]], console: Console) -> None:
    """Prints one row for each report of ``cotrain_front``, provenance in the heads.

    Args:
        reports: reports as written to ``report.json``, at least one.
        console: console that the lines are printed on.
    """
    first = reports[0]
    promised = first["promised"]["provenance"]
    now = first["after"]["test"]["provenance"]
    heads = (
        ("#", "", ""),
        ("method", "", ""),
        ("promised", "%", promised.get("accuracy", "unknown")),
        ("table", "%", "measured"),
        ("before", "%", "measured"),
        ("acc", "%", now["accuracy"]),
        ("escal", "%", now["escalation_rate"]),
        ("little", "%", "measured"),
        ("big", "%", "measured"),
        ("promised", "ms", promised.get("latency_ms", "unknown")),
        ("mean", "ms", now["latency_ms"]),
    )
    pairs: list[str] = []
    lines: list[list[str]] = []
    for report in reports:
        test, before = report["after"]["test"], report["before"]
        ids = f"{test['little']} -> {test['big']}"
        if ids not in pairs:
            pairs.append(ids)
        line = [
            str(pairs.index(ids) + 1),
            report["config"]["method"],
            _share(report["promised"]["accuracy"]),
            _share((report["promised_by_table"] or {}).get("accuracy")),
            _share(None if before is None else before["test"]["accuracy"]),
            _share(test["accuracy"]),
            _share(test["escalation_rate"]),
            _share(test["little_accuracy"]),
            _share(test["big_accuracy"]),
            f"{report['promised']['latency_ms']:.2f}",
            f"{test['latency_ms']:.2f}",
        ]
        lines.append(line)

    def laid_out(layout: tuple[bool, int]) -> Table:
        worded, blanks = layout
        table = Table(
            title="Co-trained pairs, threshold chosen on val, shown on test",
            title_justify="left",
            header_style="bold",
            box=box.SIMPLE_HEAD,
            show_edge=False,
            padding=(0, blanks),
        )
        for head in heads:
            text = Text("\n".join(head if worded else head[:2]), justify="right")
            table.add_column(text, justify="right")
        for line in lines:
            table.add_row(*line)
        return table

    (worded, _), table = fitting(laid_out, ((True, 1), (True, 0), (False, 0)), console)
    console.print(table)
    if not worded:
        words: dict[str, list[str]] = {}
        for name, unit, word in heads[2:]:
            words.setdefault(word, []).append(f"{name} {unit}" if name == "promised" else name)
        console.print(Text(provenance_line(words), style="dim"))
    note = (
        "promised: by the front's search; table: inherited weights at the front's threshold; "
        "before: inherited weights, threshold chosen anew; little, big: each alone."
    )
    console.print(Text(note, style="dim"))
    for number, ids in enumerate(pairs, start=1):
        console.print(f"{number}: {ids}")
