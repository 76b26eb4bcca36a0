"""One number for many objectives: less is better, and what is infeasible is behind all else."""

from __future__ import annotations

import numpy as np
import pytest

from biglittle.searchers.algorithms._scalar import (
    AUGMENTED,
    INFEASIBLE,
    UNUSABLE,
    Scale,
    draw_weights,
    of_candidates,
    together,
)
from biglittle.searchers.search import Scores


def scores(values: list[list[float]], owner: list[int] | None = None) -> Scores:
    n = len(values)
    return Scores(
        genes=np.arange(n)[:, None],
        owner=np.arange(n) if owner is None else np.array(owner),
        values=np.array(values),
        excess=np.zeros((n, 1)),
        usable=np.ones(n, bool),
    )


def test_weights_are_of_the_simplex() -> None:
    weights = draw_weights(np.random.default_rng(0), 5, 3)
    assert weights.shape == (5, 3)
    assert (weights >= 0).all()
    assert weights.sum(axis=1) == pytest.approx(np.ones(5))


def test_a_candidate_is_worth_its_best_point_in_a_direction() -> None:
    scale = Scale()
    assert scale.update(scores([[0.0, 10.0], [1.0, 0.0]]))
    batch = scores([[0.0, 10.0], [1.0, 0.0], [0.5, 5.0]], [0, 0, 1])
    worth = scale.of(batch, np.array([[1.0, 0.0], [0.5, 0.5]]), 2)
    # the largest weighted figure, and a little of their sum
    even = [0.5 + AUGMENTED * 0.5, 0.25 + AUGMENTED * (0.25 + 0.25)]
    first = [0.0, 0.5 + AUGMENTED * 0.5]
    assert worth == pytest.approx(np.array([first, even]).T)


def test_the_front_is_kept_and_says_when_it_is_another() -> None:
    scale = Scale()
    assert scale.update(scores([[1.0, 1.0]]))
    assert not scale.update(scores([[2.0, 2.0]]))
    assert scale.update(scores([[0.0, 2.0]]))
    assert scale.values is not None
    assert sorted(scale.values.tolist()) == [[0.0, 2.0], [1.0, 1.0]]


def test_infeasible_is_behind_feasible_and_unusable_behind_both() -> None:
    batch = scores([[0.0, 0.0], [0.0, 0.0], [9.0, 9.0]])
    batch.excess[0] = 0.5
    batch.usable[1] = False
    worth = Scale().of(batch, np.array([[0.5, 0.5]]), 3)[:, 0]
    assert worth[2] < worth[0] == INFEASIBLE + 0.5 < worth[1] == UNUSABLE


def test_batches_are_joined_and_picked_by_candidate() -> None:
    whole = together([scores([[0.0], [1.0]], [0, 0]), scores([[2.0]], [0])], [1, 1])
    assert whole.owner.tolist() == [0, 0, 1]
    picked = of_candidates(whole, np.array([1, 0]), 2)
    assert picked.values[:, 0].tolist() == [2.0, 0.0, 1.0]
    assert picked.owner.tolist() == [0, 1, 1]
