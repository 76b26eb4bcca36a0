"""Several devices at once: what a pair costs on the device where it costs most."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ...bench import Candidates, Evaluator, NetworkCosts, NetworkFigures, Points, SearchSpace
from ...bench.errors import ConstraintError
from ...bench.evaluator import (
    CutEvaluator,
    ListedEvaluator,
    Sweep,
    SweepingEvaluator,
    precision_of,
    shares_nothing,
)
from ...bench.provenance import weakest
from ...bench.spaces import Exits, Genomes

Array = NDArray[np.float64]
#: What differs from device to device.
BY_DEVICE = (
    *("latency_ms", "latency_p95_ms", "latency_worst_ms"),
    *("energy_mj", "peak_memory_mib"),
)


def worst_case(evaluators: Sequence[Evaluator]) -> Evaluator:
    """One evaluator for several devices: each cost is the largest over them.

    Args:
        evaluators: evaluators of the same networks, one per device.

    Raises:
        ConstraintError: none, or evaluators that differ in more than their device.
    """
    if not evaluators:
        raise ConstraintError("no device was named.")
    if len(evaluators) == 1:
        return evaluators[0]
    first = evaluators[0]
    for other in evaluators[1:]:
        if (other.space.hash, other.choices, other.gates) != (
            first.space.hash,
            first.choices,
            first.gates,
        ):
            raise ConstraintError(
                "the evaluators of several devices must agree in space, choices and gates."
            )
    sweep = all(isinstance(e, SweepingEvaluator) for e in evaluators)
    return WorstCaseCurves(evaluators) if sweep else WorstCase(evaluators)


def worst_points(devices: Sequence[Points]) -> Points:
    """The same operating points on several devices: each cost is the largest over them.

    Args:
        devices: the points on each device, in one order.
    """
    worst = {name: np.max([getattr(p, name) for p in devices], axis=0) for name in BY_DEVICE}
    provenance = weakest([p.provenance for p in devices])
    return Points(**{**vars(devices[0]), **worst, "provenance": provenance})


class WorstCase:
    """The largest cost over several devices, point by point; see `worst_case`."""

    def __init__(self, evaluators: Sequence[Evaluator]) -> None:
        self.evaluators = tuple(evaluators)

    @property
    def space(self) -> SearchSpace:
        """The search space of both networks."""
        return self.evaluators[0].space

    @property
    def choices(self) -> tuple[str, ...]:
        """The choices that may be used."""
        return self.evaluators[0].choices

    @property
    def gates(self) -> tuple[str, ...]:
        """Gate metrics that a candidate may name by index."""
        return self.evaluators[0].gates

    @property
    def n_classes(self) -> int:
        """Classes of the networks' classifiers."""
        return self.evaluators[0].n_classes

    @property
    def apart(self) -> bool:
        """Whether no two networks share weights."""
        return any(shares_nothing(e) for e in self.evaluators)

    @property
    def precision(self) -> str:
        """The precision of all networks."""
        return precision_of(self.evaluators[0])

    @property
    def listed(self) -> Genomes | None:
        """The architectures that every evaluator knows; None: all."""
        lists = [e.listed for e in self.evaluators if isinstance(e, ListedEvaluator)]
        some = [k for k in lists if k is not None]
        if not some:
            return None
        shared = set.intersection(*({g.tobytes() for g in genomes} for genomes in some))
        common = [g for g in some[0] if g.tobytes() in shared]
        return np.array(common, np.uint8).reshape(-1, self.space.n_layers)

    @property
    def exits(self) -> NDArray[np.bool_] | None:
        """Which exits every evaluator has; None where one of them has none."""
        each = [e.exits if isinstance(e, CutEvaluator) else None for e in self.evaluators]
        there = [exits for exits in each if exits is not None]
        if len(there) < len(each):
            return None
        listed = self.listed
        if listed is None:
            return np.asarray(np.all(there, axis=0))
        rows = []
        for evaluator, exits in zip(self.evaluators, there, strict=True):
            assert isinstance(evaluator, ListedEvaluator)
            assert evaluator.listed is not None
            place = {g.tobytes(): i for i, g in enumerate(evaluator.listed)}
            rows.append(exits[[place[g.tobytes()] for g in listed]])
        return np.asarray(np.all(rows, axis=0))

    def networks(self, genomes: Genomes, exits: Exits | None = None) -> NetworkFigures:
        """Figures of single networks, genomes of shape (n, n_layers)."""
        figures = [e.networks(genomes, exits) for e in self.evaluators]
        costs = [f.costs for f in figures]
        return NetworkFigures(
            accuracy=figures[0].accuracy,
            costs=NetworkCosts.worst(costs),
            provenance=figures[0].provenance,
        )

    def evaluate(self, candidates: Candidates) -> Points:
        """Operating points of the candidates, in their order."""
        return worst_points([e.evaluate(candidates) for e in self.evaluators])


class WorstCaseCurves(WorstCase):
    """The same where every evaluator has whole curves, taken at the same points."""

    def sweep(
        self, little: Genomes, big: Genomes, exits: tuple[Exits, Exits] | None = None
    ) -> Sweep:
        """All points of n pairs, genomes of shape (n, n_layers)."""
        sweeps = [
            e.sweep(little, big, exits) for e in self.evaluators if isinstance(e, SweepingEvaluator)
        ]
        first = sweeps[0]
        for other in sweeps[1:]:
            if not (
                np.array_equal(first.owner, other.owner) and np.array_equal(first.cut, other.cut)
            ):
                raise ConstraintError("the evaluators of several devices answer at other cuts.")
        worst = {name: np.max([s.figures[name] for s in sweeps], axis=0) for name in BY_DEVICE}
        return Sweep(
            owner=first.owner,
            gate=first.gate,
            cut=first.cut,
            figures={**first.figures, **worst},
            provenance=weakest([s.provenance for s in sweeps]),
            split=first.split,
        )
