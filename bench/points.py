"""Operating points: one, and many at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from .better_alone import BetterAlone
from .cost import TAIL
from .errors import TableError
from .figures import FIGURES, POINT_FIGURES, words_of
from .pair import Pair
from .provenance import in_turn, words_among, words_at, words_taken
from .tabular import Column, Tabular, word_columns


@dataclass(frozen=True)
class OperatingPoint:
    """A pair under one gate and threshold: one accuracy, one cost.

    Attributes:
        little: id of the little network.
        big: id of the big network.
        gate: name of the gate metric.
        threshold: threshold of the gate, in the metric's unit.
        accuracy: fraction in [0, 1].
        escalation_rate: share of inputs that reach the big network.
        latency_ms: mean over the inputs; None where the device has no figure.
        latency_p95_ms: 95th percentile over the inputs.
        latency_worst_ms: latency of an escalated input, or of little alone where nothing is
            escalated.
        energy_mj: mean over the inputs.
        macs: mean over the inputs.
        params: trained weights of both networks; of little alone where nothing is escalated.
        peak_memory_mib: peak memory with both networks resident; that of little alone where
            nothing is escalated.
        provenance: how each figure came about, by field; a figure that is None has no word.
        better_alone: the network of the pair, or else of the table, that is at least as accurate
            alone and costs no more, as ``Benchmark.query`` and ``choose`` find it; None: none is,
            or nobody looked.
        coupling: what the two networks share, one of ``COUPLINGS`` (``nested`` weights, ``prefix``
            the trunk, ``sibling`` nothing); None where nobody said.
        ram_kib: RAM on a microcontroller, one arena for both networks (``bench/footprint.py``).
        flash_kib: weights of both networks in the flash of a microcontroller.
    """

    little: str
    big: str
    gate: str
    threshold: float
    accuracy: float
    escalation_rate: float
    latency_ms: float | None
    latency_p95_ms: float | None
    latency_worst_ms: float | None
    energy_mj: float | None
    macs: float | None
    params: float | None
    peak_memory_mib: float | None
    provenance: Mapping[str, str]
    better_alone: BetterAlone | None = field(default=None, compare=False)
    coupling: str | None = None
    ram_kib: float | None = None
    flash_kib: float | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "provenance", words_of(vars(self), self.provenance))

    def as_dict(self) -> dict[str, Any]:
        """The point as plain JSON, fields in the order of the table's face."""
        out = {name: getattr(self, name) for name in _OF_A_POINT}
        return {**out, "provenance": dict(self.provenance)}

    def record(self) -> dict[str, Any]:
        """The same with the network that does as well alone, or None, under ``better_alone``."""
        alone = None if self.better_alone is None else self.better_alone.as_dict()
        return {**self.as_dict(), "better_alone": alone}

    def text(self) -> list[str]:
        """Its figures with unit and provenance, one a line, then what does as well alone."""
        lines = [] if self.coupling is None else [f"  {'coupling':16} {self.coupling:>13}"]
        lines += figure_lines(vars(self), self.provenance)
        return lines if self.better_alone is None else [*lines, self.better_alone.text()]


def figure_lines(figures: Mapping[str, Any], provenance: Mapping[str, str]) -> list[str]:
    """The figures of one operating point with unit and provenance, one a line."""
    lines = []
    for name in POINT_FIGURES:
        value, figure = figures[name], FIGURES[name]
        if value is None:
            lines.append(f"  {figure.label:16} {'not available':>13}")
        else:
            shown = f"{figure.text(value):>13} {figure.shown_unit:3}"
            lines.append(f"  {figure.label:16} {shown}  {provenance.get(name, 'unknown')}")
    mean, p95 = figures["latency_ms"], figures["latency_p95_ms"]
    if mean is not None and p95 is not None and p95 < mean:
        lines.append(
            f"  The mean is above the 95th percentile: at most {100 * TAIL:g} % of the inputs take "
            "longer than that, and they take much longer."
        )
    return lines


_PAIR = ("little", "big", "coupling")
_OF_A_POINT = (
    *_PAIR,
    *(f.name for f in fields(OperatingPoint) if f.name not in (*_PAIR, "better_alone")),
)
_UNSAID = np.zeros(0, "U1")  # of couplings: one "" for each point
_UNKNOWN = np.zeros(0)  # of a figure: one NaN for each point


