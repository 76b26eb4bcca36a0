"""The exact front of a table, as it is answered: the front, which pair to use, and its file."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console

from ..bench import Benchmark, Front
from ..bench.documents import json_text
from ..bench.exact_front import FrontInterrupted
from ..bench.figures import counted
from ..bench.gates import get_gate
from ..bench.recommend import Recommendation, marks
from .answer import table_answers
from .console import print_answers, print_front
from .front_files import front_json, write_files
from .front_question import latency_warning, question_sources, with_exits
from .pair_curves import table_curves
from .report import FrontPage, write_report
from .table_singles import best_table_single, table_single_group


@dataclass(frozen=True)
class TableFront:
    """The answer of a table to a question for its front.

    Attributes:
        bench: the table that was asked.
        table: its name or file, as it was asked for.
        device: name or profile of the device, as it was asked for.
        limits: the limit on each figure that has one.
        gates: names of the gates; empty: all that tables store.
        couplings: the only couplings of its pairs; empty: all.
        front: the points, chosen on val and reported on test; not complete after an interrupt.
        answers: which pair to use at each budget.
        ends: the only network that may be "little" or "big", where one was named.
    """

    bench: Benchmark
    table: str
    device: str
    limits: Mapping[str, float]
    gates: tuple[str, ...]
    couplings: tuple[str, ...]
    front: Front
    answers: Sequence[Recommendation]
    ends: Mapping[str, str] = field(default_factory=dict)

    @property
    def sources(self) -> dict[str, Any]:
        """What the front rests on: its device and its table, and what to beware of."""
        sources = question_sources([self.device], self.bench, self.table)
        device = {sources["device"]: self.device}
        return with_exits(sources, self.bench, device, self.front.points)

    @property
    def config(self) -> dict[str, Any]:
        """The question, with what the front rests on."""
        return {
            **self.sources,
            "objectives": list(self.front.objectives),
            "limits": dict(self.limits),
            "gates": list(self.gates) or "stored",
            **({"couplings": list(self.couplings)} if self.couplings else {}),
            **self.ends,
            "chosen_on": "val",
            "reported_on": "test",
            "complete": self.front.complete,
        }

    def document(self) -> dict[str, Any]:
        """The content of ``front.json``: the question, the front, and what is recommended."""
        return front_json(self.config, self.front.points, recommended=self.answers)

    def page(self) -> FrontPage:
        """What the page of the front shows."""
        name = self.sources["device"]
        singles = table_single_group(self.bench, self.device, name)
        curves = table_curves(self.bench, {name: self.front.points}, {name: self.device})
        points, n_classes = self.front.points, self.bench.table.n_classes
        return FrontPage(points, self.config, n_classes, self.answers, singles, None, curves)

    def write(self, path: Path) -> None:
        """Writes the front as JSON, or as a page where the file is called ``.html``.

        Raises:
            BigLittleError: the file cannot be written.
        """
        if path.suffix.lower() == ".html":
            write_report(path, self.page())
        else:
            write_files(path.parent, {path.name: json_text(self.document(), indent=2) + "\n"})


def table_front(
    table: str,
    device: str | None,
    objectives: tuple[str, ...],
    limits: Mapping[str, float],
    gates: tuple[str, ...] = (),
    on_progress: Callable[[int, int], None] | None = None,
    couplings: tuple[str, ...] = (),
    precisions: tuple[str, ...] = (),
    little: str = "",
    big: str = "",
) -> TableFront:
    """The exact front over all pairs of a table; after an interrupt that of the pairs done so far.

    Args:
        table: name or file of the table.
        device: name or profile of the device; None: the Raspberry Pi 4, or the table's own.
        objectives: two or three figures to optimise.
        limits: the limit on each figure that has one.
        gates: names of the gates to use; empty: all that tables store.
        on_progress: told how many little networks are done, and of how many.
        couplings: the only couplings that pairs may have; empty: all.
        precisions: precisions of the networks to look at; empty: fp32.
        little: the only network that may answer first; "": any.
        big: the only network that may answer what is escalated; "": any.

    Raises:
        BigLittleError: no such table, device, figure or gate, or nothing meets the limits.
    """
    bench = Benchmark.load(table, precisions=precisions)
    device = bench.device(device)
    try:
        front = bench.front(
            device,
            objectives,
            limits,
            gates or None,
            on_progress=on_progress,
            couplings=couplings or None,
            little=little,
            big=big,
        )
    except FrontInterrupted as interrupt:
        front = interrupt.front
    answers = table_answers(bench, front.chosen, device, limits, front.objectives)
    ends = {name: of for name, of in (("little", little), ("big", big)) if of}
    return TableFront(bench, table, device, limits, gates, couplings, front, answers, ends)


def print_table_front(answer: TableFront, console: Console, top: int = 20) -> None:
    """Prints which pair to use, then the front with its caveats.

    Args:
        answer: what the table said.
        console: where it is printed.
        top: rows of the front at most.
    """
    bench, front = answer.bench, answer.front
    sources = answer.sources
    print_answers(answer.answers, console, latency_warning(sources))
    console.print(
        f"Exact front of {_looked_at(answer)}, {front.n_points:,} operating points of table "
        f"{bench.table.name} on {answer.device}: chosen on val, shown on test."
    )
    if front.n_left_out:
        console.print(f"{front.n_left_out} networks have no figure on this device.")
    if promise := sources.get("latency"):
        console.print(promise)
    gates = sorted({str(gate) for gate in front.points.gate})
    if bounds := [gate for gate in gates if not get_gate(gate).deployable]:
        names = ", ".join(bounds)
        console.print(f"No device can run {names}: a bound or a control, no choice.", style="bold")
    if not front.complete:
        console.print("Interrupted: the front of the little networks done so far.", style="bold")
    singles = best_table_single(bench, front.points, answer.device)
    figures = (*front.objectives, *answer.limits)
    print_front(front.points, singles, console, top, figures, marks(answer.answers))


def _looked_at(answer: TableFront) -> str:
    """What a front is of, where its number of pairs counts a network with itself as one."""
    n_pairs = answer.front.n_pairs
    if answer.ends or answer.couplings or not answer.front.complete:
        return f"{counted(n_pairs, 'pair')}, networks alone among them"
    n = math.isqrt(n_pairs)
    pairs = counted(n_pairs - n, "pair")
    return f"{counted(n, 'network')} alone and {pairs} of them (either network as little)"
