"""How far a front is from the optimum: reference boxes of true fronts, and regret in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .cost import PAIR_COSTS, answered_ms
from .exact_points import ExactPoints
from .figures import get_figure
from .fronts import Fronts
from .gates import N_CODES
from .hypervolume import Reference, hypervolume, reference_of
from .points import Points
from .provenance import LATENCIES

#: Objective sets whose reference box is kept with a table.
REFERENCE_SETS = (
    ("error", "latency_ms"),
    ("error", "energy_mj"),
    ("error", "macs"),
    ("error", "latency_ms", "peak_memory_mib"),
)


class References:
    """Reference boxes of a table's true fronts, each worked out once.

    Args:
        exact: the exact evaluation of the table's operating points.
        fronts: the exact fronts of the same table.
    """

    def __init__(self, exact: ExactPoints, fronts: Fronts) -> None:
        self._exact, self._table, self._fronts = exact, exact.table, fronts
        self._references: dict[tuple[str, ...], Reference] = {}

    def reference(self, device: str, objectives: Sequence[str]) -> Reference:
        """The box in which fronts are compared; see ``Benchmark.reference``."""
        key = (device, *objectives)
        if key not in self._references:
            stored = self._table.reference_points.get(device, {}).get(",".join(objectives))
            if device in self._table.devices and self._table.incomplete(device):
                stored = None  # it is of the few networks that had a figure when it was made
            if stored and self._lacks_cheapest(device, stored):
                stored = None
            self._references[key] = (
                Reference.from_dict(stored) if stored else self.true_reference(device, objectives)
            )
        return self._references[key]

    def _lacks_cheapest(self, device: str, stored: Mapping[str, Any]) -> bool:
        """Whether a box lacks the cheapest network alone, which is on every true front.

        So do boxes made when every point counted two networks, or before there were exits.
        """
        rows = self._exact.usable(device, {*stored["objectives"]})
        costs = self._exact.costs(device).take(rows)
        alone = {
            **{name: getattr(costs, name) for name in ("energy_mj", "macs", "params")},
            **dict.fromkeys(LATENCIES, answered_ms(costs.latency_ms, costs.gate_ms)),
            "peak_memory_mib": costs.weights_mib + costs.activation_mib,
        }
        return any(
            low > np.nanmin(alone[name]) * (1 + 1e-9)
            for name, low in zip(stored["objectives"], stored["utopian"], strict=True)
            if name in alone
        )

    def true_reference(self, device: str, objectives: Sequence[str]) -> Reference:
        """The reference box of the true front, worked out anew."""
        front = self._fronts.front(device, objectives, None, None, N_CODES, None, None)
        return reference_of(_values(front.chosen, objectives), objectives)

    def reference_points(self) -> dict[str, dict[str, Any]]:
        """The boxes of ``REFERENCE_SETS`` by device, as plain JSON."""
        out: dict[str, dict[str, Any]] = {}
        for device in self._table.devices:
            has = {n for n in PAIR_COSTS if len(self._exact.usable(device, {n}))}
            out[device] = {
                ",".join(names): self.true_reference(device, names).as_dict()
                for names in REFERENCE_SETS
                if {*names} & {*PAIR_COSTS} <= has
            }
        return out

    def regret(self, points: Points, device: str, objectives: Sequence[str]) -> float:
        """Share of the true front's hypervolume that points evaluated on ``val`` miss."""
        box = self.reference(device, objectives)
        if not len(points):
            return 1.0
        values = _values(points, objectives)
        reached = hypervolume(values, box.utopian, box.nadir)
        return 1.0 - reached / box.hypervolume


def _values(points: Points, objectives: Sequence[str]) -> NDArray[np.float64]:
    wanted = [get_figure(o) for o in objectives]
    return np.stack([o.minimised(points.figure(o.name)) for o in wanted], axis=1)
