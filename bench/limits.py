"""Upper limits on the figures of operating points, as a user gives them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import ConstraintError
from .objective import get_objective


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
