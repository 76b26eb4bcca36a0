"""What a pair costs on a device, from what its two networks cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .errors import UnknownNameError
from .spaces import SearchSpace
from .spaces._space import Genomes

BYTES_PER_VALUE = 4  # fp32
Figure = NDArray[np.float64] | float
PAIR_COSTS = ("latency_ms", "latency_p95_ms", "energy_mj", "macs", "peak_memory_mib")
TAIL = 0.05  # the share of inputs beyond the 95th percentile


@dataclass(frozen=True)
class NetworkCosts:
    """Costs of n single networks on one device, arrays of shape (n,).

    Attributes:
        latency_ms: NaN where there is no figure.
        energy_mj: NaN where there is no figure.
        macs: multiply-accumulates.
        weights_mib: memory of the weights, fp32.
        activation_mib: largest activations alive at once, fp32, analytic.
        gate_ms: what the gate itself takes, one number for the device.
        provenance: of ``latency_ms`` and ``energy_mj``.
    """

    latency_ms: NDArray[np.float64]
    energy_mj: NDArray[np.float64]
    macs: NDArray[np.float64]
    weights_mib: NDArray[np.float64]
    activation_mib: NDArray[np.float64]
    gate_ms: float
    provenance: Mapping[str, str]

    def take(self, index: ArrayLike) -> NetworkCosts:
        """The networks at ``index``."""
        names = ("latency_ms", "energy_mj", "macs", "weights_mib", "activation_mib")
        arrays = {n: getattr(self, n)[np.asarray(index)] for n in names}
        return NetworkCosts(**arrays, gate_ms=self.gate_ms, provenance=self.provenance)

    def one(self, index: int) -> NetworkCosts:
        """One network, its figures plain numbers."""
        names = ("latency_ms", "energy_mj", "macs", "weights_mib", "activation_mib")
        figures: dict[str, Any] = {n: getattr(self, n).item(index) for n in names}
        return NetworkCosts(**figures, gate_ms=self.gate_ms, provenance=self.provenance)


def analytic_memory(
    space: SearchSpace, genomes: Genomes, n_classes: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Memory of weights and of activations in MiB (fp32), each of shape (n,)."""
    scale = np.float64(BYTES_PER_VALUE / 2**20)
    weights = space.params(genomes, n_classes).astype(np.float64)
    return weights * scale, space.peak_activation(genomes).astype(np.float64) * scale


def pair_provenance(parts: Mapping[str, str]) -> dict[str, str]:
    """How a pair's figures came about, given those of its networks.

    A mean over little and big is computed, never measured: of measured parts it is ``modelled``.
    MACs and memory are analytic.
    """
    latency = parts["latency_ms"] if parts["latency_ms"] != "measured" else "modelled"
    energy = parts["energy_mj"] if parts["energy_mj"] != "measured" else "modelled"
    return {
        "latency_ms": latency,
        "latency_p95_ms": latency,
        "energy_mj": energy,
        "macs": "modelled",
        "peak_memory_mib": "modelled",
    }


def pair_figure(
    name: str, little: NetworkCosts, big: NetworkCosts, escalation_rate: Figure
) -> NDArray[np.float64]:
    """One cost of pairs; every array broadcasts against ``escalation_rate``.

    The latency of an input is little + gate, plus big if it is escalated, so the mean is
    ``t_l + t_g + r * t_b``, and the 95th percentile includes the big network as soon as more than
    one input in twenty reaches it. Energy and MACs likewise (the gate's energy is not counted).
    Both networks are resident.

    Args:
        name: one of ``PAIR_COSTS``, or "escalation_rate".
        little: of the networks that answer first.
        big: of the networks that answer what is escalated.
        escalation_rate: in [0, 1].

    Raises:
        UnknownNameError: no such cost.
    """
    r: Any = escalation_rate
    value: Any
    if name == "latency_ms":
        value = little.latency_ms + little.gate_ms + r * big.latency_ms
    elif name == "latency_p95_ms":
        value = little.latency_ms + little.gate_ms + (r > TAIL) * big.latency_ms
    elif name == "energy_mj":
        value = little.energy_mj + r * big.energy_mj
    elif name == "macs":
        value = little.macs + r * big.macs
    elif name == "peak_memory_mib":
        weights = little.weights_mib + big.weights_mib
        value = weights + np.maximum(little.activation_mib, big.activation_mib) + 0.0 * r
    elif name == "escalation_rate":
        value = r
    else:
        raise UnknownNameError("cost", name, (*PAIR_COSTS, "escalation_rate"))
    return cast(NDArray[np.float64], value)


def pair_costs(
    little: NetworkCosts, big: NetworkCosts, escalation_rate: Figure
) -> dict[str, NDArray[np.float64]]:
    """All costs of pairs by name; see ``pair_figure``."""
    return {name: pair_figure(name, little, big, escalation_rate) for name in PAIR_COSTS}
