"""Which points are on a front."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biglittle.bench.pareto import BLOCK, nondominated, on_front


@given(st.lists(st.tuples(*(st.integers(0, 4),) * 2), min_size=1, max_size=20))
def test_equal_rows_are_on_the_front_together(rows: list[tuple[int, int]]) -> None:
    values = np.array(rows, float)
    beaten = [
        any((other <= row).all() and (other < row).any() for other in values) for row in values
    ]
    assert on_front(values).tolist() == [not b for b in beaten]
    assert set(nondominated(values)) <= set(np.flatnonzero(on_front(values)))


@pytest.mark.parametrize("objectives", [2, 3, 4, 5])
@pytest.mark.parametrize("coarse", [False, True])
def test_a_front_of_several_blocks_is_that_of_comparing_all_with_all(
    objectives: int, coarse: bool
) -> None:
    rng = np.random.default_rng(objectives)
    values = rng.random((6 * BLOCK, objectives))
    values[: 4 * BLOCK] /= values[: 4 * BLOCK].sum(axis=1, keepdims=True)  # none beats another
    values[4 * BLOCK :] += 0.5
    if coarse:
        values = np.round(values, 1)  # ties in columns, and rows that are equal
    values[::17, 0] = np.nan
    chosen = nondominated(values)
    whole = ~np.isnan(values).any(axis=1)
    less = (values[:, None] <= values).all(axis=2) & (values[:, None] < values).any(axis=2)
    beaten = (less & whole[:, None]).any(axis=0)
    best = np.flatnonzero(whole & ~beaten)
    first = np.unique(values[best], axis=0, return_index=True)[1]
    assert sorted(chosen) == sorted(best[first])
    assert (np.diff(values[chosen, 0]) >= 0).all()
    if not coarse:
        assert len(chosen) > 2 * BLOCK
