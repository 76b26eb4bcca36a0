"""A front's promises against what its networks and pairs took on the device."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ..bench.agreement import Agreement, agreement
from ..bench.device_profile import DeviceProfile
from ..bench.errors import DeviceError
from ..bench.pareto import on_front
from ..bench.points import Points
from ..bench.recommend import spread
from ..bench.spaces import SearchSpace
from .coverage import Coverage, column, coverage, network_records
from .machine import same_device
from .measured_points import FIGURES, point_record, rate_word
from .onnx_gates import onnx_gates
from .session import ProfileRequest, profile_command

#: Promised where the device states no interval: mean absolute error of latency.
TOLERANCE = 0.10
STAND_IN = "margin"
#: Points whose networks a command to measure them names.
NAMED = 5
#: Points that are named one by one; more stand on the page.
LISTED = 12


@dataclass(frozen=True)
class Validation:
    """What became of a front.

    Attributes:
        device: name of the device whose figures were promised.
        measured_on: device and runtime that were measured.
        points: per point ``little``, ``big``, ``gate``, ``threshold``, ``accuracy``,
            ``escalation_rate``; how its two ``branches`` were measured as a whole, or ""; of each
            figure ``predicted``, ``measured`` and how it came about; whether it is ``on_front``
            still.
        figures: agreement by figure; None where nothing could be compared.
        networks: agreement of single networks' latency.
        coverage: share of networks inside the profile's interval; None where it states none.
        n_front: points of the measured ones that no other beats in error and measured latency.
        n_measured: points whose latency could be measured.
        tolerance: mean absolute error that is allowed where no interval is stated.
        judged: whether both are one device; a promise about another one is not held against it.
        notes: sentences that a reader must know.
        singles: per network that was measured its latency, the prediction and its interval's ends.
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
    singles: tuple[Mapping[str, Any], ...] = ()

    @property
    def kept(self) -> bool | None:
        """Whether the promise was kept: the stated interval, or else the tolerance.

        An interval that is too wide to promise anything is never kept.

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
        coverage = None if self.coverage is None else self.coverage.as_dict()
        return {
            "device": self.device,
            "measured_on": self.measured_on,
            "kept": self.kept,
            "verdict": self.verdict,
            "figures": {k: None if v is None else asdict(v) for k, v in self.figures.items()},
            "networks": None if self.networks is None else asdict(self.networks),
            "interval": coverage,
            "tolerance": self.tolerance,
            "points_measured": self.n_measured,
            "points_still_on_front": self.n_front,
            "notes": list(self.notes),
            "singles": [dict(s) for s in self.singles],
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
                    f"off by {errors.mape:.1%} of the measured figure on average, "
                    f"{errors.within_10:.0%} of them within 10 %; measured is {much}"
                )
            lines.append(f"  {name}: {much}{rank} ({errors.n} compared)")
        lines.append(
            f"  {self.n_front} of {self.n_measured} measured points are still on the front of error"
            " and measured latency."
        )
        lines += [f"  note: {note}" for note in self.notes]
        lines.append(self.verdict)
        return "\n".join(lines)

    @property
    def verdict(self) -> str:
        """Whether the promise was kept and why, in one line."""
        if self.coverage is not None and self.judged and self.coverage.empty:
            return f"Nothing was promised: {self.coverage.text()}"
        word = {True: "Kept", False: "NOT kept", None: "Not judged"}[self.kept]
        return f"{word}: {self._why()}"

    def _why(self) -> str:
        if not self.judged:
            return f"another device than {self.device} measured; run the same command there."
        if self.coverage is not None and self.coverage.n:
            return self.coverage.text()
        latency = self.figures["latency_ms"]
        if latency is None:
            return "no latency could be compared."
        why = "the device states no interval"
        if self.coverage is not None:
            why = "the profile had measured these networks, so that no interval is theirs"
        return (
            f"{why}; the mean absolute error of latency is "
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


def joined_pairs(pairs: Sequence[tuple[str, str]]) -> str:
    """Pairs as the option ``--pairs`` of the profiler takes them."""
    return ",".join(":".join(pair) for pair in pairs)


def measuring_commands(points: Points, space: str, n_classes: int) -> list[str]:
    """The commands that measure networks and pairs of a front on a board, one for each gate.

    Args:
        points: points of the front; where they are many, some that are spread over them are named.
        space: name of the search space of the networks.
        n_classes: number of classes of their classifiers.
    """
    if len(points) > NAMED:
        points = points.take(spread(points, NAMED)[:NAMED])
    head = profile_command(networks_of(points), space, n_classes)
    commands = [
        f"{head} --pairs {joined_pairs(members)}"
        + ("" if gate == ProfileRequest.gate else f" --gate {gate}")
        for gate, members in pairs_of(points).items()
    ]
    return [f"{command} --out measured.json" for command in commands or [head]]


def validate(
    points: Points,
    promised: DeviceProfile,
    measured: DeviceProfile,
    space: SearchSpace,
    tolerance: float = TOLERANCE,
    n_classes: int | None = None,
) -> Validation:
    """Predicted against measured figures of every point of a front.

    A pair that was measured end to end counts as measured if the front's escalation rate was
    measured, too; one whose parts alone were, or whose rate is predicted, as modelled. Accuracy
    does not depend on the device.

    Args:
        points: points of the front, in its order.
        promised: the device profile that the front was searched for.
        measured: the profile that was measured; provenance "measured" throughout.
        space: search space of the networks.
        tolerance: mean absolute error of latency that is allowed where ``promised`` states no
            interval.
        n_classes: classes of the front's networks; None: as many as ``promised`` was made with.

    Raises:
        DeviceError: ``measured`` is not a measurement, is what was searched with, or of another
            space; no point could be measured.
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
    n_classes = promised.n_classes if n_classes is None else n_classes
    _check_fresh(promised, measured, networks_of(points))
    records = [point_record(points, i, measured) for i in range(len(points))]
    columns = {
        name: tuple(column([r[name] for r in records], key) for key in ("predicted", "measured"))
        for name in FIGURES
    }
    latency = columns["latency_ms"][1]
    there = np.isfinite(latency)
    if not there.any():
        raise DeviceError(
            f"profile {measured.name!r} has no network of this front. Measure some on that board, "
            "there or from here with --host user@board, and give the file to --profile: "
            + "; ".join(measuring_commands(points, space.name, n_classes))
        )
    front = np.zeros(len(points), np.bool_)
    front[there] = on_front(np.stack([-points.accuracy[there], latency[there]], axis=1))
    for record, on, has_latency in zip(records, front, there, strict=True):
        record["on_front"] = bool(on) if has_latency else None
    singles = network_records(promised, measured, space, networks_of(points))
    return Validation(
        device=promised.name,
        measured_on=f"{measured.name} ({measured.runtime})",
        points=tuple(records),
        figures={name: agreement(p, m) for name, (p, m) in columns.items()},
        networks=agreement(column(singles, "predicted"), column(singles, "measured")),
        coverage=coverage(promised, space, singles),
        n_front=int(front.sum()),
        n_measured=int(there.sum()),
        tolerance=tolerance,
        judged=same_device(promised.name, promised.facts, measured.facts),
        notes=tuple(_notes(points, promised, measured, records, n_classes)),
        singles=tuple(singles),
    )