@dataclass(frozen=True, repr=False, eq=False)
class Points(Tabular):
    """Many operating points, one array per field, all of shape (n,).

    ``latency_ms`` and the other figures of a device are NaN where it has none. ``provenance`` says
    how each figure came about: the least founded word of all points, and of one point its own.
    ``split`` says on whose images the answers were counted; None where they are predicted.
    ``coupling`` is what each pair's networks share, one of ``COUPLINGS``, or "" where nobody said.
    ``ram_kib`` and ``flash_kib`` are NaN where nobody said them, as in fronts of earlier versions.
    An index gives one ``OperatingPoint``, a slice gives ``Points``; a pair is ``in`` points if one
    of them is of it. ``to_pandas``, ``to_csv`` and ``plot`` have the provenance of every figure.
    """

    little: NDArray[np.str_]
    big: NDArray[np.str_]
    gate: NDArray[np.str_]
    threshold: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    escalation_rate: NDArray[np.float64]
    latency_ms: NDArray[np.float64]
    latency_p95_ms: NDArray[np.float64]
    latency_worst_ms: NDArray[np.float64]
    energy_mj: NDArray[np.float64]
    macs: NDArray[np.float64]
    params: NDArray[np.float64]
    peak_memory_mib: NDArray[np.float64]
    provenance: Mapping[str, str]
    split: str | None = None
    coupling: NDArray[np.str_] = field(default_factory=lambda: _UNSAID)
    ram_kib: NDArray[np.float64] = field(default_factory=lambda: _UNKNOWN)
    flash_kib: NDArray[np.float64] = field(default_factory=lambda: _UNKNOWN)

    def __post_init__(self) -> None:
        if self.coupling is _UNSAID:
            object.__setattr__(self, "coupling", np.full(len(self), ""))
        for name in ("ram_kib", "flash_kib"):
            if getattr(self, name) is _UNKNOWN:
                object.__setattr__(self, name, np.full(len(self), np.nan))

    def __len__(self) -> int:
        return len(self.threshold)

    @property
    def error(self) -> NDArray[np.float64]:
        """1 - accuracy, shape (n,)."""
        return np.asarray(1.0 - self.accuracy)

    def figure(self, name: str) -> NDArray[np.float64]:
        """The array of an objective by its name."""
        return np.asarray(getattr(self, name), np.float64)

    def take(self, index: NDArray[np.intp]) -> Points:
        """The points at ``index`` (integers or a mask), in that order."""
        arrays = {name: getattr(self, name)[index] for name in _COLUMNS}
        words = words_taken(self.provenance, index)
        return Points(**arrays, provenance=words, split=self.split)

    def __repr__(self) -> str:
        return f"Points({described(self)})"

    def __iter__(self) -> Iterator[OperatingPoint]:
        return (self[i] for i in range(len(self)))

    def __contains__(self, item: object) -> bool:
        if isinstance(item, Pair):
            return bool(((self.little == item.little) & (self.big == item.big)).any())
        return any(point == item for point in self)

    @overload
    def __getitem__(self, i: int) -> OperatingPoint: ...
    @overload
    def __getitem__(self, i: slice) -> Points: ...
    def __getitem__(self, i: int | slice) -> OperatingPoint | Points:
        if isinstance(i, slice):
            return self.take(np.arange(len(self))[i])
        values: dict[str, Any] = {}
        for name in _OF_A_POINT:
            if name == "provenance":
                continue
            value = getattr(self, name)[i]
            if isinstance(value, np.str_):
                values[name] = str(value) or None if name == "coupling" else str(value)
            else:
                values[name] = None if np.isnan(value) else float(value)
        return OperatingPoint(**values, provenance=words_at(self.provenance, i))

    def columns(self) -> dict[str, Column]:
        """Its columns by name, in order: of a ``front.csv``, then the ``split``."""
        figures = {name: getattr(self, name) for name in POINT_FIGURES}
        return {
            **{name: getattr(self, name) for name in ("little", "big", "gate", "threshold")},
            **figures,
            "coupling": self.coupling,
            **word_columns(self.provenance, figures),
            "split": np.full(len(self), self.split or ""),
        }

    def records(self) -> list[dict[str, Any]]:
        """Every point as plain JSON."""
        return [self[i].as_dict() for i in range(len(self))]


def described(points: Points) -> str:
    """How many points there are, what they span, and on whose images, on one line."""
    images = "predicted" if points.split is None else f"on {points.split}"
    if not len(points):
        return f"0 points, {images}"
    spans = [f"accuracy {points.accuracy.min():.4f} to {points.accuracy.max():.4f}"]
    if not np.isnan(points.latency_ms).all():
        low, high = np.nanmin(points.latency_ms), np.nanmax(points.latency_ms)
        there = np.isfinite(points.latency_ms)
        words = ", ".join(words_among(points.provenance, "latency_ms", there)) or "unknown"
        spans.append(f"latency {low:.4g} to {high:.4g} ms ({words})")
    return f"{len(points):,} points, {', '.join(spans)}, {images}"


def _kind(word: str | None) -> str | None:
    """Answers that are given are of the same images as those that were measured."""
    return "measured" if word == "given" else word


_COLUMNS = tuple(f.name for f in fields(Points) if f.name not in ("provenance", "split"))


def concatenate(parts: list[Points]) -> Points:
    """One after the other; every point keeps the words of its own figures.

    Raises:
        TableError: points of different splits, or whose answers came about differently.
    """
    answers = ("accuracy", "escalation_rate")
    for what, kinds in (
        ("split", [p.split for p in parts]),
        ("answers", [[_kind(p.provenance.get(n)) for n in answers] for p in parts]),
        ("figures", [sorted(p.provenance) for p in parts]),
    ):
        if any(kind != kinds[0] for kind in kinds):
            other = next(kind for kind in kinds if kind != kinds[0])
            raise TableError(
                f"points of {what} {kinds[0]!r} and {other!r} are not comparable; evaluate them "
                "anew with Benchmark.reported."
            )
    joined = {name: np.concatenate([getattr(p, name) for p in parts]) for name in _COLUMNS}
    words = in_turn([p.provenance for p in parts], [len(p) for p in parts])
    return Points(**joined, provenance=words, split=parts[0].split)
