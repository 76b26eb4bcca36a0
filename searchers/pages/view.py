"""The linked view of a page: a plot, a table and a selected point that moves along its curve.

Here is what it shows, as JSON and as the HTML that the scripts fill. What is drawn and how it is
filtered is in ``view_*.js``.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ...bench.figures import FIGURES, POINT_FIGURES
from ...bench.gates import get_gate
from ...bench.network_names import are_ids
from ...bench.provenance import LATENCIES, PROVENANCES
from ...bench.recommend import NO_GATE
from .curves import PairCurve
from .page import page_file
from .view_rows import ALONE, KINDS, PairGroup, Rows, SingleGroup

#: Factors from the unit of a figure to the one a reader sees, and decimals; None: as its size asks.
_SHOWN: dict[str, tuple[float, int | None]] = {
    "accuracy": (100.0, 2),
    "escalation_rate": (100.0, 1),
    "macs": (1e-6, 1),
    "params": (1e-6, 3),
    "peak_memory_mib": (1.0, 1),
    "ram_kib": (1.0, 1),
    "flash_kib": (1.0, 1),
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
    *("energy_mj", "macs", "params", "peak_memory_mib", "ram_kib", "flash_kib"),
)


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
        labels: what the kinds of rows, `KINDS`, are called.
        curves: curves of the pairs, by little, big and gate; a pair without one does not move.
        limits: limit by figure, drawn where the figure is an axis.
        axes: figures that the plot shows first.
        selected: row that is selected first; None: none is.
    """
    named = {"pair": "big/little pairs", "measured": "measured in the table"}
    named |= {"single": "single networks", "single_measured": "single networks of the table"}
    named |= labels or {}
    keep = Rows(curves or {}, n_classes)
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
        "kinds": [{"name": name, "label": named[name]} for name in KINDS],
        "alone": ALONE,
        "no_gate": NO_GATE,
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


def view_section(note: str = "") -> str:
    """The HTML of a linked view, which its scripts fill; one a page.

    Args:
        note: a sentence on what is shown, plain text.
    """
    return page_file("view.html").replace("NOTE", html.escape(note))
