"""A front's promises against what its networks and pairs took on the device."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bench.agreement import Agreement, agreement
from ..bench.cost import TAIL, answered_ms, mean_cost
from ..bench.device import DeviceProfile
from ..bench.errors import DeviceError
from ..bench.pareto import on_front
from ..bench.points import Points
from ..bench.spaces import SearchSpace
from .machine import same_device
from .onnx_cascade import onnx_gates

FIGURES = ("latency_ms", "latency_p95_ms", "energy_mj", "peak_memory_mib")
#: Promised where the device states no interval: mean absolute error of latency.
TOLERANCE = 0.10
STAND_IN = "margin"
#: Points that are named one by one; more stand on the page.
LISTED = 12
#: Chance at which a true interval is called missed.
CHANCE = 0.05

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Coverage:
    """How many networks took what the device profile's interval says.

    Attributes:
        stated: share that the interval promises.
        inside: networks whose measured latency lies in it.
        n: networks with an interval and a measured latency.
    """

    stated: float
    inside: int
    n: int

    @property
    def kept(self) -> bool:
        """Whether so few inside would not happen by chance, once in 20, if the interval held."""
        return self.n == 0 or _at_most(self.inside, self.n, self.stated) >= CHANCE


@dataclass(frozen=True)
class Validation:
    """What became of a front.

    Attributes:
        device: name of the device whose figures were promised.
        measured_on: device and runtime that were measured.
        points: per point ``little``, ``big``, ``gate``, ``threshold``, ``accuracy``,
            ``escalation_rate``; of each figure ``predicted``, ``measured`` and how it came about;
            whether it is ``on_front`` still.
        figures: agreement by figure; None where nothing could be compared.
        networks: agreement of single networks' latency.
        coverage: share of networks inside the profile's interval; None where it states none.
        n_front: points of the measured ones that no other beats in error and measured latency.
        n_measured: points whose latency could be measured.
        tolerance: mean absolute error that is allowed where no interval is stated.
        judged: whether both are one device; a promise about another one is not held against it.
        notes: sentences that a reader must know.
    """

    device: str
    measured_on: str
    points: tuple[Mapping[str, Any], ...]
    figures: Mapping[str, Agreement | None]
    networks: Agreement | None
    coverage: Coverage | None
    n_front: int
    n_measured: int
    tolerance: float
    judged: bool = True
    notes: tuple[str, ...] = ()

    @property
    def kept(self) -> bool | None:
        """Whether the promise was kept: the stated interval, or else the tolerance.

        None where it was about another device than the one that measured.
        """
        if not self.judged:
            return None
        if self.coverage is not None and self.coverage.n:
            return self.coverage.kept
        latency = self.figures["latency_ms"]
        return latency is not None and latency.mape <= self.tolerance

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        coverage = None if self.coverage is None else asdict(self.coverage)
        return {
            "device": self.device,
            "measured_on": self.measured_on,
            "kept": self.kept,
            "figures": {k: None if v is None else asdict(v) for k, v in self.figures.items()},
            "networks": None if self.networks is None else asdict(self.networks),
            "interval": coverage,
            "tolerance": self.tolerance,
            "points_measured": self.n_measured,
            "points_still_on_front": self.n_front,
            "notes": list(self.notes),
            "points": [dict(p) for p in self.points],
        }

    def text(self) -> str:
        """The outcome, as lines for a reader."""
        lines = [f"{self.device}, promised; {self.measured_on}, measured."]
        if len(self.points) <= LISTED:
            lines += [_line(point) for point in self.points]
        compared = (*self.figures.items(), ("latency_ms, single networks", self.networks))
        for name, errors in compared:
            if errors is None:
                continue
            rank = "" if errors.spearman is None else f", Spearman {errors.spearman:.3f}"
            much = f"{1 + errors.optimism:.3g} times what was promised on average"
            if self.judged:
                much = (
                    f"mean absolute error {errors.mape:.1%}, {errors.within_10:.0%} within 10 %, "
                    f"measured {errors.optimism:+.1%} over predicted on average"
                )
            lines.append(f"  {name}: {much}{rank} ({errors.n} compared)")
        lines.append(
            f"  {self.n_front} of {self.n_measured} measured points are still on the front of error"
            " and measured latency."
        )
        lines += [f"  note: {note}" for note in self.notes]
        word = {True: "Kept", False: "NOT kept", None: "Not judged"}[self.kept]
        lines.append(f"{word}: {self._verdict()}")
        return "\n".join(lines)

    def _verdict(self) -> str:
        if not self.judged:
            return f"{self.device} did not measure; run the same command there."
        c = self.coverage
        if c is not None and c.n:
            return f"{c.inside} of {c.n} networks are inside the stated {c.stated:.0%} interval."
        latency = self.figures["latency_ms"]
        if latency is None:
            return "no latency could be compared."
        return (
            f"the device states no interval; the mean absolute error of latency is "
            f"{latency.mape:.1%}, {self.tolerance:.0%} are allowed."
        )


def _line(point: Mapping[str, Any]) -> str:
    """A point's mean latency, promised and measured."""
    latency = point["latency_ms"]
    promised, measured = (
        "no latency" if latency[k] is None else f"{latency[k]:.4g} ms"
        for k in ("predicted", "measured")
    )
    partner = f" -> {point['big']}" if point["escalation_rate"] > 0 else " alone"
    word = f" ({latency['provenance']})" if latency["provenance"] else ""
    return f"  {point['little']}{partner}: {promised} promised, {measured} now{word}"


