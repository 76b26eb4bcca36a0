"""The curve of a pair, as a page keeps it: a few numbers a threshold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...bench.gates import N_CODES

Column = NDArray[np.float64]


@dataclass(frozen=True)
class PairCurve:
    """All operating points of one pair under one gate, or some of them, in m places.

    Attributes:
        gate: name of the gate metric.
        cuts: the cut at each place, rising, shape (m,).
        accuracy: share of right answers, shape (m,).
        escalation_rate: share of inputs that reach the big network, shape (m,).
        costs: figures of the costs by device and name, shape (m,) each.
        n_images: images behind both shares; None where they are predicted.
        val: accuracy on val, shape (m,), and how many images that is; None where nobody knows.
    """

    gate: str
    cuts: NDArray[np.int64]
    accuracy: Column
    escalation_rate: Column
    costs: Mapping[str, Mapping[str, Column]]
    n_images: int | None = None
    val: tuple[Column, int] | None = None

    def place(self, cut: int) -> int | None:
        """Where a cut stands among the places; None where it does not."""
        at = int(np.searchsorted(self.cuts, cut))
        return at if at < len(self.cuts) and self.cuts[at] == cut else None

    def record(self) -> dict[str, Any]:
        """As plain JSON: counts as differences from place to place, costs as `packed`.

        Costs that are the same on every device of several, such as MACs, stand once, under
        ``everywhere``.
        """
        n = self.n_images or PREDICTED_SCALE
        costs = {
            device: {
                name: packed(column, self.escalation_rate)
                for name, column in columns.items()
                if np.isfinite(column).all()
            }
            for device, columns in self.costs.items()
        }
        everywhere = _shared(list(costs.values()))
        return {
            "cuts": _cuts(self.cuts.tolist()),
            "n": n,
            "escalated": _differences(self.escalation_rate, n),
            "right": _differences(self.accuracy, n),
            "val": None
            if self.val is None
            else {"n": self.val[1], "right": _differences(*self.val)},
            "everywhere": everywhere,
            "costs": {
                device: {name: form for name, form in forms.items() if name not in everywhere}
                for device, forms in costs.items()
            },
        }


def _shared(devices: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The entries that several devices have in common; none where there is one device."""
    if len(devices) < 2:
        return {}
    first, *rest = devices
    return {n: form for n, form in first.items() if all(other.get(n) == form for other in rest)}


PREDICTED_SCALE = 100_000  # shares that nobody counted are kept to five digits


def _cuts(cuts: list[int]) -> dict[str, Any]:
    """Cuts as an even step and those that are no multiple of it."""
    steps = (2**k for k in range(9))
    step = next(k for k in steps if k == 256 or {*range(0, N_CODES + 1, k)} <= {*cuts})
    even = {*range(0, N_CODES + 1, step)}
    return {"step": step, "more": [cut for cut in cuts if cut not in even]}


def _differences(share: Column, n: int) -> list[int]:
    """Counts as differences from place to place; zeros at the end are left out."""
    counts = np.rint(np.asarray(share) * n).astype(np.int64)
    differences = np.diff(counts, prepend=0)
    n_kept = int(np.flatnonzero(differences).max(initial=0)) + 1
    return [int(difference) for difference in differences[:n_kept]]


def packed(column: Column, rate: Column) -> dict[str, list[Any]]:
    """A column in the shortest of three forms.

    Args:
        column: a figure at each place of a curve, shape (m,), finite.
        rate: escalation rate at the same places, shape (m,).

    Returns:
        ``line``: value without escalation, and what a rate of 1 adds to it; ``steps``: places from
        which on a value holds, with it; or ``values``, one a place.

    >>> packed(np.array([2.0, 3.0, 4.0]), np.array([0.0, 0.5, 1.0]))
    {'line': [2, 2]}
    >>> packed(np.array([2.0, 2.0, 5.0, 5.0]), np.array([0.0, 0.01, 0.5, 1.0]))
    {'steps': [[0, 2], [2, 5]]}
    """
    low, high = int(np.argmin(rate)), int(np.argmax(rate))
    across = rate[high] - rate[low]
    slope = (column[high] - column[low]) / across if across > 0 else 0.0
    base = column[low] - slope * rate[low]
    line = base + slope * rate
    if (np.abs(column - line) <= 1e-12 + 1e-9 * np.abs(line)).all():  # a third of np.allclose
        return {"line": [rounded(base), rounded(slope)]}
    starts = [0, *(np.flatnonzero(np.diff(column)) + 1).tolist()]
    if 2 * len(starts) <= len(column):
        return {"steps": [[start, rounded(column[start])] for start in starts]}
    return {"values": [rounded(value) for value in column]}


def rounded(value: float) -> float:
    """A number to six significant digits, which is more than any figure here is good for."""
    short = float(f"{float(value):.6g}")
    return int(short) if short.is_integer() else short
