"""A search for a network with early exits: which network, which exits, and which thresholds.

A candidate is a chain of three or four stages, one architecture of a table at rising exits or
whole, and a cut for each of its gates. The cuts are genes as the rest is, or they are chosen
exactly within an evaluation. What is looked for is the most accurate chain whose figure is within a
limit.

Source: Gambella and Roveri 2023, EDANAS (thresholds of the exits as genes beside the network).
Where it departs: one objective under a limit; children are mutations of the winners of tournaments,
and no candidate is evaluated twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..bench import Benchmark
from ..bench.cascade_counts import sent_on
from ..bench.cost import cascade_figure
from ..bench.errors import ConstraintError, TableError, UnknownNameError
from ..bench.exact_cascades import CascadeQuestion
from ..bench.gates import N_CODES
from ..bench.rows import NetworkKey

Cuts = tuple[int, ...]

WAYS = ("gene", "inside")
SEARCHERS = ("evolution", "random")
#: Of 16 settings these miss least where cuts are genes (three stages, two limits, 200 evaluations);
#: where cuts are chosen exactly all 16 do about equally well.
POPULATION = 40
TOURNAMENT = 5  # members of the population, of which the best one has a child
MOVES = 0.5  # of children: another chain; of cuts: another cut
ELSEWHERE = 0.2  # of moves to another chain: anywhere; the rest go to one alike
ALIKE = 6  # chains that count as alike
CUT_STEP = 32.0  # codes: the deviation of a step
TRIES = 50  # proposals without a new candidate before the search ends


@dataclass(frozen=True)
class ChainOutcome:
    """What a search over chains ended with.

    Attributes:
        networks: names of the chain's stages; none where no candidate was within the limit.
        cuts: cuts of its gates; empty where they are chosen exactly.
        accuracy: its accuracy on val; NaN where no candidate was within the limit.
        n_evaluations: candidates that were evaluated.
    """

    networks: tuple[str, ...]
    cuts: Cuts
    accuracy: float
    n_evaluations: int


class Chains:
    """All chains of so many stages in a table, and what they are worth on val.

    Args:
        bench: the table, with exits.
        device: name of a device of the table, or the path of a profile.
        n_stages: number of stages, 3 or 4.
        figure: name of the figure that is limited, for example ``macs``.
        limits: largest values of it that are asked about.
        gate: metric of all gates.
        architectures: the architectures to look at; None: all that have exits.

    Raises:
        TableError: the table has no such chain.
        UnknownNameError: no device, figure or gate has this name.
    """

    def __init__(
        self,
        bench: Benchmark,
        device: str,
        n_stages: int,
        figure: str,
        limits: Sequence[float],
        gate: str = "margin",
        architectures: Sequence[str] | None = None,
    ) -> None:
        self.bench, self.device, self.gate = bench, device, gate
        self.n_stages, self.figure, self.limits = n_stages, figure, tuple(limits)
        table = bench.table
        if architectures is None:
            inherited = table.networks["training"] == "inherited"
            cut = (table.exits > 0) & inherited
            architectures = np.unique(table.networks["architecture"][cut]).tolist()
        self.names = [
            chain
            for architecture in architectures
            for chain in bench.cascades.exit_chains(architecture, n_stages)
            if len(chain) == n_stages
        ]
        if not self.names:
            raise TableError(
                f"table {table.name!r} has no chain of {n_stages} stages; expected networks with "
                f"{n_stages - 1} exits or more, each deeper than the one before, or fewer stages."
            )
        self._best: dict[int, tuple[float, ...]] = {}

    def __len__(self) -> int:
        return len(self.names)

    @cached_property
    def places(self) -> NDArray[np.float64]:
        """Where each chain lies: its network's rank by size, and depths, (n, n_stages + 1)."""
        table = self.bench.table
        space, keys = table.space, [[NetworkKey.parse(n) for n in chain] for chain in self.names]
        size = np.array([space.sizes(space.parse([chain[-1].architecture]))[0] for chain in keys])
        rank = np.searchsorted(np.unique(size), size) / max(1, len(np.unique(size)) - 1)
        exits = [space.exit_numbers([key.exit for key in chain]) for chain in keys]
        return np.column_stack([rank, space.exit_after[np.array(exits)] / space.n_layers])

    def question(self, chain: int) -> CascadeQuestion:
        """A chain without its cuts."""
        names = self.names[chain]
        return self.bench.cascades.question(names, self.gate, self.device, {self.figure})

    def at(self, chain: int, cuts: Cuts) -> tuple[float, float]:
        """Accuracy and figure of a chain at the cuts 0 to 256 of its gates."""
        question = self.question(chain)
        counts, n = question.counts, question.counts.n_images
        reached, hits = sent_on(counts.codes, counts.right, cuts)
        reach = [count / n for count in reached]
        cost = cascade_figure(self.figure, question.networks, reach, question.shared)
        return hits / n, float(cost)

    def best(self, chain: int) -> tuple[float, ...]:
        """The best accuracy of a chain within each limit, NaN where no cuts are within it."""
        if chain not in self._best:
            question = self.question(chain)
            most = np.full(len(self.limits), -1)
            for block in question.counts.blocks():
                figure = question.figure(self.figure, block)
                for i, limit in enumerate(self.limits):
                    most[i] = max(most[i], np.where(figure <= limit, block.hits, -1).max())
            n = question.counts.n_images
            self._best[chain] = tuple(np.where(most < 0, np.nan, most / n).tolist())
        return self._best[chain]

    def alike(self, chain: int) -> NDArray[np.intp]:
        """The chains that lie nearest, nearest first."""
        far = np.abs(self.places - self.places[chain]).sum(axis=1)
        far[chain] = np.inf
        return np.argsort(far, kind="stable")[: min(ALIKE, len(self) - 1)]


