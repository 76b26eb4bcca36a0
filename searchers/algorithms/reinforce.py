"""``reinforce``: a controller that draws candidates and is pulled towards the rewarded ones.

The controller is a product of softmax distributions, one per gene of a whole space. In a list of
known architectures a network is drawn at once, its logit the sum of the logits of its layers'
choices, so that networks with common choices are learned about together. There is one controller
per direction of reward; each is trained by policy gradient with a baseline (the running mean) and
an entropy bonus.

Where it departs from the source: no recurrent network (the genes are drawn independently), and
several directions instead of one reward.

Source: Williams 1992, Simple Statistical Gradient-Following Algorithms (REINFORCE); Zoph and Le
2017, Neural Architecture Search with Reinforcement Learning (section 3.2).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ...bench.gates import N_CODES
from ..domain import Domain, Genes
from ..search import Batch, Problem, Scores, Searcher
from ..unseen import Unseen
from ._scalar import Scale

Array = NDArray[np.float64]
DIRECTIONS = 6
RATE = 0.25  # of learning; advantages are in standard deviations
ENTROPY = 0.02
MEMORY = 0.8  # share of the old baseline that is kept
CUT_LEVELS = 16  # the cut is drawn by its sixteenth of the range
DRAWS = 0.5  # of a population, per batch and direction


def _tables(domain: Domain) -> list[Array]:
    """What each gene's options look like to the controller: (n_options, n_features) each."""
    if domain.listed is None:
        tables = [np.eye(int(k)) for k in domain.options[: domain.gate]]
    else:
        shared = domain.space.encode(domain.listed).astype(np.float64)
        macs = np.log(domain.space.sizes(domain.listed).astype(np.float64))
        size = (macs - macs.mean()) / max(float(macs.std()), 1e-9)
        shared = np.column_stack([shared - shared.mean(axis=0), size, size**2])
        tables = [shared for _ in domain.parts]
        tables += [np.eye(int(k)) for k in domain.options[domain.parts[-1].stop : domain.gate]]
    if not domain.inside:
        levels = np.arange(N_CODES + 1) * CUT_LEVELS // (N_CODES + 1)
        tables += [np.eye(domain.n_gates), np.eye(CUT_LEVELS)[levels]]
    return tables


class Controller:
    """A product of softmax distributions over the genes."""

    def __init__(self, tables: list[Array]) -> None:
        self.tables = tables
        self.weights = [np.zeros(t.shape[1]) for t in tables]
        self.baseline: float | None = None

    def chances(self) -> list[Array]:
        """Chance of every option of every gene."""
        out = []
        for table, weight in zip(self.tables, self.weights, strict=True):
            logit = table @ weight
            odds = np.exp(logit - logit.max())
            out.append(odds / odds.sum())
        return out

    def draw(self, rng: np.random.Generator, n: int, n_genes: int) -> Genes:
        """``n`` rows; genes the controller does not know stay 0."""
        x = np.zeros((n, n_genes), np.int64)
        for gene, chance in enumerate(self.chances()):
            x[:, gene] = np.searchsorted(np.cumsum(chance), rng.random(n) * (1 - 1e-12))
            x[:, gene] = np.minimum(x[:, gene], len(chance) - 1)
        return x

    def learn(self, x: Genes, reward: Array) -> None:
        """One step of policy gradient."""
        mean = float(reward.mean())
        base = mean if self.baseline is None else self.baseline
        self.baseline = MEMORY * base + (1 - MEMORY) * mean
        advantage = np.clip((reward - base) / max(float(reward.std()), 1e-9), -3.0, 3.0)
        for gene, chance in enumerate(self.chances()):
            table, expected = self.tables[gene], chance @ self.tables[gene]
            step = (advantage[:, None] * (table[x[:, gene]] - expected)).mean(axis=0)
            log = np.log(np.maximum(chance, 1e-300))
            spread = -chance * (log - float(chance @ log))
            self.weights[gene] += RATE * step + ENTROPY * (spread @ table)


class Reinforce:
    """One controller per direction, in turn."""

    def __init__(self, problem: Problem) -> None:
        self.problem, self.domain = problem, problem.domain
        self.rng = np.random.default_rng(problem.seed)
        self.unseen = Unseen(problem.domain)
        self.scale = Scale()
        n = 1 if problem.n_values == 1 else DIRECTIONS
        self.directions = _directions(self.rng, n, problem.n_values)
        self.controllers = [Controller(_tables(problem.domain)) for _ in range(n)]
        self.turn = -1

    def ask(self, room: int) -> Batch:
        """The first batch, from which every controller learns, then draws of one of them."""
        n = min(room, max(2, round(DRAWS * self.problem.population)))
        if self.turn < 0:
            first = self.problem.first(self.rng, min(room, self.problem.population))
            return Batch(self.unseen.note(self.unseen.of(first)))
        controller = self.controllers[self.turn]
        rows = self.unseen.draw(self._drawn(controller), n)
        if not len(rows):  # it draws nothing new any more: look elsewhere
            rows = self.unseen.draw(lambda k: self.domain.sample(self.rng, k), n)
        return Batch(rows)

    def _drawn(self, controller: Controller) -> Callable[[int], Genes]:
        n_genes = self.domain.n_genes
        return lambda k: self.domain.repaired(controller.draw(self.rng, k, n_genes))

    def tell(self, batch: Batch, scores: Scores) -> None:
        """The controller whose turn it was learns; all of them learn from the first batch."""
        self.scale.update(scores)
        worth = self.scale.of(scores, self.directions, len(batch.genes))
        reward = -np.minimum(worth, 20.0)  # an unusable candidate is bad, not infinitely so
        whole = range(len(self.controllers))
        for k in whole if self.turn < 0 else (self.turn,):
            self.controllers[k].learn(batch.genes, reward[:, k])
        self.turn = (self.turn + 1) % len(self.controllers)


def _directions(rng: np.random.Generator, n: int, n_values: int) -> Array:
    if n_values == 2:
        share = (np.arange(n) + 0.5) / n
        return np.column_stack([share, 1 - share])
    return rng.dirichlet(np.ones(n_values), n)


SEARCHER = Searcher(Reinforce, "reinforce")
