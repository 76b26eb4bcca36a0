"""The rule of the best single network, and the front as a matrix."""

from __future__ import annotations

import numpy as np
import pytest

from biglittle.bench import Points
from biglittle.bench.errors import ConstraintError
from biglittle.searchers import SingleNetworks, best_single
from biglittle.searchers.summary import front_values


def _points(latency: list[float]) -> Points:
    n = len(latency)
    return Points(
        little=np.full(n, "a"),
        big=np.full(n, "b"),
        gate=np.full(n, "margin"),
        threshold=np.zeros(n),
        accuracy=np.full(n, 0.9),
        escalation_rate=np.full(n, 0.1),
        latency_ms=np.array(latency),
        latency_p95_ms=np.array(latency),
        latency_worst_ms=np.array(latency),
        energy_mj=np.full(n, np.nan),
        macs=np.full(n, 1e6),
        params=np.full(n, 5e5),
        peak_memory_mib=np.full(n, 2.0),
        provenance={},
    )


def _singles(accuracy: list[float], latency: list[float]) -> SingleNetworks:
    n = len(accuracy)
    return SingleNetworks(
        architecture=np.array([f"net{i}" for i in range(n)], np.str_),
        accuracy=np.array(accuracy, float),
        latency_ms=np.array(latency, float),
        energy_mj=np.full(n, np.nan),
        macs=np.full(n, 1e6),
        peak_memory_mib=np.full(n, 1.0),
        provenance={"accuracy": "predicted"},
    )


def test_best_single_is_the_most_accurate_that_is_no_slower() -> None:
    singles = _singles([0.5, 0.8, 0.6, 0.9, np.nan, 0.99], [1.0, 2.0, 3.0, 5.0, 1.5, np.nan])
    best = best_single(_points([0.9, 1.0, 1.9, 2.0, 4.0, 100.0, np.nan]), singles)
    assert best.architecture.tolist() == ["", "net0", "net0", "net1", "net1", "net3", ""]
    assert np.isnan(best.accuracy[[0, 6]]).all()
    assert best.accuracy[1:6].tolist() == [0.5, 0.5, 0.8, 0.8, 0.9]
    assert best.records()[0] is None
    assert best.provenance == singles.provenance


def test_best_single_by_a_figure_that_nothing_has() -> None:
    singles = _singles([0.5], [1.0])
    assert best_single(_points([1.0]), singles, "energy_mj").architecture.tolist() == [""]
    assert best_single(_points([1.0]), _singles([], [])).architecture.tolist() == [""]
    with pytest.raises(ConstraintError, match="escalation_rate"):
        best_single(_points([1.0]), singles, "escalation_rate")


def test_front_values_are_minimised() -> None:
    values = front_values(_points([3.0]), ("accuracy", "latency_ms"))
    assert values.tolist() == [[-0.9, 3.0]]
