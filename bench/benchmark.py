"""The benchmark: every pair, gate and threshold of a table, evaluated without training."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import kept_front
from .better_alone import better_alone
from .cost import PAIR_COSTS, NetworkCosts, SharedCosts, pair_costs, pair_provenance
from .counts import Counts, outcome_codes
from .curve import Curve, Curves
from .device import load_device, shipped_devices, user_devices
from .diagnostics import Diagnostics, explain
from .errors import BigLittleError, ConstraintError, GateError, TableError, UnknownNameError
from .exact_front import FrontInterrupted, FrontRows, Question, exact_front
from .figures import checked_limits, get_figure
from .gate import Gate, metric_name
from .gates import N_CODES, get_gate, stored_metrics
from .hypervolume import Reference, hypervolume, reference_of
from .kept_front import StaleFrontError
from .limits import unreachable, within
from .measured_pairs import MeasuredPairs, whole_provenance
from .pair import Pair
from .points import OperatingPoint, Points, described
from .table import Table, find_table

#: Objective sets whose reference box is kept with a table.
REFERENCE_SETS = (
    ("error", "latency_ms"),
    ("error", "energy_mj"),
    ("error", "macs"),
    ("error", "latency_ms", "peak_memory_mib"),
)


@dataclass(frozen=True, repr=False, eq=False)
class Front:
    """The non-dominated operating points of a whole table, chosen on ``val``.

    An index gives one ``OperatingPoint`` as it is reported, a slice gives ``Points``; a pair is
    ``in`` a front if one of its points is of it.

    Attributes:
        points: as they are reported: accuracy, escalation and costs on ``test``.
        chosen: the same points on ``val``, where they are non-dominated.
        objectives: what in.
        device: name of the device.
        n_pairs: pairs that were looked at.
        n_points: operating points that were looked at.
        n_counted: of them, those that had to be counted; the rest were proven dominated.
        n_left_out: networks without a figure on this device, which were left out.
        complete: whether every little network was looked at (False: interrupted).
    """

    points: Points
    chosen: Points
    objectives: tuple[str, ...]
    device: str
    n_pairs: int
    n_points: int
    n_counted: int
    n_left_out: int
    complete: bool = True

    def __len__(self) -> int:
        return len(self.points)

    def __repr__(self) -> str:
        of = f"{', '.join(self.objectives)} on {self.device}, {self.n_pairs:,} pairs"
        part = "" if self.complete else ", interrupted"
        return f"Front({of}{part}: {described(self.points)})"

    def __iter__(self) -> Iterator[OperatingPoint]:
        return iter(self.points)

    def __contains__(self, item: object) -> bool:
        return item in self.points

    @overload
    def __getitem__(self, i: int) -> OperatingPoint: ...
    @overload
    def __getitem__(self, i: slice) -> Points: ...
    def __getitem__(self, i: int | slice) -> OperatingPoint | Points:
        return self.points[i]


class Benchmark:
    """Exact evaluation of every pair, gate and threshold of a table, without training.

    What is chosen is chosen on ``val``, what is reported is reported on ``test``: ``front`` and
    ``choose`` do both, each on its split, and everything else reports on ``test`` unless told
    otherwise.

    Example::

        bench = Benchmark.load("fbnet-cifar10")
        point = bench.query(pair, Gate("margin", 0.42), device="raspberry-pi-4")
    """

    def __init__(self, table: Table) -> None:
        self.table = table
        self._measured_pairs: dict[str, MeasuredPairs] = {}
        self._costs: dict[str, NetworkCosts] = {}
        self._counts: dict[str, Counts] = {}
        self._gate_thresholds: dict[str, NDArray[np.float64]] = {}
        self._fronts: dict[tuple[str, ...], Front] = {}
        self._references: dict[tuple[str, ...], Reference] = {}

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

    def __repr__(self) -> str:
        devices = ", ".join(self.devices) or "none"
        return (
            f"Benchmark({self.table.name!r}: {len(self):,} inherited networks of "
            f"{self.table.space.name} on {self.table.dataset}, devices: {devices})"
        )

    def __len__(self) -> int:
        return len(self.architectures)

    def __iter__(self) -> Iterator[str]:
        return iter(self.architectures)

    def __contains__(self, item: object) -> bool:
        if isinstance(item, Pair):
            try:
                self.table.pair_rows(item)
            except BigLittleError:
                return False
            return True
        return isinstance(item, str) and item in self._inherited

    @cached_property
    def _inherited(self) -> frozenset[str]:
        return frozenset(self.architectures)

    @cached_property
    def architectures(self) -> list[str]:
        """Ids of the inherited networks, in the order of the table's rows."""
        return [str(a) for a in self.table.networks["architecture"][self.table.rows()]]

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

    def assume(self, device: str, costs: NetworkCosts) -> None:
        """Puts costs under the name of a device that neither the table nor a profile has.

        Args:
            device: the name, which every method takes from then on.
            costs: of all rows of the table, in their order.

        Raises:
            TableError: the name is taken, or the costs are of another number of networks.
        """
        if device in {*self.devices, *shipped_devices(), *user_devices()}:
            raise TableError(f"there is a device {device!r} already; assume costs of another name.")
        if len(costs.latency_ms) != len(self.table):
            raise TableError(
                f"costs of {len(costs.latency_ms)} networks were given, the table "
                f"{self.table.name!r} has {len(self.table)}."
            )
        self._costs[device] = costs

    def measured_pairs(self, device: str) -> MeasuredPairs:
        """The pairs that a device's profile measured end to end; none of a device of a table alone.

        Args:
            device: name of a device, or the path of a profile.
        """
        if device not in self._measured_pairs:
            try:
                profile = load_device(device)
            except UnknownNameError:  # a device that only this table has
                entries: Sequence[Mapping[str, Any]] = ()
            else:
                entries = profile.pairs if profile.space_hash == self.table.space.hash else ()
            self._measured_pairs[device] = MeasuredPairs(entries)
        return self._measured_pairs[device]

    def _shared(
        self, device: str, gate: str | NDArray[np.str_], little: Any, big: Any, costs: NetworkCosts
    ) -> SharedCosts | None:
        """What pairs given by rows were measured to take end to end; None where none was."""
        pairs, ids = self.measured_pairs(device), self.table.names
        if not pairs:
            return None
        return pairs.shared(gate, (ids[little], ids[big]), (costs.take(little), costs.take(big)))

    def promise(self, device: str) -> str:
        """How good predicted latencies on a device are, in a sentence; empty where none is.

        Raises:
            UnknownNameError: no such device.
        """
        if self.costs(device).provenance["latency_ms"] != "predicted":
            return ""
        try:
            return load_device(device).latency.promise
        except UnknownNameError:  # a device that only this table has
            return ""

    def row(self, architecture: str, training: str = "inherited", seed: int = 0) -> int:
        """The row of a network that is no part of a co-trained pair.

        Raises:
            ArchitectureError: no architecture of the space.
            TableError: a network that is not in the table.
        """
        return self.table.network_row(architecture, training, seed)

    def accuracy(self, split: str = "test") -> NDArray[np.float64]:
        """Accuracy of every network alone, shape (n_networks,)."""
        counts = self._split(split)
        return np.asarray(counts.tally.right / counts.n_images)

    def provenance(self, device: str) -> dict[str, str]:
        """How the figures of pairs on a device come about, by field."""
        answers = {"accuracy": "measured", "escalation_rate": "measured"}
        return {**answers, **pair_provenance(self.costs(device).provenance)}

    def _split(self, split: str) -> Counts:
        if split not in self._counts:
            correct = self.table.predictions(split).correct
            self._counts[split] = Counts(
                correct, lambda gate, row: self.table.codes_of(gate, split, [row])[0]
            )
        return self._counts[split]

    def _thresholds(self, gate: str) -> NDArray[np.float64]:
        if gate not in self._gate_thresholds:
            self._gate_thresholds[gate] = get_gate(gate).thresholds(self.table.n_classes)
            self._gate_thresholds[gate].flags.writeable = False
        return self._gate_thresholds[gate]

    # ---- some points -----------------------------------------------------------------------
    def query(
        self,
        pair: Pair | tuple[str, str],
        gate: Gate | tuple[str, float],
        device: str,
        split: str = "test",
    ) -> OperatingPoint:
        """The operating point of a pair under a gate.

        Where one of the two networks alone, or else another one of the table, is at least as
        accurate and costs no more, the point says so: ``better_alone``.

        Args:
            pair: the pair, or two ids as (little, big).
            gate: the gate, or (metric, threshold).
            device: name of a device of the table, or the path of a profile.
            split: "test" to report, "val" to choose.

        Raises:
            TableError: a network that is not in the table.
            GateError: the threshold lies outside the metric's range.
            UnknownNameError: no such device or split.
        """
        pair, gate = Pair.of(pair), Gate.of(gate)
        little, big = self.table.pair_rows(pair)
        counts, costs = self._split(split), self.costs(device)
        escalated, hits = counts.point(gate.metric, little, big, gate.cut(self.table.n_classes))
        rate = escalated / counts.n_images
        shared = self._shared(device, gate.metric, little, big, costs)
        figures = pair_costs(costs.one(little), costs.one(big), rate, shared)
        values = {k: None if v != v else float(v) for k, v in figures.items()}
        cost = "macs" if values["latency_ms"] is None else "latency_ms"
        ids, others = self.table.networks["architecture"], self.table.rows()
        limits = {cost: float(figures[cost])}
        alone = better_alone((little, big), ids, hits, limits, costs, counts, counts, others)
        return OperatingPoint(
            better_alone=alone,
            little=pair.little,
            big=pair.big,
            gate=gate.metric,
            threshold=float(gate.threshold),
            accuracy=hits / counts.n_images,
            escalation_rate=rate,
            provenance=whole_provenance(self.provenance(device), shared, rate),
            **values,  # type: ignore[arg-type]
        )

    def query_many(
        self,
        little: ArrayLike,
        big: ArrayLike,
        gate: str | ArrayLike,
        threshold: ArrayLike,
        device: str,
        split: str = "test",
    ) -> Points:
        """Many operating points at once; the arrays broadcast against one another.

        Args:
            little: ids of inherited networks, or rows of the table (which is faster), shape (n,).
            big: likewise.
            gate: name of the gate, one or n.
            threshold: in the gate's unit.
            device: name of a device of the table, or the path of a profile.
            split: "test" to report, "val" to choose.

        Raises:
            TableError: a network that is not in the table.
            GateError: a threshold outside the gate's range.
            UnknownNameError: no such gate, device or split.
        """
        names = np.asarray(gate)
        rows = [self._rows(little), self._rows(big)]
        first, second, names, values = np.broadcast_arrays(
            *rows, names, np.asarray(threshold, np.float64)
        )
        first, second, names, values = (
            np.atleast_1d(a).ravel() for a in (first, second, names, values)
        )
        kinds = [str(names[0])] if np.ndim(gate) == 0 and len(names) else np.unique(names).tolist()
        cut = np.empty(len(values), np.int64)
        masks = {k: slice(None) if len(kinds) == 1 else names == k for k in kinds}
        for kind, mask in masks.items():
            cut[mask] = get_gate(kind).cut(values[mask], self.table.n_classes)
        return self._points(first, second, masks, cut, names, values, device, split)

    def _rows(self, networks: ArrayLike) -> NDArray[np.intp]:
        given = np.asarray(networks)
        if given.dtype.kind == "U":
            unique, back = np.unique(given, return_inverse=True)
            rows = np.array([self.row(str(a)) for a in unique], np.intp)
            return np.asarray(rows[back].reshape(given.shape))
        if given.dtype.kind not in "iu":
            raise TableError(f"networks are ids or rows of the table, not {given.dtype}.")
        if given.size and not (given.min() >= 0 and given.max() < len(self.table)):
            raise TableError(
                f"row {int(given.min() if given.min() < 0 else given.max())} is not in table "
                f"{self.table.name!r}, whose rows are 0 to {len(self.table) - 1}."
            )
        return given.astype(np.intp, copy=False)

    def _points(
        self,
        little: NDArray[np.intp],
        big: NDArray[np.intp],
        gates: Mapping[str, Any],
        cut: NDArray[np.int64],
        names: NDArray[np.str_],
        threshold: NDArray[np.float64],
        device: str,
        split: str,
    ) -> Points:
        counts, costs = self._split(split), self.costs(device)
        escalated, hits = np.empty(len(cut), np.int64), np.empty(len(cut), np.int64)
        for gate, mask in gates.items():
            escalated[mask], hits[mask] = counts.many(gate, little[mask], big[mask], cut[mask])
        rate, ids = escalated / counts.n_images, self.table.names
        shared = self._shared(device, names, little, big, costs)
        return Points(
            little=ids[little],
            big=ids[big],
            gate=names,
            threshold=threshold,
            accuracy=hits / counts.n_images,
            escalation_rate=rate,
            **pair_costs(costs.take(little), costs.take(big), rate, shared),
            provenance=whole_provenance(self.provenance(device), shared, rate),
            split=split,
        )

    def reported(self, points: Points, device: str, split: str = "test") -> Points:
        """The same pairs, gates and thresholds evaluated on another split, or device.

        Raises:
            TableError: a network that is not in the table.
        """
        return self.query_many(
            points.little, points.big, points.gate, points.threshold, device, split
        )

    def choose(
        self,
        pair: Pair | tuple[str, str],
        gate: str,
        device: str,
        limits: Mapping[str, float],
    ) -> OperatingPoint:
        """The threshold that is most accurate within limits on ``val``, reported on ``test``.

        Where one of the two networks alone, or else another one of the table, is at least as
        accurate within the limits on ``val``, the point says so: ``better_alone``, with its
        accuracy on ``test``.

        Args:
            pair: the pair, or two ids as (little, big).
            gate: name of the gate metric.
            device: name of the device.
            limits: largest values by figure, for example ``{"latency_ms": 20.0}``.

        Raises:
            ConstraintError: no threshold meets the limits on ``val``.
        """
        limits = checked_limits(limits)
        points = self.curve(pair, gate, device, "val").points
        allowed = np.flatnonzero(within(points, limits))
        if not len(allowed):
            best = {n: _best(points, n) for n in limits}
            raise unreachable(limits, best, f"of this pair under {gate} on {device}")
        best_at = int(allowed[np.argmax(points.accuracy[allowed])])
        point = self.query(pair, Gate(gate, float(points.threshold[best_at])), device)
        judged, ids = self._split("val"), self.table.networks["architecture"]
        n_right = round(float(points.accuracy[best_at]) * judged.n_images)
        rows, costs = self.table.pair_rows(Pair.of(pair)), self.costs(device)
        reported, others = self._split("test"), self.table.rows()
        alone = better_alone(rows, ids, n_right, limits, costs, judged, reported, others)
        return replace(point, better_alone=alone)

    def explain(
        self, pair: Pair | tuple[str, str], gate: Gate | tuple[str, float], split: str = "test"
    ) -> Diagnostics:
        """Why a pair under a gate is as good as it is: routing, gap to the oracle, classes.

        Raises:
            TableError: a network that is not in the table.
            GateError: the threshold lies outside the gate's range.
        """
        return explain(self.table, Pair.of(pair), Gate.of(gate), split)

    # ---- whole curves ----------------------------------------------------------------------
    def curve(
        self, pair: Pair | tuple[str, str], gate: str, device: str, split: str = "test"
    ) -> Curve:
        """All operating points of a pair under one gate metric, both ends included.

        Raises:
            TableError: a network that is not in the table.
            UnknownNameError: no such metric, device or split.
        """
        pair, gate = Pair.of(pair), metric_name(gate)
        little, big = self.table.pair_rows(pair)
        counts, costs = self._split(split), self.costs(device)
        escalated, hits = counts.curve(gate, little, big)
        rate = escalated / counts.n_images
        shared = self._shared(device, gate, little, big, costs)
        figures = pair_costs(costs.one(little), costs.one(big), rate, shared)
        return Curve(
            pair=pair,
            gate=gate,
            device=device,
            split=split,
            threshold=self._thresholds(gate),
            escalation_rate=rate,
            accuracy=hits / counts.n_images,
            provenance=self.provenance(device),
            **figures,
        )

    def curves(
        self,
        little: str,
        gate: str,
        device: str,
        bigs: Sequence[str] | None = None,
        split: str = "test",
    ) -> Curves:
        """The curves of one little network with many bigs.

        Args:
            little: id of an inherited network.
            gate: name of the gate metric.
            device: name of the device.
            bigs: ids of inherited networks; None takes all.
            split: "test" to report, "val" to choose.

        Raises:
            TableError: a network that is not in the table.
            UnknownNameError: no such metric, device or split.
        """
        row, gate = self.row(little), metric_name(gate)
        rows = self.table.rows() if bigs is None else self._rows(np.asarray(bigs, np.str_))
        counts, costs = self._split(split), self.costs(device)
        escalated, hits = counts.curves(gate, row, rows)
        rate = escalated / counts.n_images
        whole = self._shared(device, gate, np.array([row]), rows, costs)
        figures = pair_costs(costs.take([row]), costs.take(rows), rate, whole)
        shared = get_gate(gate).kind != "pairwise"
        return Curves(
            little=little,
            bigs=self.table.names[rows],
            gate=gate,
            device=device,
            split=split,
            threshold=self._thresholds(gate),
            escalation_rate=rate[:, 0] if shared and len(rows) else rate,
            accuracy=hits / counts.n_images,
            provenance=self.provenance(device),
            **{n: figures[n] for n in ("latency_ms", "latency_p95_ms", "energy_mj", "macs")},
        )

    # ---- all pairs -------------------------------------------------------------------------
    def front(
        self,
        device: str,
        objectives: Sequence[str] = ("error", "latency_ms"),
        limits: Mapping[str, float] | None = None,
        gates: Sequence[str] | None = None,
        n_thresholds: int = N_CODES,
        on_progress: Callable[[int, int], None] | None = None,
    ) -> Front:
        """The exact front over all pairs of inherited networks, all gates and thresholds.

        Chosen on ``val``, reported on ``test``. A front that took a while is kept for the next time
        (`kept_front`), and worked out anew when anything that it follows from is different.

        Args:
            device: name of a device of the table, or the path of a profile.
            objectives: one to three figures of an operating point, or the name of a single one
                (four and more work, slowly).
            limits: figures that may not be exceeded (for accuracy: undercut), on ``val``.
            gates: gate metrics; None takes those that tables store. The control ``random`` and
                the bound ``oracle`` are answered as well, by themselves or with others.
            n_thresholds: thresholds of a gate; fewer than 256 are spread evenly over the codes.
            on_progress: called with (little networks done, little networks).

        Raises:
            ConstraintError: nothing meets the limits; says what the best reachable is.
            UnknownNameError: no such device, objective or gate.
            FrontInterrupted: on an interrupt; its ``front`` holds what was done, as a ``Front``
                that says it is not complete.
        """
        objectives = (objectives,) if isinstance(objectives, str) else objectives
        gates = (gates,) if isinstance(gates, str) else gates
        for name in objectives:
            get_figure(name)
        if not objectives or len(set(objectives)) < len(objectives):
            raise ConstraintError(f"objectives {list(objectives)}: give some, each once.")
        if not 1 <= n_thresholds <= N_CODES:
            raise GateError(f"{n_thresholds} thresholds; expected 1 to {N_CODES}.")
        limits, metrics = checked_limits(limits), tuple(gates or stored_metrics())
        whole = not limits and metrics == stored_metrics() and n_thresholds == N_CODES
        if whole and (device, *objectives) in self._fronts:
            return self._fronts[(device, *objectives)]
        costs, inherited = self.costs(device), self.table.rows()
        rows = self._usable(device, {*objectives, *limits})
        if not len(rows):
            needed = ", ".join(sorted({*objectives, *limits}))
            raise ConstraintError(f"no network of the table has the figures {needed} on {device}.")
        question = self._question(
            rows, metrics, costs, tuple(objectives), limits, n_thresholds, device
        )
        n_left_out = len(inherited) - len(rows)

        def answer(found: FrontRows) -> Front:
            return self._front(found, rows, metrics, question, device, n_left_out)

        options = (tuple(objectives), limits, metrics, n_thresholds)
        sha256, n_images, front = self.table.sha256, question.tally.n_images, None
        pairs = self.measured_pairs(device).entries
        key = kept_front.front_key(sha256, question.costs, *options, pairs) if sha256 else None
        kept_rows = key and kept_front.load(key, len(rows), len(metrics), N_CODES, n_images)
        if kept_rows:
            with contextlib.suppress(StaleFrontError):
                front = answer(kept_rows)
        if front is None:
            started = time.perf_counter()
            try:
                found = exact_front(question, on_progress=on_progress)
            except FrontInterrupted as interrupt:
                interrupt.front = answer(interrupt.front)
                raise
            if not len(found.cut):
                best = {n: self._reach(question, n) for n in limits}
                raise unreachable(limits, best, f"on {device}")
            front = answer(found)
            if key and time.perf_counter() - started >= kept_front.WORTH_S:
                kept_front.store(key, found)
        if whole:
            self._fronts[(device, *objectives)] = front
        return front

    def _usable(self, device: str, figures: set[str]) -> NDArray[np.intp]:
        """Rows of the inherited networks that have all these figures on a device."""
        costs, rows = self.costs(device), self.table.rows()
        column = {
            "latency_p95_ms": "latency_ms",
            "latency_worst_ms": "latency_ms",
            "peak_memory_mib": "weights_mib",
        }
        usable = np.ones(len(rows), bool)
        for name in figures & {*PAIR_COSTS}:
            usable &= np.isfinite(getattr(costs, column.get(name, name))[rows])
        return np.asarray(rows[usable])

    def _question(
        self,
        rows: NDArray[np.intp],
        metrics: Sequence[str],
        costs: NetworkCosts,
        objectives: tuple[str, ...],
        limits: dict[str, float],
        n_thresholds: int,
        device: str,
    ) -> Question:
        counts = self._split("val")
        tally = counts.tally if len(rows) == len(self.table) else counts.tally.take(rows)

        def entry(gate: str) -> Any:
            if get_gate(gate).kind == "pairwise":
                return outcome_codes(gate)
            return lambda i: counts.codes(gate, int(rows[i]))

        gates = [entry(m) for m in metrics]
        cuts = np.unique(np.linspace(0, N_CODES, n_thresholds + 1).round().astype(np.int64))
        used, ids = costs.take(rows), self.table.networks["architecture"][rows]
        measured = self.measured_pairs(device)

        def shared(little: int, gate: int) -> SharedCosts | None:
            if str(ids[little]) not in measured.littles:
                return None
            return measured.shared(metrics[gate], (ids[little], ids), (used.take([little]), used))

        return Question(tally, gates, used, objectives, limits, cuts, shared if measured else None)

    def _front(
        self,
        found: FrontRows,
        rows: NDArray[np.intp],
        metrics: Sequence[str],
        question: Question,
        device: str,
        n_left_out: int,
    ) -> Front:
        thresholds = np.stack([self._thresholds(m) for m in metrics])
        names = np.array(metrics)[found.gate]
        masks = {m: names == m for m in np.unique(names).tolist()}
        little, big = rows[found.little], rows[found.big]
        both = [
            self._points(
                little,
                big,
                masks,
                found.cut,
                names,
                thresholds[found.gate, found.cut],
                device,
                split,
            )
            for split in ("val", "test")
        ]
        if not np.array_equal(both[0].accuracy, found.hits / question.tally.n_images):
            raise StaleFrontError("the counts of a front are not those of its points")
        return Front(
            points=both[1],
            chosen=both[0],
            objectives=tuple(question.objectives),
            device=device,
            n_pairs=len(rows) * found.n_littles,
            n_points=found.n_points,
            n_counted=found.n_counted,
            n_left_out=n_left_out,
            complete=found.n_littles == len(rows),
        )

    def _reach(self, question: Question, name: str) -> float:
        """The best value of one figure over all points, whatever the others."""
        found = exact_front(replace(question, objectives=(name,), limits={}))
        if name in ("accuracy", "error"):
            accuracy = float(found.hits[0] / question.tally.n_images)
            return accuracy if name == "accuracy" else 1.0 - accuracy
        if name == "escalation_rate":
            return 0.0
        i, j, gate = (int(column[0]) for column in (found.little, found.big, found.gate))
        # No cost falls when more is escalated; a pair that runs as one graph is another matter.
        shared, rate, codes = None, 0.0, question.gates[gate]
        if question.shared is not None and callable(codes):
            shared = question.shared(i, gate)
            rate = float(np.mean(codes(i) < found.cut[0]))
        first = question.costs.take([i])
        return float(pair_costs(first, question.costs, rate, shared)[name][j])

    # ---- how far from the optimum ----------------------------------------------------------
    def reference(
        self, device: str, objectives: Sequence[str] = ("error", "latency_ms")
    ) -> Reference:
        """The box in which fronts are compared, and the hypervolume of the true one.

        As it stands with the table; worked out from the true front where the table has none.
        """
        key = (device, *objectives)
        if key not in self._references:
            stored = self.table.reference_points.get(device, {}).get(",".join(objectives))
            if device in self.devices and self.table.incomplete(device):
                stored = None  # it is of the few networks that had a figure when it was made
            self._references[key] = (
                Reference.from_dict(stored) if stored else self.true_reference(device, objectives)
            )
        return self._references[key]

    def true_reference(self, device: str, objectives: Sequence[str]) -> Reference:
        """The reference box of the true front, worked out anew."""
        front = self.front(device, objectives)
        return reference_of(_values(front.chosen, objectives), objectives)

    def reference_points(self) -> dict[str, dict[str, Any]]:
        """What is kept with a table: the boxes of ``REFERENCE_SETS`` by device, as plain JSON.

        Sets with a figure that no network has on a device are left out there.
        """
        out: dict[str, dict[str, Any]] = {}
        for device in self.devices:
            has = {n for n in PAIR_COSTS if len(self._usable(device, {n}))}
            out[device] = {
                ",".join(names): self.true_reference(device, names).as_dict()
                for names in REFERENCE_SETS
                if {*names} & {*PAIR_COSTS} <= has
            }
        return out

    def regret(
        self,
        points: Points | Front,
        device: str,
        objectives: Sequence[str] = ("error", "latency_ms"),
    ) -> float:
        """Normalised hypervolume regret: the share of the true front's hypervolume that is missing.

        0 means as good as the true front. The points are evaluated anew on ``val``, where fronts
        are chosen, so it does not matter what anyone promised of them.

        Args:
            points: any operating points of networks of this table.
            device: name of a device of the table.
            objectives: two or more figures.

        Raises:
            TableError: a network that is not in the table.

        Source: Zitzler and Thiele 1999 (hypervolume), by pymoo.
        """
        given = points.points if isinstance(points, Front) else points
        box = self.reference(device, objectives)
        if not len(given):
            return 1.0
        values = _values(self.reported(given, device, "val"), objectives)
        reached = hypervolume(values, box.utopian, box.nadir)
        return 1.0 - reached / box.hypervolume


def _values(points: Points, objectives: Sequence[str]) -> NDArray[np.float64]:
    wanted = [get_figure(o) for o in objectives]
    return np.stack([o.minimised(points.figure(o.name)) for o in wanted], axis=1)


def _best(points: Points, name: str) -> float:
    signed = get_figure(name).minimised(points.figure(name))
    return float(points.figure(name)[int(np.nanargmin(signed))])
