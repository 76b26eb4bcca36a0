"""Agreement of two columns: errors by hand, rank correlations against scipy's."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biglittle.bench.agreement import agreement, kendall, spearman

columns = st.integers(2, 30).flatmap(
    lambda n: st.tuples(*(st.lists(st.integers(0, 6), min_size=n, max_size=n),) * 2)
)


def test_agreement_of_two_columns() -> None:
    got = agreement(np.array([1.0, 2.0, 4.0, np.nan]), np.array([1.1, 2.0, 2.0, 5.0]))
    assert got is not None
    assert (got.n, got.within_10) == (3, pytest.approx(2 / 3))
    assert got.mape == pytest.approx((0.1 / 1.1 + 1) / 3)
    assert got.optimism == pytest.approx((1.1 + 1 + 0.5) / 3 - 1)
    assert agreement(np.array([np.nan]), np.array([1.0])) is None


def test_two_figures_or_equal_ones_have_no_rank() -> None:
    two, equal = np.array([1.0, 2.0]), np.ones(5)
    for predicted, measured in ((two, two), (equal, np.arange(1.0, 6.0))):
        got = agreement(predicted, measured)
        assert got is not None
        assert got.spearman is None


@given(columns)
def test_ranks_are_scipys_with_ties_at_their_mean(given: tuple[list[int], list[int]]) -> None:
    stats = pytest.importorskip("scipy.stats")
    a, b = (np.array(column, float) for column in given)
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        assert math.isnan(spearman(a, b))
        assert math.isnan(kendall(a, b))
        return
    assert spearman(a, b) == pytest.approx(stats.spearmanr(a, b).statistic, abs=1e-9)
    assert kendall(a, b) == pytest.approx(stats.kendalltau(a, b).statistic, abs=1e-9)
