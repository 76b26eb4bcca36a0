"""Widths of intervals: the median, and where one promises nothing."""

from __future__ import annotations

import numpy as np
import pytest

from biglittle.bench.intervals import WIDEST, Width, width


def test_the_width_is_the_median_of_what_is_stated() -> None:
    predicted = np.array([1.0, 2.0, 4.0, 1.0, np.nan])
    low = np.array([0.9, 1.6, 2.0, np.nan, 1.0])
    high = np.array([1.1, 2.4, np.nan, 2.0, 2.0])
    got = width(predicted, low, high)
    assert got is not None
    assert (got.low, got.high) == pytest.approx((-0.15, 0.15))
    assert width(predicted[2:], low[2:], high[2:]) is None


def test_an_interval_is_empty_beyond_a_factor() -> None:
    assert not Width(-0.5, WIDEST * 0.5 - 1).empty
    assert Width(-0.5, WIDEST * 0.5 - 0.99).empty
    assert not Width(0.0, 0.0).empty
