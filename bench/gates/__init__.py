"""Gate metrics, one file each: what a gate looks at to decide whether the big network is asked."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from ..errors import GateError
from ..registry import Registry
from ._metric import N_CODES, GateMetric
from ._score import (
    VALUES,
    Answers,
    DerivedGate,
    GateRule,
    PairedGate,
    PairwiseGate,
    Scorer,
    StageGate,
    score_codes,
)


def _complaint(entry: object) -> str:
    """What keeps an object from being a gate that somebody adds."""
    if isinstance(entry, GateMetric):
        return (
            "it is computed from probabilities, of which tables keep shipped metrics alone; give a "
            "DerivedGate, which scores stored answers"
        )
    kinds = (DerivedGate, PairedGate, StageGate, PairwiseGate)
    if not isinstance(entry, kinds):
        names = ", ".join(kind.__name__ for kind in kinds)
        return f"got an object of type {type(entry).__name__}, expected one of {names}"
    return ""


GATES = Registry(
    "gate metric", __name__, Path(__file__).parent, "METRIC", "biglittle.gates", _complaint
)


@cache
def get_gate(name: str) -> GateRule:
    """The gate metric called ``name``, of whatever kind.

    Raises:
        UnknownNameError: no gate metric has this name.
    """
    return cast(GateRule, GATES.load(name))


@cache
def stored_metrics() -> tuple[str, ...]:
    """Names of the metrics that tables store, sorted."""
    return tuple(name for name in GATES.shipped() if get_gate(name).kind == "stored")


def pair_gates() -> tuple[str, ...]:
    """Names of the gates that any pair of any table can have, sorted.

    Left out are those that stand behind a second little network, and those that need values that
    files do not keep.
    """
    rules = {name: get_gate(name) for name in GATES.names()}
    return tuple(n for n, r in rules.items() if r.kind != "stage" and not getattr(r, "needs", ()))


def get_metric(name: str) -> GateMetric:
    """The stored gate metric called ``name``.

    Raises:
        UnknownNameError: no gate metric has this name.
        GateError: a gate that is not stored.
    """
    metric = get_gate(name)
    if not isinstance(metric, GateMetric):
        raise GateError(
            f"gate {name!r} is {metric.kind}, not stored in tables; expected one of "
            f"{', '.join(stored_metrics())}."
        )
    return metric


def pair_codes(
    name: str, little_right: NDArray[np.bool_], big_right: NDArray[np.bool_]
) -> NDArray[np.uint8]:
    """Codes 0 to 255 of a pairwise gate; answers with a code below the cut are escalated.

    Args:
        name: name of the pairwise gate.
        little_right: whether the little networks are right, bool, any shape.
        big_right: whether the big networks are right, of a shape that broadcasts with it.

    Raises:
        UnknownNameError: no gate metric has this name.
        GateError: a gate that does not look at both networks.
    """
    gate = get_gate(name)
    if not isinstance(gate, PairwiseGate):
        raise GateError(
            f"gate {name!r} is {gate.kind}: it looks at answers alone, not at who is right; take "
            "its codes from Table.codes_of, or of two networks from Codes.of_two."
        )
    return score_codes(gate.compare(np.asarray(little_right), np.asarray(big_right)))


__all__ = [
    "GATES",
    "N_CODES",
    "VALUES",
    "Answers",
    "DerivedGate",
    "GateMetric",
    "GateRule",
    "PairedGate",
    "PairwiseGate",
    "Scorer",
    "StageGate",
    "get_gate",
    "get_metric",
    "pair_codes",
    "pair_gates",
    "score_codes",
    "stored_metrics",
]
