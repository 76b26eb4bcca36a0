"""The front of predicted accuracy against BitOps over networks and the bits of their stages.

``nsga2`` moves in the rows of `bits_domain.py`. Accuracy is predicted from the sensitivities of the
stages and BitOps are counted, so that thousands of assignments take a second; whoever wants to know
what one of them is worth has it measured.

Sources: Deb et al. 2002 (NSGA-II); Dong et al. 2020, "HAWQ-V2" (a Pareto front of summed
sensitivities against cost).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bench.bits import BITS
from ..bench.errors import ConstraintError
from ..bench.mixed_network import MixedNetwork
from ..bench.pareto import nondominated
from .algorithms.nsga2 import start
from .bit_sensitivity import Sensitivity
from .bits_domain import BitsDomain, Genes
from .counting import Scores
from .search import Batch

#: How the figures of a point came about. Accuracy that was not run is never measured.
PROVENANCE = {"accuracy": "predicted", "bitops": "modelled", "weights_mib": "modelled"}


@dataclass(frozen=True)
class BitsPoint:
    """One network with bits per stage on a front.

    Attributes:
        network: the network with its bits.
        accuracy: accuracy on val, predicted from losses of single stages, a fraction.
        bitops: BitOps of one image, counted.
        weights_mib: memory of the weights in MiB, counted.
    """

    network: MixedNetwork
    accuracy: float
    bitops: int
    weights_mib: float

    def as_dict(self) -> dict[str, Any]:
        """The point as plain JSON, with how each figure came about."""
        return {
            "network": self.network.name,
            "accuracy": round(self.accuracy, 6),
            "bitops": self.bitops,
            "weights_mib": round(self.weights_mib, 6),
            "provenance": dict(PROVENANCE),
        }


@dataclass(frozen=True)
class _Question:
    """What NSGA-II is asked: the rows, and two values to minimise."""

    domain: BitsDomain
    population: int
    seed: int
    n_values: int = 2
    n_limits: int = 0

    def first(self, rng: np.random.Generator, n: int) -> Genes:
        return self.domain.sample(rng, n)


def searched_front(
    networks: Sequence[Sensitivity], budget: int = 10_000, seed: int = 0, population: int = 100
) -> list[BitsPoint]:
    """The front that NSGA-II finds, from few BitOps to many.

    Args:
        networks: sensitivity of each network that may be chosen.
        budget: assignments that are predicted.
        seed: seed of the search.
        population: assignments of one generation.

    Raises:
        ConstraintError: there is no network, or fewer assignments than one.
    """
    if not networks or budget < 1:
        raise ConstraintError(
            f"{len(networks)} networks and a budget of {budget}; expected at least 1 of each."
        )
    domain = BitsDomain(tuple(networks))
    strategy = start(_Question(domain, min(population, budget), seed))
    rows: list[Genes] = []
    values: list[NDArray[np.float64]] = []
    spent = 0
    while spent < budget:
        batch = strategy.ask(budget - spent)
        x = domain.repaired(batch.genes)
        if not len(x):
            break
        accuracy, bitops = domain.values(x)
        scores = Scores(
            genes=x,
            owner=np.arange(len(x)),
            values=np.column_stack([1 - accuracy, bitops]),
            excess=np.zeros((len(x), 0)),
            usable=np.ones(len(x), np.bool_),
        )
        strategy.tell(Batch(x), scores)
        rows.append(x)
        values.append(scores.values)
        spent += len(x)
    whole, figures = np.concatenate(rows), np.concatenate(values)
    best = nondominated(figures[:, ::-1])
    return [_point(domain, whole[i], 1 - figures[i, 0]) for i in best]


def _point(domain: BitsDomain, row: Genes, accuracy: float) -> BitsPoint:
    network, bits = domain.networks[int(row[0])], domain.stage_bits(row)
    return BitsPoint(
        network=MixedNetwork.of(network.network, bits, network.space),
        accuracy=float(accuracy),
        bitops=int(network.costs.bitops(bits)),
        weights_mib=float(network.costs.weights_mib(bits)),
    )


def exact_values(network: Sensitivity) -> NDArray[np.float64]:
    """Error and BitOps of every point of the exact front of one network, shape (n, 2).

    Losses and BitOps are sums over stages, so that the front of some stages and that of one more
    make the front of all of them together: what a search is judged by.

    Args:
        network: sensitivity of the network.
    """
    losses, costs = network.expected_losses, network.costs
    base = int(costs.bitops(np.full((network.n_entries, 2), BITS[-1])))
    sums = np.array([[0.0, base - int(costs.macs.sum()) * BITS[-1] ** 2]])
    for k in range(network.n_entries):
        own = np.array(
            [
                [losses[k, 0, w] + losses[k, 1, a], costs.macs[k] * BITS[w] * BITS[a]]
                for w in range(len(BITS))
                for a in range(len(BITS))
            ]
        )
        every = (sums[:, None] + own[None]).reshape(-1, 2)
        sums = every[nondominated(every)]
    sums[:, 0] = 1 - (network.accuracy - sums[:, 0]).clip(min(1 / network.n_classes, 1.0))
    return np.asarray(sums[nondominated(sums)])
