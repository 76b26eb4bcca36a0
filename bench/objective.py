"""Objectives: what can be minimised or limited, with unit and direction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from .errors import UnknownNameError


@dataclass(frozen=True)
class Objective:
    """A figure of an operating point that a search can aim at.

    Everything is minimised inside searchers; the sign of a figure lives here alone.

    Attributes:
        name: field of an operating point, and its name on the command line.
        unit: of the figure.
        direction: whether less or more of it is wanted.
        label: for plots and table heads.

    >>> OBJECTIVES["accuracy"].minimised(np.array([0.9])).tolist()
    [-0.9]
    """

    name: str
    unit: str
    direction: Literal["min", "max"]
    label: str

    def minimised(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """The values with the sign that makes less better."""
        return values if self.direction == "min" else -values


OBJECTIVES: dict[str, Objective] = {
    o.name: o
    for o in (
        Objective("error", "fraction", "min", "error"),
        Objective("accuracy", "fraction", "max", "accuracy"),
        Objective("escalation_rate", "fraction", "min", "escalation rate"),
        Objective("latency_ms", "ms", "min", "mean latency"),
        Objective("latency_p95_ms", "ms", "min", "p95 latency"),
        Objective("energy_mj", "mJ", "min", "mean energy"),
        Objective("macs", "MAC", "min", "mean MACs"),
        Objective("peak_memory_mib", "MiB", "min", "peak memory"),
    )
}


def get_objective(name: str) -> Objective:
    """The objective called ``name``.

    Raises:
        UnknownNameError: no such objective.
    """
    if name not in OBJECTIVES:
        raise UnknownNameError("objective", name, OBJECTIVES)
    return OBJECTIVES[name]
