"""Hypervolume against closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biglittle.bench.errors import ConstraintError
from biglittle.bench.hypervolume import hypervolume

inside = st.floats(0.0, 1.0, allow_nan=False)


@given(st.lists(inside, min_size=2, max_size=3))
def test_hypervolume_of_one_point_is_a_product(point: list[float]) -> None:
    m = len(point)
    expected = math.prod(1.0 - p for p in point)
    assert hypervolume([point], (0.0,) * m, (1.0,) * m) == pytest.approx(expected, abs=1e-12)


@given(inside, inside, st.floats(0.1, 50), st.floats(0.1, 50))
def test_hypervolume_does_not_depend_on_units(x: float, y: float, a: float, b: float) -> None:
    scaled = hypervolume([[a * x, 3 + b * y]], (0.0, 3.0), (a, 3 + b))
    assert scaled == pytest.approx((1 - x) * (1 - y), abs=1e-9)


@given(st.lists(st.tuples(inside, inside), min_size=1, max_size=30))
def test_hypervolume_of_two_objectives_is_a_sum_of_steps(rows: list[tuple[float, float]]) -> None:
    area, best = 0.0, 1.0
    for x, y in sorted(rows):
        area += (1.0 - x) * max(0.0, best - y)
        best = min(best, y)
    assert hypervolume(rows, (0.0, 0.0), (1.0, 1.0)) == pytest.approx(area, abs=1e-9)


def test_points_beyond_the_box() -> None:
    assert hypervolume(np.empty((0, 2)), (0, 0), (1, 1)) == 0.0
    assert hypervolume([[1.0, 0.0], [2.0, 0.0]], (0, 0), (1, 1)) == 0.0
    assert hypervolume([[-5.0, 0.5]], (0, 0), (1, 1)) == pytest.approx(0.5)
    with pytest.raises(ConstraintError, match="nadir"):
        hypervolume([[0.0, 0.0]], (0, 0), (1, 0))
