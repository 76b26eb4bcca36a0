"""What a co-search moves in: a pair of networks and the accelerator that both run on.

A row of genes is [little | big | coupling | accelerator | gate | cut]: that of `Domain`, or of
another domain of pairs, and before its gate one gene for each number of an accelerator (`CHOSEN`),
a place among the values that its space allows. Accelerators beyond the limit of area are not
candidates: a move that ends at one goes on to the nearest that is allowed, counted in steps along
the lists of values.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..bench import SearchSpace
from ..bench.spaces import Genomes
from ..edge_profiler.accelerators.space import CHOSEN, AcceleratorSpace
from .domain import Genes, first_of_each
from .unseen import Moves

N_CHOSEN = len(CHOSEN)
ALONE = 0.3  # of moves change the accelerator alone, and as many the networks alone
NEXT = 0.75  # of changed numbers go to the next value, up or down; the others to any


class PairMoves(Moves, Protocol):
    """Pairs as rows of genes that end with gate and cut, both optimised inside an evaluation."""

    @property
    def space(self) -> SearchSpace:
        """Search space of both networks."""
        ...

    @property
    def listed(self) -> Genomes | None:
        """The only architectures there are, one gene each; None: genes are something else."""
        ...

    @property
    def parts(self) -> tuple[slice, ...]:
        """Where little and big stand in a row."""
        ...

    @property
    def gate(self) -> int:
        """Where the gate stands in a row; the cut comes behind it."""
        ...

    def repaired(self, x: Genes) -> Genes:
        """Rows as every candidate is written."""
        ...

    def features(self, x: Genes) -> NDArray[np.float64]:
        """What a model may learn from, shape (n, n_features)."""
        ...

    def sample(self, rng: np.random.Generator, n: int) -> Genes:
        """``n`` rows drawn uniformly."""
        ...

    def sample_sizes(self, rng: np.random.Generator, n: int) -> Genes:
        """``n`` rows of networks of all sizes."""
        ...

    def neighbours(self, row: Genes) -> Genes:
        """Every row one small move away."""
        ...


#: The domain of the pairs of a co-search.
Pairs = TypeVar("Pairs", bound=PairMoves)


@dataclass(frozen=True)
class CoDomain(Generic[Pairs]):
    """Pairs, and accelerators that they may run on.

    Attributes:
        pairs: candidates of a search on one device; gate and cut are optimised inside.
        accelerators: the space of accelerators.
        allowed: places of those that may be chosen, rising, at least one.
        pair: genes of the only pair there is, shape (1, pairs.n_genes); None: any pair.
    """

    pairs: Pairs
    accelerators: AcceleratorSpace
    allowed: NDArray[np.intp]
    pair: Genes | None = None

    # ---- the shape of a row ----------------------------------------------------------------
    @property
    def inside(self) -> bool:
        """Whether gate and cut are optimised inside an evaluation."""
        return True

    @property
    def space(self) -> SearchSpace:
        """Search space of both networks."""
        return self.pairs.space

    @property
    def listed(self) -> Genomes | None:
        """The only architectures there are; None: all of the space's."""
        return self.pairs.listed

    @property
    def parts(self) -> tuple[slice, ...]:
        """Where little and big stand in a row."""
        return self.pairs.parts

    @property
    def chosen(self) -> slice:
        """Where the accelerator stands in a row."""
        return slice(self.pairs.gate, self.pairs.gate + N_CHOSEN)

    @property
    def gate(self) -> int:
        """Where the gate stands in a row."""
        return self.pairs.gate + N_CHOSEN

    @property
    def cut(self) -> int:
        """Where the cut stands in a row."""
        return self.gate + 1

    @property
    def n_genes(self) -> int:
        """Length of a row."""
        return self.cut + 1

    @cached_property
    def options(self) -> Genes:
        """How many values each gene can have, shape (n_genes,)."""
        own, at = self.pairs.options, self.pairs.gate
        return np.concatenate([own[:at], self.accelerators.sizes, own[at:]]).astype(np.int64)

    @property
    def size(self) -> float:
        """How many different candidates there are."""
        return (1.0 if self.pair is not None else self.pairs.size) * len(self.allowed)

    # ---- what rows stand for ---------------------------------------------------------------
    def of_pairs(self, x: Genes) -> Genes:
        """The genes of rows that are those of their pairs, shape (n, pairs.n_genes)."""
        return np.delete(x, np.arange(self.chosen.start, self.chosen.stop), axis=1)

    def places(self, x: Genes) -> NDArray[np.intp]:
        """The accelerators of rows, by their place in the space, shape (n,)."""
        return self.accelerators.places(x[:, self.chosen])

    def joined(self, pairs: Genes, places: NDArray[np.intp]) -> Genes:
        """Rows of pairs and of the places of their accelerators."""
        at = self.pairs.gate
        genes = self.accelerators.genes(places)
        return np.concatenate([pairs[:, :at], genes, pairs[:, at:]], axis=1)

    def keys(self, x: Genes) -> list[bytes]:
        """What tells rows apart that are asked about; gate and cut do not."""
        rows = np.ascontiguousarray(x[:, : self.gate], np.int64)
        return [row.tobytes() for row in rows]

    @cached_property
    def _nearest(self) -> NDArray[np.intp]:
        """The allowed accelerator with the fewest steps from each of the space, (n,)."""
        n, genes = len(self.accelerators), self.accelerators.genes(self.allowed)
        nearest = np.empty(n, np.intp)
        for start in range(0, n, 256):
            some = np.arange(start, min(start + 256, n))
            steps = np.zeros((len(some), len(genes)), np.int64)
            for mine, theirs in zip(self.accelerators.genes(some).T, genes.T, strict=True):
                steps += abs(mine[:, None] - theirs)
            nearest[some] = self.allowed[steps.argmin(axis=1)]
        return nearest

    def repaired(self, x: Genes) -> Genes:
        """Rows as every candidate is written, on accelerators that are allowed."""
        pairs = self.pairs.repaired(self.of_pairs(x))
        if self.pair is not None:
            pairs = np.repeat(self.pair, len(x), axis=0)
        return self.joined(pairs, self._nearest[self.places(x)])

    def features(self, x: Genes) -> NDArray[np.float64]:
        """What a model may learn from: that of pairs, and each number as a share of its list."""
        own = self.pairs.features(self.of_pairs(x))
        top = np.maximum(np.array(self.accelerators.sizes) - 1, 1)
        return np.concatenate([own, x[:, self.chosen] / top], axis=1)

    # ---- moves -----------------------------------------------------------------------------
    def sample(self, rng: np.random.Generator, n: int) -> Genes:
        """``n`` rows drawn uniformly."""
        return self._with_any(rng, self.pairs.sample(rng, n))

    def sample_sizes(self, rng: np.random.Generator, n: int) -> Genes:
        """``n`` rows of networks of all sizes, on any accelerators."""
        return self._with_any(rng, self.pairs.sample_sizes(rng, n))

    def _with_any(self, rng: np.random.Generator, pairs: Genes) -> Genes:
        return self.repaired(self.joined(pairs, rng.choice(self.allowed, len(pairs))))

    def mutate(self, rng: np.random.Generator, x: Genes) -> Genes:
        """A changed copy of rows: of some the networks move, of some the accelerator, or both."""
        kind = rng.random(len(x))
        networks, accelerator = kind >= ALONE, kind < 1 - ALONE
        if self.pair is not None:
            networks, accelerator = np.zeros_like(networks), np.ones_like(accelerator)
        elif len(self.allowed) == 1:
            networks, accelerator = np.ones_like(networks), np.zeros_like(accelerator)
        pairs = self.of_pairs(x)
        if networks.any():
            pairs[networks] = self.pairs.mutate(rng, pairs[networks])
        places = self.places(x)
        places[accelerator] = self._moved(rng, places[accelerator])
        return self.repaired(self.joined(pairs, places))

    def _moved(self, rng: np.random.Generator, places: NDArray[np.intp]) -> NDArray[np.intp]:
        """Other accelerators: at least one number has another value, where it can."""
        genes, sizes = self.accelerators.genes(places), np.array(self.accelerators.sizes)
        several = sizes > 1
        hit = several & (rng.random(genes.shape) < 1 / N_CHOSEN)
        order = np.where(several, rng.random(genes.shape), 2.0)
        hit[np.arange(len(genes)), order.argmin(axis=1)] |= ~hit.any(axis=1)
        step = genes + rng.choice([-1, 1], genes.shape)
        step = np.where(step < 0, 1, np.where(step >= sizes, sizes - 2, step))
        far = (genes + rng.integers(1, np.maximum(sizes, 2), size=genes.shape)) % sizes
        other = np.where(rng.random(genes.shape) < NEXT, step, far)
        return self.accelerators.places(np.where(hit & several, other, genes))

    def cross(self, rng: np.random.Generator, a: Genes, b: Genes) -> tuple[Genes, Genes]:
        """Two children of each two parents; accelerators are exchanged whole or in some numbers."""
        pairs = self.pairs.cross(rng, self.of_pairs(a), self.of_pairs(b))
        genes = a[:, self.chosen], b[:, self.chosen]
        swap = rng.random(genes[0].shape) < 0.5
        swap = np.where(rng.random((len(a), 1)) < 0.5, swap[:, :1], swap)
        places = (
            self.accelerators.places(np.where(swap, genes[1], genes[0])),
            self.accelerators.places(np.where(swap, genes[0], genes[1])),
        )
        first, second = (self.joined(p, at) for p, at in zip(pairs, places, strict=True))
        return self.repaired(first), self.repaired(second)

    def neighbours(self, row: Genes) -> Genes:
        """Every row one small move away: of the pair, or one step of one number."""
        whole, place = self.of_pairs(row[None]), self.places(row[None])
        near = [np.zeros((0, self.n_genes), np.int64)]
        if self.pair is None:
            pairs = self.pairs.neighbours(whole[0])
            near.append(self.joined(pairs, np.repeat(place, len(pairs))))
        genes = self.accelerators.genes(place)
        steps = np.concatenate(
            [np.eye(N_CHOSEN, dtype=np.int64), -np.eye(N_CHOSEN, dtype=np.int64)]
        )
        moved = genes + steps
        moved = moved[((moved >= 0) & (moved < self.accelerators.sizes)).all(axis=1)]
        pairs = np.repeat(whole, len(moved), axis=0)
        near.append(self.joined(pairs, self.accelerators.places(moved)))
        rows = self.repaired(np.concatenate(near))
        return rows[first_of_each(self.keys(rows), self.keys(row[None]))]
