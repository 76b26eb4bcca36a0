"""Stored metrics: their values by hand, their rounding, and thresholds beyond their range."""

from __future__ import annotations

import math

import numpy as np
import pytest

from biglittle.bench.errors import GateError
from biglittle.bench.gates import get_metric, stored_metrics

SURE, SPLIT, LOST = [1.0, 0.0, 0.0, 0.0], [0.5, 0.3, 0.2, 0.0], [0.25] * 4
BY_HAND = {
    "max_prob": [1.0, 0.5, 0.25],
    "margin": [1.0, 0.2, 0.0],
    "entropy": [0.0, -sum(p * math.log(p) for p in SPLIT if p), math.log(4)],
}


@pytest.mark.parametrize("name", stored_metrics())
def test_values_are_those_of_the_definition(name: str) -> None:
    values = get_metric(name).compute(np.array([SURE, SPLIT, LOST]))
    assert values == pytest.approx(BY_HAND[name])


@pytest.mark.parametrize("name", stored_metrics())
def test_the_end_of_the_range_is_the_last_threshold(name: str) -> None:
    metric = get_metric(name)
    top = metric.maximum(10)
    assert sorted(metric.thresholds(10)[[0, -1]]) == pytest.approx([0.0, top])
    for beyond in (-0.1, top * 1.01, float("nan")):
        with pytest.raises(GateError, match=f"outside the range of '{name}' with 10 classes"):
            metric.cut(beyond, 10)
    with pytest.raises(GateError, match="outside the range"):
        metric.cut(np.array([0.1, 2 * top]), 10)
    metric.check_range([0.0, top, -1e-9 * top, top * (1 + 1e-9)], 10, slack=1e-6)
    with pytest.raises(GateError, match="outside the range"):
        metric.check_range(top * (1 + 1e-9), 10)
