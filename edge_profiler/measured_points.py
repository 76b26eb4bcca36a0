"""What a measured profile says of one operating point, and how each figure came about."""

from __future__ import annotations

import math
from typing import Any

from ..bench.cost import TAIL, answered_ms, mean_cost
from ..bench.device_profile import DeviceProfile
from ..bench.points import Points
from ..bench.provenance import words_at
from ..bench.rows import NetworkKey

FIGURES = ("latency_ms", "latency_p95_ms", "energy_mj", "peak_memory_mib")


def point_record(points: Points, i: int, measured: DeviceProfile) -> dict[str, Any]:
    """A point's predicted and measured figures, each with how it came about.

    A mean is measured where both branches were measured end to end and the rate was measured, too:
    weighed by a rate that is predicted, measured branches give a modelled mean.

    Args:
        points: points of the front.
        i: row of the point.
        measured: the profile that was measured.
    """
    little, big = str(points.little[i]), str(points.big[i])
    rate = float(points.escalation_rate[i])
    # Of an exit and its own network the parts alone do not say what the pair takes: they are run
    # and held once, and nobody measured how much of both that is.
    apart = rate == 0 or not _is_prefix(little, big)
    figures: dict[str, tuple[float | None, str]] = dict.fromkeys(FIGURES, (None, ""))
    whole = _whole(measured, little, big, str(points.gate[i])) if rate > 0 else None
    first, second = measured.listed_ms.get(little), measured.listed_ms.get(big)
    if whole is not None:
        little_ms, both_ms, word = whole
        if rate_word(points, i) != "measured":
            word = "modelled"
    elif apart and first is not None and (second is not None or rate == 0):
        little_ms = answered_ms(first, measured.gate_ms)
        both_ms = mean_cost(little_ms, second or 0.0, 1.0)
        word = "measured" if rate == 0 else "modelled"
    else:
        little_ms = both_ms = math.nan
        word = ""
    if word:
        for name, share in (("latency_ms", rate), ("latency_p95_ms", float(rate > TAIL))):
            figures[name] = (mean_cost(little_ms, both_ms, share, shared=little_ms), word)
    for name, listed, share in (
        ("energy_mj", measured.listed_energy_mj, rate),
        ("peak_memory_mib", measured.listed_memory_mib, 1.0 if rate > 0 else 0.0),
    ):
        if apart and little in listed and (big in listed or share == 0):
            total = mean_cost(listed[little], listed[big] if share else 0.0, share)
            figures[name] = (total, "modelled" if share else "measured")
    promised = {name: _none(points.figure(name)[i]) for name in FIGURES}
    return {
        "little": little,
        "big": big,
        "gate": str(points.gate[i]),
        "threshold": float(points.threshold[i]),
        "accuracy": float(points.accuracy[i]),
        "escalation_rate": rate,
        "branches": "" if whole is None else whole[2],
        **{
            name: {"predicted": promised[name], "measured": value, "provenance": word}
            for name, (value, word) in figures.items()
        },
    }


def rate_word(points: Points, i: int) -> str:
    """How the escalation rate of a point came about; points of a search and of a table differ."""
    return words_at(points.provenance, i).get("escalation_rate", "unknown")


def _is_prefix(little: str, big: str) -> bool:
    """Whether little is an exit of big's architecture, by their names."""
    own, other = NetworkKey.parse(little), NetworkKey.parse(big)
    same = (own.architecture, own.precision) == (other.architecture, other.precision)
    return bool(own.exit) and same


def _none(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _whole(
    measured: DeviceProfile, little: str, big: str, gate: str
) -> tuple[float, float, str] | None:
    """What a pair took as one graph, kept and escalated, in ms, and how that came about.

    Under another gate than the one it was measured with it is a model: the nodes differ.
    """
    whole = [
        pair
        for pair in measured.pairs
        if (pair["little"], pair["big"]) == (little, big) and pair.get("escalated_ms") is not None
    ]
    for pair in sorted(whole, key=lambda p: bool(p["gate"] != gate)):
        word = "measured" if pair["gate"] == gate else "modelled"
        return float(pair["kept_ms"]), float(pair["escalated_ms"]), word
    return None
