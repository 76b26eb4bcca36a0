"""The non-dominated rows are those of the definition."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from biglittle.bench.pareto import nondominated


@settings(max_examples=200)
@given(
    hnp.arrays(
        np.float64,
        st.tuples(st.integers(1, 40), st.integers(1, 4)),
        elements=st.integers(0, 6).map(float) | st.just(float("nan")),
    )
)
def test_nondominated_is_what_its_definition_says(values):  # type: ignore[no-untyped-def]
    rows = nondominated(values)
    finite = [i for i in range(len(values)) if not np.isnan(values[i]).any()]

    def dominated(i: int) -> bool:
        return any((values[j] <= values[i]).all() and (values[j] < values[i]).any() for j in finite)

    expected = {tuple(values[i]) for i in finite if not dominated(i)}
    assert {tuple(values[i]) for i in rows} == expected
    assert len(rows) == len(expected)
