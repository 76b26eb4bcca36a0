"""What networks, pairs and cascades cost on a device: the one place that adds them up."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .errors import UnknownNameError
from .footprint import FIGURES as ON_MICROCONTROLLERS
from .footprint import Footprint, footprint, larger, resident
from .precision import mib_per_value
from .provenance import weakest, words_at, words_taken
from .spaces import Exits, Genomes, SearchSpace
from .trunk_costs import MIB_PER_VALUE, TrunkCosts, trunk_costs

Figure = NDArray[np.float64] | float
PAIR_COSTS = (
    *("latency_ms", "latency_p95_ms", "latency_worst_ms"),
    *("energy_mj", "macs", "params", "peak_memory_mib", *ON_MICROCONTROLLERS),
)
TAIL = 0.05  # the share of inputs beyond the 95th percentile
_COLUMNS = ("latency_ms", "energy_mj", "macs", "params", "weights_mib", "activation_mib")


@dataclass(frozen=True)
class NetworkCosts:
    """Costs of n single networks on one device, arrays of shape (n,).

    Attributes:
        latency_ms: latency of one input; NaN where there is no figure.
        energy_mj: energy of one input; NaN where there is no figure.
        macs: multiply-accumulates for one image.
        params: number of trained weights.
        weights_mib: memory of the weights, by precision.
        activation_mib: largest activations alive at once, by precision, analytic.
        gate_ms: latency of the gate itself, one number for the device.
        provenance: how ``latency_ms`` and ``energy_mj`` came about; where networks differ in that,
            ``MemberWords``, which give the least founded word and that of each network.
        trunk: what the networks run before their exits; None where all of them are whole.
        footprint: parts of RAM and flash; None: those of weights and activations alone.
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
    footprint: Footprint | None = None

    def take(self, index: ArrayLike) -> NetworkCosts:
        """The networks at ``index``."""
        at = np.asarray(index)
        trunk = None if self.trunk is None else self.trunk.take(at)
        parts = None if self.footprint is None else self.footprint.take(at)
        words = words_taken(self.provenance, at)
        return self._with({n: getattr(self, n)[at] for n in _COLUMNS}, words, trunk, parts)

    def one(self, index: int) -> NetworkCosts:
        """One network, its figures plain numbers; those of its trunk are left out."""
        words = words_at(self.provenance, index)
        parts = None if self.footprint is None else self.footprint.one(index)
        return self._with({n: getattr(self, n).item(index) for n in _COLUMNS}, words, None, parts)

    def without(self, missing: NDArray[np.bool_]) -> NetworkCosts:
        """The same networks with NaN for every figure of those that are ``missing``, shape (n,)."""
        if not missing.any():
            return self
        columns = {n: np.where(missing, np.nan, getattr(self, n)) for n in _COLUMNS}
        parts = None if self.footprint is None else self.footprint.without(missing)
        return self._with(columns, self.provenance, self.trunk, parts)

    def _with(
        self,
        columns: Mapping[str, Any],
        words: Mapping[str, str],
        trunk: TrunkCosts | None,
        parts: Footprint | None,
    ) -> NetworkCosts:
        return NetworkCosts(
            **columns, gate_ms=self.gate_ms, provenance=words, trunk=trunk, footprint=parts
        )

    @staticmethod
    def worst(devices: Sequence[NetworkCosts]) -> NetworkCosts:
        """The same networks on several devices, each figure that of the worst device.

        A network's figure is as well founded as on the device where it is the least.

        Args:
            devices: costs of the same networks, one entry a device.
        """
        columns = {n: np.max([getattr(c, n) for c in devices], axis=0) for n in _COLUMNS}
        gate_ms = max(c.gate_ms for c in devices)
        trunks = [c.trunk for c in devices if c.trunk is not None]
        trunk = TrunkCosts.worst(trunks) if len(trunks) == len(devices) else None
        words = weakest([c.provenance for c in devices])
        parts = devices[0].footprint  # the same on every device
        return NetworkCosts(
            **columns, gate_ms=gate_ms, provenance=words, trunk=trunk, footprint=parts
        )


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
    precisions: NDArray[np.str_] | None = None,
    parts: Footprint | None = None,
) -> NetworkCosts:
    """Costs of single networks from what a device says; the rest is counted from the space.

    Args:
        space: search space of the networks.
        genomes: choices of the networks, shape (n, n_layers).
        n_classes: number of classes of the classifier.
        latency_ms: latencies on the device, shape (n,), NaN where there is no figure.
        energy_mj: energies on the device, shape (n,), NaN where there is no figure.
        gate_ms: latency of the gate on the device.
        provenance: how ``latency_ms`` and ``energy_mj`` came about, perhaps by network.
        macs: multiply-accumulates where they are known already, shape (n,).
        activation_mib: memory of activations where it is known already, shape (n,).
        exits: numbers of the exits at which networks are cut, shape (n,); None: all are whole.
        trunk_ms: latencies of stem and layers before the exits on the device, shape (n,); None:
            there is no figure for them, nor then for the latency of a prefix pair.
        precisions: precision of each network, shape (n,); None: all are fp32.
        parts: parts of RAM and flash where they are known already.
    """
    unit: Any = MIB_PER_VALUE if precisions is None else mib_per_value(precisions)
    if activation_mib is None:
        activation_mib = activation_memory(space, genomes, exits, unit)
    counted = space.macs(genomes, n_classes, exits) if macs is None else macs
    params = space.params(genomes, n_classes, exits).astype(np.float64)
    trunk = None
    if exits is not None and exits.any():
        trunk = trunk_costs(space, genomes, exits, latency_ms, energy_mj, trunk_ms, precisions)
    return NetworkCosts(
        latency_ms=latency_ms,
        energy_mj=energy_mj,
        macs=counted.astype(np.float64),
        params=params,
        weights_mib=weights_memory(params, unit),
        activation_mib=activation_mib,
        gate_ms=gate_ms,
        provenance=provenance,
        trunk=trunk,
        footprint=parts or footprint(space, genomes, n_classes, exits, precisions),
    )


