"""What is kept from pymoo is what could not survive."""

from __future__ import annotations

import numpy as np
import pytest

from biglittle.searchers.algorithms._pymoo import could_survive


def ranks(values: np.ndarray) -> np.ndarray:
    """Front of each row, the straightforward way."""
    front_of, front = np.full(len(values), -1), 0
    while (front_of < 0).any():
        left = np.flatnonzero(front_of < 0)
        rows = values[left]
        worse = (rows[:, None] >= rows[None]).all(axis=2) & (rows[:, None] > rows[None]).any(axis=2)
        front_of[left[~worse.any(axis=1)]] = front
        front += 1
    return front_of


@pytest.mark.parametrize("n_values", [1, 2, 3])
def test_whatever_could_survive_stays(n_values: int) -> None:
    rng = np.random.default_rng(n_values)
    for population in (1, 7, 40):
        values = rng.random((120, n_values))
        feasible = rng.random(120) < 0.8
        rows = could_survive(values, feasible, population)
        assert feasible[rows].all()
        assert (np.diff(rows) > 0).all()
        others = rng.random((60, n_values))  # a population they compete with
        pool = np.concatenate([values[feasible], others])
        rank = ranks(pool)
        last = np.sort(rank)[population - 1]  # ranks up to this one can survive
        could = np.flatnonzero(feasible)[rank[: feasible.sum()] <= last]
        assert set(could) <= set(rows)
        assert len(rows) < feasible.sum()


def test_few_feasible_rows_leave_everything() -> None:
    values, feasible = np.random.default_rng(0).random((20, 2)), np.arange(20) < 5
    assert could_survive(values, feasible, 5).tolist() == list(range(20))
    alike = np.ones((9, 2))  # equal rows come one front each
    assert len(could_survive(alike, np.ones(9, bool), 4)) == 4
