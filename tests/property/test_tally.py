"""Counts of bits are those of masks."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from biglittle.bench.tally import count_both, pack_bits


@given(st.integers(0, 10**6), st.integers(1, 200))
def test_bits_count_what_masks_count(seed, n_images):  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(seed)
    left, right = rng.random((2, 5, n_images)) < 0.5
    i, j = rng.integers(0, 5, (2, 1500))
    counted = count_both(pack_bits(left), i, pack_bits(right), j)
    assert np.array_equal(counted, (left[i] & right[j]).sum(axis=1))