def _at_most(k: int, n: int, p: float) -> float:
    """Chance of at most ``k`` successes among ``n``."""
    return math.fsum(math.comb(n, i) * p**i * (1 - p) ** (n - i) for i in range(k + 1))


def networks_of(points: Points) -> list[str]:
    """Ids of all networks that a front's points use; a big one that is never asked is none."""
    escalates = points.escalation_rate > 0
    return sorted({*points.little.tolist(), *points.big[escalates].tolist()})


def pairs_of(points: Points) -> dict[str, list[tuple[str, str]]]:
    """By gate metric the (little, big) of all points that escalate now and then.

    A gate without ONNX form is stood for by the margin: what counts are the two networks.
    """
    pairs: dict[str, set[tuple[str, str]]] = {}
    for point in points:
        if point.escalation_rate > 0:
            gate = point.gate if point.gate in onnx_gates() else STAND_IN
            pairs.setdefault(gate, set()).add((point.little, point.big))
    return {gate: sorted(members) for gate, members in sorted(pairs.items())}


def validate(
    points: Points,
    promised: DeviceProfile,
    measured: DeviceProfile,
    space: SearchSpace,
    tolerance: float = TOLERANCE,
) -> Validation:
    """Predicted against measured figures of every point of a front.

    A pair that was measured end to end counts as measured; one whose parts alone were, as modelled
    from them. The escalation rate is the front's own. Accuracy does not depend on the device.

    Args:
        points: points of the front, in its order.
        promised: the device profile that the front was searched for.
        measured: the profile that was measured; provenance "measured" throughout.
        space: search space of the networks.
        tolerance: mean absolute error of latency that is allowed where ``promised`` states no
            interval.

    Raises:
        DeviceError: ``measured`` is not a measurement, or of another space; no point could be
            measured.
    """
    if measured.provenance["latency_ms"] != "measured":
        raise DeviceError(
            f"profile {measured.name!r} is {measured.provenance['latency_ms']}, not measured; a "
            "promise is held against measurements alone."
        )
    if space.hash != measured.space_hash:
        raise DeviceError(
            f"profile {measured.name!r} is of space {measured.space!r}, the front of "
            f"{space.name!r}."
        )
    records = [_point(points, i, measured) for i in range(len(points))]
    columns = {
        name: tuple(
            np.array([_nan(r[name][key]) for r in records]) for key in ("predicted", "measured")
        )
        for name in FIGURES
    }
    latency = columns["latency_ms"][1]
    there = np.isfinite(latency)
    if not there.any():
        raise DeviceError(
            f"profile {measured.name!r} has no network of this front; measure them with "
            "'biglittle validate FRONT --measure here'."
        )
    front = np.zeros(len(points), np.bool_)
    front[there] = on_front(np.stack([-points.accuracy[there], latency[there]], axis=1))
    for record, on, has_latency in zip(records, front, there, strict=True):
        record["on_front"] = bool(on) if has_latency else None
    ids = [a for a in networks_of(points) if a in measured.measured_ms]
    genomes = space.parse(ids)
    taken = np.array([measured.measured_ms[a] for a in ids])
    alone = promised.latency_ms(space, genomes) if promised.space_hash == space.hash else taken * 0
    return Validation(
        device=promised.name,
        measured_on=f"{measured.name} ({measured.runtime})",
        points=tuple(records),
        figures={name: agreement(p, m) for name, (p, m) in columns.items()},
        networks=agreement(alone, taken),
        coverage=_coverage(promised, space, genomes, taken),
        n_front=int(front.sum()),
        n_measured=int(there.sum()),
        tolerance=tolerance,
        judged=same_device(promised.name, promised.facts, measured.facts),
        notes=tuple(_notes(points, promised, measured, records)),
    )


