"""The rows of a linked view: operating points and single networks, a column a list."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...bench import Points
from ...bench.figures import POINT_FIGURES
from ...bench.gates import get_gate
from ...bench.provenance import LATENCIES, PROVENANCES, MemberWords
from ..singles import SINGLE_COSTS, SingleNetworks
from .curves import PairCurve, rounded

#: Kinds of single networks, by the kind of the pairs that they are compared with.
ALONE = {"pair": "single", "measured": "single_measured"}
KINDS = (*ALONE, *ALONE.values())
EVERY_FRONT = 15  # all four bits of `PairGroup.fronts`


@dataclass(frozen=True)
class PairGroup:
    """Operating points that are shown alike.

    Attributes:
        kind: "pair", or "measured" for a second front under the first.
        device: name of the device whose costs they have.
        points: operating points on that device, n of them.
        why: why a row is recommended, by row.
        fronts: of which fronts each point is a member, as bits, shape (n,): 1 of its gate and
            coupling, 2 of its coupling under all gates, 4 of its gate over all couplings, 8 of all.
            None: of all four.
    """

    kind: str
    device: str
    points: Points
    why: Mapping[int, str] = field(default_factory=dict)
    fronts: NDArray[np.int64] | None = None


@dataclass(frozen=True)
class SingleGroup:
    """Single networks on one device.

    Attributes:
        device: name of the device whose costs they have.
        singles: networks with their figures, n of them.
        chosen: accuracy by which one is chosen beside a pair, shape (n,): on val where there is
            one. None: by the accuracy that is shown.
        beside: kind of the pairs that they are compared with, "pair" or "measured".
    """

    device: str
    singles: SingleNetworks
    chosen: NDArray[np.float64] | None = None
    beside: str = "pair"


class Rows:
    """Rows as they are gathered, a column a list."""

    def __init__(self, curves: Mapping[tuple[str, str, str], PairCurve], n_classes: int) -> None:
        self._curves, self._n_classes = curves, n_classes
        self._grids: dict[str, set[float]] = {}
        self._places: dict[tuple[str, str, str], int] = {}
        self.curve_records: list[dict[str, Any]] = []
        self.why: dict[int, str] = {}
        self._lists: dict[str, dict[str, int]] = {
            name: {} for name in ("networks", "devices", "gates", "couplings")
        }
        of_row = ("kind", "device", "little", "big", "gate", "coupling", "threshold")
        self._columns: dict[str, list[Any]] = {
            name: [] for name in (*of_row, "fronts", "curve", "at")
        }
        self.chosen: list[float | None] = []  # of the single networks alone
        self._figures: dict[str, list[float | None]] = {name: [] for name in POINT_FIGURES}
        self._words: dict[str, list[int]] = {name: [] for name in POINT_FIGURES}

    def _number(self, what: str, name: str) -> int:
        numbers = self._lists[what]
        return numbers.setdefault(name, len(numbers))

    def names(self) -> dict[str, list[str]]:
        """The names that rows refer to by their place."""
        return {what: list(numbers) for what, numbers in self._lists.items()}

    def rows(self) -> dict[str, Any]:
        """All columns; a figure that no row has is left out, and equal words are one."""
        there = [n for n, column in self._figures.items() if any(v is not None for v in column)]
        words = {n: self._words[n] for n in there}
        return {
            **self._columns,
            "chosen": self.chosen,
            "figures": {n: self._figures[n] for n in there},
            "words": {n: w[0] if len(set(w)) == 1 else w for n, w in words.items()},
        }

    def add_pairs(self, group: PairGroup) -> None:
        """Adds operating points of pairs."""
        points, before = group.points, len(self._columns["kind"])
        n = len(points)
        fronts = np.full(n, EVERY_FRONT) if group.fronts is None else group.fronts
        self.why |= {before + row: text for row, text in group.why.items()}
        kind = KINDS.index(group.kind)
        keys = zip(points.little.tolist(), points.big.tolist(), points.gate.tolist(), strict=True)
        for row, key in enumerate(keys):
            threshold = float(points.threshold[row])
            curve, at = self._curve(key, threshold, group.device)
            self._append(
                kind=kind, device=group.device, names=key, coupling=str(points.coupling[row]),
                threshold=self._threshold(key[2], threshold, curve),
                fronts=int(fronts[row]), curve=curve, at=at,
            )  # fmt: skip
        for name in POINT_FIGURES:
            self._figures[name] += _numbers(points.figure(name))
            self._words[name] += _word_numbers(points.provenance, name, n)

    def add_singles(self, group: SingleGroup) -> None:
        """Adds single networks, each once; rows that stand for "there is none" are left out."""
        first = np.unique(group.singles.architecture, return_index=True)[1]
        there = np.sort(first[group.singles.architecture[first] != ""])
        chosen = group.singles.accuracy if group.chosen is None else group.chosen
        kind = KINDS.index(ALONE[group.beside])
        for row in there.tolist():
            name = str(group.singles.architecture[row])
            self._append(
                kind=kind, device=group.device, names=(name, name, ""), coupling="", threshold=0,
                fronts=EVERY_FRONT, curve=-1, at=0,
            )  # fmt: skip
            self.chosen.append(_number(float(chosen[row])))
        n, words = len(there), group.singles.provenance
        for name in POINT_FIGURES:
            own = "latency_ms" if name in LATENCIES else name  # the same for every input
            if own in ("accuracy", *SINGLE_COSTS):
                self._figures[name] += _numbers(getattr(group.singles, own)[there])
                numbers = _word_numbers(words, own, len(group.singles))
                self._words[name] += [numbers[row] for row in there.tolist()]
            else:
                self._figures[name] += [None] * n
                self._words[name] += [-1] * n

    def _append(self, names: tuple[str, str, str], **values: Any) -> None:
        little, big, gate = names
        values |= {"little": self._number("networks", little), "big": self._number("networks", big)}
        values["gate"] = self._number("gates", gate)
        values["device"] = self._number("devices", values["device"])
        values["coupling"] = self._number("couplings", values["coupling"])
        for name, value in values.items():
            self._columns[name].append(value)

    def _threshold(self, gate: str, threshold: float, curve: int) -> float | None:
        """A point's threshold; None where it is the one of its place on the curve."""
        if curve < 0:
            return threshold
        if gate not in self._grids:
            self._grids[gate] = {*get_gate(gate).thresholds(self._n_classes).tolist()}
        return None if threshold in self._grids[gate] else threshold

    def _curve(self, key: tuple[str, str, str], threshold: float, device: str) -> tuple[int, int]:
        """The number of a point's curve and its place there; (-1, 0) where it has none."""
        curve = self._curves.get(key)
        if curve is None or device not in curve.costs:
            return -1, 0
        at = curve.place(int(get_gate(key[2]).cut(threshold, self._n_classes)))
        if at is None:
            return -1, 0
        if key not in self._places:
            self._places[key] = len(self.curve_records)
            self.curve_records.append({"gate": key[2], **curve.record()})
        return self._places[key], at


def _number(value: float) -> float | None:
    return rounded(value) if np.isfinite(value) else None


def _numbers(column: NDArray[np.float64]) -> list[float | None]:
    return [_number(float(value)) for value in column]


def _word_numbers(words: Mapping[str, str], name: str, n: int) -> list[int]:
    """Places in ``PROVENANCES`` of the words of n rows for one figure; -1 where there is none."""
    if isinstance(words, MemberWords) and name in words.ranks:
        return [int(rank) for rank in words.ranks[name]]
    word = words.get(name)
    return [PROVENANCES.index(word) if word in PROVENANCES else -1] * n
