"""What a network is given while it is timed."""

from __future__ import annotations

import numpy as np
import pytest

from biglittle.bench.errors import ProfileError
from biglittle.edge_profiler.runtimes._noise import noise


def test_noise_is_the_same_every_time_and_a_free_batch_is_one() -> None:
    first = noise(["batch", 3, 8, 8], "float32", "images")
    assert first.shape == (1, 3, 8, 8)
    assert first.dtype == np.float32
    assert np.array_equal(first, noise([1, 3, 8, 8], "float32", "images"))


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int64"])
def test_integers_lie_in_the_range_of_bytes(dtype: str) -> None:
    values = noise([1, 64, 64, 3], dtype, "images")
    assert (values.dtype, int(values.min())) == (np.dtype(dtype), 0)
    assert values.max() == min(255, np.iinfo(dtype).max)


def test_what_cannot_be_filled_is_named() -> None:
    with pytest.raises(ProfileError, match=r"input 'x' has shape \[1, 'side'\].*fixed sides"):
        noise([1, "side"], "float32", "x")
    with pytest.raises(ProfileError, match="input 'x' is of type bool"):
        noise([1, 2], "bool", "x")
