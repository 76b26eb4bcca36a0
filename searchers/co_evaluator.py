"""Pairs on accelerators as candidates: what they answer, and what that costs where they run.

What a pair answers does not depend on where it runs, so that an evaluator of pairs gives accuracy
and escalation rate, and costs come from a table of blocks for each accelerator. Of a pair on one
accelerator every cost rises with the escalation rate, so that its points are those at which
escalating more pays. Accuracy is that of the networks as the evaluator knows them, in its own
precision, whatever bits the accelerator has.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bench import Candidates, Points
from ..bench.cost import NetworkCosts, SharedCosts, network_costs, pair_figure
from ..bench.coupling import coupled_pairs
from ..bench.errors import ConstraintError
from ..bench.evaluator import AnsweringEvaluator
from ..bench.provenance import LATENCIES, answered_pairs
from ..bench.spaces import Exits, Genomes, parse_networks
from ..bench.trunk_costs import trunk_costs
from ..edge_profiler.accelerators.grid import CostGrid, checked_places
from .co_domain import CoDomain
from .domain import Domain, Genes

Array = NDArray[np.float64]
AREA = "area_mm2"
#: What can be minimised, the area beside figures of an operating point.
OBJECTIVES = ("error", "latency_ms", "latency_p95_ms", "latency_worst_ms", "energy_mj", AREA)
WORDS = {"latency_ms": "modelled", "energy_mj": "modelled"}


@dataclass
class CoEvaluator:
    """Evaluates pairs on accelerators: what they answer, and what that costs there.

    Attributes:
        answering: says what pairs answer; its own device does not matter.
        grid: costs of networks on every accelerator.
        domain: candidates, and the moves among them.
        reporting: the same networks on the images that are reported on; None: as searched.
        seconds_tables: time that the tables of blocks took.
    """

    answering: AnsweringEvaluator
    grid: CostGrid
    domain: CoDomain[Domain]
    reporting: AnsweringEvaluator | None = None
    seconds_tables: float = 0.0

    @classmethod
    def of(
        cls,
        answering: AnsweringEvaluator,
        grid: CostGrid,
        area_mm2: float | None = None,
        couplings: tuple[str, ...] | None = None,
        pair: tuple[str, str] | None = None,
        reporting: AnsweringEvaluator | None = None,
    ) -> CoEvaluator:
        """The evaluator of all pairs, or of one, on the accelerators within a limit of area.

        Args:
            answering: says what pairs answer.
            grid: costs of networks on every accelerator.
            area_mm2: most area of an accelerator; None: any.
            couplings: the only couplings that pairs may have; None: all that there are.
            pair: names of the only little and big network; None: all that there are.
            reporting: the same networks on the images that are reported on.

        Raises:
            ConstraintError: no accelerator has so little area, or the pair is not a candidate.
            AcceleratorError: on none of them any network fits.
        """
        places = checked_places(grid, grid.accelerators.within(area_mm2))
        pairs = Domain.of(answering, True, couplings)
        genes = None if pair is None else pair_genes(pairs, pair)
        domain = CoDomain(pairs, grid.accelerators, places, genes)
        return cls(answering, grid, domain, reporting)

    def _timed(
        self, places: NDArray[np.intp], genomes: Genomes, exits: Exits | None
    ) -> NetworkCosts:
        """Latency and energy of networks; what a search does not ask for is NaN."""
        grid, none = self.grid.costs(places, genomes, exits), np.full(len(places), np.nan)
        trunk = None
        if exits is not None and exits.any():
            latency_and_energy = grid.latency_ms, grid.energy_mj
            space = self.answering.space
            trunk = trunk_costs(space, genomes, exits, *latency_and_energy, grid.trunk_ms)
        return NetworkCosts(
            grid.latency_ms, grid.energy_mj, none, none, none, none, 0.0, WORDS, trunk
        )

    def values(self, x: Genes, objectives: Sequence[str]) -> tuple[Genes, NDArray[np.intp], Array]:
        """Operating points of rows at which escalating more pays.

        Args:
            x: rows of the domain, shape (n, n_genes).
            objectives: names of what is minimised, some of `OBJECTIVES`.

        Returns:
            Genes of the points with gate and cut, (m, n_genes), which of the rows each is of, (m,),
            and the objectives, (m, n_objectives); NaN where a network does not fit.
        """
        pairs, places = self.domain.of_pairs(x), self.domain.places(x)
        networks, cuts = self.domain.pairs.networks(pairs), self.domain.pairs.cuts(pairs)
        answers = self.answering.answers(*networks, cuts)
        pays = paying(answers.owner, answers.escalation_rate, 1.0 - answers.accuracy)
        owner, rate = answers.owner[pays], answers.escalation_rate[pays]
        exits = cuts or (None, None)
        both = [self._timed(places, g, e) for g, e in zip(networks, exits, strict=True)]
        coupled = coupled_pairs(
            self.answering.space, self.answering.n_classes, *networks, both[0], cuts
        ).take(owner)
        columns = {"error": 1.0 - answers.accuracy[pays], AREA: self.areas_mm2(places)[owner]}
        costs = both[0].take(owner), both[1].take(owner)
        genes = x[owner].copy()
        genes[:, self.domain.gate] = answers.gate[pays]
        genes[:, self.domain.cut] = answers.cut[pays]
        return genes, owner, in_objectives(objectives, columns, costs, rate, coupled.shared)

    def areas_mm2(self, places: NDArray[np.intp]) -> Array:
        """Area of accelerators by their place in the space, modelled, shape (n,)."""
        return np.asarray(self.grid.accelerators.areas_mm2[places])

    def _whole(
        self, places: NDArray[np.intp], genomes: Genomes, exits: Exits | None
    ) -> NetworkCosts:
        """All costs of networks."""
        grid = self.grid.costs(places, genomes, exits)
        return network_costs(
            self.answering.space,
            genomes,
            self.answering.n_classes,
            latency_ms=grid.latency_ms,
            energy_mj=grid.energy_mj,
            gate_ms=0.0,
            provenance=WORDS,
            exits=exits,
            trunk_ms=None if exits is None else grid.trunk_ms,
        )

    def points(self, x: Genes) -> Points:
        """Operating points of rows with gate and cut, as they are reported."""
        pairs, places = self.domain.of_pairs(x), self.domain.places(x)
        candidates = self.domain.pairs.candidates(pairs)
        gate, cut = x[:, self.domain.gate], x[:, self.domain.cut]
        gated = replace(candidates, gate=gate, cut=cut)
        points = (self.reporting or self.answering).evaluate(gated)
        networks, cuts = (gated.little, gated.big), gated.exits
        exits = cuts or (None, None)
        little, big = (self._whole(places, g, e) for g, e in zip(networks, exits, strict=True))
        shared = coupled_pairs(
            self.answering.space, self.answering.n_classes, *networks, little, cuts
        ).shared
        names = (*LATENCIES, "energy_mj")
        rate = points.escalation_rate
        figures: Any = {n: pair_figure(n, little, big, rate, shared) for n in names}
        words = answered_pairs(WORDS, WORDS, points.provenance["accuracy"], rate)
        return replace(points, **figures, provenance=words)


def pair_genes(pairs: Domain, names: tuple[str, str]) -> Genes:
    """The row of one pair, shape (1, n_genes).

    Raises:
        ArchitectureError: a name that is none of the space's networks.
        ConstraintError: the pair is not among the candidates.
    """
    little, big = (parse_networks(pairs.space, np.array([name])) for name in names)
    zero = np.zeros(1, np.int64)
    rows = pairs.genes(Candidates(little[0], big[0], zero, zero, (little[1], big[1])))
    if not len(rows):
        raise ConstraintError(
            f"the pair {names[0]} and {names[1]} is not among the candidates: a network of it is "
            "not in the table, or has a choice or an exit that the surrogate does not know."
        )
    return rows


def in_objectives(
    objectives: Sequence[str],
    columns: Mapping[str, Array],
    costs: tuple[NetworkCosts, NetworkCosts],
    rate: Array,
    shared: SharedCosts | None = None,
) -> Array:
    """Objectives of m operating points, shape (m, n_objectives).

    Args:
        objectives: names of what is minimised, some of `OBJECTIVES`.
        columns: those that are no cost of networks, each of shape (m,).
        costs: costs of the little and of the big network of each point.
        rate: escalation rate of each point, shape (m,).
        shared: costs that both networks have in common; None: nothing.
    """
    figures = [
        columns[name] if name in columns else pair_figure(name, *costs, rate, shared)
        for name in objectives
    ]
    return np.stack(figures, axis=1)


def paying(owner: NDArray[np.intp], rate: Array, error: Array) -> NDArray[np.intp]:
    """Rows of points that no other point of their candidate beats in rate and error, rising.

    Args:
        owner: number of the candidate that each point is of, shape (m,).
        rate: escalation rate of each point, shape (m,).
        error: error of each point, shape (m,).
    """
    order = np.lexsort((error, rate, owner))
    # An offset that falls from candidate to candidate, so that one running minimum serves all.
    offset = error[order] - 2.0 * owner[order]
    better = np.ones(len(order), np.bool_)
    better[1:] = offset[1:] < np.minimum.accumulate(offset)[:-1]
    return np.sort(order[better])
