"""Charts of a page that only show: what `charts.js` draws, and the HTML around it."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .curves import rounded

#: Names of the colours in ``page.css``, told apart under every common colour blindness.
COLOURS = ("blue", "vermilion", "green", "purple", "grey", "black")


@dataclass(frozen=True)
class Mark:
    """Something that a chart shows.

    Attributes:
        kind: "line", "points", "intervals", "band" or "bars".
        name: its name in the legend; empty: it has no entry there.
        colour: its colour, one of `COLOURS`.
        columns: ``x`` and ``y``, or ``low`` and ``high``, and ``text``, by name.
        style: "dash" or "dots" of a line; "circle", "ring", "square" or "diamond" of points.
    """

    kind: str
    name: str
    colour: str
    columns: Mapping[str, Sequence[Any]]
    style: str = ""


def _column(values: ArrayLike) -> list[float | None]:
    return [rounded(v) if np.isfinite(v) else None for v in np.asarray(values, np.float64).ravel()]


def line(name: str, x: ArrayLike, y: ArrayLike, colour: str = "blue", style: str = "") -> Mark:
    """A line through points."""
    return Mark("line", name, colour, {"x": _column(x), "y": _column(y)}, style)


def points(
    name: str, x: ArrayLike, y: ArrayLike, text: Sequence[str], colour: str = "blue",
    style: str = "circle",
) -> Mark:  # fmt: skip
    """Points, each with what is said of it."""
    columns: dict[str, Sequence[Any]] = {"x": _column(x), "y": _column(y), "text": list(text)}
    return Mark("points", name, colour, columns, style)


def intervals(name: str, x: ArrayLike, low: ArrayLike, high: ArrayLike, colour: str) -> Mark:
    """Upright bars from ``low`` to ``high``."""
    columns = {"x": _column(x), "low": _column(low), "high": _column(high)}
    return Mark("intervals", name, colour, columns)


def band(x: ArrayLike, low: ArrayLike, high: ArrayLike, colour: str) -> Mark:
    """The area between two lines, without an entry in the legend."""
    return Mark("band", "", colour, {"x": _column(x), "low": _column(low), "high": _column(high)})


def bars(name: str, y: ArrayLike, text: Sequence[str], colour: str) -> Mark:
    """A bar for each category of the chart."""
    return Mark("bars", name, colour, {"y": _column(y), "text": list(text)})


@dataclass
class Charts:
    """The charts of a page, in the order in which they were added.

    Attributes:
        records: charts as plain JSON, for ``page(..., {"charts": records})``.
    """

    records: list[dict[str, Any]] = field(default_factory=list)

    def add(
        self,
        label: str,
        x_label: str,
        y_label: str,
        marks: Sequence[Mark],
        *,
        x_range: tuple[float, float] | None = None,
        y_range: tuple[float, float] | None = None,
        categories: Sequence[str] = (),
        log: bool = False,
        height: int = 420,
    ) -> str:
        """Adds a chart; gives the HTML of its place.

        Args:
            label: what the chart shows, for who cannot see it.
            x_label: what goes along the page, with its unit.
            y_label: what goes up the page, with its unit.
            marks: what is drawn, the first one lowest.
            x_range: smallest and largest x; None: as the marks have it.
            y_range: smallest and largest y; None: as the marks have it.
            categories: names along the page, for bars.
            log: whether the axis that goes up is logarithmic.
            height: height of the whole chart in pixels.
        """
        number = len(self.records)
        across = (-0.6, len(categories) - 0.4) if categories else x_range or _span(marks, "x")
        up = y_range or _span(marks, "y", log)
        x: dict[str, Any] = {"label": x_label, "range": [*across]}
        if categories:
            x["categories"] = list(categories)
        self.records.append(
            {
                "height": height,
                "x": x,
                "y": {"label": y_label, "range": [*up], "log": log},
                "marks": [_record(mark) for mark in marks],
            }
        )
        entries = "".join(_entry(mark) for mark in marks if mark.name)
        named = html.escape(f"{label}: {y_label} against {x_label}")
        return (
            f'<figure data-chart="{number}"><div class="legend">{entries}</div>'
            f'<svg id="chart-{number}" role="img" aria-label="{named}"></svg></figure>'
        )


def _record(mark: Mark) -> dict[str, Any]:
    record = {"kind": mark.kind, "colour": mark.colour, **mark.columns}
    if mark.style:
        record["symbol" if mark.kind == "points" else "dash"] = mark.style
    return record


def _entry(mark: Mark) -> str:
    return (
        f'<span class="entry"><i class="swatch {mark.kind} {mark.style} {mark.colour}"></i>'
        f"{html.escape(mark.name)}</span>"
    )


def _span(marks: Sequence[Mark], axis: str, log: bool = False) -> tuple[float, float]:
    """Smallest and largest value of all marks along an axis, with some room."""
    names = ("x",) if axis == "x" else ("y", "low", "high")
    values = [v for m in marks for n in names for v in m.columns.get(n, ()) if v is not None]
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    if log:
        return low / 1.3, high * 1.3
    room = 0.04 * (high - low) or 0.05 * abs(high) or 1.0
    return low - room, high + room
