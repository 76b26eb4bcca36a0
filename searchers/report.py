"""``report.html``: which pair to use, then the front in one linked view, as one offline page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..bench import BigLittleError, Points
from ..bench.figures import POINT_FIGURES, counted, get_figure
from ..bench.provenance import words_among
from ..bench.recommend import Recommendation, gateless, marks
from ..bench.spaces import GIVEN
from .answer_page import answers_section
from .front_files import write_files
from .front_question import TOGETHER, FrontQuestion
from .pages.curves import PairCurve
from .pages.page import page
from .pages.view import Axes, Commands, view_document, view_section
from .pages.view_rows import PairGroup, SingleGroup
from .report_config import config_table

EXACT_LABEL = "measured in the table, inherited weights"


@dataclass(frozen=True)
class FrontPage:
    """What the page of a front shows.

    Attributes:
        points: operating points of the front, in any order.
        config: config of the run; what it names appears in the text.
        n_classes: classes of the networks' classifiers.
        answers: what to use at each budget.
        singles: single networks to set beside the points; None: nobody knows any.
        exact: a second front, from a table, drawn under the points.
        curves: curves on which points may be moved, by little, big and gate.
        exact_singles: single networks to set beside the second front, of the same table.
    """

    points: Points
    config: Mapping[str, Any]
    n_classes: int
    answers: Sequence[Recommendation] = ()
    singles: SingleGroup | None = None
    exact: Points | None = None
    curves: Mapping[tuple[str, str, str], PairCurve] = field(default_factory=dict)
    exact_singles: SingleGroup | None = None

    @property
    def question(self) -> FrontQuestion:
        """The devices and the table that the front was searched for."""
        return FrontQuestion.of(self.config, "the front")

    @property
    def device(self) -> str:
        """The name of the device, or of all where the front holds on the worst of several."""
        return TOGETHER.join(self.question.devices) or "an unnamed device"


def write_report(path: str | Path, front: FrontPage) -> Path:
    """The path of the page of a front, one self-contained HTML file; its folder is made if need be.

    Raises:
        BigLittleError: the file cannot be written, or the front has no latency to be drawn over.
    """
    path = Path(path)
    return write_files(path.parent, {path.name: front_html(front)})[0]


def front_html(front: FrontPage) -> str:
    """The page of a front.

    Raises:
        BigLittleError: the front has no latency to be drawn over.
    """
    if not np.isfinite(front.points.latency_ms).any():
        raise BigLittleError("the front has no latency on its device, so there is nothing to draw.")
    why, rows = marks(front.answers), _rows_of(front)
    groups = [PairGroup("pair", front.device, front.points, why)]
    if front.exact is not None:
        groups.append(PairGroup("measured", front.device, front.exact))
    alone = gateless(front.points)
    pairs = "single networks of the front" if alone else "big/little pairs"
    document = view_document(
        groups,
        [singles for singles in (front.singles, front.exact_singles) if singles is not None],
        commands_of(front.question, _of_table(front.config)).known_by(front.points.little),
        front.n_classes,
        labels={"pair": f"{pairs} ({_words(front.points)})", "measured": EXACT_LABEL},
        curves=front.curves,
        limits=front.config.get("limits"),
        axes=Axes.of(front.config.get("objectives", ())),
        selected=rows.get(0, next(iter(rows.values()), None)),
    )
    title = question_title(
        "network" if alone else "pair", front.device if front.question.devices else ""
    )
    body = f"""{answers_section(front.answers, front.config, rows)}
<h2>All {counted(len(front.points), "operating point")} of the front</h2>
{view_section(front_text(front))}
<h2>Config</h2>
<div class="scroll">{config_table(front.config)}</div>"""
    return page(title, body, {"view": document})


def question_title(kind: str, device: str) -> str:
    """What a page answers, as its title.

    Args:
        kind: what is asked for, as "pair" or "network".
        device: name of the device; costs that somebody gave have none, and "" is none as well.
    """
    return f"Which {kind} for {device}?" if device not in ("", GIVEN) else f"Which {kind}?"


def commands_of(question: FrontQuestion, of_table: bool) -> Commands:
    """The commands that a reader may copy about the points of a front.

    Args:
        question: what the front was searched for.
        of_table: whether its pairs are those of its table, and not predicted.
    """
    names = question.devices
    given = {TOGETHER.join(names): TOGETHER.join(names.values())} if names else {}
    commands = Commands.of(given or {"an unnamed device": ""}, question.table or "", of_table)
    return commands if len(names) == 1 else commands.on(next(iter(names.values()), ""))


def _of_table(config: Mapping[str, Any]) -> bool:
    return bool(dict(config.get("sources") or {}).get("evaluator", "table") == "table")


def _rows_of(front: FrontPage) -> dict[int, int]:
    """The row of the view by number of the answer, of answers whose pair is among the points."""
    rows: dict[int, int] = {}
    for number, answer in enumerate(front.answers):
        if answer.verdict != "pair" or answer.pair is None:
            continue
        if answer.row is not None:
            rows[number] = answer.row
        elif front.exact is not None:
            there = np.flatnonzero(
                (front.exact.little == answer.pair.little)
                & (front.exact.big == answer.pair.big)
                & (front.exact.gate == answer.pair.gate)
                & (front.exact.threshold == answer.pair.threshold)
            )
            if len(there):
                rows[number] = len(front.points) + int(there[0])
    return rows


def _worded(points: Points, figure: str) -> str:
    """How a figure came about: all words that occur, the weakest last."""
    there = np.isfinite(points.figure(figure))
    return ", ".join(words_among(points.provenance, figure, there)) or "unknown"


def _words(points: Points) -> str:
    accuracy, latency = (_worded(points, n) for n in ("accuracy", "latency_ms"))
    return f"accuracy {accuracy}, latency {latency}"


def front_text(front: FrontPage) -> str:
    """What the points of a front are and where their figures come from, in a few sentences."""
    points, config = front.points, front.config
    groups: dict[str, list[str]] = {}
    for figure in POINT_FIGURES:
        if np.isfinite(points.figure(figure)).any():
            label = get_figure(figure).label
            groups.setdefault(_worded(points, figure), []).append(label)
    figures = "; ".join(f"{', '.join(labels)}: {word}" for word, labels in groups.items())
    run = [counted(config["budget"], "evaluation")] if "budget" in config else []
    run += [f"{k} {config[k]}" for k in ("searcher", "seed") if k in config]
    names = [get_figure(o).label for o in config.get("objectives", ())]
    kind = (
        "Each point is a single network."
        if gateless(points)
        else "Each point is a pair of networks with a gate: little answers when it is confident "
        "enough, and big is asked otherwise."
    )
    text = (
        f"{kind} No point is beaten by another one in "
        f"{' and '.join(names) if names else 'all objectives'}"
        f"{' (' + ', '.join(run) + ')' if run else ''}. {figures}."
    )
    if front.singles is not None:
        words = front.singles.singles.provenance
        text += (
            " The step line is the best single network at each latency (accuracy "
            f"{words.get('accuracy', 'unknown')}, latency {words.get('latency_ms', 'unknown')})"
        )
        text += ", of those seen in the same search" if front.singles.chosen is None else ""
        text += ": a point below it is beaten by that network alone."
    if front.curves:
        text += " The slider moves the selected point along its curve."
    return text
