"""What was asked about does not come again, and a domain that is used up says so."""

from __future__ import annotations

import numpy as np

from biglittle.bench import get_space
from biglittle.searchers.domain import Domain
from biglittle.searchers.unseen import Unseen


def domain(n_listed: int) -> Domain:
    space = get_space("fbnet")
    listed = space.parse([f"{i}" + "8" * 21 for i in range(n_listed)])
    return Domain(space, space.allowed(None), listed, n_gates=1, inside=True)


def test_rows_are_new_once_and_noted_only_when_told() -> None:
    unseen = Unseen(domain(3))
    rows = np.array([[0, 1, 0, 0], [0, 1, 0, 0], [2, 1, 0, 0]])
    assert unseen.of(rows).tolist() == [[0, 1, 0, 0], [2, 1, 0, 0]]
    assert len(unseen.of(rows)) == 2
    assert np.array_equal(unseen.note(rows[:1]), rows[:1])
    assert unseen.of(rows).tolist() == [[2, 1, 0, 0]]


def test_what_the_gate_is_does_not_matter_where_it_is_chosen_inside() -> None:
    unseen = Unseen(domain(3))
    unseen.note(np.array([[0, 1, 0, 0]]))
    assert len(unseen.of(np.array([[0, 1, 0, 99]]))) == 0


def test_a_domain_ends() -> None:
    dom, rng = domain(2), np.random.default_rng(0)
    unseen = Unseen(dom)
    rows = unseen.draw(lambda n: dom.sample(rng, n), 10)
    assert len(rows) == dom.size == 4
    assert len(np.unique(rows, axis=0)) == 4
    assert len(unseen.draw(lambda n: dom.sample(rng, n), 1)) == 0
