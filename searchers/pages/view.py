"""The linked view of a page: a plot, a table and a selected point that moves along its curve.

Here is what it shows, as JSON and as the HTML that the scripts fill. What is drawn and how it is
filtered is in ``view_*.js``.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...bench import Points
from ...bench.figures import FIGURES, POINT_FIGURES
from ...bench.gates import get_gate
from ...bench.network_names import are_ids
from ...bench.provenance import LATENCIES, PROVENANCES, MemberWords
from ..singles import SINGLE_COSTS, SingleNetworks
from .curves import PairCurve, rounded
from .page import page_file

#: Factors from the unit of a figure to the one a reader sees, and decimals; None: as its size asks.
_SHOWN: dict[str, tuple[float, int | None]] = {
    "accuracy": (100.0, 2),
    "escalation_rate": (100.0, 1),
    "macs": (1e-6, 1),
    "params": (1e-6, 3),
    "peak_memory_mib": (1.0, 1),
}
GAIN = {
    "name": "gain",
    "label": "gain over a single network",
    "head": "gain",
    "unit": "points",
    "scale": 100.0,
    "digits": 2,
    "better": "max",
    "signed": True,
}
#: Columns of the table; a figure that no row has is left out.
_COLUMNS = (
    *("accuracy", "gain", "escalation_rate", "latency_ms", "latency_p95_ms", "latency_worst_ms"),
    *("energy_mj", "macs", "params", "peak_memory_mib"),
)
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
    """

    device: str
    singles: SingleNetworks
    chosen: NDArray[np.float64] | None = None


@dataclass(frozen=True)
class Axes:
    """What the plot shows first; names of figures.

    Attributes:
        x: figure that goes along the page.
        y: figure that goes up the page.
        colour: figure, or "coupling" or "gate", that colours the pairs.
        size: figure that sizes the pairs; empty: all are alike.
    """

    x: str = "latency_ms"
    y: str = "accuracy"
    colour: str = "escalation_rate"
    size: str = ""

    @classmethod
    def of(cls, objectives: Sequence[str]) -> Axes:
        """The axes for some objectives: up goes accuracy, the third is colour and size."""
        costs = [name for name in objectives if name not in ("error", "accuracy")]
        x = costs[0] if costs else "latency_ms"
        third = costs[1] if len(costs) > 1 else ""
        return cls(x=x, colour=third or "escalation_rate", size=third)


@dataclass(frozen=True)
class Commands:
    """Commands that a reader may copy, as words; ``{little}`` and the like are filled in.

    Attributes:
        devices: what ``--device`` takes, by name of the device.
        pair: command about a pair; ``{little} {big} {gate} {threshold} {device}``.
        measured: command about a pair of the second front.
        single: command about a single network; ``{little} {device}``.
        table: what ``--table`` takes; empty where there is no table.
    """

    devices: Mapping[str, str]
    pair: tuple[str, ...]
    measured: tuple[str, ...]
    single: tuple[str, ...]
    table: str = ""

    @classmethod
    def of(cls, devices: Mapping[str, str], table: str, of_table: bool) -> Commands:
        """The usual commands.

        Args:
            devices: what ``--device`` takes, by name of the device.
            table: what ``--table`` takes; empty: the default.
            of_table: whether the pairs are of that table, and not predicted.
        """
        named = (*(("--table", table) if table else ()), "--device", "{device}")
        query = ("biglittle", "query", "{little}", "{big}", "--gate", "{gate}")
        query = (*query, "--threshold", "{threshold}", *named)
        show = ("biglittle", "show", "{little}", "{big}", *named)
        single = ("biglittle", "show", "{little}", *named)
        return cls(devices, query if of_table else show, query, single, table)

    def known_by(self, names: Iterable[str]) -> Commands:
        """The same commands, without those that draw networks where names are no ids."""
        if are_ids(names):
            return self
        pair = self.pair if "query" in self.pair else ()
        return replace(self, pair=pair, single=())

    def on(self, device: str) -> Commands:
        """The same commands, all about one device."""
        words = {
            name: tuple(device if word == "{device}" else word for word in getattr(self, name))
            for name in ("pair", "measured", "single")
        }
        return replace(self, pair=words["pair"], measured=words["measured"], single=words["single"])


