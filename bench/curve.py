"""All operating points of a pair, or of one little with many bigs, under one gate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .pair import Pair


@dataclass(frozen=True)
class Curve:
    """All operating points of a pair under one gate metric, from little alone to big alone.

    Attributes:
        pair: the pair.
        gate: name of the gate metric.
        device: name of the device.
        split: whose images.
        threshold: shape (257,), in the metric's unit.
        escalation_rate: shape (257,), from 0 to 1.
        accuracy: shape (257,), fractions.
        latency_ms: mean latency, shape (257,).
        latency_p95_ms: shape (257,).
        energy_mj: mean energy, shape (257,).
        macs: mean MACs, shape (257,).
        provenance: how each figure came about, by field.
    """

    pair: Pair
    gate: str
    device: str
    split: str
    threshold: NDArray[np.float64]
    escalation_rate: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    latency_ms: NDArray[np.float64]
    latency_p95_ms: NDArray[np.float64]
    energy_mj: NDArray[np.float64]
    macs: NDArray[np.float64]
    provenance: Mapping[str, str]


@dataclass(frozen=True)
class Curves:
    """The curves of one little network with n big ones, as in ``Curve``, in one set of arrays.

    Attributes:
        little: architecture id.
        bigs: architecture ids, shape (n,).
        gate: name of the gate metric.
        device: name of the device.
        split: whose images.
        threshold: shape (257,).
        escalation_rate: shape (257,), the same for every big; (257, n) under a pairwise gate.
        accuracy: shape (257, n).
        latency_ms: shape (257, n).
        latency_p95_ms: shape (257, n).
        energy_mj: shape (257, n).
        macs: shape (257, n).
        provenance: how each figure came about, by field.
    """

    little: str
    bigs: NDArray[np.str_]
    gate: str
    device: str
    split: str
    threshold: NDArray[np.float64]
    escalation_rate: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    latency_ms: NDArray[np.float64]
    latency_p95_ms: NDArray[np.float64]
    energy_mj: NDArray[np.float64]
    macs: NDArray[np.float64]
    provenance: Mapping[str, str]
