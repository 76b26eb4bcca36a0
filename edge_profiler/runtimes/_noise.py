"""What a network is given while it is timed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...bench.errors import ProfileError


def noise(shape: Sequence[Any], dtype: str, name: str) -> NDArray[Any]:
    """The same noise every time: normal for floats, even over the range of bytes for integers.

    Args:
        shape: shape of the input; a batch without a size is 1.
        dtype: name of a NumPy type, for example ``float32``.
        name: name of the input, for messages.

    Raises:
        ProfileError: a side without a size, or a type that is not a number.
    """
    sides = [1 if i == 0 and not _sized(side) else side for i, side in enumerate(shape)]
    if not all(_sized(side) for side in sides):
        raise ProfileError(
            f"input {name!r} has shape {list(shape)}; expected fixed sides. Export the network for "
            "one image, without free dimensions."
        )
    rng, kind = np.random.default_rng(0), np.dtype(dtype)
    if kind.kind == "f":
        return rng.standard_normal(sides).astype(kind)
    if kind.kind in "iu":
        return rng.integers(0, min(256, np.iinfo(kind).max + 1), sides).astype(kind)
    raise ProfileError(f"input {name!r} is of type {dtype}; expected floats or integers.")


def _sized(side: Any) -> bool:
    return isinstance(side, int) and side > 0
