"""Which points are dominated by none."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def nondominated(values: NDArray[np.float64]) -> NDArray[np.intp]:
    """Indices of the non-dominated rows, sorted by the first column.

    Args:
        values: shape (n, m), everything minimised. Rows with a NaN are never chosen. Of rows that
            are equal in every column only the first is.

    >>> nondominated(np.array([[1.0, 2.0], [2.0, 1.0], [2.0, 2.0]])).tolist()
    [0, 1]
    """
    finite = np.flatnonzero(~np.isnan(values).any(axis=1))
    order = finite[np.lexsort(values[finite].T[::-1])]
    ordered = values[order]
    if not len(order):
        return order
    if values.shape[1] == 2:
        best = np.minimum.accumulate(ordered[:, 1])
        keep = np.ones(len(order), bool)
        keep[1:] = ordered[1:, 1] < best[:-1]
        return order[keep]
    kept: list[int] = []
    alive = np.ones(len(order), bool)
    for i in range(len(order)):
        if not alive[i]:
            continue
        kept.append(i)
        later = slice(i + 1, None)
        alive[later] &= (ordered[later] < ordered[i]).any(axis=1)
    return order[kept]
