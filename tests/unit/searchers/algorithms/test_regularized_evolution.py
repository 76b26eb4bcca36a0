"""The population is a queue: children join, the oldest leave however good they are."""

from __future__ import annotations

import numpy as np

from biglittle.bench import get_space
from biglittle.searchers import Problem, Scores
from biglittle.searchers.algorithms.regularized_evolution import RegularizedEvolution
from biglittle.searchers.domain import Domain

SPACE = get_space("fbnet")
POPULATION = 20


def scores(genes: np.ndarray) -> Scores:
    n = len(genes)
    worth = genes.sum(axis=1, dtype=float)[:, None]
    return Scores(genes, np.arange(n), worth, np.zeros((n, 0)), np.ones(n, bool))


def test_the_oldest_leave_and_children_are_mutations_of_the_population() -> None:
    domain = Domain(SPACE, SPACE.allowed(None), None, n_gates=1, inside=True)
    nothing = np.zeros((0, domain.n_genes), np.int64)
    search = RegularizedEvolution(Problem(domain, 1, 0, POPULATION, 0, (1.0,), nothing))
    first = search.ask(1000)
    assert len(first.genes) == POPULATION
    search.tell(first, scores(first.genes))
    children = search.ask(1000)
    assert len(children.genes) == POPULATION // 5
    search.tell(children, scores(children.genes))
    assert search.genes is not None
    queue = np.concatenate([first.genes[len(children.genes) :], children.genes])
    assert np.array_equal(search.genes, queue)
    assert search.scores is not None
    assert np.array_equal(search.scores.values, scores(queue).values)
