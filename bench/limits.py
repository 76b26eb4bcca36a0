"""Upper limits on the figures of operating points, as a user gives them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import ConstraintError
from .figures import get_figure


def within(points: Any, limits: Mapping[str, float]) -> NDArray[np.bool_]:
    """Which points respect every limit: at most, or at least for what is maximised."""
    ok = np.ones(len(points), bool)
    for name, limit in limits.items():
        figure = get_figure(name)
        signed = float(figure.minimised(np.array([limit]))[0])
        ok &= figure.minimised(points.figure(name)) <= signed
    return ok


def within_text(limits: Mapping[str, float]) -> str:
    """Limits as the end of a sentence's part: " within latency_ms 15", or "" for none."""
    listed = ", ".join(f"{name} {limit:g}" for name, limit in limits.items())
    return f" within {listed}" if listed else ""


def best_of(points: Any, name: str) -> float:
    """The best value of a figure among points, at least one of which has it."""
    values = points.figure(name)
    return float(values[int(np.nanargmin(get_figure(name).minimised(values)))])


def unreachable(
    limits: Mapping[str, float], best: Mapping[str, float], where: str
) -> ConstraintError:
    """The error for limits that nothing meets; says what the best reachable is."""
    wanted = ", ".join(f"{name} {limit:g}" for name, limit in limits.items())
    reach = ", ".join(f"{name} {value:.4g}" for name, value in best.items())
    return ConstraintError(
        f"no operating point {where} meets the limits ({wanted}). The best reachable, each by "
        f"itself: {reach}. Loosen the limits."
    )
