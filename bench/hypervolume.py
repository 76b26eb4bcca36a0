"""The hypervolume of a set of points, and the box it is measured in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .errors import ConstraintError

MARGIN = 0.1  # of the front's extent, so that its ends count as well


@dataclass(frozen=True)
class Reference:
    """The box in which the fronts of one device and one set of objectives are compared.

    It stands with the table, so that figures of different papers can be compared.

    Attributes:
        objectives: names; everything minimised (of accuracy, its negative).
        utopian: the smallest value of each objective on the true front.
        nadir: the largest value of each objective on the true front, and a tenth of its extent.
        hypervolume: hypervolume of the true front, as a share of the box.
        n_points: number of points of the true front.
    """

    objectives: tuple[str, ...]
    utopian: tuple[float, ...]
    nadir: tuple[float, ...]
    hypervolume: float
    n_points: int

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Reference:
        """What ``as_dict`` gave."""
        return cls(
            objectives=tuple(stored["objectives"]),
            utopian=tuple(stored["utopian"]),
            nadir=tuple(stored["nadir"]),
            hypervolume=float(stored["hypervolume"]),
            n_points=int(stored["n_points"]),
        )

    def as_dict(self) -> dict[str, Any]:
        """As plain JSON."""
        return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}


def reference_of(values: NDArray[np.float64], objectives: Sequence[str]) -> Reference:
    """The reference box of a true front.

    Args:
        values: objectives of the points, everything minimised, shape (n, n_objectives).
        objectives: names of the objectives, in the order of the columns.

    >>> reference_of(np.array([[0.1, 2.0], [0.3, 1.0]]), ("error", "latency_ms")).nadir
    (0.32, 2.1)
    """
    low, high = values.min(axis=0), values.max(axis=0)
    nadir = high + MARGIN * np.where(high > low, high - low, np.maximum(np.abs(high), 1.0))
    return Reference(
        objectives=tuple(objectives),
        utopian=tuple(low.tolist()),
        nadir=tuple(nadir.tolist()),
        hypervolume=hypervolume(values, low.tolist(), nadir.tolist()),
        n_points=len(values),
    )


def hypervolume(values: ArrayLike, ideal: Sequence[float], nadir: Sequence[float]) -> float:
    """Share of the box between ideal and nadir that the values dominate, in [0, 1].

    Args:
        values: objectives of the points, everything minimised, in their own units, shape (n,
            n_objectives). Rows at or beyond the nadir add nothing, rows beyond the ideal count as
            the ideal.
        ideal: the best value of each objective.
        nadir: the worst value of each objective that still counts.

    Raises:
        ConstraintError: the nadir is not above the ideal in every objective.

    Source: Zitzler and Thiele 1999; computed by pymoo, on objectives scaled to [0, 1].

    >>> hypervolume([[0.1, 5.0]], ideal=(0.0, 0.0), nadir=(0.2, 20.0))
    0.375
    """
    from pymoo.indicators.hv import HV

    low, high = np.asarray(ideal, np.float64), np.asarray(nadir, np.float64)
    if low.shape != high.shape or not bool(np.all(low < high)):
        raise ConstraintError(f"nadir {list(nadir)} must exceed ideal {list(ideal)} everywhere.")
    rows = np.asarray(values, np.float64).reshape(-1, len(low))
    scaled = (rows - low) / (high - low)
    scaled = np.clip(scaled[(scaled < 1).all(axis=1)], 0.0, None)
    if not len(scaled):
        return 0.0
    return float(HV(ref_point=np.ones(len(low)))(scaled))
