"""What a co-training starts from, and what its networks cost, whole or cut at exits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from ..bench import DeviceProfile, NetworkCosts, SearchSpace
from ..bench.coupling import PREFIX, Couplings
from ..bench.networks import Network
from ..bench.spaces import parse_networks
from ..cotrain.front import PairCosts
from ..cotrain.prefix import fresh_exit
from ..cotrain.supernet import Supernet
from ..cotrain.weights import take_exit_heads
from .evaluators.profile_costs import profile_costs


def costs_on(
    profiles: Sequence[DeviceProfile], n_classes: int, space: SearchSpace
) -> Callable[[str, str], PairCosts]:
    """Gives the costs of a pair of named networks, and what a prefix pair shares.

    Training unties the weights of whole networks, so that those share nothing.

    Args:
        profiles: devices that the costs are of; of several each cost is the largest.
        n_classes: number of classes of the classifiers.
        space: search space of the networks.
    """

    def costs_of(little: str, big: str) -> PairCosts:
        genomes, exits = parse_networks(space, (little, big))
        each = [profile_costs(p, space, genomes, n_classes, exits) for p in profiles]
        costs = each[0] if len(each) == 1 else NetworkCosts.worst(each)
        couplings = Couplings(space, n_classes, genomes, exits, np.zeros(2, np.int64))
        if int(couplings.kinds(0, 1)) != PREFIX:
            return costs, None
        return costs, couplings.shared(np.array([0]), np.array([1]), costs)

    return costs_of


def inheriting(net: Supernet, heads: Path, seed: int) -> tuple[Callable[[str], Network], bool]:
    """Gives networks with a supernet's weights, and whether heads of exits have random ones.

    Args:
        net: the supernet; trained heads are put into it.
        heads: file of trained heads; where there is none, heads start from random weights.
        seed: seed of random heads.
    """
    if take_exit_heads(net, heads):
        return net.inherit, False

    def start(name: str) -> Network:
        architecture, _, cut = name.partition("@")
        whole = net.inherit(architecture)
        return fresh_exit(whole, cut, seed) if cut else whole

    return start, True
