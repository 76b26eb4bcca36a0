"""Rows that were not asked about before: no searcher spends its budget twice on one candidate."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np

from .domain import Genes, first_of_each

TRIES = 30  # proposals without a new row before a domain counts as exhausted


class Moves(Protocol):
    """Rows of integers that stand for candidates, and the moves among them; `Domain` is one."""

    @property
    def n_genes(self) -> int:
        """Length of a row."""
        ...

    @property
    def options(self) -> Genes:
        """How many values each gene can have, shape (n_genes,)."""
        ...

    @property
    def size(self) -> float:
        """How many different candidates there are."""
        ...

    def keys(self, x: Genes) -> list[bytes]:
        """What tells rows apart."""
        ...

    def mutate(self, rng: np.random.Generator, x: Genes) -> Genes:
        """A changed copy of rows."""
        ...

    def cross(self, rng: np.random.Generator, a: Genes, b: Genes) -> tuple[Genes, Genes]:
        """Two children of each two parents."""
        ...


class Unseen:
    """Keeps what was asked about, and drops what comes again.

    Args:
        domain: says which rows are the same candidate.
    """

    def __init__(self, domain: Moves) -> None:
        self.domain = domain
        self.seen: set[bytes] = set()

    def of(self, x: Genes) -> Genes:
        """The rows that are new, once each, in their order; they are not noted."""
        return x[first_of_each(self.domain.keys(x), self.seen)]

    def note(self, x: Genes) -> Genes:
        """The same rows, noted as asked about."""
        self.seen.update(self.domain.keys(x))
        return x

    def draw(self, propose: Callable[[int], Genes], n: int) -> Genes:
        """Up to ``n`` new rows from proposals, noted; fewer where nothing new comes any more."""
        rows = np.zeros((0, self.domain.n_genes), np.int64)
        for _ in range(TRIES):
            if len(rows) >= n or len(self.seen) >= self.domain.size:
                break
            fresh = self.of(propose(max(n - len(rows), 8)))[: n - len(rows)]
            rows = np.concatenate([rows, self.note(fresh)])
        return rows
