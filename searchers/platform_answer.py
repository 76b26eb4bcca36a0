"""What a pair, or a whole front, costs on a platform of two devices, for a reader and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..bench import Benchmark, Gate, Pair, SearchSpace
from ..bench.branched_costs import BranchedOnPlatform
from ..bench.errors import ConstraintError, TableError
from ..bench.pareto import on_front
from ..bench.platform import Platform
from ..bench.platform_costs import MAPPINGS, MappedPairs, PairsOnPlatform
from ..bench.points import Points
from ..bench.provenance import in_order, words_at
from ..bench.terminal import fitting

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

_HEADS = {
    "latency_ms": "mean ms",
    "latency_p95_ms": "p95",
    "latency_worst_ms": "worst",
    "energy_mj": "energy mJ",
}
COSTS = tuple(_HEADS)


@dataclass(frozen=True)
class PlatformAnswer:
    """Pairs on a platform, every one under every mapping that it can have.

    Attributes:
        platform: the two devices and their link.
        records: a pair under a mapping each, as plain JSON.
    """

    platform: Platform
    records: tuple[dict[str, Any], ...]

    def document(self) -> dict[str, Any]:
        """As plain JSON."""
        record = {**self.platform.record(), "latency_warnings": latency_warnings(self.platform)}
        return {**record, "mappings": list(self.records)}

    def print(self, console: Console, top: int) -> None:
        """As a table, those on the front first; of more than there is room for, a spread of them.

        Args:
            console: where it is printed.
            top: number of rows at most.
        """
        words = ", ".join(in_order(r["provenance"]["accuracy"] for r in self.records))
        rows = self._shown(top)
        layouts = (False, False), (True, False), (True, True)
        console.print(fitting(lambda layout: self._table(rows, *layout), layouts, console)[1])
        if self._numbered:
            for number, r in enumerate(rows, start=1):
                pair = f"{r['little']} -> {r['big']}, {r['gate']} {r['threshold']:.3g}"
                console.print(f"{number:>{len(str(len(rows)))}}  {pair}")
        console.print(
            f"* no other row beats it in {self._objectives()}. Accuracy and escalation "
            f"{words}. Latency {self._latency_words()}; link {self.platform.source}."
        )
        for site, warning in latency_warnings(self.platform).items():
            console.print(f"Warning: on {site} {warning}")
        if self.platform.no_energy:
            console.print(f"No energy: {self.platform.no_energy}.")
        if len(rows) < len(self.records):
            console.print(
                f"{len(rows)} of {len(self.records):,} rows, from fast to accurate; "
                "--top shows more, --json all."
            )

    @property
    def _numbered(self) -> bool:
        """Whether rows are of several points, which are listed below them."""
        points = {(r["little"], r["big"], r["gate"], r["threshold"]) for r in self.records}
        return len(points) > 1

    def _latency_words(self) -> str:
        """How latencies came about: on each device alone, and over both."""
        words: dict[str, list[str]] = {}
        for r in self.records:
            alone = r["little_on"] == r["big_on"]
            place = f"on {r['little_on']} alone" if alone else "over both devices"
            words.setdefault(place, []).append(r["provenance"]["latency_ms"])
        places: dict[str, list[str]] = {}
        for place, some in words.items():
            places.setdefault(", ".join(in_order(some)), []).append(place)
        if len(places) == 1:
            return next(iter(places))
        return "; ".join(f"{word} {' and '.join(where)}" for word, where in places.items())

    def _shown(self, top: int) -> list[dict[str, Any]]:
        rows = sorted(self.records, key=lambda r: (not r["on_front"], r["latency_ms"]))
        n_best = sum(r["on_front"] for r in rows)
        if n_best <= top:
            return rows[:top]
        return [rows[i] for i in np.unique(np.linspace(0, n_best - 1, top).round().astype(int))]

    def _table(self, rows: Sequence[dict[str, Any]], narrow: bool, stacked: bool) -> Table:
        """The rows; ``stacked`` has what is sent below the order and not beside it."""
        from rich import box
        from rich.table import Table

        table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 0)) if narrow else Table()
        costs = [name for name in COSTS if any(r[name] is not None for r in rows)]
        order = ("order\nsent",) if stacked else ("order", "sent")
        heads = ("little on", "big on", *order, "acc %", "escal %")
        if self._numbered:
            table.add_column("#", justify="right", no_wrap=True)
        for head in (*heads, *(_HEADS[name] for name in costs)):
            text = head.replace(" %", "\n%").replace(" m", "\nm") if narrow else head
            table.add_column(text, overflow="fold")
        for number, r in enumerate(rows, start=1):
            mark = "*" if r["on_front"] else " "
            who = [f"{mark} {r['little_on']}"]
            if self._numbered:
                who = [f"{mark}{number}", r["little_on"]]
            order = (r["order"], r["sent"])
            who += [r["big_on"], *(["\n".join(order)] if stacked else order)]
            shares = f"{100 * r['accuracy']:.2f}", f"{100 * r['escalation_rate']:.1f}"
            shown = ["-" if r[name] is None else f"{r[name]:.3g}" for name in costs]
            table.add_row(*who, *shares, *shown)
        return table

    def _objectives(self) -> str:
        energy = self.records[0]["provenance"].get("energy_mj")
        if energy is None:
            return "error and mean latency"
        return f"error, mean latency and mean energy ({energy})"


def latency_warnings(platform: Platform) -> dict[str, str]:
    """What to beware of on each device whose latencies are too uncertain to choose by."""
    models = {site.name: site.profile.latency for site in platform.sites}
    return {
        name: model.warning
        for name, model in models.items()
        if model.warning and model.provenance()["latency_ms"] == "predicted"
    }


def pair_on_platform(
    platform: Platform, bench: Benchmark, pair: Pair, gate: Gate, split: str
) -> PlatformAnswer:
    """A pair of a table under one gate on a platform.

    Args:
        platform: two devices and their link.
        bench: the table, which says what the pair answers.
        pair: the little and the big network.
        gate: metric and threshold of the gate.
        split: images that the pair answers, "test" or "val".

    Raises:
        TableError: a table of another search space, or a network that it does not have.
    """
    _check_space(platform, bench.table.space.hash, bench.table.name)
    point = bench.query(pair, gate, bench.device(), split)
    return _answer(
        platform,
        [point.little],
        [point.big],
        [point.gate],
        [point.threshold],
        np.array([point.accuracy]),
        np.array([point.escalation_rate]),
        np.array([point.coupling == "prefix"]),
        point.provenance,
    )


def front_on_platform(platform: Platform, points: Points) -> PlatformAnswer:
    """The operating points of a saved front on a platform.

    Args:
        platform: two devices and their link.
        points: operating points, whose accuracies and escalation rates stand.

    Raises:
        ArchitectureError: networks that are not of the platform's space.
        ConstraintError: a front without a point.
    """
    if not len(points):
        raise ConstraintError("the front has no operating point; search one with biglittle search.")
    coupling = points.coupling
    prefix = np.zeros(len(points), bool) if coupling is None else coupling == "prefix"
    return _answer(
        platform,
        points.little.tolist(),
        points.big.tolist(),
        points.gate.tolist(),
        points.threshold.tolist(),
        points.accuracy,
        points.escalation_rate,
        np.asarray(prefix, np.bool_),
        points.provenance,
    )


def branched_on_platform(
    platform: Platform, architectures: Sequence[str], space: SearchSpace, n_classes: int
) -> list[dict[str, Any]]:
    """Branched networks on a platform, each device the host in turn, as plain JSON.

    Args:
        platform: two devices and their link.
        architectures: names of networks of the space ``branched``.
        space: that space, at any size of images.
        n_classes: number of classes of the classifiers.

    Raises:
        ArchitectureError: a network that is not of the space.
        DeviceError: a profile that says too little to predict other networks from.
    """
    names = [site.name for site in platform.sites]
    records = []
    space.parse(list(architectures))
    for host in (0, 1):
        costs = BranchedOnPlatform(platform, space, n_classes, host)
        for architecture in architectures:
            cost = costs.cost(architecture)
            words = {name: "modelled" for name, ms in vars(cost).items() if ms is not None}
            records.append(
                {
                    "network": architecture,
                    "host": names[host],
                    "other": names[1 - host],
                    **vars(cost),
                    "macs": int(space.macs(architecture, n_classes)[0]),
                    "params": int(space.params(architecture, n_classes)[0]),
                    "provenance": words,
                }
            )
    return records


def branched_text(platform: Platform, records: Sequence[dict[str, Any]]) -> list[str]:
    """The same for a reader, one network on one host a line."""
    lines = []
    for r in records:
        energy = "" if r["energy_mj"] is None else f", {r['energy_mj']:.4g} mJ"
        lines.append(
            f"{r['network']} with {r['host']} as host: {r['latency_ms']:.4g} ms{energy} "
            f"(modelled); at work {r['host_ms']:.4g} ms there and {r['other_ms']:.4g} on "
            f"{r['other']}, {r['sending_ms']:.3g} ms of sending; {r['macs'] / 1e6:.1f} M MACs, "
            f"{r['params'] / 1e6:.2f} M parameters."
        )
    lines += [f"Warning: on {n} {warning}" for n, warning in latency_warnings(platform).items()]
    if platform.no_energy:
        lines.append(f"No energy: {platform.no_energy}.")
    return lines


def _check_space(platform: Platform, space_hash: str, table: str) -> None:
    profile = platform.sites[0].profile
    if profile.space_hash != space_hash:
        raise TableError(
            f"platform {platform.name!r} is of space {profile.space!r}, the networks of {table!r} "
            "are of another; expected profiles and table of one space."
        )


def _answer(
    platform: Platform,
    little: list[str],
    big: list[str],
    gate: list[str],
    threshold: list[float],
    accuracy: NDArray[np.float64],
    rate: NDArray[np.float64],
    prefix: NDArray[np.bool_],
    words: Any,
) -> PlatformAnswer:
    pairs = PairsOnPlatform(platform, little, big, rate, prefix)
    mapped = [pairs.under(mapping) for mapping in MAPPINGS]
    columns = {name: np.concatenate([getattr(m, name) for m in mapped]) for name in COSTS}
    objectives = [np.tile(1 - accuracy, len(mapped)), columns["latency_ms"]]
    if not platform.no_energy:
        objectives.append(columns["energy_mj"])
    best = on_front(np.stack(objectives, axis=1))
    names = [site.name for site in platform.sites]
    records = []
    for k, m in enumerate(mapped):
        for i in range(len(little)):
            at = k * len(little) + i
            never_asked = rate[i] == 0 and m.mapping.big_on != m.mapping.little_on
            if never_asked or np.isnan(columns["latency_ms"][at]):
                continue
            records.append(
                {
                    **{"little": little[i], "big": big[i], "gate": gate[i]},
                    "threshold": float(threshold[i]),
                    "accuracy": float(accuracy[i]),
                    "escalation_rate": float(rate[i]),
                    **_named(m, names),
                    **{n: _number(columns[n][at]) for n in COSTS},
                    "on_front": bool(best[at]),
                    "provenance": _words(words_at(m.provenance, i), words_at(words, i), platform),
                }
            )
    if not records:
        raise TableError(
            "none of the networks has a latency on both devices of the platform; see 'biglittle "
            f"device predict {names[0]} NETWORK' for why."
        )
    return PlatformAnswer(platform, tuple(records))


def _named(mapped: MappedPairs, names: list[str]) -> dict[str, str]:
    m = mapped.mapping
    on = names[m.little_on], names[m.big_on]
    return {"little_on": on[0], "big_on": on[1], "order": m.order, "sent": m.sent}


def _words(costs: Any, answers: Any, platform: Platform) -> dict[str, str]:
    word, energy = costs["latency_ms"], costs["energy_mj"]
    out = {name: answers[name] for name in ("accuracy", "escalation_rate")}
    out |= dict.fromkeys(("latency_ms", "latency_p95_ms", "latency_worst_ms"), word)
    return out if platform.no_energy else {**out, "energy_mj": energy}


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
