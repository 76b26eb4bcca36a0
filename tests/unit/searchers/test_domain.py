"""Rows of genes stay within the domain, whatever move is made."""

from __future__ import annotations

import numpy as np
import pytest

from biglittle.bench import Candidates, get_space
from biglittle.searchers import Domain
from biglittle.searchers.domain import first_of_each
from biglittle.searchers.unseen import Unseen

SPACE = get_space("fbnet")
RNG = np.random.default_rng(0)
LIST = np.unique(SPACE.sample(RNG, 30, ("k3_e1", "skip")), axis=0)
LIST = LIST[np.argsort(SPACE.macs(LIST, 1), kind="stable")]


def domain(listed: bool, inside: bool, n_gates: int = 3) -> Domain:
    allowed = SPACE.allowed(("k3_e1", "k5_e6", "skip"))
    return Domain(SPACE, allowed, LIST if listed else None, n_gates, inside)


EVERY = [
    domain(li, ins, g) for li in (True, False) for ins, g in ((True, 3), (False, 3), (True, 0))
]


@pytest.mark.parametrize("dom", EVERY)
def test_moves_stay_inside(dom: Domain) -> None:
    rng = np.random.default_rng(1)
    x = dom.sample_sizes(rng, 60)
    moved = [x, dom.sample(rng, 60), dom.mutate(rng, x), *dom.cross(rng, x, x[::-1])]
    moved.append(dom.neighbours(x[0]))
    for rows in moved:
        assert rows.shape[1] == dom.n_genes
        assert (rows >= 0).all()
        assert (rows < dom.options).all()
        little, big = dom.networks(rows)
        assert little.shape == big.shape == (len(rows), SPACE.n_layers)
    if dom.inside:
        keys = zip(dom.keys(x), dom.keys(moved[2]), strict=True)
        assert all(a != b for a, b in keys)
    differing = (moved[-1] != x[0]).sum(axis=1)
    assert (differing == 1).all()
    assert dom.features(x).shape[0] == 60
    assert np.isfinite(dom.features(x)).all()


@pytest.mark.parametrize("dom", EVERY)
def test_genes_are_the_inverse_of_candidates(dom: Domain) -> None:
    x = dom.sample(np.random.default_rng(2), 40)
    assert np.array_equal(dom.genes(dom.candidates(x)), x)


def test_candidates_outside_are_left_out() -> None:
    outside = SPACE.parse(["5" * 22])
    gate = np.zeros(1, int)
    for dom in (domain(True, True), domain(False, False)):
        assert len(dom.genes(Candidates(outside, outside, gate, gate))) == 0


def test_a_list_of_one_can_be_moved_about() -> None:
    dom = Domain(SPACE, SPACE.allowed(None), LIST[:1], 3, True)
    x = dom.sample(np.random.default_rng(0), 5)
    assert np.array_equal(dom.mutate(np.random.default_rng(0), x), x)
    assert len(dom.neighbours(x[0])) == 0
    assert len(Unseen(dom).draw(lambda n: dom.sample(RNG, n), 10)) == 1


def test_domains_that_mean_something_else_have_another_hash() -> None:
    assert len({dom.sha256 for dom in EVERY}) == len(EVERY)


def test_the_first_of_equal_keys_stays_unless_it_is_to_be_left_out() -> None:
    assert first_of_each([]) == []
    assert first_of_each([b"b", b"a", b"b", b"c", b"a"]) == [0, 1, 3]
    assert first_of_each([b"b", b"a", b"b", b"c", b"a"], without=[b"b", b"d"]) == [1, 3]
