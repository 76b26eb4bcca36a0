"""What a pair costs on two devices: little here and big there, in turn or both at once.

One input arrives where little runs. *In turn*, it is sent on when little is not sure: as it is, or
as the features at little's exit where the two share a trunk. *At once* (speculation), it is sent on
arrival, and big begins as soon as it has it; when little turns out to be sure, big is told to stop.
With

    d = t_l + t_g            little has answered and the gate has decided
    s                        how long the input keeps the link busy
    a                        latency of a message, whatever its size

an input takes

                 in turn                     at once
    kept         d                           d
    escalated    d + s + a + t_b + a         max(d, s + a + t_b + a)

where the last a carries big's answer back. Big is at work for t_b in an escalated input, and at
once in a kept one for min(t_b, max(0, d - s)): it begins at s + a, unless the gate decides before
everything is sent, and hears at d + a that it is not needed. Energy counts both devices from the
arrival until both rest, at work or idle, and the link while it sends; the energy of gate, stop and
answer is not counted beyond idling. On one device there is no link and nothing at once.

Every formula here is held against a simulation of events in the tests.
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping as Words
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .cost import TAIL, answered_ms, mean_cost
from .platform import Link, Platform
from .precision import BYTES_PER_VALUE, PRECISIONS, split_precision
from .provenance import MemberWords, asked, pair_provenance, ranks_of, weakest
from .spaces import Exits, Genomes, get_space, parse_networks

Array = NDArray[np.float64]
IN_TURN, AT_ONCE = "in turn", "at once"
INPUT, FEATURES, NOTHING = "input", "features", "nothing"
_COSTS = ("latency_ms", "energy_mj")
BYTES_PER_PIXEL_VALUE = 1  # of an image, of which every colour is a byte


@dataclass(frozen=True)
class Work:
    """What networks take on the device that they run on, figures or arrays of shape (n,).

    Attributes:
        latency_ms: latency of one input; NaN where there is no figure.
        energy_mj: energy of one input, idle power included; NaN where there is no figure.
    """

    latency_ms: Any
    energy_mj: Any


@dataclass(frozen=True)
class Outcome:
    """One kind of input on two devices.

    Attributes:
        latency_ms: from the input's arrival to the answer.
        energy_mj: energy of both devices and the link, from the arrival until both rest.
    """

    latency_ms: Any
    energy_mj: Any


def _energy(
    here: tuple[Any, Any], there: tuple[Any, Any], idle_mw: tuple[float, float], rest_ms: Any
) -> Any:
    """Energy of both devices, each given by (ms at work, mJ of that work), until both rest."""
    waiting = sum(
        power * (rest_ms - busy) for power, (busy, _) in zip(idle_mw, (here, there), strict=True)
    )
    return here[1] + there[1] + waiting / 1000.0


def on_one(little: Work, big: Work, gate_ms: float, idle_mw: tuple[float, float]) -> list[Outcome]:
    """Kept and escalated inputs where both networks run on one device, and the other waits.

    Args:
        little: what the little networks take.
        big: what the big networks take beyond what little has done.
        gate_ms: latency of the gate.
        idle_mw: idle power of the device that works, and of the other one.
    """
    decided = answered_ms(little.latency_ms, gate_ms)
    end = decided + big.latency_ms
    busy = little.latency_ms + big.latency_ms
    answered = _energy((little.latency_ms, little.energy_mj), (0.0, 0.0), idle_mw, decided)
    work = busy, little.energy_mj + big.energy_mj
    return [Outcome(decided, answered), Outcome(end, _energy(work, (0.0, 0.0), idle_mw, end))]


def in_turn(
    little: Work,
    big: Work,
    gate_ms: float,
    idle_mw: tuple[float, float],
    link: Link,
    n_bytes: Any,
) -> list[Outcome]:
    """Kept and escalated inputs where big runs on the other device when it is asked.

    Args:
        little: what the little networks take here.
        big: what the big networks take there beyond what they are sent.
        gate_ms: latency of the gate here.
        idle_mw: idle power of the device here, and of that there.
        link: what lies between the devices.
        n_bytes: bytes that are sent on.
    """
    decided, sending = answered_ms(little.latency_ms, gate_ms), link.sending_ms(n_bytes)
    end = decided + sending + link.latency_ms + big.latency_ms + link.latency_ms
    own = little.latency_ms, little.energy_mj
    work = big.latency_ms, big.energy_mj
    sent = link.power_mw * sending / 1000.0
    return [
        Outcome(decided, _energy(own, (0.0, 0.0), idle_mw, decided)),
        Outcome(end, _energy(own, work, idle_mw, end) + sent),
    ]


def at_once(
    little: Work,
    big: Work,
    gate_ms: float,
    idle_mw: tuple[float, float],
    link: Link,
    n_bytes: Any,
) -> list[Outcome]:
    """Kept and escalated inputs where both begin at once, and big is told to stop.

    Arguments as of `in_turn`; big's are those of whole networks.
    """
    decided, sending = answered_ms(little.latency_ms, gate_ms), link.sending_ms(n_bytes)
    begin = sending + link.latency_ms
    own = little.latency_ms, little.energy_mj
    wasted = np.minimum(big.latency_ms, np.maximum(decided - sending, 0.0))
    share = np.divide(
        wasted, big.latency_ms, out=np.zeros(np.shape(wasted)), where=np.asarray(wasted) > 0
    )
    rest = np.where(wasted > 0, np.maximum(decided, begin + wasted), decided)
    aborted = link.power_mw * np.minimum(sending, decided) / 1000.0
    answered = _energy(own, (wasted, share * big.energy_mj), idle_mw, rest) + aborted
    end = np.maximum(decided, begin + big.latency_ms + link.latency_ms)
    work = big.latency_ms, big.energy_mj
    sent = link.power_mw * sending / 1000.0
    return [Outcome(decided, answered), Outcome(end, _energy(own, work, idle_mw, end) + sent)]


@dataclass(frozen=True)
class Mapping:
    """One way to run a pair on a platform.

    Attributes:
        little_on: place of the device of little, 0 or 1.
        big_on: place of the device of big, 0 or 1.
        order: ``in turn`` or ``at once``.
        sent: what travels between the devices: ``input``, ``features`` or ``nothing``.
    """

    little_on: int
    big_on: int
    order: str
    sent: str


#: Every way that there is; features travel for pairs that share a trunk alone.
MAPPINGS = (
    *(Mapping(side, side, IN_TURN, NOTHING) for side in (0, 1)),
    *(
        Mapping(here, 1 - here, order, sent)
        for here in (0, 1)
        for order, sent in ((IN_TURN, INPUT), (IN_TURN, FEATURES), (AT_ONCE, INPUT))
    ),
)


@dataclass(frozen=True)
class MappedPairs:
    """What n pairs cost under one mapping, arrays of shape (n,); NaN where there is no figure.

    Attributes:
        mapping: how they are run.
        latency_ms: mean latency over the inputs.
        latency_p95_ms: 95th percentile of the latency over the inputs.
        latency_worst_ms: latency of an escalated input, or of little where none is escalated.
        energy_mj: mean energy of both devices and the link.
        provenance: how latency and energy came about, by field, with the words of each pair. On
            one device latency has the word of a query there; energy, which counts the other device
            as well, and all costs on two devices are ``modelled`` at best.
    """

    mapping: Mapping
    latency_ms: Array
    latency_p95_ms: Array
    latency_worst_ms: Array
    energy_mj: Array
    provenance: Words[str, str]


@dataclass(frozen=True)
class _Networks:
    """Networks by their names.

    Attributes:
        genomes: choices of the networks, shape (n, n_layers).
        exits: numbers of the exits at which they are cut, shape (n,).
        precisions: number formats of the networks, shape (n,).
    """

    genomes: Genomes
    exits: Exits
    precisions: NDArray[np.str_]

    def by_precision(self) -> Iterator[tuple[str, NDArray[np.intp]]]:
        """Every precision that some of them have, and which have it."""
        for precision in np.unique(self.precisions).tolist():
            yield precision, np.flatnonzero(self.precisions == precision)


class PairsOnPlatform:
    """Pairs of networks on a platform, for every mapping.

    Args:
        platform: two devices and their link.
        little: names of the little networks, n of them.
        big: names of the big networks, n of them.
        rate: share of inputs that is escalated, shape (n,).
        prefix: whether a pair shares the trunk up to little's exit, shape (n,).

    Raises:
        ArchitectureError: a network that is not of the platform's space.
    """

    def __init__(
        self,
        platform: Platform,
        little: list[str],
        big: list[str],
        rate: Array,
        prefix: NDArray[np.bool_],
    ) -> None:
        self.platform, self.rate, self.prefix = platform, rate, prefix
        self.space = get_space(platform.sites[0].profile.space)
        self.little = self._networks(little)
        self.big = self._networks(big)

    def _networks(self, names: list[str]) -> _Networks:
        genomes, exits = parse_networks(self.space, names, PRECISIONS)
        precisions = np.array([split_precision(name)[1] for name in names], np.str_)
        return _Networks(genomes, exits, precisions)

    def _work(self, side: int, networks: _Networks) -> Work:
        profile = self.platform.sites[side].profile
        latency, energy = np.full((2, len(networks.precisions)), np.nan)
        for precision, at in networks.by_precision():
            model = profile.latency_in(precision)
            both = model.latency_and_energy(networks.genomes[at], networks.exits[at])
            latency[at], energy[at] = both
        if self.platform.no_energy:
            energy[:] = np.nan
        return Work(latency, energy)

    def _words(self, side: int, networks: _Networks) -> Words[str, str]:
        """How latency and energy came about, with the words of each network."""
        profile = self.platform.sites[side].profile
        ranks = {n: np.zeros(len(networks.precisions), np.uint8) for n in _COSTS}
        for precision, at in networks.by_precision():
            model = profile.latency_in(precision)
            words = model.provenance(networks.genomes[at], networks.exits[at])
            for name, column in ranks.items():
                column[at] = ranks_of(words, name)
        return MemberWords(ranks)

    def _provenance(self, mapping: Mapping) -> Words[str, str]:
        little = self._words(mapping.little_on, self.little)
        big = self._words(mapping.big_on, self.big)
        if mapping.little_on != mapping.big_on:
            return weakest([little, big, dict.fromkeys(_COSTS, "modelled")])
        words = pair_provenance(asked(little, big, self.rate))
        energy = weakest([words, {"energy_mj": "modelled"}])
        return MemberWords(
            {n: ranks_of(w, n) for n, w in zip(_COSTS, (words, energy), strict=True)}
        )

    def _rest(self, side: int, big: Work) -> Work:
        """What big takes beyond the trunk that the features stand for; nothing of other pairs."""
        profile, little = self.platform.sites[side].profile, self.little
        trunk = np.full(len(little.precisions), np.nan)
        for precision, at in little.by_precision():
            model = profile.latency_in(precision)
            trunk[at] = model.trunk_ms(little.genomes[at], little.exits[at])
        rest = np.where(self.prefix, big.latency_ms - trunk, np.nan)
        return Work(rest, big.energy_mj * rest / big.latency_ms)

    def under(self, mapping: Mapping) -> MappedPairs:
        """What the pairs cost under a mapping; NaN for those that it is not for."""
        sites, link = self.platform.sites, self.platform.link
        here = sites[mapping.little_on]
        little = self._work(mapping.little_on, self.little)
        big = self._work(mapping.big_on, self.big)
        idle = tuple(
            sites[at].idle_power_mw or 0.0 for at in (mapping.little_on, 1 - mapping.little_on)
        )
        gate_ms, both = here.profile.gate_ms, (idle[0], idle[1])
        if mapping.little_on == mapping.big_on:
            rest = self._rest(mapping.big_on, big)
            left = Work(
                np.where(self.prefix, rest.latency_ms, big.latency_ms),
                np.where(self.prefix, rest.energy_mj, big.energy_mj),
            )
            answered, escalated = on_one(little, left, gate_ms, both)
        elif mapping.order == AT_ONCE:
            answered, escalated = at_once(little, big, gate_ms, both, link, self.input_bytes)
        elif mapping.sent == FEATURES:
            rest, n_bytes = self._rest(mapping.big_on, big), self.feature_bytes
            answered, escalated = in_turn(little, rest, gate_ms, both, link, n_bytes)
        else:
            answered, escalated = in_turn(little, big, gate_ms, both, link, self.input_bytes)
        return MappedPairs(
            mapping=mapping,
            latency_ms=self._mean(answered.latency_ms, escalated.latency_ms),
            latency_p95_ms=np.where(self.rate > TAIL, escalated.latency_ms, answered.latency_ms),
            latency_worst_ms=np.where(self.rate > 0, escalated.latency_ms, answered.latency_ms),
            energy_mj=self._mean(answered.energy_mj, escalated.energy_mj),
            provenance=self._provenance(mapping),
        )

    def _mean(self, answered: Array, escalated: Array) -> Array:
        return np.asarray(mean_cost(answered, escalated, self.rate, answered), np.float64)

    @property
    def input_bytes(self) -> int:
        """Bytes of an image as it arrives, one a pixel and colour."""
        return self.space.stem[0].in_size * BYTES_PER_PIXEL_VALUE

    @property
    def feature_bytes(self) -> Array:
        """Bytes of the features at each little network's exit, shape (n,)."""
        elements = self.space.trunk_features(self.little.exits)
        n_bytes = [BYTES_PER_VALUE[precision] for precision in self.little.precisions.tolist()]
        return np.asarray(elements * np.array(n_bytes), np.float64)
