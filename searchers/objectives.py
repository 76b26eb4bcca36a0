"""What a search can minimise or limit: the bench's objectives, and two that follow from a point.

``latency_worst_ms`` is what an escalated input takes, or little alone where nothing is escalated;
``params`` counts the parameters of both networks.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ..bench.cost import BYTES_PER_VALUE, TAIL
from ..bench.errors import ConstraintError, UnknownNameError
from ..bench.objective import OBJECTIVES, Objective

Array = NDArray[np.float64]

#: Objectives by name.
SEARCHABLE: dict[str, Objective] = {
    **OBJECTIVES,
    "latency_worst_ms": Objective("latency_worst_ms", "ms", "min", "worst latency"),
    "params": Objective("params", "parameters", "min", "parameters"),
}
#: Those that are no field of an operating point and that an exact front does not know.
DERIVED = ("latency_worst_ms", "params")
_FRACTIONS = ("error", "accuracy", "escalation_rate")


def get_searchable(name: str) -> Objective:
    """The objective called ``name``.

    Raises:
        UnknownNameError: no such objective.
    """
    if name not in SEARCHABLE:
        raise UnknownNameError("objective", name, SEARCHABLE)
    return SEARCHABLE[name]


def checked_limits(limits: Mapping[str, float] | None) -> dict[str, float]:
    """Limits by figure, checked; of accuracy the smallest value, of all else the largest.

    Raises:
        UnknownNameError: no such figure.
        ConstraintError: no usable number.
    """
    out = {}
    for name, limit in (limits or {}).items():
        get_searchable(name)
        if not np.isfinite(limit) or limit < 0:
            raise ConstraintError(
                f"the limit {limit} on {name} is not usable; expected a number of at least 0."
            )
        if name in _FRACTIONS and limit > 1:
            raise ConstraintError(
                f"the limit {limit:g} on {name} is not usable; it is a fraction from 0 to 1 "
                f"(90 % is 0.9)."
            )
        out[name] = float(limit)
    return out


def minimised(name: str, figures: Mapping[str, Array]) -> Array:
    """A figure with the sign that makes less better."""
    return get_searchable(name).minimised(figures[name])


def worst_latency_ms(rate: Array, mean: Array, p95: Array) -> Array:
    """Latency of the slowest inputs of pairs, shape (n,), exact.

    Beyond a twentieth of escalated inputs the 95th percentile is that of an escalated one; below
    it, what little takes, and the mean says what the rest costs.
    """
    share = np.where(rate > 0, rate, 1.0)
    return np.where((rate > 0) & (rate <= TAIL), p95 + (mean - p95) / share, p95)


def pair_params(weights_mib: Array) -> Array:
    """Parameters of networks whose weights take this much memory (fp32), shape (n,)."""
    return np.rint(weights_mib * (2**20 / BYTES_PER_VALUE))
