"""What networks and pairs cost on a device: the one place that assembles and adds them up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .errors import UnknownNameError
from .spaces import Exits, Genomes, SearchSpace

BYTES_PER_VALUE = 4  # fp32
Figure = NDArray[np.float64] | float
PAIR_COSTS = (
    *("latency_ms", "latency_p95_ms", "latency_worst_ms"),
    *("energy_mj", "macs", "params", "peak_memory_mib"),
)
_MIB_PER_VALUE = np.float64(BYTES_PER_VALUE / 2**20)
TAIL = 0.05  # the share of inputs beyond the 95th percentile
_COLUMNS = ("latency_ms", "energy_mj", "macs", "params", "weights_mib", "activation_mib")
_TRUNK = ("latency_ms", "energy_mj", "macs", "params", "features_mib")


@dataclass(frozen=True)
class TrunkCosts:
    """Costs of what networks run before their exits, arrays of shape (n,); 0 for whole networks.

    Attributes:
        latency_ms: latency of stem and layers before the exit; NaN where there is no figure.
        energy_mj: energy of stem and layers before the exit; NaN where there is no figure.
        macs: multiply-accumulates of stem and layers before the exit.
        params: trained weights of stem and layers before the exit.
        features_mib: memory of the features at the exit, fp32.
    """

    latency_ms: NDArray[np.float64]
    energy_mj: NDArray[np.float64]
    macs: NDArray[np.float64]
    params: NDArray[np.float64]
    features_mib: NDArray[np.float64]

    def take(self, index: ArrayLike) -> TrunkCosts:
        """The trunks of the networks at ``index``."""
        at = np.asarray(index)
        return TrunkCosts(**{n: getattr(self, n)[at] for n in _TRUNK})

    @staticmethod
    def worst(devices: Sequence[TrunkCosts]) -> TrunkCosts:
        """The same trunks on several devices: what is surely shared, so each smallest figure."""
        return TrunkCosts(**{n: np.min([getattr(c, n) for c in devices], axis=0) for n in _TRUNK})


@dataclass(frozen=True)
class NetworkCosts:
    """Costs of n single networks on one device, arrays of shape (n,).

    Attributes:
        latency_ms: latency of one input; NaN where there is no figure.
        energy_mj: energy of one input; NaN where there is no figure.
        macs: multiply-accumulates for one image.
        params: number of trained weights.
        weights_mib: memory of the weights, fp32.
        activation_mib: largest activations alive at once, fp32, analytic.
        gate_ms: latency of the gate itself, one number for the device.
        provenance: how ``latency_ms`` and ``energy_mj`` came about.
        trunk: what the networks run before their exits; None where all of them are whole.
    """

    latency_ms: NDArray[np.float64]
    energy_mj: NDArray[np.float64]
    macs: NDArray[np.float64]
    params: NDArray[np.float64]
    weights_mib: NDArray[np.float64]
    activation_mib: NDArray[np.float64]
    gate_ms: float
    provenance: Mapping[str, str]
    trunk: TrunkCosts | None = None

    def take(self, index: ArrayLike) -> NetworkCosts:
        """The networks at ``index``."""
        at = np.asarray(index)
        trunk = None if self.trunk is None else self.trunk.take(at)
        return self._with({n: getattr(self, n)[at] for n in _COLUMNS}, trunk)

    def one(self, index: int) -> NetworkCosts:
        """One network, its figures plain numbers; those of its trunk are left out."""
        return self._with({n: getattr(self, n).item(index) for n in _COLUMNS}, None)

    def without(self, missing: NDArray[np.bool_]) -> NetworkCosts:
        """The same networks with NaN for every figure of those that are ``missing``, shape (n,)."""
        if not missing.any():
            return self
        columns = {n: np.where(missing, np.nan, getattr(self, n)) for n in _COLUMNS}
        return self._with(columns, self.trunk)

    def _with(self, columns: Mapping[str, Any], trunk: TrunkCosts | None) -> NetworkCosts:
        words = self.provenance
        return NetworkCosts(**columns, gate_ms=self.gate_ms, provenance=words, trunk=trunk)

    @staticmethod
    def worst(devices: Sequence[NetworkCosts], provenance: Mapping[str, str]) -> NetworkCosts:
        """The same networks on several devices, each figure that of the worst device.

        Args:
            devices: costs of the same networks, one entry a device.
            provenance: how the worst figures came about, by field.
        """
        columns = {n: np.max([getattr(c, n) for c in devices], axis=0) for n in _COLUMNS}
        gate_ms = max(c.gate_ms for c in devices)
        trunks = [c.trunk for c in devices if c.trunk is not None]
        trunk = TrunkCosts.worst(trunks) if len(trunks) == len(devices) else None
        return NetworkCosts(**columns, gate_ms=gate_ms, provenance=provenance, trunk=trunk)


def network_costs(
    space: SearchSpace,
    genomes: Genomes,
    n_classes: int,
    latency_ms: NDArray[np.float64],
    energy_mj: NDArray[np.float64],
    gate_ms: float,
    provenance: Mapping[str, str],
    macs: NDArray[Any] | None = None,
    activation_mib: NDArray[np.float64] | None = None,
    exits: Exits | None = None,
    trunk_ms: NDArray[np.float64] | None = None,
) -> NetworkCosts:
    """Costs of single networks from what a device says; the rest is counted from the space.

    Args:
        space: search space of the networks.
        genomes: choices of the networks, shape (n, n_layers).
        n_classes: number of classes of the classifier.
        latency_ms: latencies on the device, shape (n,), NaN where there is no figure.
        energy_mj: energies on the device, shape (n,), NaN where there is no figure.
        gate_ms: latency of the gate on the device.
        provenance: how ``latency_ms`` and ``energy_mj`` came about.
        macs: multiply-accumulates where they are known already, shape (n,).
        activation_mib: memory of activations where it is known already, shape (n,).
        exits: numbers of the exits at which networks are cut, shape (n,); None: all are whole.
        trunk_ms: latencies of stem and layers before the exits on the device, shape (n,); None:
            there is no figure for them, nor then for the latency of a prefix pair.
    """
    if activation_mib is None:
        activation_mib = activation_memory(space, genomes, exits)
    counted = space.macs(genomes, n_classes, exits) if macs is None else macs
    params = space.params(genomes, n_classes, exits).astype(np.float64)
    trunk = None
    if exits is not None and exits.any():
        trunk = _trunk_costs(space, genomes, exits, latency_ms, energy_mj, trunk_ms)
    return NetworkCosts(
        latency_ms=latency_ms,
        energy_mj=energy_mj,
        macs=counted.astype(np.float64),
        params=params,
        weights_mib=weights_memory(params),
        activation_mib=activation_mib,
        gate_ms=gate_ms,
        provenance=provenance,
        trunk=trunk,
    )


def _trunk_costs(
    space: SearchSpace,
    genomes: Genomes,
    exits: Exits,
    latency_ms: NDArray[np.float64],
    energy_mj: NDArray[np.float64],
    trunk_ms: NDArray[np.float64] | None,
) -> TrunkCosts:
    """Costs of trunks; the energy of a trunk is its share of the latency of its network."""
    cut = exits > 0
    latency = np.where(cut, np.nan if trunk_ms is None else trunk_ms, 0.0)
    share = np.divide(latency, latency_ms, out=np.zeros(len(cut)), where=cut & (latency_ms > 0))
    counted = {"macs": space.trunk_macs, "params": space.trunk_params}
    return TrunkCosts(
        latency_ms=latency,
        energy_mj=np.where(cut, energy_mj * share, 0.0),
        features_mib=space.trunk_features(exits) * _MIB_PER_VALUE,
        **{n: np.where(cut, count(genomes, exits), 0.0) for n, count in counted.items()},
    )


@dataclass(frozen=True)
class SharedCosts:
    """What a pair's two networks have in common and pay for once.

    Figures are numbers or arrays that broadcast against those of the pair's networks.

    Attributes:
        latency_ms: latency of the layers that both run.
        energy_mj: energy of the layers that both run.
        macs: multiply-accumulates of the layers that both run.
        params: trained numbers that both use.
        weights_mib: memory of the weights that both use.
        features_mib: memory of the features that are kept while little's exit answers.
        whole_ms: what an input that little answers takes beyond little and gate where the pair runs
            as one graph; None: nothing.
        measured: whether the latencies of all these pairs follow from runs end to end.
    """

    latency_ms: Figure = 0.0
    energy_mj: Figure = 0.0
    macs: Figure = 0.0
    params: Figure = 0.0
    weights_mib: Figure = 0.0
    features_mib: Figure = 0.0
    whole_ms: Figure | None = None
    measured: bool = False

    def take(self, index: NDArray[np.intp]) -> SharedCosts:
        """The same of the pairs at ``index``; figures that are numbers hold for all of them."""
        figures = {f.name: getattr(self, f.name) for f in fields(self)}
        return SharedCosts(**{k: v[index] if np.ndim(v) else v for k, v in figures.items()})


NOTHING_SHARED = SharedCosts()


def mean_cost(little: Any, big: Any, escalation_rate: Any, shared: Any = 0.0) -> Any:
    """Mean cost of an input: little, and for the escalated share what big costs on top.

    It is affine in the escalation rate. ``little`` includes the gate. Numbers, arrays and tensors
    serve alike.
    """
    return little + escalation_rate * (big - shared)


def weights_memory(params: Figure) -> NDArray[np.float64]:
    """Memory of so many parameters in MiB (fp32), of the same shape."""
    return np.asarray(params * _MIB_PER_VALUE)


def activation_memory(
    space: SearchSpace, genomes: Genomes, exits: Exits | None = None
) -> NDArray[np.float64]:
    """Memory of the largest activations alive at once in MiB (fp32), shape (n,)."""
    return np.asarray(space.peak_activation(genomes, exits).astype(np.float64) * _MIB_PER_VALUE)


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
        "latency_worst_ms": latency,
        "energy_mj": energy,
        "macs": "modelled",
        "params": "modelled",
        "peak_memory_mib": "modelled",
    }


def answered_ms(little_ms: Any, gate_ms: Any) -> Any:
    """Latency of an input that little answers: that of the little network and of the gate.

    With ``mean_cost`` it makes all latencies of a pair. Numbers, arrays and tensors serve alike.
    """
    return little_ms + gate_ms


def _first_ms(little: NetworkCosts, both: SharedCosts, rate: Any) -> Any:
    """Latency of an input that little answers; a pair that never escalates is little alone."""
    first = answered_ms(little.latency_ms, little.gate_ms)
    return first if both.whole_ms is None else first + both.whole_ms * (rate > 0)


def _resident(rate: Any, both: Any, alone: Any) -> Any:
    """What both networks need where any input is escalated, else what little needs."""
    if isinstance(rate, float):  # one point: a tenth of what numpy takes to choose
        return both if rate > 0 else alone
    return np.where(rate > 0, both, alone)


def pair_figure(
    name: str,
    little: NetworkCosts,
    big: NetworkCosts,
    escalation_rate: Figure,
    shared: SharedCosts | None = None,
) -> NDArray[np.float64]:
    """One cost of pairs; every array broadcasts against ``escalation_rate``.

    The latency of an input is little + gate, plus what big takes beyond the shared layers if it is
    escalated, so the mean is ``t_l + t_g + r * (t_b - t_s)``, the 95th percentile includes the
    big network as soon as more than one input in twenty reaches it, and the worst case as soon as
    any does. A pair that was measured end to end has the latencies of that run, which ``shared``
    says. Energy and MACs likewise (the gate's energy is not counted). Both networks are resident,
    shared weights once, as soon as any input is escalated; where none is, little is deployed alone
    and has its own parameters and memory.

    Args:
        name: one of ``PAIR_COSTS``, or "escalation_rate".
        little: costs of the networks that answer first.
        big: costs of the networks that answer what is escalated.
        escalation_rate: share of inputs that reach the big network, in [0, 1].
        shared: costs that the two have in common; None: nothing.

    Raises:
        UnknownNameError: no cost has this name.
    """
    r: Any = escalation_rate
    both = NOTHING_SHARED if shared is None else shared
    value: Any
    if name == "latency_ms":
        value = mean_cost(_first_ms(little, both, r), big.latency_ms, r, both.latency_ms)
    elif name == "latency_p95_ms":
        value = mean_cost(_first_ms(little, both, r), big.latency_ms, r > TAIL, both.latency_ms)
    elif name == "latency_worst_ms":
        value = mean_cost(_first_ms(little, both, r), big.latency_ms, r > 0, both.latency_ms)
    elif name == "energy_mj":
        value = mean_cost(little.energy_mj, big.energy_mj, r, both.energy_mj)
    elif name == "macs":
        value = mean_cost(little.macs, big.macs, r, both.macs)
    elif name == "params":
        value = _resident(r, little.params + big.params - both.params, little.params)
    elif name == "peak_memory_mib":
        weights = little.weights_mib + big.weights_mib - both.weights_mib
        first = little.activation_mib + both.features_mib
        alone = little.weights_mib + little.activation_mib
        value = _resident(r, weights + np.maximum(first, big.activation_mib), alone)
    elif name == "escalation_rate":
        value = r
    else:
        raise UnknownNameError("cost", name, (*PAIR_COSTS, "escalation_rate"))
    return cast("NDArray[np.float64]", value)  # a text: a query has no time to build the type


def pair_costs(
    little: NetworkCosts,
    big: NetworkCosts,
    escalation_rate: Figure,
    shared: SharedCosts | None = None,
) -> dict[str, NDArray[np.float64]]:
    """All costs of pairs by name; see ``pair_figure``."""
    return {name: pair_figure(name, little, big, escalation_rate, shared) for name in PAIR_COSTS}
