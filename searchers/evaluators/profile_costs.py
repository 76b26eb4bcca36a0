"""What single networks cost on a device, from its profile alone."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ...bench import DeviceProfile, SearchSpace
from ...bench.cost import NetworkCosts, network_costs
from ...bench.spaces import Exits, Genomes


def profile_costs(
    profile: DeviceProfile,
    space: SearchSpace,
    genomes: Genomes,
    n_classes: int,
    exits: Exits | None = None,
) -> NetworkCosts:
    """Costs of single networks on a device, from its profile alone; NaN where it has none."""
    cut = exits is not None and bool(exits.any())
    return network_costs(
        space,
        genomes,
        n_classes,
        latency_ms=profile.latency_ms(space, genomes, exits if cut else None),
        energy_mj=profile.network_energy_mj(space, genomes, exits if cut else None),
        gate_ms=profile.gate_ms,
        provenance=profile_words(profile, cut),
        exits=exits if cut else None,
        trunk_ms=profile.trunk_ms(space, genomes, exits) if cut and exits is not None else None,
    )


def profile_words(profile: DeviceProfile, cut: bool) -> Mapping[str, str]:
    """How latency and energy of networks on a device come about, some ``cut`` at exits or none."""
    return profile.latency.provenance(exits=np.ones(1, np.uint8) if cut else None)