@dataclass(frozen=True)
class SharedCosts:
    """What two networks, or a stage of a cascade and those before it, pay for once.

    Figures are numbers or arrays that broadcast against those of the networks.

    Attributes:
        latency_ms: latency of the layers that both run.
        energy_mj: energy of the layers that both run.
        macs: multiply-accumulates of the layers that both run.
        params: trained numbers that both use.
        weights_mib: memory of the weights that both use.
        features_mib: memory of the features that are kept until the later network goes on.
        since: stage of a cascade that computes these features, from 0; None: the one before.
        whole_ms: what an input that little answers takes beyond little and gate where the pair runs
            as one graph; None: nothing.
        measured: whether the latencies of these pairs follow from runs end to end, one answer for
            all of them or one a pair.
        flash_kib: what both store on a microcontroller; None: as much as ``weights_mib``.
    """

    latency_ms: Figure = 0.0
    energy_mj: Figure = 0.0
    macs: Figure = 0.0
    params: Figure = 0.0
    weights_mib: Figure = 0.0
    features_mib: Figure = 0.0
    since: int | None = None
    whole_ms: Figure | None = None
    measured: bool | NDArray[np.bool_] = False
    flash_kib: Figure | None = None

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


def weights_memory(params: Figure, mib_per_value: Figure = MIB_PER_VALUE) -> NDArray[np.float64]:
    """Memory of so many parameters in MiB, fp32 unless told otherwise, of the same shape."""
    return np.asarray(params * mib_per_value)


def activation_memory(
    space: SearchSpace,
    genomes: Genomes,
    exits: Exits | None = None,
    mib_per_value: Figure = MIB_PER_VALUE,
) -> NDArray[np.float64]:
    """Memory of the largest activations alive at once in MiB, fp32 by default, shape (n,)."""
    return np.asarray(space.peak_activation(genomes, exits).astype(np.float64) * mib_per_value)


def answered_ms(little_ms: Any, gate_ms: Any) -> Any:
    """Latency of a network and the gate behind it; with ``mean_cost`` all latencies of a pair.

    Numbers, arrays and tensors serve alike.
    """
    return little_ms + gate_ms


def _first_ms(little: NetworkCosts, both: SharedCosts, rate: Any) -> Any:
    """Latency of an input that little answers; a pair that never escalates is little alone."""
    first = answered_ms(little.latency_ms, little.gate_ms)
    return first if both.whole_ms is None else first + both.whole_ms * (rate > 0)


#: How much a stage weighs in a latency, by the share of inputs that reaches it.
_WEIGHTS: dict[str, Callable[[Any], Any]] = {
    "latency_ms": lambda reach: reach,
    "latency_p95_ms": lambda reach: reach > TAIL,
    "latency_worst_ms": lambda reach: reach > 0,
}


#: A stage after the first: its network, the share of inputs that reaches it, and what it shares.
_Stage = tuple[NetworkCosts, Figure, SharedCosts]


def _peak_memory(first: NetworkCosts, later: Sequence[_Stage]) -> Any:
    """The most that is alive while a stage runs: activations, and features kept for later."""
    peak: Any = 0.0
    for stage, network in enumerate((first, *(more for more, _, _ in later))):
        held: dict[int, Any] = {}
        for until, (_, _, both) in enumerate(later, 1):
            since = until - 1 if both.since is None else both.since
            if since <= stage < until and both is not NOTHING_SHARED:
                held[since] = larger(held.get(since, 0.0), both.features_mib)
        alive = network.activation_mib + sum(held.values())
        peak = larger(peak, alive) if stage else alive
    return peak


