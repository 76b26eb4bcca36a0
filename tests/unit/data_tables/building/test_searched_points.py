"""Evaluated points by hand."""

from __future__ import annotations

import json

import numpy as np
import pytest

pytest.importorskip("scipy")
from biglittle.bench.gates import get_metric
from biglittle.data_tables.building.searched_points import agreement, evaluated_point


def test_agreement_by_hand() -> None:
    rows = [
        {"accuracy": 0.8, "low": 0.75, "high": 0.85, "evaluated_accuracy": 0.7},
        {"accuracy": 0.6, "low": 0.55, "high": 0.65, "evaluated_accuracy": 0.62},
    ]
    found = agreement(rows)
    assert found["n"] == 2
    assert found["optimism"] == pytest.approx(0.04)
    assert found["mae"] == pytest.approx(0.06)
    assert found["worst"] == pytest.approx(0.1)
    assert found["coverage"] == 0.5
    assert found["kendall_tau"] == pytest.approx(1)
    alone = agreement(rows[:1])
    assert (alone["kendall_tau"], alone["standard_error"]) == (None, None)
    json.dumps(alone, allow_nan=False)


def test_an_evaluated_point_is_counted() -> None:
    labels = np.zeros(4, np.uint8)
    little = {"top1": np.array([0, 0, 1, 1], np.uint8), "margin": np.array([9, 200, 9, 200])}
    big = {"top1": np.array([0, 1, 0, 0], np.uint8), "margin": np.zeros(4)}
    point = {"gate": "margin", "threshold": float(get_metric("margin").thresholds(10)[100])}
    found = evaluated_point(point, little, big, labels, 10)
    assert found == {"evaluated_accuracy": 0.75, "evaluated_escalation_rate": 0.5}