def view_document(
    groups: Sequence[PairGroup],
    singles: Sequence[SingleGroup],
    commands: Commands,
    n_classes: int,
    *,
    labels: Mapping[str, str] | None = None,
    curves: Mapping[tuple[str, str, str], PairCurve] | None = None,
    limits: Mapping[str, float] | None = None,
    axes: Axes | None = None,
    selected: int | None = None,
) -> dict[str, Any]:
    """What the scripts of a linked view show, as plain JSON.

    Rows are those of the groups in their order, then the single networks.

    Args:
        groups: operating points of pairs.
        singles: networks to set beside them.
        commands: commands that a reader may copy.
        n_classes: classes of the networks' classifiers, for thresholds.
        labels: what the kinds "pair", "measured" and "single" are called.
        curves: curves of the pairs, by little, big and gate; a pair without one does not move.
        limits: limit by figure, drawn where the figure is an axis.
        axes: figures that the plot shows first.
        selected: row that is selected first; None: none is.
    """
    named = {"pair": "big/little pairs", "measured": "measured in the table"}
    named |= {"single": "single networks", **(labels or {})}
    keep = _Rows(curves or {}, n_classes)
    for group in groups:
        keep.add_pairs(group)
    for networks in singles:
        keep.add_singles(networks)
    rows = keep.rows()
    there = {name for name in POINT_FIGURES if name in rows["figures"]}
    facts = [_facts(name) for name in POINT_FIGURES if name in there]
    bounds = {n: float(v) for n, v in (limits or {}).items() if n in there}
    if "error" in (limits or {}):
        bounds["accuracy"] = 1.0 - float((limits or {})["error"])
    chosen = axes or Axes()
    x = chosen.x if chosen.x in there else next(n for n in ("macs", *LATENCIES) if n in there)
    colour = chosen.colour if chosen.colour in there else "escalation_rate"
    return {
        "kinds": [{"name": name, "label": label} for name, label in named.items()],
        "figures": [*facts, GAIN],
        "columns": [name for name in _COLUMNS if name in there or name == "gain"],
        "axes": {
            "x": x, "y": chosen.y, "colour": colour,
            "size": chosen.size if chosen.size in there else "",
        },
        "limits": bounds,
        "selected": selected,
        "commands": {
            "devices": dict(commands.devices), "table": commands.table,
            **{n: list(getattr(commands, n)) for n in ("pair", "measured", "single")},
        },
        "words": list(PROVENANCES),
        **keep.names(),
        "why": keep.why,
        "rows": rows,
        "curves": keep.curve_records,
        "thresholds": {
            gate: get_gate(gate).thresholds(n_classes).tolist()
            for gate in dict.fromkeys(record["gate"] for record in keep.curve_records)
        },
    }  # fmt: skip


def _facts(name: str) -> dict[str, Any]:
    figure = FIGURES[name]
    scale, digits = _SHOWN.get(name, (1.0, None))
    return {
        "name": name, "label": figure.label, "head": figure.head, "unit": figure.shown_unit,
        "scale": scale, "digits": digits, "better": figure.direction, "signed": False,
    }  # fmt: skip


class _Rows:
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
        kind = {"pair": 0, "measured": 1}[group.kind]
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
        for row in there.tolist():
            name = str(group.singles.architecture[row])
            self._append(
                kind=2, device=group.device, names=(name, name, ""), coupling="", threshold=0,
                fronts=EVERY_FRONT, curve=-1, at=0,
            )  # fmt: skip
            self.chosen.append(_number(float(chosen[row])))
        n, words = len(there), group.singles.provenance
        for name in POINT_FIGURES:
            own = "latency_ms" if name in LATENCIES else name  # the same for every input
            if own in ("accuracy", *SINGLE_COSTS):
                self._figures[name] += _numbers(getattr(group.singles, own)[there])
                self._words[name] += [
                    _word_numbers(words, own, len(group.singles))[i] for i in there
                ]
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


def view_section(note: str = "") -> str:
    """The HTML of a linked view, which its scripts fill; one a page.

    Args:
        note: a sentence on what is shown, plain text.
    """
    return page_file("view.html").replace("NOTE", html.escape(note))