def _coverage(
    promised: DeviceProfile, space: SearchSpace, genomes: NDArray[np.uint8], taken: Array
) -> Coverage | None:
    if promised.space_hash != space.hash or (stated := promised.latency.coverage) is None:
        return None
    low, high = promised.latency_interval_ms(space, genomes)
    stated_both = np.isfinite(low) & np.isfinite(high)
    inside = (low <= taken) & (taken <= high) & stated_both
    return Coverage(float(stated), int(inside.sum()), int(stated_both.sum()))


def _notes(
    points: Points,
    promised: DeviceProfile,
    measured: DeviceProfile,
    records: Sequence[Mapping[str, Any]],
) -> list[str]:
    notes = []
    if not same_device(promised.name, promised.facts, measured.facts):
        notes.append(
            f"promised for {promised.name}, measured on {measured.name}: two devices, so errors "
            "say how far they differ and not how good the prediction is. If they are one, set "
            f"'device' in the measured profile to {promised.name}."
        )
    ran = str(measured.facts.get("precision")), str(promised.facts.get("precision"))
    if ran[0] != ran[1]:
        notes.append(f"measured in {ran[0]}, promised for {ran[1]}.")
    if measured.listed_memory_mib:
        notes.append(
            "measured peak memory is the growth of the process and holds what the runtime needs "
            "to load a network; the predicted one is weights and activations alone."
        )
    parts = sum(r["latency_ms"]["provenance"] == "modelled" for r in records)
    if parts:
        notes.append(
            f"{parts} of {len(records)} points were not measured end to end as they are: their "
            "latency is modelled from their networks alone, or from the pair under another gate."
        )
    used = {pair for members in pairs_of(points).values() for pair in members}
    failed = [p for p in measured.pairs if "error" in p and (p["little"], p["big"]) in used]
    if failed:
        notes.append(
            f"pairs that could not be measured end to end: {len(failed)}, the first because "
            f"{failed[0]['error']} The same command tries them again."
        )
    if points.provenance.get("escalation_rate") != "measured":
        notes.append("the escalation rates are the front's own and were not measured.")
    return notes


def _nan(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _point(points: Points, i: int, measured: DeviceProfile) -> dict[str, Any]:
    """A point's predicted and measured figures."""
    little, big = str(points.little[i]), str(points.big[i])
    rate = float(points.escalation_rate[i])
    figures: dict[str, tuple[float | None, str]] = dict.fromkeys(FIGURES, (None, ""))
    whole = _whole(measured, little, big, str(points.gate[i])) if rate > 0 else None
    first, second = measured.measured_ms.get(little), measured.measured_ms.get(big)
    if whole is not None:
        little_ms, both_ms, word = whole
    elif first is not None and (second is not None or rate == 0):
        little_ms = answered_ms(first, measured.gate_ms)
        both_ms = mean_cost(little_ms, second or 0.0, 1.0)
        word = "measured" if rate == 0 else "modelled"
    else:
        little_ms = both_ms = math.nan
        word = ""
    if word:
        for name, share in (("latency_ms", rate), ("latency_p95_ms", float(rate > TAIL))):
            figures[name] = (mean_cost(little_ms, both_ms, share, shared=little_ms), word)
    for name, listed, share in (
        ("energy_mj", measured.listed_energy_mj, rate),
        ("peak_memory_mib", measured.listed_memory_mib, 1.0 if rate > 0 else 0.0),
    ):
        if little in listed and (big in listed or share == 0):
            total = mean_cost(listed[little], listed[big] if share else 0.0, share)
            figures[name] = (total, "modelled" if share else "measured")
    promised = {name: _none(points.figure(name)[i]) for name in FIGURES}
    return {
        "little": little,
        "big": big,
        "gate": str(points.gate[i]),
        "threshold": float(points.threshold[i]),
        "accuracy": float(points.accuracy[i]),
        "escalation_rate": rate,
        **{
            name: {"predicted": promised[name], "measured": value, "provenance": word}
            for name, (value, word) in figures.items()
        },
    }


def _none(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _whole(
    measured: DeviceProfile, little: str, big: str, gate: str
) -> tuple[float, float, str] | None:
    """What a pair took as one graph, kept and escalated, in ms, and how that came about.

    Under another gate than the one it was measured with it is a model: the nodes differ.
    """
    whole = [
        pair
        for pair in measured.pairs
        if (pair["little"], pair["big"]) == (little, big) and pair.get("escalated_ms") is not None
    ]
    for pair in sorted(whole, key=lambda p: bool(p["gate"] != gate)):
        word = "measured" if pair["gate"] == gate else "modelled"
        return float(pair["kept_ms"]), float(pair["escalated_ms"]), word
    return None
