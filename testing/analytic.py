"""Evaluators in closed form that every searcher is asked to search in."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..bench import Candidates, NetworkFigures, Points, SearchSpace, get_space
from ..bench.cost import network_costs, pair_costs
from ..bench.evaluator import Sweep
from ..bench.figures import POINT_FIGURES
from ..bench.gates import N_CODES, get_metric
from ..bench.provenance import pair_provenance


@dataclass
class Analytic:
    """An evaluator in closed form: accuracy and latency of a network from its genome."""

    space: SearchSpace = field(default_factory=lambda: get_space("fbnet"))
    choices: tuple[str, ...] = ("k3_e1", "k3_e3", "skip")
    gates: tuple[str, ...] = ("margin", "max_prob")
    missing_share: float = 0.0
    slower: float = 1.0
    seen: list[Candidates] = field(default_factory=list)
    rough: list[tuple[float, Candidates]] = field(default_factory=list)
    fidelity: float = 1.0
    fidelities: tuple[float, ...] = (0.1, 0.5, 1.0)
    n_classes: int = 10

    def at(self, fidelity: float) -> Analytic:
        return dataclasses.replace(self, fidelity=fidelity)

    def _note(self, candidates: Candidates) -> None:
        if self.fidelity == 1.0:
            self.seen.append(candidates)
        else:
            self.rough.append((self.fidelity, candidates))

    @property
    def spent(self) -> float:
        return sum(map(len, self.seen)) + sum(f * len(c) for f, c in self.rough)

    def networks(self, genomes: np.ndarray) -> NetworkFigures:
        weight = np.linspace(1.0, 2.0, self.space.n_layers)
        gain = np.zeros(len(self.space.choices))
        gain[[0, 2]] = 0.5, 1.0  # k3_e1 and k3_e3; a skip adds nothing
        quality = (gain[genomes] * weight).sum(axis=1) / weight.sum()
        macs = self.space.macs(genomes, 10).astype(float)
        latency = (1.0 + macs / 1e7) * self.slower
        if self.missing_share:
            latency = np.where(genomes[:, 0] == 0, np.nan, latency)
        costs = network_costs(
            self.space,
            genomes,
            10,
            latency_ms=latency,
            energy_mj=np.full(len(genomes), np.nan),
            gate_ms=0.05,
            provenance={"latency_ms": "modelled", "energy_mj": "modelled"},
        )
        return NetworkFigures(0.5 + 0.45 * np.sqrt(quality), costs, "predicted")

    def evaluate(self, candidates: Candidates) -> Points:
        self._note(candidates)
        return self.points(candidates)

    def points(self, candidates: Candidates) -> Points:
        little, big = self.networks(candidates.little), self.networks(candidates.big)
        rate = (candidates.cut / N_CODES) ** 2
        useful = 1.0 - (1.0 - rate) ** 8  # the hardest inputs are escalated first
        useful *= np.where(candidates.gate == 0, 1.0, 0.9)
        accuracy = little.accuracy + useful * (big.accuracy - little.accuracy)
        edges = np.stack([get_metric(g).thresholds(10) for g in self.gates])
        costs: dict[str, Any] = pair_costs(little.costs, big.costs, rate)
        return Points(
            little=np.array(self.space.format(candidates.little)),
            big=np.array(self.space.format(candidates.big)),
            gate=np.array(self.gates)[candidates.gate],
            threshold=edges[candidates.gate, candidates.cut],
            accuracy=accuracy,
            escalation_rate=rate,
            **costs,
            provenance={
                "accuracy": "predicted",
                "escalation_rate": "predicted",
                **pair_provenance(little.costs.provenance),
            },
        )


class Curves(Analytic):
    """The same, but an evaluation is of a pair and gives its whole curve."""

    def sweep(self, little: np.ndarray, big: np.ndarray) -> Sweep:
        self._note(Candidates(little, big, np.zeros(len(little), int), np.zeros(len(little), int)))
        owner, gate, cut = self._grid(len(little))
        points = self.all_points(little, big)
        figures = {name: getattr(points, name) for name in ("threshold", *POINT_FIGURES)}
        return Sweep(owner, gate, cut, figures, points.provenance)

    def all_points(self, little: np.ndarray, big: np.ndarray) -> Points:
        owner, gate, cut = self._grid(len(little))
        return self.points(Candidates(little[owner], big[owner], gate, cut))

    def _grid(self, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        cuts = np.arange(0, N_CODES + 1, 32)
        owner = np.repeat(np.arange(n), len(cuts) * len(self.gates))
        cut = np.tile(cuts, n * len(self.gates))
        gate = np.tile(np.repeat(np.arange(len(self.gates)), len(cuts)), n)
        return owner, gate, cut


class Listed(Curves):
    """The same, but few architectures are known."""

    @property
    def listed(self) -> np.ndarray:
        rng = np.random.default_rng(0)
        skips = rng.random((60, 22)) < rng.random((60, 1))
        return np.unique(np.where(skips, 8, self.space.sample(rng, 60, self.choices)), axis=0)


#: Classes of evaluators that every searcher is asked to search in.
Kinds = dict[str, Any]
KINDS: Kinds = {"points": Analytic, "curves": Curves, "listed": Listed}
