"""Pairs are written in one way and keep to the couplings asked for, whatever move is made."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from biglittle.bench import Candidates, get_space
from biglittle.bench.coupling import PREFIX, SIBLING
from biglittle.bench.rows import COUPLINGS
from biglittle.searchers import Domain
from biglittle.searchers.unseen import Unseen

SPACE = get_space("fbnet")
CHOICES = ("k3_e1", "k5_e6", "skip")
N = len(SPACE.exits) + 1
_RNG = np.random.default_rng(0)
LIST = np.unique(SPACE.sample(_RNG, 30, CHOICES), axis=0)
LIST = LIST[np.argsort(SPACE.macs(LIST, 1), kind="stable")]
SOME = np.zeros((len(LIST), N), bool)
SOME[:, 0] = True
SOME[::3, [3, 4, 9]] = True  # a third of the architectures have three exits
RESTRICTED = [None, *(c for n in (1, 2) for c in combinations(COUPLINGS, n))]


def domain(listed: bool, couplings: tuple[str, ...] | None, inside: bool = True) -> Domain:
    exits = SOME if listed else np.ones(N, bool)
    genomes, exits_of = LIST, exits
    if couplings == ("prefix",) and listed:
        genomes, exits_of = LIST[::3], SOME[::3]
    none = couplings == ("nested",)
    return Domain(
        SPACE,
        SPACE.allowed(CHOICES),
        genomes if listed else None,
        3,
        inside,
        None if none else exits_of,
        couplings,
    )


EVERY = [domain(li, c, ins) for li in (True, False) for c in RESTRICTED for ins in (True, False)]


@pytest.mark.parametrize("dom", EVERY)
def test_every_move_stays_among_the_couplings_asked_for(dom: Domain) -> None:
    rng = np.random.default_rng(1)
    x = dom.sample_sizes(rng, 200)
    rows = [x, dom.sample(rng, 200), dom.mutate(rng, x), *dom.cross(rng, x, x[::-1])]
    rows += [dom.neighbours(row) for row in x[:5]]
    allowed = [COUPLINGS.index(c) for c in dom.couplings or COUPLINGS]
    assert dom.coupling is not None
    for some in rows:
        assert (some >= 0).all()
        assert (some < dom.options).all()
        assert np.isin(dom.coupling.kinds(some), allowed).all()
        assert np.array_equal(dom.repaired(some), some)
        cuts = dom.cuts(some)
        if cuts is not None and dom.listed is not None:
            for part, exits in zip(dom.parts, cuts, strict=True):
                assert dom.exits[some[:, part.start], exits].all()
        assert np.isfinite(dom.features(some)).all()
    kinds = {int(k) for k in np.unique(dom.coupling.kinds(np.concatenate(rows[:5])))}
    assert {SIBLING, PREFIX} & {*allowed} <= kinds  # those that can be drawn are drawn


@pytest.mark.parametrize("dom", EVERY)
def test_genes_are_the_inverse_of_candidates_and_one_candidate_is_one_row(dom: Domain) -> None:
    x = dom.sample(np.random.default_rng(2), 100)
    assert np.array_equal(dom.genes(dom.candidates(x)), x)
    both = np.column_stack([*dom.network_rows(x), x[:, [dom.gate, dom.cut]]])
    n_candidates = len(np.unique(both, axis=0))
    assert len(np.unique(x, axis=0)) == n_candidates


@pytest.mark.parametrize("listed", [True, False])
def test_a_mutated_prefix_candidate_has_one_trunk_still_or_two_networks(listed: bool) -> None:
    dom, rng = domain(listed, None), np.random.default_rng(3)
    x = np.concatenate([dom.sample(rng, 500) for _ in range(2)])
    assert dom.coupling is not None
    x = x[dom.coupling.kinds(x) == PREFIX]
    moved = dom.mutate(rng, x)
    kinds = dom.coupling.kinds(moved)
    assert (kinds == PREFIX).mean() > 0.7
    (little, big), cuts = dom.networks(moved), dom.cuts(moved)
    assert cuts is not None
    tied = kinds == PREFIX
    assert np.array_equal(little[tied], big[tied])
    assert (SPACE.exit_after[cuts[0]] < SPACE.exit_after[cuts[1]])[tied].all()
    keys = zip(dom.keys(x), dom.keys(moved), strict=True)
    assert all(a != b for a, b in keys)


def test_pairs_of_couplings_that_are_not_asked_for_are_left_out() -> None:
    ids, gate = SPACE.parse(["0" * 22, "0" * 22]), np.zeros(2, int)
    exits = np.array([3, 0], np.uint8), np.zeros(2, np.uint8)
    both = Candidates(ids, ids, gate, gate, exits)  # a prefix pair, and a network with itself
    free = Domain(SPACE, SPACE.allowed(None), None, 3, True, np.ones(N, bool))
    assert len(free.genes(both)) == 2
    for couplings, n in ((("prefix",), 1), (("prefix", "nested"), 2), (("sibling",), 0)):
        dom = Domain(SPACE, SPACE.allowed(None), None, 3, True, np.ones(N, bool), couplings)
        assert len(dom.genes(both)) == n
    whole = Domain(SPACE, SPACE.allowed(None), None, 3, True)
    assert len(whole.genes(both)) == 1


def test_few_candidates_end_and_none_comes_twice() -> None:
    dom = Domain(SPACE, SPACE.allowed(None), LIST[:3], 3, True, SOME[:3], ("prefix",))
    unseen = Unseen(dom)
    drawn = unseen.draw(lambda n: dom.sample(np.random.default_rng(len(unseen.seen)), n), 100)
    assert len(set(dom.keys(drawn))) == len(drawn) < 100


def test_domains_of_other_couplings_have_another_hash() -> None:
    assert len({dom.sha256 for dom in EVERY}) == len(EVERY)
