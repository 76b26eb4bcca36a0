"""A whole table, or a saved front, as a page to explore: filtered and sorted in the page."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..bench import Benchmark, BigLittleError, OperatingPoint, Points, load_device
from ..bench.errors import ConstraintError
from ..bench.figures import counted
from ..bench.pareto import nondominated
from ..bench.points import concatenate
from ..bench.recommend import Recommendation, marks
from ..bench.rows import COUPLINGS
from .answer import one_point, table_answers
from .answer_page import answers_section
from .front_files import FrontFile, read_front
from .front_question import TOGETHER, question_sources
from .judge import DEFAULT_TABLE, judge_called
from .pages.curves import PairCurve
from .pages.page import page
from .pages.view import Axes, Commands, view_document, view_section
from .pages.view_rows import PairGroup, SingleGroup
from .pair_curves import Key, predicted_curves, table_curves
from .report import FrontPage, front_html, question_title
from .summary import front_values
from .table_singles import table_single_group

OBJECTIVES = ("error", "latency_ms")
MOST_BYTES = 6_000_000  # of a page; where it would be larger, its curves have fewer places
STEPS, FEWEST_STEPS = 32, 8  # places of each of the thousands of curves of a table


def explore(
    target: str, devices: Sequence[str], on_progress: Callable[[int, int], None] | None = None
) -> str:
    """The page of a table or of a front, HTML.

    Args:
        target: name or file of a table, or a front: ``front.json``, ``front.csv``, their folder.
        devices: names or profiles to show a table on; none: ``raspberry-pi-4``, or the first of
            given networks; "all": all that the table has. A front has its own.
        on_progress: called with how many fronts are done, 0 at first, and their number.

    Raises:
        BigLittleError: neither a table nor a front, a device that is not there, or devices for a
            front.
    """
    path = Path(target)
    if path.suffix.lower() in (".json", ".csv") or path.is_dir():
        if devices:
            raise ConstraintError(
                f"{target} is a front, which has its device in it; leave --device out, or explore "
                "a table."
            )
        return front_html(saved_front(read_front(path)))
    return table_html(target, devices, on_progress)


# ---- a whole table -----------------------------------------------------------------------------
@dataclass(frozen=True)
class DeviceFronts:
    """The fronts of a table on one device, of each gate and coupling alone and together.

    Attributes:
        name: name of the device.
        given: what ``--device`` takes for it.
        points: points of any of the fronts, on test.
        chosen: the same points on val, where they are non-dominated.
        fronts: of which fronts each is a member, as `PairGroup.fronts`.
    """

    name: str
    given: str
    points: Points
    chosen: Points
    fronts: NDArray[np.int64]


def device_fronts(
    bench: Benchmark, given: str, on_front: Callable[[], None] = lambda: None
) -> DeviceFronts:
    """The exact fronts of error and mean latency of every gate and coupling, on one device.

    Args:
        bench: the table that is asked.
        given: name or profile of the device.
        on_front: called after each front.
    """
    parts: list[tuple[Points, Points]] = []
    for coupling in COUPLINGS:
        for gate in bench.table.metrics:
            with contextlib.suppress(ConstraintError):  # no two networks have this coupling
                front = bench.front(given, OBJECTIVES, gates=(gate,), couplings=(coupling,))
                parts.append((front.points, front.chosen))
            on_front()
    if not parts:
        bench.front(given, OBJECTIVES)  # which says why there is none
    points, chosen = (concatenate([part[k] for part in parts]) for k in (0, 1))
    values, fronts = front_values(chosen, OBJECTIVES), np.ones(len(chosen), np.int64)
    everything = np.ones(len(chosen), bool)
    groups = [(2, chosen.coupling == c) for c in COUPLINGS]
    groups += [(4, chosen.gate == g) for g in bench.table.metrics]
    for bit, mask in [*groups, (8, everything)]:
        rows = np.flatnonzero(mask)
        fronts[rows[nondominated(values[rows])]] |= bit
    return DeviceFronts(load_name(bench, given), given, points, chosen, fronts)


def load_name(bench: Benchmark, given: str) -> str:
    """The name of a device that was given by its name or by the file of its profile."""
    return given if given in bench.devices else load_device(given).name


def table_html(
    table: str, devices: Sequence[str] = (), on_progress: Callable[[int, int], None] | None = None
) -> str:
    """The page of a whole table: its fronts by device, gate and coupling, and all its networks.

    Raises:
        BigLittleError: no such table or device, or one without a latency.
    """
    bench = Benchmark.load(table)
    targets = list(
        bench.devices if "all" in devices else dict.fromkeys(devices or [bench.device()])
    )
    total, done = len(targets) * len(COUPLINGS) * len(bench.table.metrics), 0

    def moved() -> None:
        nonlocal done
        done += 1
        if on_progress is not None:
            on_progress(done, total)

    for device in targets:  # before anything takes its time
        load_name(bench, device)
    if on_progress is not None:
        on_progress(0, total)
    every = [device_fronts(bench, device, moved) for device in targets]
    given = {one.name: one.given for one in every}
    answers = {one.name: _answers(bench, one) for one in every}
    groups, singles, first, selected = [], [], 0, None
    for one in every:
        why = marks(answers[one.name])
        groups.append(PairGroup("pair", one.name, one.points, why, one.fronts))
        singles.append(table_single_group(bench, one.given, one.name))
        if selected is None and why:
            selected = first + next(iter(why))
        first += len(one.points)
    commands = Commands.of(given, "" if table == DEFAULT_TABLE else table, True)
    commands = commands.known_by(bench.table.names)
    config = {"sources": question_sources([targets[0]], bench, table)}
    body = f"""{answers_section(answers[every[0].name], config)}
