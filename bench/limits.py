"""Upper limits on the figures of operating points, as a user gives them."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import ConstraintError
from .figures import get_figure

#: Column of single networks that a figure of a pair follows from, where it has another name.
COLUMN_OF = {
    "latency_p95_ms": "latency_ms",
    "latency_worst_ms": "latency_ms",
    "peak_memory_mib": "weights_mib",
    "ram_kib": "activation_mib",
    "flash_kib": "weights_mib",
}


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


def lacking(
    figures: Iterable[str], missing: Callable[[str], bool], of: str, device: str, given: bool
) -> ConstraintError:
    """The error for figures that some networks lack on a device; says which, and what to do.

    Args:
        figures: names of the figures that were asked for.
        missing: says of the name of a figure whether nothing is known of it.
        of: text that names the networks.
        device: name of the device.
        given: whether the networks are somebody's own, whose costs come with their answers.
    """
    names = sorted(name for name in set(figures) if missing(name))
    listed = " and no ".join(names) or f"network with all of {', '.join(sorted(set(figures)))}"
    others = [
        name for name in ("latency_ms", "energy_mj") if name not in names and not missing(name)
    ]
    such = f", such as {' and '.join(others)}" if others else ""
    advice = f"expected limits and objectives that the device has{such}, or other networks."
    if not given and "latency_ms" in names and device.endswith(".json"):
        advice = (
            "its profile says nothing of these networks. From 5 networks of this space on, others "
            f"are predicted; measure some: biglittle profile --networks anchors:10 --out "
            f"{shlex.quote(device)}."
        )
    if given and names:
        first = COLUMN_OF.get(names[0], names[0])
        advice = (
            f"expected figures that were given with the answers. Import them again with {first} of "
            f"every network: a column {first} in --costs FILE, or from Python "
            f'costs={{NAME: {{"{first}": ...}}}}.'
        )
    return ConstraintError(f"{of} has no {listed} on {device}; {advice}")


def check_known(
    points: Any, limits: Iterable[str], of: str, device: str, given: bool = False
) -> None:
    """Nothing, if every limited figure is known of the points of some networks.

    Raises:
        ConstraintError: names the figures that are not, as of `lacking`.
    """

    def missing(name: str) -> bool:
        return bool(np.isnan(points.figure(name)).all())

    if any(map(missing, limits)):
        raise lacking(limits, missing, of, device, given)


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
