"""``local_search``: Pareto local search from the front outwards.

A random member of the front that still has unseen neighbours is picked, and some of these are
evaluated; members of the front with none left are done with. When the whole front is, the search
starts again from networks of all sizes.

Where it departs from the source: neighbours are taken in batches in random order rather than all at
once, because a pair of a whole space has hundreds.

Source: Paquete, Chiarandini and Stützle 2004, Pareto Local Optimum Sets in the Biobjective
Traveling Salesman Problem (algorithm 1); for architectures: White et al. 2021, Local Search is
State of the Art for Neural Architecture Search Benchmarks.
"""

from __future__ import annotations

import numpy as np

from ..domain import Genes
from ..search import Batch, Problem, Scores, Searcher
from ..unseen import Unseen
from ._scalar import Scale

START = 0.5  # of a population, before the first step
STEP = 8  # neighbours of one member at a time
MEMBERS = 4  # of the front, per batch


class LocalSearch:
    """Steps from members of the front."""

    def __init__(self, problem: Problem) -> None:
        self.problem, self.domain = problem, problem.domain
        self.rng = np.random.default_rng(problem.seed)
        self.unseen = Unseen(problem.domain)
        self.scale = Scale()
        self.done: set[bytes] = set()
        self.begun = False

    def ask(self, room: int) -> Batch:
        """Neighbours of members of the front; a fresh start where there are none."""
        parts: list[Genes] = []
        if self.begun and self.scale.genes is not None:
            keys = self.domain.keys(self.scale.genes)
            open_rows = [i for i, key in enumerate(keys) if key not in self.done]
            while open_rows and len(parts) < MEMBERS and sum(map(len, parts)) < room:
                i = open_rows.pop(int(self.rng.integers(len(open_rows))))
                near = self.domain.neighbours(self.scale.genes[i])
                fresh = self.unseen.of(self.rng.permutation(near))
                if len(fresh) <= STEP:
                    self.done.add(keys[i])
                if len(fresh):
                    parts.append(self.unseen.note(fresh[:STEP]))
        if parts:
            return Batch(np.concatenate(parts)[:room])
        n = min(room, max(2, round(START * self.problem.population)))
        if not self.begun:
            self.begun = True
            first = self.unseen.note(self.unseen.of(self.problem.first(self.rng, n)))
            if len(first):
                return Batch(first)
        return Batch(self.unseen.draw(lambda k: self.domain.sample_sizes(self.rng, k), n))

    def tell(self, batch: Batch, scores: Scores) -> None:
        """The front takes in what is not dominated."""
        self.scale.update(scores)


SEARCHER = Searcher(LocalSearch, "local_search")
