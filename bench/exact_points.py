"""Exact evaluation of operating points of a table, given by rows: what is read is read once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .better_alone import better_alone, compared_by
from .cost import PAIR_COSTS, NetworkCosts, SharedCosts, pair_costs
from .counts import Counts
from .device import load_device, shipped_devices, user_devices
from .errors import GateError, TableError, UnknownNameError
from .gate import Gate
from .gates import get_gate
from .latency import LatencyModel
from .limits import COLUMN_OF
from .measured_pairs import MeasuredPairs, whole_provenance
from .pair import Pair
from .plain_text import plain
from .points import OperatingPoint, Points
from .provenance import MemberWords, asked, pair_provenance, with_answers, words_taken
from .table import Table


class ExactPoints:
    """Counts, costs and thresholds of a table's networks, and operating points made of them.

    Args:
        table: the table whose networks are evaluated.
    """

    def __init__(self, table: Table) -> None:
        self.table = table
        self.couplings = table.couplings
        self._measured_pairs: dict[str, MeasuredPairs] = {}
        self._costs: dict[str, NetworkCosts] = {}
        self._counts: dict[str, Counts] = {}
        self._thresholds: dict[str, NDArray[np.float64]] = {}
        self._words: dict[str, dict[str, str]] = {}
        self._answers = dict.fromkeys(("accuracy", "escalation_rate"), table.answers_word)

    def costs(self, device: str) -> NetworkCosts:
        """Costs of all networks, in the order of the table's rows.

        Raises:
            UnknownNameError: no device has this name; the message gives the nearest.
        """
        if device not in self._costs:
            self._costs[device] = self.table.costs(device)
        return self._costs[device]

    def assume(self, device: str, costs: NetworkCosts) -> None:
        """Puts costs of all rows under the name of a device that nothing else has.

        Raises:
            TableError: the name is taken, or the costs are of another number of networks.
        """
        if device in {*self.table.devices, *shipped_devices(), *user_devices()}:
            raise TableError(f"there is a device {device!r} already; assume costs of another name.")
        if len(costs.latency_ms) != len(self.table):
            raise TableError(
                f"costs of {len(costs.latency_ms)} networks were given, the table "
                f"{self.table.name!r} has {len(self.table)}."
            )
        self._costs[device] = costs

    def predicting(self, device: str, precisions: Sequence[str] = ()) -> tuple[LatencyModel, ...]:
        """What predicts latencies on a device, by precision; nothing where none is predicted.

        Args:
            device: name of a device, or the path of a profile.
            precisions: of the networks that are asked about; none: those of the table's fronts.

        Raises:
            UnknownNameError: no device has this name.
        """
        if self._of_space(device)["latency_ms"] != "predicted":
            return ()
        try:
            profile = load_device(device)
        except UnknownNameError:  # a device that only this table has
            return ()
        asked_for = precisions or self.table.precisions
        return tuple(profile.latency_in(precision) for precision in asked_for)

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

    def shared(
        self, device: str, gate: str | NDArray[np.str_], little: Any, big: Any, costs: NetworkCosts
    ) -> SharedCosts | None:
        """What pairs given by rows share, and take where they were measured end to end.

        None where they share nothing and none was measured.
        """
        one = isinstance(little, int)
        coupled = self.couplings.one if one else self.couplings.shared
        both = coupled(little, big, costs)
        pairs, ids = self.measured_pairs(device), self.table.names
        if not pairs:
            return both
        parts = costs.take(little), costs.take(big)
        return pairs.shared(gate, (ids[little], ids[big]), parts, both)

    def provenance(self, device: str) -> dict[str, str]:
        """How the figures of pairs on a device come about, by field: the least founded words."""
        if device not in self._words:
            self._words[device] = {**self._answers, **pair_provenance(self._of_space(device))}
        return dict(self._words[device])

    def _of_space(self, device: str) -> Mapping[str, str]:
        """How the figures of the networks of the space came about on a device."""
        return words_taken(self.costs(device).provenance, ~self.table.outside)

    def words(
        self, device: str, *networks: NetworkCosts, reach: Sequence[ArrayLike] = ()
    ) -> Mapping[str, str]:
        """How figures of pairs or cascades of these networks on a device come about, by field.

        Args:
            device: name of a device, or the path of a profile.
            networks: costs of the networks, in the order in which they are asked.
            reach: share of inputs that reaches each network but the first one. Where it is 0, a
                network does not count; all of them do where nothing is given.
        """
        if not isinstance(self.costs(device).provenance, MemberWords):
            return self.provenance(device)
        parts = networks[0].provenance
        for network, share in zip(networks[1:], reach or [1.0] * len(networks), strict=False):
            parts = asked(parts, network.provenance, share)
        return with_answers(pair_provenance(parts), parts, self._answers)

    def counts(self, split: str) -> Counts:
        """Counts of the answers to the images of a split, "val" or "test"."""
        if split not in self._counts:
            table = self.table  # and not self, which keeps the counts: memory is free at once
            self._counts[split] = Counts(
                table.predictions(split).correct,
                lambda gate, row: table.codes_of(gate, split, [row])[0],
                table.answers_word,
                lambda gate, first, second: table.gate_codes.of_two(gate, split, first, second),
            )
        return self._counts[split]

    def thresholds(self, gate: str) -> NDArray[np.float64]:
        """The thresholds of a gate that matter, shape (257,), read-only."""
        if gate not in self._thresholds:
            self._thresholds[gate] = get_gate(gate).thresholds(self.table.n_classes)
            self._thresholds[gate].flags.writeable = False
        return self._thresholds[gate]

    def rows(self, networks: ArrayLike) -> NDArray[np.intp]:
        """Rows of inherited networks given by ids or by rows, of the same shape.

        Raises:
            TableError: a network or a row that is not in the table.
        """
        given = np.asarray(networks)
        if given.dtype.kind == "U":
            unique, back = np.unique(given, return_inverse=True)
            rows = np.array([self.table.network_row(str(a)) for a in unique], np.intp)
            return np.asarray(rows[back].reshape(given.shape))
        if given.dtype.kind not in "iu":
            raise TableError(f"networks are ids or rows of the table, not {given.dtype}.")
        if given.size and not (given.min() >= 0 and given.max() < len(self.table)):
            raise TableError(
                f"row {int(given.min() if given.min() < 0 else given.max())} is not in table "
                f"{self.table.name!r}, whose rows are 0 to {len(self.table) - 1}."
            )
        return given.astype(np.intp, copy=False)

    def usable(self, device: str, figures: set[str]) -> NDArray[np.intp]:
        """Rows of the inherited networks, cut ones too, that have these figures on a device."""
        costs, rows = self.costs(device), self.table.rows(exits=True)
        usable = np.ones(len(rows), bool)
        for name in figures & {*PAIR_COSTS}:
            usable &= np.isfinite(getattr(costs, COLUMN_OF.get(name, name))[rows])
        return np.asarray(rows[usable])

    def points(
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
        """Operating points of n pairs given by rows, everything of shape (n,).

        Args:
            little: rows of the little networks.
            big: rows of the big networks.
            gates: which of the points each gate decides, a mask or a slice by its name.
            cut: code below which each point escalates, 0 to 256.
            names: name of the gate of each point.
            threshold: threshold of each point, in the unit of its gate.
            device: name of a device, or the path of a profile.
            split: whose images to count, "val" or "test".
        """
        counts, costs = self.counts(split), self.costs(device)
        escalated, hits = np.empty(len(cut), np.int64), np.empty(len(cut), np.int64)
        for gate, mask in gates.items():
            escalated[mask], hits[mask] = counts.many(gate, little[mask], big[mask], cut[mask])
        rate, ids = escalated / counts.n_images, self.table.names
        shared = self.shared(device, names, little, big, costs)
        first, second = costs.take(little), costs.take(big)
        words = self.words(device, first, second, reach=[rate])
        return Points(
            little=ids[little],
            big=ids[big],
            gate=names,
            threshold=threshold,
            accuracy=hits / counts.n_images,
            escalation_rate=rate,
            **pair_costs(first, second, rate, shared),
            provenance=whole_provenance(words, shared, rate),
            split=split,
            coupling=self.couplings.names(little, big),
        )

    def price(
        self, little: int, big: int, gate: str, rate: float, device: str
    ) -> tuple[dict[str, float | None], Mapping[str, str]]:
        """What a pair given by rows costs where a share of the inputs is escalated, in its words.

        Returns:
            (values, words): figures by name, None where there is none, and their provenance.
        """
        costs = self.costs(device)
        shared = self.shared(device, gate, little, big, costs)
        first, second = costs.one(little), costs.one(big)
        figures = pair_costs(first, second, rate, shared)
        values = {k: None if v != v else float(v) for k, v in figures.items()}
        words = self.words(device, first, second, reach=[rate])
        return values, whole_provenance(words, shared, rate)

    def point(self, pair: Pair, gate: Gate, device: str, split: str) -> OperatingPoint:
        """The operating point of a pair under a gate; see ``Benchmark.query``."""
        little, big = self.table.pair_rows(pair)
        counts, costs = self.counts(split), self.costs(device)
        escalated, hits = counts.point(gate.metric, little, big, gate.cut(self.table.n_classes))
        rate = escalated / counts.n_images
        values, words = self.price(little, big, gate.metric, rate, device)
        ids, others = self.table.names, self.table.comparable((little, big))
        limits = compared_by(values)
        alone = better_alone((little, big), ids, hits, limits, costs, counts, counts, others)
        return OperatingPoint(
            better_alone=alone,
            little=pair.little,
            big=pair.big,
            gate=gate.metric,
            threshold=float(gate.threshold),
            accuracy=hits / counts.n_images,
            escalation_rate=rate,
            provenance=words,
            coupling=self.couplings.one_name(little, big),
            **values,
        )

    def many(
        self,
        little: ArrayLike,
        big: ArrayLike,
        gate: str | ArrayLike,
        threshold: ArrayLike,
        device: str,
        split: str,
    ) -> Points:
        """Many operating points at once, of arrays that broadcast; see ``Benchmark.query_many``."""
        names = np.asarray(gate)
        rows = [self.rows(little), self.rows(big)]
        first, second, names, values = np.broadcast_arrays(*rows, names, _numbers(threshold))
        first, second, names, values = (
            np.atleast_1d(a).ravel() for a in (first, second, names, values)
        )
        kinds = [str(names[0])] if np.ndim(gate) == 0 and len(names) else np.unique(names).tolist()
        cut = np.empty(len(values), np.int64)
        masks = {k: slice(None) if len(kinds) == 1 else names == k for k in kinds}
        for kind, mask in masks.items():
            cut[mask] = get_gate(kind).cut(values[mask], self.table.n_classes)
        return self.points(first, second, masks, cut, names, values, device, split)


def _numbers(threshold: ArrayLike) -> NDArray[np.float64]:
    """Thresholds as an array.

    Raises:
        GateError: some are not numbers.
    """
    try:
        values = np.asarray(threshold)
        if values.dtype.kind in "fiuO":
            return values.astype(np.float64)
    except (TypeError, ValueError):  # objects that are no numbers, or rows of several lengths
        pass
    raise GateError(
        f"thresholds {plain(repr(threshold))[:60]} are not numbers; expected one of all points, or "
        "one of each, in the unit of its gate."
    )
