"""What a searcher sees: candidates go in, operating points come out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from .cost import NetworkCosts
from .points import Points
from .spaces import SearchSpace
from .spaces._space import Genomes


@dataclass(frozen=True)
class Candidates:
    """Pairs with gates that wait to be evaluated, arrays whose first axis has n entries.

    Attributes:
        little: genomes, shape (n, n_layers).
        big: genomes, shape (n, n_layers).
        gate: index into the evaluator's ``gates``, shape (n,).
        cut: stored code below which an answer is escalated, 0 to 256, shape (n,).
    """

    little: Genomes
    big: Genomes
    gate: NDArray[np.int64]
    cut: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.gate)


@dataclass(frozen=True)
class NetworkFigures:
    """Single networks, with no gate and no partner.

    Attributes:
        accuracy: fractions, shape (n,).
        costs: on the evaluator's device, arrays of shape (n,).
        provenance: of ``accuracy``; the costs carry their own.
    """

    accuracy: NDArray[np.float64]
    costs: NetworkCosts
    provenance: str


class Evaluator(Protocol):
    """Evaluates many candidates at once. A table, a surrogate and a training run all are one."""

    @property
    def space(self) -> SearchSpace:
        """The search space of both networks."""
        ...

    @property
    def choices(self) -> tuple[str, ...]:
        """The space's choices that may be used."""
        ...

    @property
    def gates(self) -> tuple[str, ...]:
        """Gate metrics that a candidate may name by index."""
        ...

    def evaluate(self, candidates: Candidates) -> Points:
        """Operating points of the candidates, in their order; NaN where there is no figure."""
        ...

    def networks(self, genomes: Genomes) -> NetworkFigures:
        """Figures of single networks, genomes of shape (n, n_layers)."""
        ...
