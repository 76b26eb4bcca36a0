"""Pairs with bits for every stage, on accelerators: candidates, and what they are worth.

A row of genes is [little | big | accelerator | gate | cut]; little and big are rows of `BitsDomain`
each, one of a few networks and the bits of its stages. Networks of a pair share nothing, not even
the weights of one architecture, which they may both have.

Accuracy is ``predicted`` by one simple model. What both networks answer with 8 bits everywhere is
known for every image, so that accuracy and escalation rate of a pair with 8 bits are exact at every
gate and threshold. Fewer bits leave the escalation rate as it is, and take from the accuracy what
the stages of little lose, added up, on the share of images that little answers, and what those of
big lose on the share that big answers. Latency, energy and area are modelled.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bench import Points, SearchSpace
from ..bench.bits import BITS
from ..bench.cost import NetworkCosts, pair_figure
from ..bench.mixed_network import MixedNetwork
from ..bench.provenance import LATENCIES, answered_pairs
from ..bench.spaces import Genomes, get_space
from ..edge_profiler.accelerators.stage_costs import StageGrid
from .bits_domain import BitsDomain
from .co_domain import CoDomain
from .co_evaluator import AREA, WORDS, in_objectives, paying
from .domain import Genes
from .evaluators.answers import Answers

Array = NDArray[np.float64]
Places = NDArray[np.intp]
SWAP_WHOLE = 0.25  # of matings: little and big are exchanged unbroken
BOTH = 0.3  # of mutations change both networks, and as many little alone or big alone
#: Costs of a point that do not depend on what memory its values take.
REPORTED = (*LATENCIES, "energy_mj", "macs", "params")


@dataclass(frozen=True)
class BitsPairs:
    """Pairs of a few networks with bits for every stage.

    Attributes:
        bits: the networks, and all bits of their stages.
    """

    bits: BitsDomain

    # ---- the shape of a row ----------------------------------------------------------------
    @property
    def space(self) -> SearchSpace:
        """Search space of both networks."""
        return get_space(self.bits.networks[0].space)

    @property
    def listed(self) -> Genomes | None:
        """No gene is a place in a list of architectures alone."""
        return None

    @property
    def parts(self) -> tuple[slice, ...]:
        """Where little and big stand in a row."""
        n = self.bits.n_genes
        return slice(0, n), slice(n, 2 * n)

    @property
    def gate(self) -> int:
        """Where the gate stands in a row; the cut comes behind it."""
        return 2 * self.bits.n_genes

    @property
    def n_genes(self) -> int:
        """Length of a row."""
        return self.gate + 2

    @cached_property
    def options(self) -> Genes:
        """How many values each gene can have, shape (n_genes,)."""
        one = self.bits.options
        return np.concatenate([one, one, [1, 1]])

    @property
    def size(self) -> float:
        """How many different candidates there are."""
        return self.bits.size**2

    # ---- what rows stand for ---------------------------------------------------------------
    def halves(self, x: Genes) -> tuple[Genes, Genes]:
        """Rows of little and of big, each a row of `BitsDomain`."""
        return x[:, self.parts[0]], x[:, self.parts[1]]

    def joined(self, little: Genes, big: Genes) -> Genes:
        """Rows of pairs whose gate and cut are left open."""
        return np.concatenate([little, big, np.zeros((len(little), 2), np.int64)], axis=1)

    def repaired(self, x: Genes) -> Genes:
        """Rows as every candidate is written; gate and cut stay."""
        halves = [self.bits.repaired(half) for half in self.halves(x)]
        return np.concatenate([*halves, x[:, self.gate :]], axis=1)

    def keys(self, x: Genes) -> list[bytes]:
        """What tells rows apart; gate and cut do not."""
        return [row.tobytes() for row in np.ascontiguousarray(x[:, : self.gate], np.int64)]

    def features(self, x: Genes) -> Array:
        """What a model may learn from: which networks, bits as shares of 8, accuracy, BitOps."""
        columns: list[Array] = []
        for half in self.halves(x):
            accuracy, bitops = self.bits.values(half)
            columns += [
                np.eye(len(self.bits.networks))[half[:, 0]],
                half[:, 1:] / (len(BITS) - 1),
                np.column_stack([accuracy, np.log(np.maximum(bitops, 1.0))]),
            ]
        return np.concatenate(columns, axis=1)

    # ---- moves -----------------------------------------------------------------------------
    def sample(self, rng: np.random.Generator, n: int) -> Genes:
        """``n`` rows, of bits of all sizes."""
        return self.joined(self.bits.sample(rng, n), self.bits.sample(rng, n))

    def sample_sizes(self, rng: np.random.Generator, n: int) -> Genes:
        """``n`` rows of networks of all sizes, which is what `sample` gives."""
        return self.sample(rng, n)

    def mutate(self, rng: np.random.Generator, x: Genes) -> Genes:
        """A changed copy of rows: of little, of big, or of both."""
        kind, halves = rng.random(len(x)), self.halves(x)
        hit = kind > (1 - BOTH) / 2, (kind < (1 - BOTH) / 2) | (kind > 1 - BOTH)
        moved = [
            np.where(which[:, None], self.bits.mutate(rng, half), half)
            for which, half in zip(hit, halves, strict=True)
        ]
        return self.joined(moved[0], moved[1])

    def cross(self, rng: np.random.Generator, a: Genes, b: Genes) -> tuple[Genes, Genes]:
        """Two children of each two parents; now and then networks are exchanged whole."""
        whole = rng.random((len(a), 1)) < SWAP_WHOLE
        swap = rng.random((len(a), 2)) < 0.5
        children: list[tuple[Genes, Genes]] = []
        for side, (one, other) in enumerate(zip(self.halves(a), self.halves(b), strict=True)):
            mixed = self.bits.cross(rng, one, other)
            mine = swap[:, [side]]
            exchanged = np.where(mine, other, one), np.where(mine, one, other)
            children.append(
                (
                    np.where(whole, exchanged[0], mixed[0]),
                    np.where(whole, exchanged[1], mixed[1]),
                )
            )
        (little, also_little), (big, also_big) = children
        return self.joined(little, big), self.joined(also_little, also_big)

    def neighbours(self, row: Genes) -> Genes:
        """Every row in which one gene of little or of big has another value."""
        little, big = (half[0] for half in self.halves(row[None]))
        near = self.bits.neighbours(little), self.bits.neighbours(big)
        return np.concatenate(
            [
                self.joined(near[0], np.repeat(big[None], len(near[0]), axis=0)),
                self.joined(np.repeat(little[None], len(near[1]), axis=0), near[1]),
            ]
        )


@dataclass
class BitsCoEvaluator:
    """Evaluates pairs with bits on accelerators: predicted accuracy, and what it costs there.

    Attributes:
        answers: answers of the networks with 8 bits everywhere, in the order of the domain's.
        grid: what their stages cost on every accelerator.
        domain: candidates, and the moves among them.
        seconds_tables: time that the tables of stages took.
    """

    answers: Answers
    grid: StageGrid
    domain: CoDomain[BitsPairs]
    seconds_tables: float = 0.0
    _curves: dict[tuple[int, int], NDArray[np.float64]] = field(default_factory=dict)

    @property
    def bits(self) -> BitsDomain:
        """The networks, and all bits of their stages."""
        return self.domain.pairs.bits

    def areas_mm2(self, places: Places) -> Array:
        """Area of accelerators by their place in the space, modelled, shape (n,)."""
        return np.asarray(self.grid.accelerators.areas_mm2[places])

    def _curve(self, little: int, big: int) -> Array:
        """Gate, cut, escalation rate and accuracy with 8 bits, (m, 4).

        Of the points at one rate the most accurate one is there: what bits take depends on the rate
        alone.
        """
        if (little, big) not in self._curves:
            parts = []
            for number, gate in enumerate(self.answers.gates):
                cuts, escalated, hits = self.answers.whole_curve(little, big, gate)
                parts.append(np.column_stack([np.full(len(cuts), number), cuts, escalated, hits]))
            every = np.concatenate(parts)
            order = np.lexsort((-every[:, 3], every[:, 2]))
            first = np.ones(len(order), np.bool_)
            first[1:] = np.diff(every[order, 2]) > 0
            curve = every[order][first].astype(np.float64)
            curve[:, 2:] /= self.answers.n_images
            self._curves[little, big] = curve
        return self._curves[little, big]

    def _losses(self, half: Genes) -> Array:
        """What the stages of single networks lose, added up, shape (n,)."""
        full = np.array([network.accuracy for network in self.bits.networks])
        return np.asarray(full[half[:, 0]] - self.bits.values(half)[0])

    def _left(self, accuracy: Array, rate: Array, losses: tuple[Array, Array]) -> Array:
        """Predicted accuracy of points, from that with 8 bits; chance at the least."""
        left = accuracy - (1.0 - rate) * losses[0] - rate * losses[1]
        chance = 1.0 / self.bits.networks[0].n_classes
        return np.maximum(left, np.minimum(chance, accuracy))

    def _costs(self, places: Places, half: Genes) -> NetworkCosts:
        """Costs of single networks; memory of activations, which nobody counted, is NaN."""
        priced = self.grid.costs(places, half[:, 0].astype(np.intp), self.bits.bits(half))
        each = [n.costs for n in self.bits.networks]
        macs = np.array([c.macs.sum() + c.fixed_macs for c in each], np.float64)[half[:, 0]]
        params = np.array([c.params.sum() + c.fixed_params for c in each], np.float64)[half[:, 0]]
        none = np.full(len(half), np.nan)
        return NetworkCosts(priced[:, 0], priced[:, 1], macs, params, none, none, 0.0, WORDS)

    def values(self, x: Genes, objectives: Sequence[str]) -> tuple[Genes, Places, Array]:
        """Operating points of rows at which escalating more pays.

        Args:
            x: rows of the domain, shape (n, n_genes).
            objectives: names of what is minimised, some of `co_evaluator.OBJECTIVES`.

        Returns:
            Genes of the points with gate and cut, (m, n_genes), which of the rows each is of, (m,),
            and the objectives, (m, n_objectives); NaN where a network does not fit.
        """
        halves, places = self.domain.pairs.halves(self.domain.of_pairs(x)), self.domain.places(x)
        both = zip(halves[0][:, 0].tolist(), halves[1][:, 0].tolist(), strict=True)
        curves = [self._curve(little, big) for little, big in both]
        every = np.repeat(np.arange(len(x)), [len(curve) for curve in curves])
        gate, cut, rate, accuracy = np.concatenate(curves).T
        losses = self._losses(halves[0])[every], self._losses(halves[1])[every]
        error = 1.0 - self._left(accuracy, rate, losses)
        pays = paying(every, rate, error)
        owner, rate = every[pays], rate[pays]
        little, big = (self._costs(places, half).take(owner) for half in halves)
        columns = {"error": error[pays], AREA: self.areas_mm2(places)[owner]}
        genes = x[owner].copy()
        genes[:, self.domain.gate], genes[:, self.domain.cut] = gate[pays], cut[pays]
        return genes, owner, in_objectives(objectives, columns, (little, big), rate)

    def networks(self, x: Genes) -> tuple[list[MixedNetwork], list[MixedNetwork]]:
        """Little and big of rows with their bits."""
        halves = self.domain.pairs.halves(self.domain.of_pairs(x))
        little, big = ([self._network(row) for row in half] for half in halves)
        return little, big

    def _network(self, row: Genes) -> MixedNetwork:
        network = self.bits.networks[int(row[0])]
        return MixedNetwork.of(network.network, self.bits.stage_bits(row), network.space)

    def points(self, x: Genes) -> Points:
        """Operating points of rows with gate and cut, as they are reported; all predicted."""
        halves = self.domain.pairs.halves(self.domain.of_pairs(x))
        gate, cut = x[:, self.domain.gate], x[:, self.domain.cut]
        rows = halves[0][:, 0].astype(np.intp), halves[1][:, 0].astype(np.intp)
        rate, accuracy = self.answers.points(*rows, gate, cut)
        losses = self._losses(halves[0]), self._losses(halves[1])
        little, big = self.networks(x)
        none = np.full(len(x), np.nan)
        return Points(
            little=np.array([network.name for network in little], np.str_),
            big=np.array([network.name for network in big], np.str_),
            gate=np.array(self.answers.gates)[gate],
            threshold=self.answers.thresholds[gate, cut],
            accuracy=self._left(accuracy, rate, losses),
            escalation_rate=rate,
            **self.figures(x, rate),
            peak_memory_mib=none,
            provenance=answered_pairs(WORDS, WORDS, "predicted", rate),
            coupling=np.full(len(x), "sibling"),
        )

    def figures(self, x: Genes, rate: Array) -> dict[str, Any]:
        """Modelled costs of rows at some escalation rates, by name, shape (n,) each.

        Args:
            x: rows of the domain, shape (n, n_genes).
            rate: escalation rate of each row, predicted or simulated, shape (n,).
        """
        places = self.domain.places(x)
        halves = self.domain.pairs.halves(self.domain.of_pairs(x))
        little, big = (self._costs(places, half) for half in halves)
        return {name: pair_figure(name, little, big, rate) for name in REPORTED}


def bits_evaluator(
    bits: BitsDomain, answers: Answers, grid: StageGrid, places: Places
) -> BitsCoEvaluator:
    """The evaluator of all pairs of some networks on some accelerators.

    Args:
        bits: the networks with what their stages lose.
        answers: what the same networks answer with 8 bits, in the same order.
        grid: what the stages of the same networks cost, in the same order.
        places: accelerators that may be chosen, by their place in the space.

    Raises:
        AcceleratorError: none of the networks fits on any of them.
    """
    usable = grid.checked_places(places)
    return BitsCoEvaluator(answers, grid, CoDomain(BitsPairs(bits), grid.accelerators, usable))
