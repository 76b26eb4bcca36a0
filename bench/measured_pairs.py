"""Pairs that a device measured end to end, whose latency wins over the sum of their parts.

A pair as one graph takes another time than its networks one after the other: the runtime plans it
as a whole. Where a device profile holds such a measurement, every latency of that pair under that
gate follows from it, in questions, fronts and searches alike.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .cost import NOTHING_SHARED, NetworkCosts, SharedCosts, answered_ms
from .provenance import LATENCIES, chosen


class MeasuredPairs:
    """The usable entries among the pairs of a device profile.

    Args:
        entries: as they stand under ``pairs``; those that failed or are not measurements are left
            out.

    Attributes:
        entries: little, big, gate, and milliseconds when little answers and when big is asked.
        littles: ids of the little networks.
    """

    def __init__(self, entries: Sequence[Mapping[str, Any]] = ()) -> None:
        self.entries = tuple(
            (str(e["little"]), str(e["big"]), str(e["gate"]), float(kept_ms), float(escalated_ms))
            for e in entries
            if (kept_ms := e.get("kept_ms")) is not None
            and (escalated_ms := e.get("escalated_ms")) is not None
            and e.get("provenance") == "measured"
        )
        self.littles = frozenset(entry[0] for entry in self.entries)

    def __bool__(self) -> bool:
        return bool(self.entries)

    def shared(
        self,
        gate: str | NDArray[np.str_],
        ids: tuple[ArrayLike, ArrayLike],
        costs: tuple[NetworkCosts, NetworkCosts],
        coupled: SharedCosts | None = None,
    ) -> SharedCosts | None:
        """What makes ``pair_figure`` give the measured latencies; ``coupled`` where none was.

        Args:
            gate: gate of each pair, one name or an array.
            ids: ids of the little and of the big networks; everything broadcasts.
            costs: costs of the same networks alone.
            coupled: what the networks share by their coupling; None: nothing.
        """
        if not self.entries:
            return coupled
        little, big, gates = (np.asarray(x, np.str_) for x in (*ids, gate))
        shape = np.broadcast_shapes(little.shape, big.shape, gates.shape)
        measured = np.zeros(shape, np.bool_)
        alone_ms, both_ms = np.zeros(shape), np.zeros(shape)
        for first, second, metric, kept_ms, escalated_ms in self.entries:
            here = (little == first) & (big == second) & (gates == metric)
            measured |= here
            alone_ms = np.where(here, kept_ms, alone_ms)
            both_ms = np.where(here, escalated_ms, both_ms)
        if not measured.any():
            return coupled
        both = NOTHING_SHARED if coupled is None else coupled
        summed_ms = answered_ms(costs[0].latency_ms, costs[0].gate_ms)
        beyond_ms = costs[1].latency_ms - (both_ms - alone_ms)
        return replace(
            both,
            latency_ms=np.where(measured, beyond_ms, both.latency_ms),
            whole_ms=np.where(measured, alone_ms - summed_ms, 0.0),
            measured=True if measured.all() else measured,
        )


def whole_provenance(
    words: Mapping[str, str], shared: SharedCosts | None, escalation_rate: ArrayLike
) -> Mapping[str, str]:
    """How figures of pairs came about, given how sums of their parts did.

    The latencies of a pair that was run end to end are measured where it escalates; of a mixture
    every pair has its own words.
    """
    if shared is None or shared.measured is False:
        return words
    run = np.asarray(shared.measured) & (np.asarray(escalation_rate) > 0)
    return chosen(run, dict.fromkeys(LATENCIES, "measured"), words)