def _figure(name: str, first: NetworkCosts, later: Sequence[_Stage]) -> Any:
    value: Any
    if name in _WEIGHTS:
        weigh, last = _WEIGHTS[name], len(later)
        value = _first_ms(first, later[0][2], later[0][1])
        for stage, (more, r, both) in enumerate(later, 1):
            own = answered_ms(more.latency_ms, more.gate_ms) if stage < last else more.latency_ms
            value = mean_cost(value, own, weigh(r), both.latency_ms)
    elif name in ("energy_mj", "macs"):
        value = getattr(first, name)
        for more, r, both in later:
            value = mean_cost(value, getattr(more, name), r, getattr(both, name))
    elif name == "params":
        value = total = first.params
        for more, r, both in later:
            total = total + more.params - both.params
            value = resident(r, total, value)
    elif name == "peak_memory_mib":
        weights, value = first.weights_mib, first.weights_mib + first.activation_mib
        for stage, (more, r, both) in enumerate(later, 1):
            weights = weights + more.weights_mib - both.weights_mib
            value = resident(r, weights + _peak_memory(first, later[:stage]), value)
    elif name in ON_MICROCONTROLLERS:
        value = ON_MICROCONTROLLERS[name](first, later)
    elif name == "escalation_rate":
        value = later[0][1]
    else:
        raise UnknownNameError("cost", name, (*PAIR_COSTS, "escalation_rate"))
    return value


def cascade_figure(
    name: str,
    networks: Sequence[NetworkCosts],
    reach: Sequence[Figure],
    shared: Sequence[SharedCosts | None],
) -> NDArray[np.float64]:
    """One cost of cascades; every array broadcasts against those of ``reach``.

    A stage is a network, and a gate behind every one but the last. An input that is answered at a
    stage has run all stages up to there, each without what it shares with those before it. So a
    mean is the first stage, and each later one times the share of inputs that reaches it: affine in
    these shares. The 95th percentile includes a stage as soon as more than one input in twenty
    reaches it, the worst case as soon as any does. Energy and MACs likewise (the gates' energy is
    not counted). All stages that any input reaches are resident, shared weights once; activations
    are those of the stage with the most, and the features at an exit are alive from the stage that
    computes them until the one that goes on from them begins.

    Args:
        name: one of ``PAIR_COSTS``, or "escalation_rate".
        networks: costs of the networks, one entry a stage.
        reach: share of inputs that reach each stage after the first, in [0, 1], never rising.
        shared: costs that each stage after the first has in common with those before it; None:
            nothing. That of two stages may say that they were measured end to end.

    Raises:
        UnknownNameError: no cost has this name.
    """
    return cast("NDArray[np.float64]", _figure(name, networks[0], _later(networks, reach, shared)))


def _later(
    networks: Sequence[NetworkCosts],
    reach: Sequence[Figure],
    shared: Sequence[SharedCosts | None],
) -> list[_Stage]:
    parts = [NOTHING_SHARED if both is None else both for both in shared]
    return list(zip(networks[1:], reach, parts, strict=True))


def cascade_costs(
    networks: Sequence[NetworkCosts],
    reach: Sequence[Figure],
    shared: Sequence[SharedCosts | None],
) -> dict[str, NDArray[np.float64]]:
    """All costs of cascades by name; see ``cascade_figure``."""
    later = _later(networks, reach, shared)
    return {name: _figure(name, networks[0], later) for name in PAIR_COSTS}


def pair_figure(
    name: str,
    little: NetworkCosts,
    big: NetworkCosts,
    escalation_rate: Figure,
    shared: SharedCosts | None = None,
) -> NDArray[np.float64]:
    """One cost of pairs, which are cascades of two: see ``cascade_figure``.

    The mean latency is ``t_l + t_g + r * (t_b - t_s)``. A pair that never escalates is its little
    network, with the parameters and memory of that.

    Args:
        name: one of ``PAIR_COSTS``, or "escalation_rate".
        little: costs of the networks that answer first.
        big: costs of the networks that answer what is escalated.
        escalation_rate: share of inputs that reach the big network, in [0, 1].
        shared: costs that the two have in common; None: nothing.

    Raises:
        UnknownNameError: no cost has this name.
    """
    both = NOTHING_SHARED if shared is None else shared
    value = _figure(name, little, ((big, escalation_rate, both),))
    return cast("NDArray[np.float64]", value)  # a text: a query has no time to build the type


def pair_costs(
    little: NetworkCosts,
    big: NetworkCosts,
    escalation_rate: Figure,
    shared: SharedCosts | None = None,
) -> dict[str, NDArray[np.float64]]:
    """All costs of pairs by name; see ``pair_figure``."""
    both = NOTHING_SHARED if shared is None else shared
    later = ((big, escalation_rate, both),)
    return {name: _figure(name, little, later) for name in PAIR_COSTS}
