"""The face of a table: query one operating point, a pair's curve, or the whole front.

Thresholds are chosen on ``val`` and results reported on ``test``: ``front`` does both by itself;
``query`` and ``curve`` report on ``test`` unless asked for ``val``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .cost import NetworkCosts, pair_costs, pair_provenance
from .errors import ConstraintError, TableError
from .gate import Gate
from .gates import GATES, N_CODES, get_metric
from .objective import get_objective
from .pair import Pair
from .pareto import nondominated
from .points import OperatingPoint, Points, concatenate
from .table import Table, find_table


@dataclass(frozen=True)
class Curve:
    """All operating points of a pair under one gate metric, from little alone to big alone.

    Attributes:
        pair: the pair.
        gate: name of the gate metric.
        device: name of the device.
        split: whose images.
        threshold: shape (257,), in the metric's unit.
        escalation_rate: shape (257,), from 0 to 1.
        accuracy: shape (257,), fractions.
        latency_ms: mean latency, shape (257,).
        latency_p95_ms: shape (257,).
        energy_mj: mean energy, shape (257,).
        macs: mean MACs, shape (257,).
        provenance: how each figure came about, by field.
    """

    pair: Pair
    gate: str
    device: str
    split: str
    threshold: NDArray[np.float64]
    escalation_rate: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    latency_ms: NDArray[np.float64]
    latency_p95_ms: NDArray[np.float64]
    energy_mj: NDArray[np.float64]
    macs: NDArray[np.float64]
    provenance: Mapping[str, str]


@dataclass(frozen=True)
class Front:
    """The non-dominated operating points of a whole table.

    Attributes:
        points: accuracy and escalation rate on ``test``; costs from the escalation on ``test``.
        val_accuracy: accuracy on ``val``, by which the points were chosen, shape (n,).
        objectives: what they are non-dominated in, on ``val``.
        device: name of the device.
        n_pairs: pairs that were looked at.
        n_left_out: networks without a figure on this device, which were left out.
    """

    points: Points
    val_accuracy: NDArray[np.float64]
    objectives: tuple[str, ...]
    device: str
    n_pairs: int
    n_left_out: int

    def __len__(self) -> int:
        return len(self.points)

    def __getitem__(self, i: int) -> OperatingPoint:
        return self.points[i]


def check_limits(limits: Mapping[str, float] | None) -> dict[str, float]:
    """Upper limits by figure, checked.

    Raises:
        UnknownNameError: no such figure.
        ConstraintError: a limit that is not a finite number.
    """
    out = {}
    for name, limit in (limits or {}).items():
        objective = get_objective(name)
        if not np.isfinite(limit) or (objective.direction == "min" and limit < 0):
            raise ConstraintError(
                f"the limit {limit} on {name} is not usable; expected a number of at least 0."
            )
        out[name] = float(limit)
    return out


def within(points: Any, limits: Mapping[str, float]) -> NDArray[np.bool_]:
    """Which points respect every limit: at most, or at least for what is maximised."""
    ok = np.ones(len(points), bool)
    for name, limit in limits.items():
        objective = get_objective(name)
        signed = float(objective.minimised(np.array([limit]))[0])
        ok &= objective.minimised(points.figure(name)) <= signed
    return ok


def unreachable(
    limits: Mapping[str, float], best: Mapping[str, float], where: str
) -> ConstraintError:
    """The error for limits that nothing meets; says what the best reachable is."""
    asked = ", ".join(f"{name} {limit:g}" for name, limit in limits.items())
    reach = ", ".join(f"{name} {value:.4g}" for name, value in best.items())
    return ConstraintError(
        f"no operating point {where} meets the limits ({asked}). The best reachable, each by "
        f"itself: {reach}. Loosen the limits."
    )


class Benchmark:
    """Exact evaluation of every pair, gate and threshold of a table, without training.

    Example::

        bench = Benchmark.load("fbnet-cifar10")
        point = bench.query(pair, Gate("margin", 0.42), device="raspberry-pi-4")
    """

    def __init__(self, table: Table) -> None:
        self.table = table
        self._costs: dict[str, NetworkCosts] = {}

    @classmethod
    def load(cls, name: str | Path, check: bool = True) -> Benchmark:
        """A shipped table by name, or a table file by path.

        Args:
            name: "fbnet-cifar10", or the path of a ``.h5`` file.
            check: compare its SHA-256 with the manifest beside it.

        Raises:
            UnknownNameError: no such table.
            TableError: truncated, foreign or edited.
        """
        return cls(Table(find_table(name), check=check))

    @cached_property
    def architectures(self) -> list[str]:
        """Ids of the inherited networks, in the order of the table's rows."""
        chosen = self.table.networks["training"] == "inherited"
        return [str(a) for a in self.table.networks["architecture"][chosen]]

    @property
    def devices(self) -> tuple[str, ...]:
        """Devices with columns in the table."""
        return self.table.devices

    def info(self) -> dict[str, Any]:
        """The table's facts as plain JSON."""
        return self.table.info()

    def costs(self, device: str) -> NetworkCosts:
        """Costs of all networks, in the order of the table's rows.

        Raises:
            UnknownNameError: no such device; the message names the nearest.
        """
        if device not in self._costs:
            self._costs[device] = self.table.costs(device)
        return self._costs[device]

    def row(self, architecture: str, training: str = "inherited") -> int:
        """The row of a network.

        Raises:
            ArchitectureError: no architecture of the space.
            TableError: a network that is not in the table.
        """
        found = self.table.row.get((architecture, training))
        if found is None:
            self.table.space.parse(architecture)
            raise TableError(
                f"network {architecture} ({training}) is not in table {self.table.name!r} of "
                f"{len(self.table)} networks. Bench.architectures lists those that are; for others "
                "use a surrogate: biglittle search."
            )
        return found

    def accuracy(self, split: str = "test") -> NDArray[np.float64]:
        """Accuracy of every network alone, shape (n_networks,)."""
        return np.asarray(self.table.predictions(split).correct.mean(axis=1))

    # ---- one pair --------------------------------------------------------------------------
    def query(self, pair: Pair, gate: Gate, device: str, split: str = "test") -> OperatingPoint:
        """The operating point of a pair under a gate.

        Raises:
            TableError: a network that is not in the table.
            GateError: the threshold lies outside the metric's range.
            UnknownNameError: no such device or split.
        """
        rows = [self.row(a, pair.training) for a in (pair.little, pair.big)]
        cut = gate.cut(self.table.n_classes)
        said = self.table.predictions(split)
        escalated = said.codes[gate.metric][rows[0]] < cut
        right = np.where(escalated, said.correct[rows[1]], said.correct[rows[0]])
        costs, rate = self.costs(device), np.array([escalated.mean()])
        figures = pair_costs(costs.take(rows[:1]), costs.take(rows[1:]), rate)
        values = {k: None if np.isnan(v[0]) else float(v[0]) for k, v in figures.items()}
        return OperatingPoint(
            little=pair.little,
            big=pair.big,
            gate=gate.metric,
            threshold=float(gate.threshold),
            accuracy=float(right.mean()),
            escalation_rate=float(rate[0]),
            provenance=self.provenance(device),
            **values,  # type: ignore[arg-type]
        )

    def provenance(self, device: str) -> dict[str, str]:
        """How the figures of pairs on a device come about, by field."""
        answers = {"accuracy": "measured", "escalation_rate": "measured"}
        return {**answers, **pair_provenance(self.costs(device).provenance)}

    def curve(self, pair: Pair, gate: str, device: str, split: str = "test") -> Curve:
        """All operating points of a pair under one gate metric, both ends included.

        Raises:
            TableError: a network that is not in the table.
            UnknownNameError: no such metric, device or split.
        """
        little, big = (self.row(a, pair.training) for a in (pair.little, pair.big))
        threshold = get_metric(gate).thresholds(self.table.n_classes)
        rate, accuracy = self._swept(little, gate, split, np.array([big]))
        costs = self.costs(device)
        figures = pair_costs(costs.take([little]), costs.take([big]), rate)
        return Curve(
            pair=pair,
            gate=gate,
            device=device,
            split=split,
            threshold=threshold,
            escalation_rate=rate,
            accuracy=accuracy[:, 0],
            provenance=self.provenance(device),
            **{n: figures[n] for n in ("latency_ms", "latency_p95_ms", "energy_mj", "macs")},
        )

    def _swept(
        self, little: int, metric: str, split: str, bigs: NDArray[np.intp]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Escalation rate (257,) and accuracy (257, n_bigs) of one little at every cut."""
        said = self.table.predictions(split)
        codes, n = said.codes[metric][little], len(said.labels)
        counts = np.bincount(codes, minlength=N_CODES)
        kept_right = np.bincount(codes, weights=said.correct[little], minlength=N_CODES)
        order = np.argsort(codes, kind="stable")
        ends = np.concatenate([[0], np.cumsum(counts)])
        right = said.correct[bigs][:, order]
        running = np.zeros((len(bigs), n + 1), np.int32)
        np.cumsum(right, axis=1, dtype=np.int32, out=running[:, 1:])
        kept = kept_right.sum() - np.concatenate([[0.0], np.cumsum(kept_right)])
        return ends / n, (kept[:, None] + running[:, ends].T) / n

    # ---- all pairs -------------------------------------------------------------------------
    def front(
        self,
        device: str,
        objectives: Sequence[str] = ("error", "latency_ms"),
        limits: Mapping[str, float] | None = None,
        gates: Sequence[str] | None = None,
    ) -> Front:
        """The exact front over all pairs of inherited networks, all gates and thresholds.

        Chosen on ``val``, reported on ``test``.

        Args:
            device: name of a device of the table, or the path of a profile.
            objectives: two or three figures of an operating point.
            limits: figures that may not be exceeded (for accuracy: undercut), on ``val``.
            gates: gate metrics; None takes all.

        Raises:
            ConstraintError: nothing meets the limits; says what the best reachable is.
            UnknownNameError: no such device, objective or gate.
        """
        wanted = [get_objective(o) for o in objectives]
        limits, metrics = check_limits(limits), tuple(gates or GATES.names())
        costs = self.costs(device)
        inherited = np.flatnonzero(self.table.networks["training"] == "inherited")
        needed = {*objectives, *limits}
        usable = np.isfinite(costs.latency_ms[inherited])
        if "energy_mj" in needed:
            usable &= np.isfinite(costs.energy_mj[inherited])
        rows = inherited[usable]
        if not len(rows):
            raise ConstraintError(
                f"no network of the table has the figures {', '.join(sorted(needed))} on {device}."
            )
        survivors: list[Points] = []
        best: dict[str, float] = {}
        for little in rows:
            for metric in metrics:
                points = self._points(int(little), rows, metric, "val", costs, device)
                if limits:
                    for name in limits:
                        signed = get_objective(name).minimised(points.figure(name))
                        value = float(points.figure(name)[int(np.nanargmin(signed))])
                        pick = max if get_objective(name).direction == "max" else min
                        best[name] = pick(best.get(name, value), value)
                    points = points.take(np.flatnonzero(within(points, limits)))
                survivors.append(points.take(nondominated(_matrix(points, wanted))))
        pool = concatenate(survivors)
        if not len(pool):
            raise unreachable(limits, best, f"on {device}")
        chosen = pool.take(nondominated(_matrix(pool, wanted)))
        return Front(
            points=self.reported(chosen, device),
            val_accuracy=chosen.accuracy,
            objectives=tuple(objectives),
            device=device,
            n_pairs=len(rows) ** 2,
            n_left_out=len(inherited) - len(rows),
        )

    def _points(
        self,
        little: int,
        bigs: NDArray[np.intp],
        metric: str,
        split: str,
        costs: NetworkCosts,
        device: str,
    ) -> Points:
        rate, accuracy = self._swept(little, metric, split, bigs)
        shape = (N_CODES + 1, len(bigs))
        figures = pair_costs(
            costs.take([little]), costs.take(bigs), rate[:, None] + np.zeros(shape)
        )
        ids = self.table.networks["architecture"]
        threshold = get_metric(metric).thresholds(self.table.n_classes)
        return Points(
            little=np.broadcast_to(ids[little], shape).ravel(),
            big=np.broadcast_to(ids[bigs], shape).ravel(),
            gate=np.broadcast_to(np.array(metric), shape).ravel(),
            threshold=np.repeat(threshold, len(bigs)),
            accuracy=accuracy.ravel(),
            escalation_rate=np.repeat(rate, len(bigs)),
            **{k: v.ravel() for k, v in figures.items()},
            provenance=self.provenance(device),
        )

    def reported(self, points: Points, device: str, split: str = "test") -> Points:
        """The same pairs, gates and thresholds evaluated on another split."""
        rows = zip(points.little, points.big, points.gate, points.threshold, strict=True)
        answers = [
            self.query(Pair(str(little), str(big)), Gate(str(gate), float(t)), device, split)
            for little, big, gate, t in rows
        ]

        def column(name: str) -> NDArray[np.float64]:
            return np.array([getattr(a, name) for a in answers], np.float64)

        names = ("accuracy", "escalation_rate", "latency_ms", "latency_p95_ms", "energy_mj", "macs")
        return Points(
            little=points.little,
            big=points.big,
            gate=points.gate,
            threshold=points.threshold,
            peak_memory_mib=points.peak_memory_mib,
            provenance=points.provenance,
            **{n: column(n) for n in names},
        )


def _matrix(points: Points, objectives: Sequence[Any]) -> NDArray[np.float64]:
    columns = [o.minimised(points.figure(o.name)) for o in objectives]
    return np.stack(columns, axis=1)
