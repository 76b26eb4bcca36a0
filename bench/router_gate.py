"""A learned router as the gate of a pair: where it looks, what it decides, and what that costs.

A router that looks at no confidences decides before the little network has answered: behind its
trunk, or behind its stem, before any classifier. What is left of the little network then runs only
for what it keeps.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .cost import NetworkCosts, SharedCosts
from .device_profile import DeviceProfile
from .errors import GateError, UnknownNameError
from .footprint import KIB_PER_MIB
from .operator_features import NAMES, Array, chain_features
from .operators import Operator, OperatorKind
from .router import Router, early_gate
from .spaces import SearchSpace, parse_networks
from .trunk_costs import MIB_PER_VALUE

#: Where a router takes its features: what the little network's head reads, or what its stem gives.
PLACES = ("trunk", "stem")
#: What a class of operators is priced as on a device whose figures say nothing of it: an operator
#: that does the same on other shapes. A linear layer is a pointwise convolution of one pixel.
_LIKE: dict[str, tuple[str, OperatorKind]] = {
    "linear": ("linear.", "conv"),
    "global_avg_pool": ("pool.", "add"),
}


@dataclass(frozen=True, eq=False)
class RouterGate:
    """Answer with the little network where the router's score is at or above a threshold.

    Attributes:
        router: weights of the router.
        threshold: scores below it are escalated.
        place: where its features are taken, one of ``PLACES``.

    Raises:
        UnknownNameError: there is no such place.
        GateError: the threshold is not a number.
    """

    router: Router
    threshold: float
    place: str = "trunk"

    #: Name of the metric in reports and in the metadata of files.
    metric: ClassVar[str] = "router"

    def __post_init__(self) -> None:
        if self.place not in PLACES:
            raise UnknownNameError("place of a router", self.place, PLACES)
        if isinstance(self.threshold, bool) or math.isnan(self.threshold):
            raise GateError(f"threshold {self.threshold!r} of a router is not a number.")

    @property
    def early(self) -> bool:
        """Whether it decides before the little network has answered."""
        return not self.router.confident

    def escalated(self, scores: ArrayLike) -> NDArray[np.bool_]:
        """Whether inputs with these scores go to the big network, of the same shape."""
        return np.asarray(np.asarray(scores) < self.threshold)


def best_threshold(
    scores: NDArray[np.float64],
    little: NDArray[np.bool_],
    big: NDArray[np.bool_],
    rate: float,
) -> float:
    """The threshold of the highest accuracy that escalates at most ``rate``; the cheapest of those.

    Images with a score below it are escalated. It lies halfway between two scores.

    Args:
        scores: scores of the images, high where the little network is to answer, shape (n,).
        little: whether the little network is right, shape (n,).
        big: whether the big network is right, shape (n,).
        rate: largest share of the images that may be escalated.
    """
    order = np.argsort(scores, kind="stable")
    ranked = scores[order]
    gain = np.concatenate([[0], np.cumsum((big.astype(np.int64) - little)[order])])
    # Images of one score go together, so that a threshold can only lie where scores differ.
    places = np.flatnonzero(np.concatenate([[True], np.diff(ranked) > 0, [True]]))
    places = places[places <= rate * len(scores) * (1 + 1e-9)]
    n = int(places[np.argmax(gain[places])])
    if n == 0:
        return float("-inf")
    if n == len(ranked):
        return float("inf")
    return float((ranked[n - 1] + ranked[n]) / 2)


def features_of(space: SearchSpace, little: str, place: str) -> tuple[int, int]:
    """Channels, and rows (and columns), of the features that a router is given.

    Args:
        space: search space of the networks.
        little: name of the little network, ``ARCHITECTURE[@EXIT]``.
        place: where the features are taken, one of ``PLACES``.

    Raises:
        ArchitectureError: the network is not of the space.
        UnknownNameError: there is no such place.
    """
    if place not in PLACES:
        raise UnknownNameError("place of a router", place, PLACES)
    _, exits = parse_networks(space, [little])
    if place == "stem":
        last = space.stem[-1]
        return last.out_channels, last.out_height
    first = (space.exits[exits[0] - 1].operators if exits[0] else space.head)[0]
    return first.in_channels, first.height


def check_fits(space: SearchSpace, gate: RouterGate, little: str) -> int:
    """Rows (and columns) of the features that a router is given, if it was made for them.

    Args:
        space: search space of the networks.
        gate: the router, and where it looks.
        little: name of the little network, ``ARCHITECTURE[@EXIT]``.

    Raises:
        ArchitectureError: the network is not of the space.
        GateError: a router for other features.
    """
    channels, size = features_of(space, little, gate.place)
    if gate.router.n_channels != channels:
        raise GateError(
            f"a router of {gate.router.n_channels} channels does not fit the {gate.place} of "
            f"{little}, whose features have {channels}; train it on that pair and place."
        )
    return size


def router_ms(profile: DeviceProfile, router: Router, size: int) -> float:
    """Predicted latency of a router on a device, by the device's model of operators.

    Linear layers and poolings that are the same in all of a device's networks leave no trace in its
    figures. They are then priced as pointwise convolutions of one pixel and as an addition.

    Args:
        profile: device whose figures the model was fitted to.
        router: router that is priced.
        size: rows (and columns) of the features.

    Raises:
        DeviceError: the profile holds too few figures to fit a model to.
    """
    costs = profile.latency.operators().model.coefficients
    operators = [_priced(op, costs) for op in router.operators(size)]
    own = float(chain_features(operators) @ costs)
    return own + (profile.gate_ms if router.confident else 0.0)  # what gives the confidences


def _priced(op: Operator, costs: Array) -> Operator:
    if op.kind not in _LIKE:
        return op
    begins, kind = _LIKE[op.kind]
    if costs[[i for i, name in enumerate(NAMES) if name.startswith(begins)]].any():
        return op
    return Operator(kind, op.in_channels, op.out_channels, op.height, op.width)


def routed_costs(
    space: SearchSpace,
    profile: DeviceProfile,
    gate: RouterGate,
    name: str,
    little: NetworkCosts,
    shared: SharedCosts | None,
) -> tuple[NetworkCosts, SharedCosts | None]:
    """Costs of a little network with a router as its gate, and what the pair then shares.

    An input that an early router sends on has run no more of the little network than what its
    features need. Behind the stem a prefix pair has run no more in common than the stem; its graph
    holds the trunk in both branches, so that its memory is paid twice.

    Args:
        space: search space of the networks.
        profile: device of the latencies.
        gate: the router, and where it looks.
        name: name of the little network, ``ARCHITECTURE[@EXIT]``.
        little: its costs on the device, one row.
        shared: what the pair shares by its coupling; None: nothing.

    Raises:
        ArchitectureError: the network is not of the space.
        GateError: a router for other features than those of the place.
        DeviceError: the profile holds too few figures to price a router.
    """
    size = check_fits(space, gate, name)
    priced = gate.router.priced(little, router_ms(profile, gate.router, size))
    if not gate.early:
        return priced, shared
    genomes, exits = parse_networks(space, [name])
    if gate.place == "trunk":
        run_ms = profile.trunk_ms(space, genomes, exits).item()
        run_macs = float(space.trunk_macs(genomes, exits)[0])
    else:
        run_ms, run_macs = profile.latency.stem_ms(), float(sum(op.macs for op in space.stem))
    if gate.place == "stem" and shared is not None and np.any(shared.features_mib):
        part = np.divide(run_ms, little.latency_ms)
        params = sum(op.params for op in space.stem)
        features_mib = space.stem[-1].out_size * float(MIB_PER_VALUE)
        if (parts := priced.footprint) is not None:  # kept while all of little runs
            kept_kib = parts.others_kib + features_mib * KIB_PER_MIB
            priced = replace(priced, footprint=replace(parts, exit_kib=kept_kib))
        shared = replace(
            shared,
            latency_ms=run_ms,
            energy_mj=little.energy_mj * part,
            macs=run_macs,
            weights_mib=params * float(MIB_PER_VALUE),
            features_mib=features_mib,
            flash_kib=None,
        )
    return priced, early_gate(little, run_ms, run_macs, shared)