def _check_fresh(promised: DeviceProfile, measured: DeviceProfile, ids: Sequence[str]) -> None:
    """Refuses a profile that holds the very measurements with which the front was searched.

    Under another name, with a reason for its force or as a copy it is still the same measurement:
    nanoseconds of all networks and of the reference do not repeat.
    """
    ours, theirs = promised.listed_ms, measured.listed_ms
    there = [a for a in ids if a in theirs]
    same_session = promised.facts.get("reference") == measured.facts.get("reference") is not None
    if there and same_session and all(ours.get(a) == theirs[a] for a in there):
        raise DeviceError(
            f"profile {measured.name!r} is the measurement that the front was searched with, so it "
            "agrees with the promise whatever the device does. A promise is held against a new "
            "measurement: 'biglittle validate FRONT --measure here' on the device, or another "
            "file of 'biglittle profile --networks ... --out NEW.json'."
        )


def _notes(
    points: Points,
    promised: DeviceProfile,
    measured: DeviceProfile,
    records: Sequence[Mapping[str, Any]],
    n_classes: int,
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
    if {promised.n_classes, measured.n_classes} != {n_classes}:
        notes.append(
            f"the front's networks have {n_classes:,} classes; those measured have "
            f"{measured.n_classes:,}, and the promise was made with figures of networks of "
            f"{promised.n_classes:,}. They differ in their last layer alone."
        )
    if measured.listed_memory_mib:
        notes.append(
            "measured peak memory is the growth of the process and holds what the runtime needs "
            "to load a network; the predicted one is weights and activations alone."
        )
    there = sum(r["latency_ms"]["measured"] is not None for r in records)
    asking = [
        i
        for i, r in enumerate(records)
        if r["escalation_rate"] > 0 and r["latency_ms"]["provenance"]
    ]
    whole = [i for i in asking if records[i]["branches"] == "measured"]
    parts = len(asking) - len(whole)
    if parts:
        notes.append(
            f"{parts} of {there} points were not measured end to end as they are: their "
            "latency is modelled from their networks alone, or from the pair under another gate."
        )
    rates = [word for i in whole if (word := rate_word(points, i)) != "measured"]
    if rates:
        notes.append(
            f"{len(rates)} of {there} points were measured end to end, either "
            "network answering; their mean and 95th percentile are modelled, because the "
            f"escalation rate that weighs the two is {' or '.join(sorted(set(rates)))}."
        )
    used = {pair for members in pairs_of(points).values() for pair in members}
    failed = [p for p in measured.pairs if "error" in p and (p["little"], p["big"]) in used]
    if failed:
        notes.append(
            f"pairs that could not be measured end to end: {len(failed)}, the first because "
            f"{failed[0]['error']} The same command tries them again."
        )
    return notes
