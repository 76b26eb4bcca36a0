"""What a table holds in memory: confidences in one byte."""

from __future__ import annotations

import numpy as np
import pytest

from biglittle.bench.gates import get_metric, stored_metrics


@pytest.mark.parametrize("name", stored_metrics())
def test_stated_rounding_error_holds(name: str) -> None:
    metric = get_metric(name)
    values = np.linspace(0, metric.maximum(10), 20_001)
    error = np.abs(metric.decode(metric.encode(values, 10), 10) - values)
    assert error.max() <= metric.rounding_error(10) + 1e-12
    assert metric.rounding_error(10) < 0.01
