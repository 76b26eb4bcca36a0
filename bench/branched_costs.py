"""What branched networks cost on two processors: one branch on each, and what travels between.

The *host* runs stem, head, stages that are whole, the first branch, and what joins branches; the
other processor runs the second branch. Between two synchronisations both run as many stages as
there are, from the same moment on. With

    a, b        what the branches take between two synchronisations
    in          sending the features that the second branch begins with, from the host
    out         sending what it gives, back to the host

a network takes stem + sum over synchronisations of (in + max(a, b) + out + join) + whole stages
+ head. Its energy is that of both processors at work, of waiting while the other one works or
something is sent, and of the link while it sends. Latencies of stages are predicted by the
processors' own models of operators, so that any two device profiles serve.

Source: the formula of SyncNAS; how processors and messages are counted is said above. The tests
hold it against a simulation of events.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .latency_exits import with_dense
from .operator_features import chain_features
from .operators import Operator
from .platform import Link, Platform
from .precision import BYTES_PER_VALUE, FP32
from .spaces import SearchSpace
from .spaces.branched import NONE, Part, branch_blocks, parts_of

Array = NDArray[np.float64]
BYTES_PER_FEATURE = BYTES_PER_VALUE[FP32]


@dataclass(frozen=True)
class Segment:
    """What happens between two synchronisations, or a part that the host runs by itself.

    Attributes:
        host_ms: what the host takes.
        other_ms: what the other processor takes at the same time; 0 where it has no part.
        in_bytes: bytes that it is sent before; 0 where it has no part.
        out_bytes: bytes that it sends back.
        join_ms: what the host takes to join both.
    """

    host_ms: float
    other_ms: float = 0.0
    in_bytes: int = 0
    out_bytes: int = 0
    join_ms: float = 0.0


@dataclass(frozen=True)
class BranchedCost:
    """What one network costs on two processors.

    Attributes:
        latency_ms: from the image's arrival to the answer.
        host_ms: how long the host is at work.
        other_ms: how long the other processor is at work.
        sending_ms: how long something is sent, latency of messages included.
        energy_mj: energy of both and of the link; None where their powers are not known.
    """

    latency_ms: float
    host_ms: float
    other_ms: float
    sending_ms: float
    energy_mj: float | None


@dataclass(frozen=True)
class Powers:
    """Powers of two processors.

    Attributes:
        load_mw: powers of host and other processor at work.
        idle_mw: powers of host and other processor while they wait.
    """

    load_mw: tuple[float, float]
    idle_mw: tuple[float, float]


def total(segments: list[Segment], link: Link, powers: Powers | None) -> BranchedCost:
    """What a network costs that is made of these segments, by the formula above.

    Args:
        segments: its segments in order.
        link: what lies between the processors.
        powers: powers of both; None: they are not known.
    """
    latency = sending = busy_link = 0.0
    for part in segments:
        sent = 0.0
        if part.in_bytes:
            moved = link.sending_ms(part.in_bytes) + link.sending_ms(part.out_bytes)
            sent, busy_link = moved + 2 * link.latency_ms, busy_link + moved
        latency += max(part.host_ms, part.other_ms) + sent + part.join_ms
        sending += sent
    host = sum(part.host_ms + part.join_ms for part in segments)
    other = sum(part.other_ms for part in segments)
    energy = None
    if powers is not None:
        at_work = powers.load_mw[0] * host + powers.load_mw[1] * other
        waiting = powers.idle_mw[0] * (latency - host) + powers.idle_mw[1] * (latency - other)
        energy = (at_work + waiting + link.power_mw * busy_link) / 1000.0
    return BranchedCost(latency, host, other, sending, energy)


class BranchedOnPlatform:
    """Branched networks on a platform.

    Args:
        platform: two devices and their link; their profiles may be of any space.
        space: the space ``branched``, at any size of images.
        n_classes: number of classes of the classifier.
        host: place of the device that is the host, 0 or 1.

    Raises:
        DeviceError: a profile that says too little to predict other networks from.
    """

    def __init__(
        self, platform: Platform, space: SearchSpace, n_classes: int, host: int = 0
    ) -> None:
        self.platform, self.space, self.n_classes, self.host = platform, space, n_classes, host
        self._chains: dict[tuple[Any, ...], float] = {}

    @cached_property
    def _sites(self) -> tuple[Any, Any]:
        """The models of operators of host and other processor."""
        sites = self.platform.sites
        both = (sites[self.host], sites[1 - self.host])
        models = [site.profile.latency.operators() for site in both]
        return models[0], models[1]

    @cached_property
    def _coefficients(self) -> tuple[Array, Array]:
        host, other = (with_dense(m.model.coefficients) for m in self._sites)
        return host, other

    @cached_property
    def powers(self) -> Powers | None:
        """Powers of both; None where the platform has no energies."""
        loads = [m.power_mw for m in self._sites]
        idles = [self.platform.sites[i].idle_power_mw for i in (self.host, 1 - self.host)]
        if self.platform.no_energy or None in loads or None in idles:
            return None
        return Powers((loads[0], loads[1]), (idles[0], idles[1]))  # type: ignore[arg-type]

    def _ms(self, operators: tuple[Operator, ...], on: int) -> float:
        """What operators take on the host, 0, or on the other processor, 1."""
        key = (operators, on)
        if key not in self._chains:
            ms = float(chain_features(operators) @ self._coefficients[on])
            self._chains[key] = max(ms, 0.0)
        return self._chains[key]

    def _branch_ms(self, part: Part, index: int, branch: int, on: int) -> float:
        key = (part.base.name, index, part.inputs[branch], part.outputs[branch], on)
        if key not in self._chains:
            chains = branch_blocks(part, index, branch)
            self._chains[key] = sum(self._ms(chain, on) for chain in chains)
        return self._chains[key]

    def segments(self, architecture: str) -> list[Segment]:
        """The segments of a network, in order; the first is its stem, the last its head.

        Raises:
            ArchitectureError: not of the space.
        """
        row = self.space.genomes(architecture)[0]
        call = float(self._coefficients[0][0])  # what a network takes whatever is in it
        out = [Segment(call + self._ms(self.space.stem_of(row), 0))]
        host = other = 0.0
        entering = 0
        for index, part in enumerate(parts_of(row, self.space.input_size)):
            if len(part.outputs) == 1:
                out.append(Segment(self._branch_ms(part, index, 0, 0)))
                continue
            entering = entering or part.inputs[1] * part.size**2 * BYTES_PER_FEATURE
            host += self._branch_ms(part, index, 0, 0)
            other += self._branch_ms(part, index, 1, 1)
            if part.sync == NONE:
                continue
            leaving = part.outputs[1] * part.out_size**2 * BYTES_PER_FEATURE
            out.append(Segment(host, other, entering, leaving, self._ms(part.join(), 0)))
            host, other, entering = 0.0, 0.0, 0
        head = self.space.head_of(row, self.n_classes)
        out.append(Segment(self._ms(head, 0)))
        return out

    def cost(self, architecture: str) -> BranchedCost:
        """What a network costs.

        Raises:
            ArchitectureError: not of the space.
        """
        return total(self.segments(architecture), self.platform.link, self.powers)
