"""Which points are dominated by none."""

from __future__ import annotations

import bisect

import numpy as np
from numpy.typing import NDArray

BLOCK = 64  # rows that drop others together; more drop later what need not be compared


def nondominated(values: NDArray[np.float64]) -> NDArray[np.intp]:
    """Indices of the non-dominated rows, sorted by the first column.

    Args:
        values: objectives of the points, everything minimised, shape (n, m). Rows with a
            NaN are never chosen. Of rows that are equal in every column only the first is.

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
    if values.shape[1] == 3:
        return order[_sweep(ordered)]
    return order[_filtered(ordered)]


def on_front(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which rows no other row beats, shape (n,); of rows that are equal all are on the front.

    Args:
        values: objectives of the points, everything minimised, shape (n, m). Rows with a
            NaN are never on it.
    """
    chosen = values[nondominated(values)]
    return np.asarray((values[:, None, :] == chosen[None]).all(axis=2).any(axis=1))


def _filtered(ordered: NDArray[np.float64]) -> NDArray[np.intp]:
    """Non-dominated rows of lexically sorted (n, m), rising: blocks of rows drop what they beat.

    Rows with a small sum of ranks come first: none beats one before it, and they beat most. The
    first blocks are small, since few rows are left after them.
    """
    ranks = np.argsort(np.argsort(ordered, axis=0, kind="stable"), axis=0, kind="stable")
    left = np.argsort(ranks.sum(axis=1), kind="stable")
    columns = np.ascontiguousarray(ordered[left].T)
    chosen, size = [], 1
    while len(left):
        block, tail = columns[:, :size], columns[:, size:]
        best = np.ones(block.shape[1], bool)
        for k in range(len(best)):
            if best[k]:
                best[k + 1 :] &= ~_beaten(block[:, k + 1 :], block[:, k : k + 1])
        chosen.append(left[:size][best])
        rest = ~_beaten(tail, block[:, best])
        left, columns = left[size:][rest], np.ascontiguousarray(tail[:, rest])
        size = min(2 * size, BLOCK)
    return np.sort(np.concatenate(chosen))


def _beaten(columns: NDArray[np.float64], by: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which of n points (m, n) are nowhere better than one of (m, k), shape (n,)."""
    beaten = np.zeros(columns.shape[1], bool)
    for point in by.T:
        better = columns[0] < point[0]
        for column, value in zip(columns[1:], point[1:], strict=True):
            better |= column < value
        beaten |= ~better
    return beaten


def _sweep(ordered: NDArray[np.float64]) -> NDArray[np.intp]:
    """Non-dominated rows of lexically sorted (n, 3): a staircase in the last two columns.

    Source: Kung, Luccio and Preparata 1975, "On finding the maxima of a set of vectors".
    """
    ys: list[float] = []  # rising, with falling zs: the staircase of the rows so far
    zs: list[float] = []
    rows = []
    for i, (_, y, z) in enumerate(ordered.tolist()):
        at = bisect.bisect_right(ys, y)
        if at and zs[at - 1] <= z:
            continue
        rows.append(i)
        start = bisect.bisect_left(ys, y)
        end = start
        while end < len(zs) and zs[end] >= z:
            end += 1
        ys[start:end], zs[start:end] = [y], [z]
    return np.array(rows, np.intp)
