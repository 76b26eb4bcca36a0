"""Which points of a front are worth training."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")
from biglittle.cotrain.selection import select  # noqa: E402


def test_single_networks_in_disguise_are_skipped_and_counted(front_of) -> None:
    points = front_of(
        ("a", "a", 0.5, 1), ("a", "b", 0.0, 2), ("a", "c", 1.0, 3), ("a", "d", 0.3, 4)
    )
    chosen = select(points, 5)
    assert chosen.rows == (3,)
    assert (chosen.n_points, chosen.n_single, chosen.n_pairs) == (4, 3, 1)
    assert "3 are single networks" in chosen.text()
    assert chosen.text().endswith("1 is trained.")
    assert chosen.text(n_elsewhere=2).endswith(
        "3 are trained, 2 of them recommended from the table."
    )
    nothing = select(points.take(np.array([0])), 5)
    assert nothing.text().endswith("There is nothing to train.")


def test_pairs_that_next_to_never_escalate_are_single_networks(front_of) -> None:
    points = front_of(
        ("a", "b", 0.001, 1), ("a", "c", 0.2, 2), ("a", "d", 0.005, 3), ("a", "e", 0.01, 4)
    )
    assert select(points, 1).rows == (3,)
    assert select(points, 9).rows == (1, 3)
    assert (select(points, 9).n_single, select(points, 9).n_pairs) == (2, 2)


def test_a_pair_is_taken_once_and_rows_spread_over_the_front(front_of) -> None:
    same = [("a", "b", 0.1 + i / 100, 5.0 + i) for i in range(3)]
    assert select(front_of(*same), 5).rows == (1,)
    # A point of a pair that also escalates in earnest elsewhere does not count again.
    assert select(front_of(*same, ("a", "b", 0.001, 1.0)), 5).rows == (1,)
    many = [("a", f"b{i}", 0.2, 50.0 - i) for i in range(21)]
    rows = select(front_of(*many), 3).rows
    assert rows == (20, 10, 0)  # fastest, middle, slowest


def test_recommended_rows_come_first_and_nothing_worse_joins_them(front_of) -> None:
    points = front_of(*[("a", f"b{i}", 0.2, 10.0 + i) for i in range(9)])
    points = dataclasses.replace(points, accuracy=np.linspace(0.39, 0.9, 9))
    assert select(points, 1, first=(5, 4)).rows == (5,)
    assert select(points, 2, first=(5, 4)).rows == (4, 5)
    assert select(points, 4, first=(5, 4)).rows == (4, 5, 6, 8)
    assert select(points, 6, first=(5, 4)).rows == (3, 4, 5, 6, 7, 8)
    assert select(points, 1).rows == (8,)  # not the fastest, which is the worst


def test_an_empty_front_and_one_without_pairs(front_of) -> None:
    points = front_of(("a", "a", 0.5, 1))
    assert select(points, 3).rows == ()
    assert select(points.take(np.array([], int)), 3).rows == ()
