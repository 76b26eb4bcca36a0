"""Which points are on a front."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from biglittle.bench.pareto import nondominated, on_front


@given(st.lists(st.tuples(*(st.integers(0, 4),) * 2), min_size=1, max_size=20))
def test_equal_rows_are_on_the_front_together(rows: list[tuple[int, int]]) -> None:
    values = np.array(rows, float)
    beaten = [
        any((other <= row).all() and (other < row).any() for other in values) for row in values
    ]
    assert on_front(values).tolist() == [not b for b in beaten]
    assert set(nondominated(values)) <= set(np.flatnonzero(on_front(values)))
