"""Local search steps from members of the front to their neighbours, and starts again after them."""

from __future__ import annotations

import numpy as np

from biglittle.bench import get_space
from biglittle.searchers import Problem, Scores
from biglittle.searchers.algorithms.local_search import MEMBERS, STEP, LocalSearch
from biglittle.searchers.domain import Domain

SPACE = get_space("fbnet")


def strategy(listed: int | None) -> LocalSearch:
    ids = None if listed is None else SPACE.parse([f"{i}" + "8" * 21 for i in range(listed)])
    domain = Domain(SPACE, SPACE.allowed(None), ids, n_gates=1, inside=True)
    nothing = np.zeros((0, domain.n_genes), np.int64)
    return LocalSearch(Problem(domain, 2, 0, 20, 0, (1.0,), nothing))


def scores(genes: np.ndarray) -> Scores:
    """The fewer different genes, the better by both figures."""
    n = len(genes)
    worth = np.stack([genes.sum(axis=1), genes.sum(axis=1)], axis=1).astype(float)
    return Scores(genes, np.arange(n), worth, np.zeros((n, 0)), np.ones(n, bool))


def test_after_the_first_batch_come_neighbours_of_the_front() -> None:
    search = strategy(None)
    first = search.ask(1000)
    assert len(first.genes) == 10  # half a population
    search.tell(first, scores(first.genes))
    front = search.scale.genes
    assert front is not None
    second = search.ask(1000).genes
    assert 0 < len(second) <= MEMBERS * STEP
    distance = (second[:, None] != front[None]).sum(axis=2).min(axis=1)
    assert (distance == 1).all()
    assert len(search.ask(3).genes) <= 3


def test_where_no_neighbour_is_new_it_starts_again() -> None:
    search = strategy(3)
    seen = []
    while len((batch := search.ask(100)).genes):
        seen.append(batch.genes)
        search.tell(batch, scores(batch.genes))
    rows = np.concatenate(seen)
    assert len(rows) == len(np.unique(rows, axis=0)) == search.domain.size == 9
