"""``random``: uniform candidates, the baseline every other searcher has to beat.

Networks (and, where they are genes, gate and cut) are drawn independently and uniformly from what
is there, none twice, and nothing is learned from the figures. Uniform networks of a whole space are
all of middling size (of 22 layers some share picks each choice), so the cheap end of the front is
out of its reach: that is what uniform sampling of a chain means, and it is left as it is.

Source: Bergstra and Bengio 2012, Random Search for Hyper-Parameter Optimization; as the baseline of
architecture search: Li and Talwalkar 2019, section 4.
"""

from __future__ import annotations

import numpy as np

from ..search import Batch, Problem, Scores, Searcher
from ..unseen import Unseen


class RandomSearch:
    """Uniform candidates in batches of one population."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.rng = np.random.default_rng(problem.seed)
        self.unseen = Unseen(problem.domain)
        self.warm = problem.warm
        self.begun = False

    def ask(self, room: int) -> Batch:
        """The warm rows, then uniform ones; the first batch is within the budgets there are."""
        n = min(room, self.problem.population)
        if len(self.warm):
            rows, self.warm = self.warm[:n], self.warm[n:]
            self.begun = True
            return Batch(self.unseen.note(rows))
        if not self.begun:
            self.begun = True
            return Batch(self.problem.uniform(self.rng, n, self.unseen))
        return Batch(self.unseen.draw(lambda k: self.problem.domain.sample(self.rng, k), n))

    def tell(self, batch: Batch, scores: Scores) -> None:
        """Learns nothing."""


SEARCHER = Searcher(RandomSearch, "random")
