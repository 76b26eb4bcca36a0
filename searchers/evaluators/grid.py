"""Whole curves from an evaluator that only answers point by point."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...bench import Candidates, Evaluator, NetworkFigures, Points, SearchSpace
from ...bench.evaluator import CutEvaluator, Sweep, shares_nothing
from ...bench.figures import POINT_FIGURES
from ...bench.gates import N_CODES
from ...bench.spaces import Exits, Genomes

#: Cuts of each gate that are tried: denser at the high end, where few answers are kept.
CUTS = (0, 64, 112, 144, 168, 192, 208, 224, 236, 246, N_CODES)


class GridSweeps:
    """An evaluator whose curves are taken at a grid of cuts, one candidate each.

    Args:
        evaluator: answers point by point.
        cuts: codes at which every gate is tried.
    """

    def __init__(self, evaluator: Evaluator, cuts: tuple[int, ...] = CUTS) -> None:
        self.evaluator, self.cuts = evaluator, cuts

    @property
    def space(self) -> SearchSpace:
        """The search space of both networks."""
        return self.evaluator.space

    @property
    def choices(self) -> tuple[str, ...]:
        """The choices that may be used."""
        return self.evaluator.choices

    @property
    def gates(self) -> tuple[str, ...]:
        """Gate metrics that a candidate may name by index."""
        return self.evaluator.gates

    @property
    def apart(self) -> bool:
        """Whether no two networks share weights."""
        return shares_nothing(self.evaluator)

    @property
    def n_classes(self) -> int:
        """Classes of the networks' classifiers."""
        return self.evaluator.n_classes

    def evaluate(self, candidates: Candidates) -> Points:
        """As the evaluator itself does."""
        return self.evaluator.evaluate(candidates)

    @property
    def exits(self) -> NDArray[np.bool_] | None:
        """Which exits there are, as the evaluator says; None: all networks are whole."""
        return self.evaluator.exits if isinstance(self.evaluator, CutEvaluator) else None

    def networks(self, genomes: Genomes, exits: Exits | None = None) -> NetworkFigures:
        """As the evaluator itself does."""
        return (
            self.evaluator.networks(genomes)
            if exits is None
            else self.evaluator.networks(genomes, exits)
        )

    def sweep(
        self, little: Genomes, big: Genomes, exits: tuple[Exits, Exits] | None = None
    ) -> Sweep:
        """Points of n pairs at the grid's cuts; cut 0, little alone, once for all gates."""
        pairs = [(g, c) for g in range(len(self.gates)) for c in self.cuts if c or not g]
        gate, cut = (np.tile(column, len(little)) for column in np.array(pairs, np.int64).T)
        owner = np.repeat(np.arange(len(little)), len(pairs))
        cuts = None if exits is None else (exits[0][owner], exits[1][owner])
        candidates = Candidates(little[owner], big[owner], gate, cut, cuts)
        points = self.evaluator.evaluate(candidates)
        figures = {
            n: np.asarray(getattr(points, n), np.float64) for n in ("threshold", *POINT_FIGURES)
        }
        return Sweep(owner, gate, cut, figures, points.provenance, points.split)