def search(
    chains: Chains, limit: float, way: str, searcher: str, budget: int, seed: int = 0
) -> ChainOutcome:
    """The most accurate chain within a limit that a budget of evaluations finds.

    Args:
        chains: the chains that there are.
        limit: one of their limits.
        way: ``gene``: an evaluation is of one choice of cuts; ``inside``: of the best one.
        searcher: what proposes candidates, ``evolution`` or ``random``.
        budget: candidates that are evaluated, each once.
        seed: seed of the random numbers.

    Raises:
        UnknownNameError: there is no such way or searcher.
        ConstraintError: another limit, or no budget.
    """
    for what, name, names in (("way", way, WAYS), ("searcher", searcher, SEARCHERS)):
        if name not in names:
            raise UnknownNameError(f"{what} of a search over chains", name, names)
    if limit not in chains.limits or budget < 1:
        raise ConstraintError(
            f"limit {limit:g} and a budget of {budget}; expected one of "
            f"{', '.join(f'{most:g}' for most in chains.limits)}, and at least 1 evaluation."
        )
    rng, which = np.random.default_rng(seed), chains.limits.index(limit)
    seen: dict[tuple[int, Cuts], float] = {}
    population: list[tuple[int, Cuts]] = []

    def worth(chain: int, cuts: Cuts) -> float:
        """Accuracy within the limit; below 0 beyond it, by how far."""
        if way == "inside":
            best = chains.best(chain)[which]
            return -1.0 if np.isnan(best) else best
        accuracy, figure = chains.at(chain, cuts)
        return accuracy if figure <= limit else 1.0 - figure / limit

    misses = 0
    while len(seen) < budget and misses < TRIES:
        fresh = searcher == "random" or len(population) < POPULATION
        candidate = _drawn(chains, rng, way) if fresh else _child(chains, rng, population, seen)
        if candidate in seen:
            misses += 1
            continue
        misses, seen[candidate] = 0, worth(*candidate)
        population.append(candidate)
        if len(population) > POPULATION:
            population.remove(min(population, key=lambda member: seen[member]))
    chain, cuts = max(seen, key=lambda candidate: seen[candidate])
    accuracy = seen[chain, cuts]
    if accuracy < 0:
        return ChainOutcome((), (), float("nan"), len(seen))
    return ChainOutcome(chains.names[chain], cuts, accuracy, len(seen))


def _drawn(chains: Chains, rng: np.random.Generator, way: str) -> tuple[int, Cuts]:
    chain = int(rng.integers(len(chains)))
    if way == "inside":
        return chain, ()
    return chain, tuple(rng.integers(0, N_CODES + 1, chains.n_stages - 1).tolist())


def _child(
    chains: Chains,
    rng: np.random.Generator,
    population: Sequence[tuple[int, Cuts]],
    seen: dict[tuple[int, Cuts], float],
) -> tuple[int, Cuts]:
    """A mutation of the best one of some members of the population."""
    drawn = rng.integers(0, len(population), TOURNAMENT)
    chain, cuts = max((population[i] for i in drawn), key=lambda member: seen[member])
    if not cuts or rng.random() < MOVES:
        near = chains.alike(chain)
        anywhere = rng.random() < ELSEWHERE or not len(near)
        chain = int(rng.integers(len(chains)) if anywhere else rng.choice(near))
    steps = np.rint(rng.normal(0.0, CUT_STEP, len(cuts))) * (rng.random(len(cuts)) < MOVES)
    return chain, tuple(np.clip(np.array(cuts) + steps, 0, N_CODES).astype(int).tolist())
