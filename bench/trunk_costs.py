"""What networks run before their exits: the part that a prefix pair or an early exit pays once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .footprint import trunk_flash_kib
from .precision import BYTES_PER_VALUE as BYTES_BY_PRECISION
from .precision import FP32, mib_per_value
from .spaces import Exits, Genomes, SearchSpace

BYTES_PER_VALUE = BYTES_BY_PRECISION[FP32]
MIB_PER_VALUE = np.float64(BYTES_PER_VALUE / 2**20)
_TRUNK = (
    *("latency_ms", "energy_mj", "macs", "params", "weights_mib", "features_mib"),
    "flash_kib",
)


@dataclass(frozen=True)
class TrunkCosts:
    """Costs of what networks run before their exits, arrays of shape (n,); 0 for whole networks.

    Attributes:
        latency_ms: latency of stem and layers before the exit; NaN where there is no figure.
        energy_mj: energy of stem and layers before the exit; NaN where there is no figure.
        macs: multiply-accumulates of stem and layers before the exit.
        params: trained weights of stem and layers before the exit.
        weights_mib: memory of these weights.
        features_mib: memory of the features at the exit.
        flash_kib: what is stored of stem and layers before the exit on a microcontroller.
    """

    latency_ms: NDArray[np.float64]
    energy_mj: NDArray[np.float64]
    macs: NDArray[np.float64]
    params: NDArray[np.float64]
    weights_mib: NDArray[np.float64]
    features_mib: NDArray[np.float64]
    flash_kib: NDArray[np.float64]

    def take(self, index: ArrayLike) -> TrunkCosts:
        """The trunks of the networks at ``index``."""
        at = np.asarray(index)
        return TrunkCosts(**{n: getattr(self, n)[at] for n in _TRUNK})

    @staticmethod
    def worst(devices: Sequence[TrunkCosts]) -> TrunkCosts:
        """The same trunks on several devices: what is surely shared, so each smallest figure."""
        return TrunkCosts(**{n: np.min([getattr(c, n) for c in devices], axis=0) for n in _TRUNK})


def trunk_costs(
    space: SearchSpace,
    genomes: Genomes,
    exits: Exits,
    latency_ms: NDArray[np.float64],
    energy_mj: NDArray[np.float64],
    trunk_ms: NDArray[np.float64] | None,
    precisions: NDArray[np.str_] | None = None,
) -> TrunkCosts:
    """Costs of trunks; the energy of a trunk is its share of the latency of its network.

    Args:
        space: search space of the networks.
        genomes: choices of the networks, shape (n, n_layers).
        exits: numbers of the exits at which networks are cut, shape (n,).
        latency_ms: latencies of the networks on the device, shape (n,).
        energy_mj: energies of the networks on the device, shape (n,).
        trunk_ms: latencies of stem and layers before the exits, shape (n,); None: no figure.
        precisions: precision of each network, shape (n,); None: all are fp32.
    """
    unit = MIB_PER_VALUE if precisions is None else mib_per_value(precisions)
    cut = exits > 0
    latency = np.where(cut, np.nan if trunk_ms is None else trunk_ms, 0.0)
    share = np.divide(latency, latency_ms, out=np.zeros(len(cut)), where=cut & (latency_ms > 0))
    macs = np.where(cut, space.trunk_macs(genomes, exits), 0.0)
    params = np.where(cut, space.trunk_params(genomes, exits), 0.0)
    return TrunkCosts(
        latency_ms=latency,
        energy_mj=np.where(cut, energy_mj * share, 0.0),
        macs=macs,
        params=params,
        weights_mib=params * unit,
        features_mib=np.asarray(space.trunk_features(exits) * unit, np.float64),
        flash_kib=np.where(cut, trunk_flash_kib(space, genomes, exits, precisions), 0.0),
    )
