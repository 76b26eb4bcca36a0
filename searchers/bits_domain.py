"""What a search for bits per stage moves in: a network of some, and the bits of its stages.

A row of genes is [network | bits of weights, one a stage | bits of what is read, one a stage]; a
gene of bits is a place in `BITS`. Stages that compute nothing, and those that a network which is
cut does not have, have the most bits in every row, so that a candidate is written in one way.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..bench.bits import BITS, StageBits
from .bit_sensitivity import Sensitivity

Genes = NDArray[np.int64]
TOP = len(BITS) - 1
UNIFORM = 0.5  # of crossovers; the others exchange a run of stages, which often go together


@dataclass(frozen=True)
class BitsDomain:
    """Networks with measured sensitivities, and all bits of their stages.

    Attributes:
        networks: sensitivity of each network.
    """

    networks: tuple[Sensitivity, ...]

    @cached_property
    def n_entries(self) -> int:
        """Stages and head of the network that has most."""
        return max(network.n_entries for network in self.networks)

    @property
    def n_genes(self) -> int:
        """Length of a row: the network, and two genes for each stage and for the head."""
        return 1 + 2 * self.n_entries

    @cached_property
    def options(self) -> Genes:
        """How many values each gene can have, shape (n_genes,)."""
        out = np.full(self.n_genes, len(BITS), np.int64)
        out[0] = len(self.networks)
        return out

    @cached_property
    def _free(self) -> NDArray[np.bool_]:
        """Which genes mean anything, by network, shape (n_networks, n_genes)."""
        out = np.zeros((len(self.networks), self.n_genes), np.bool_)
        out[:, 0] = True
        for i, network in enumerate(self.networks):
            for side in range(2):
                at = 1 + side * self.n_entries
                out[i, at : at + network.n_entries] = ~network.costs.idle
        return out

    @property
    def size(self) -> float:
        """How many different candidates there are."""
        return float((float(len(BITS)) ** (self._free[:, 1:].sum(axis=1))).sum())

    def repaired(self, x: Genes) -> Genes:
        """Rows (n, n_genes) as every candidate is written."""
        return np.where(self._free[x[:, 0]], x, TOP)

    def bits(self, x: Genes) -> Genes:
        """Bits of weights and of what is read of rows, shape (n, n_entries, 2)."""
        genes = x[:, 1:].reshape(len(x), 2, self.n_entries)
        return np.asarray(np.array(BITS)[genes].transpose(0, 2, 1))

    def stage_bits(self, row: Genes) -> StageBits:
        """Bits of the stages that the network of one row has."""
        own = self.bits(row[None])[0, : self.networks[int(row[0])].n_entries]
        return tuple((int(weights), int(read)) for weights, read in own)

    def values(self, x: Genes) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Predicted accuracy and BitOps of rows, shape (n,) each."""
        accuracy, bitops = np.empty(len(x)), np.empty(len(x))
        bits = self.bits(x)
        for i, network in enumerate(self.networks):
            own = x[:, 0] == i
            pairs = bits[own, : network.n_entries]
            accuracy[own] = network.predicted_accuracy(pairs)
            bitops[own] = network.costs.bitops(pairs)
        return accuracy, bitops

    # ---- moves ---------------------------------------------------------------------------------
    def keys(self, x: Genes) -> list[bytes]:
        """What tells rows apart."""
        return [row.tobytes() for row in np.ascontiguousarray(self.repaired(x), np.int64)]

    def sample(self, rng: np.random.Generator, n: int) -> Genes:
        """``n`` rows, each with a leaning of its own, so that costs of all sizes are there."""
        share = rng.random((n, 1))
        genes = rng.binomial(TOP, np.broadcast_to(share, (n, self.n_genes)))
        genes[:, 0] = rng.integers(0, len(self.networks), n)
        return self.repaired(np.asarray(genes, np.int64))

    def mutate(self, rng: np.random.Generator, x: Genes) -> Genes:
        """A copy in which at least one gene of every row has another value, where it can."""
        offset = rng.integers(1, np.maximum(self.options, 2), size=x.shape)
        free = self._free[x[:, 0]] & (self.options > 1)
        hit = free & (rng.random(x.shape) < 1 / self.n_genes)
        order = np.where(free, rng.random(x.shape), 2.0)
        hit[np.arange(len(x)), order.argmin(axis=1)] |= ~hit.any(axis=1)
        return self.repaired(np.where(hit & free, (x + offset) % self.options, x))

    def neighbours(self, row: Genes) -> Genes:
        """Every row in which one gene has another value, shape (n, n_genes), each once."""
        rows = []
        for gene in range(self.n_genes):
            for value in range(int(self.options[gene])):
                other = row.copy()
                other[gene] = value
                rows.append(other)
        near = self.repaired(np.array(rows))
        first = {key: i for i, key in reversed(list(enumerate(self.keys(near))))}
        first.pop(self.keys(row[None])[0], None)
        return near[sorted(first.values())]

    def cross(self, rng: np.random.Generator, a: Genes, b: Genes) -> tuple[Genes, Genes]:
        """Two children of each two parents, all of shape (n, n_genes)."""
        n, k = len(a), self.n_entries
        ends = np.sort(rng.integers(0, k + 1, (n, 2)), axis=1)
        run = (np.arange(k) >= ends[:, :1]) & (np.arange(k) < ends[:, 1:])
        swap = np.empty(a.shape, np.bool_)
        swap[:, 0] = rng.random(n) < 0.5
        swap[:, 1:] = np.where(
            rng.random((n, 1)) < UNIFORM, rng.random((n, 2 * k)) < 0.5, np.tile(run, 2)
        )
        return self.repaired(np.where(swap, b, a)), self.repaired(np.where(swap, a, b))
