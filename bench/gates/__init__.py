"""Gate metrics, one file each: what a gate looks at in the little network's answer."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from ..registry import Registry
from ._metric import N_CODES, GateMetric

GATES = Registry("gate metric", __name__, Path(__file__).parent, "METRIC")


def get_metric(name: str) -> GateMetric:
    """The gate metric called ``name``.

    Raises:
        UnknownNameError: no such metric.
    """
    return cast(GateMetric, GATES.load(name))


__all__ = ["GATES", "N_CODES", "GateMetric", "get_metric"]
