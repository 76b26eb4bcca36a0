"""The grid of the known front never promises more than a known point has."""

from __future__ import annotations

import numpy as np
import pytest

from biglittle.bench.front_grid import Grid


@pytest.mark.parametrize("n_axes", [1, 2, 3, 4])
def test_what_is_looked_up_was_reached_at_no_higher_cost(n_axes: int) -> None:
    rng = np.random.default_rng(n_axes)
    costs, hits = rng.random((40, n_axes)), rng.integers(1, 100, 40)
    grid = Grid(np.zeros(n_axes), np.ones(n_axes))
    some = rng.random((200, n_axes))
    assert (grid.at(list(some.T)) == -1).all()  # nothing is known yet
    grid.update(costs[:20], hits[:20])
    grid.update(costs[20:], hits[20:])
    cheaper = (costs[None] <= some[:, None] + 1e-9).all(axis=2)
    reached = np.where(cheaper, hits, -1).max(axis=1)
    looked_up = grid.at(list(some.T))
    assert (looked_up <= reached).all()
    cell = 1.0 / grid.cells  # one that costs two cells more than a known point sees it
    assert (grid.at(list((costs + 2 * cell).clip(0, 1 + 2 * cell).T)) >= hits).all()


def test_costs_that_are_all_equal_are_one_cell() -> None:
    grid = Grid(np.array([3.0]), np.array([3.0]))
    grid.update(np.array([[3.0]]), np.array([7]))
    assert grid.at([np.array([3.0])]).tolist() == [7]


def test_costs_outside_of_the_bounds_are_never_called_dominated_wrongly() -> None:
    grid = Grid(np.array([1.0]), np.array([2.0]))
    grid.update(np.array([[1.5], [9.0], [0.5]]), np.array([7, 99, 3]))
    assert grid.at([np.array([0.4, 1.01, 1.6, 5.0, 99.0])]).tolist() == [-1, 3, 7, 7, 7]


def test_nothing_dominates_a_cost_that_is_not_there() -> None:
    grid = Grid(np.array([1.0]), np.array([2.0]))
    grid.update(np.array([[1.0], [np.nan]]), np.array([7, 9]))
    assert grid.at([np.array([np.nan, 1.9])]).tolist() == [-1, 7]


def test_where_costs_differ_a_point_is_not_seen_at_its_own_cost() -> None:
    grid = Grid(np.array([1.0]), np.array([2.0]))
    grid.update(np.array([[1.0]]), np.array([7]))
    assert grid.strict
    assert grid.at([np.array([1.0])]).tolist() == [-1]
    assert not Grid(np.array([3.0]), np.array([3.0])).strict