<h2>The table, to explore</h2>
{view_section(_table_text(bench, every))}"""
    title = f"{question_title('pair', every[0].name)} Table {bench.table.name}"
    steps = STEPS
    while True:
        curves = table_curves(bench, {one.name: one.points for one in every}, given, steps)
        document = view_document(
            groups, singles, commands, bench.table.n_classes, curves=curves,
            axes=Axes.of(OBJECTIVES), selected=selected,
        )  # fmt: skip
        text = page(title, body, {"view": document})
        if len(text.encode()) <= MOST_BYTES or steps <= FEWEST_STEPS:
            return text
        steps //= 2


def _answers(bench: Benchmark, one: DeviceFronts) -> tuple[Recommendation, ...]:
    """What to use on a device, from its front over all gates and couplings."""
    rows = np.flatnonzero(one.fronts & 8)
    answers = table_answers(bench, one.chosen.take(rows), one.given, {}, OBJECTIVES)
    return tuple(
        answer if answer.row is None else answer.at_row(int(rows[answer.row])) for answer in answers
    )


def _table_text(bench: Benchmark, every: Sequence[DeviceFronts]) -> str:
    networks = counted(len(bench.table.rows(exits=True)), "network")
    return (
        f"All {networks} of table {bench.table.name} alone, and the pairs of them that no other "
        "pair beats in error and mean latency: chosen on val, shown on test. Filters for coupling "
        "and gate show the front of what they admit. A budget shows what of a front meets it. The "
        f"slider moves the selected point along its curve. Devices: "
        f"{', '.join(one.name for one in every)}."
    )


# ---- a saved front -----------------------------------------------------------------------------
def saved_front(front: FrontFile) -> FrontPage:
    """A front from its file, with networks and curves of its table where these are here."""
    question, points = front.question, front.points
    name, sources = TOGETHER.join(question.devices), dict(front.config.get("sources") or {})
    curves: dict[Key, PairCurve] = {}
    answers, n_classes = front.recommended or (), 0  # which nothing asks for without curves
    singles = None if front.best_singles is None else SingleGroup(name, front.best_singles)
    exact, beside = _points_of(front.recommended_elsewhere), None
    curves = {}
    with contextlib.suppress(BigLittleError):  # a table or a device that is not here
        bench = question.bench(None, DEFAULT_TABLE)
        n_classes = bench.table.n_classes
        given = question.device_names()
        if sources.get("evaluator", "table") == "table":
            curves = table_curves(bench, {name: points}, {name: given})
            singles = table_single_group(bench, given, name)
        elif sources.get("evaluator") == "surrogate":
            judge = judge_called("surrogate", given, question.table or DEFAULT_TABLE)
            curves = predicted_curves(judge.evaluator, points, name)
            if exact is not None and len(given) == 1:
                curves |= table_curves(bench, {name: exact}, {name: given[0]})
                beside = table_single_group(bench, given[0], name, "measured")
    return FrontPage(points, front.config, n_classes, answers, singles, exact, curves, beside)


def _points_of(several: Sequence[OperatingPoint]) -> Points | None:
    """Some operating points in one set of arrays; None where there are none."""
    return concatenate([one_point(point) for point in several]) if several else None
