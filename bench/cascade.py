"""A cascade of two to four networks, each asked when the gate before it is not sure."""

from __future__ import annotations

import string
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from .errors import ArchitectureError, GateError
from .gate import Gate
from .pair import Pair
from .rows import PAIR_TRAININGS, NetworkKey

#: How many networks a cascade has: a pair at least; with four, every choice of cuts can be counted.
FEWEST, MOST = 2, 4


@dataclass(frozen=True)
class Cascade:
    """Two to four networks of one space, and a gate behind each but the last.

    An input is answered by the first network whose gate is confident, or else by the last one. A
    pair with its gate is a cascade of two; a network with several exits is one whose networks are
    these exits. Nothing forbids networks in another order than that of their costs.

    Attributes:
        networks: names in the order in which they are asked, ``ARCHITECTURE[@EXIT][:PRECISION]``.
        gates: gates between them, one fewer than networks.
        training: how all were trained, as of a pair; as one pair only where there are two.
        seed: seed of that training run.

    Raises:
        ArchitectureError: another number of networks, or a name that is not one of a network.
        GateError: another number of gates, or one that is not a gate.

    >>> cascade = Cascade(["8" * 22, "0" * 22, "3" * 22], [("margin", 0.4), ("margin", 0.6)])
    >>> cascade.thresholds
    (0.4, 0.6)
    """

    networks: tuple[str, ...]
    gates: tuple[Gate, ...]
    training: str = "inherited"
    seed: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "networks", checked_networks(self.networks))
        gates = self.gates
        if isinstance(gates, str | Gate):
            raise GateError(
                f"{gates!r} is not a list of gates; a cascade of {len(self.networks)} networks "
                f"has {len(self.networks) - 1}, such as [('margin', 0.4)]."
            )
        object.__setattr__(self, "gates", tuple(Gate.of(gate) for gate in gates))
        if len(gates) != len(self.networks) - 1:
            given = f"{len(gates)} gate{' was' if len(gates) == 1 else 's were'} given"
            raise GateError(
                f"{given} for {len(self.networks)} networks; expected {len(self.networks) - 1}, "
                "one between each two networks."
            )
        if self.training in PAIR_TRAININGS and len(self.networks) > FEWEST:
            raise ArchitectureError(
                f"{len(self.networks)} networks cannot be {self.training} as one pair; expected "
                f"{FEWEST} of that training, or training='inherited'."
            )

    @property
    def thresholds(self) -> tuple[float, ...]:
        """Thresholds of the gates, each in the unit of its metric."""
        return tuple(gate.threshold for gate in self.gates)

    @property
    def metrics(self) -> tuple[str, ...]:
        """Names of the gates' metrics."""
        return tuple(gate.metric for gate in self.gates)

    @property
    def pair(self) -> Pair | None:
        """The pair that a cascade of two networks is; None for more."""
        if len(self.networks) > FEWEST:
            return None
        little, big = self.networks
        return Pair(little, big, self.training, self.seed)

    @classmethod
    def of(cls, pair: Pair | tuple[str, str], gate: Gate | tuple[str, float]) -> Cascade:
        """The cascade of two that a pair with its gate is.

        Raises:
            ArchitectureError: what was given is neither a pair nor two ids.
            GateError: what was given is not a gate.

        >>> Cascade.of(("8" * 22, "0" * 22), ("margin", 0.4)).pair == Pair("8" * 22, "0" * 22)
        True
        """
        two = Pair.of(pair)
        return cls((two.little, two.big), (Gate.of(gate),), two.training, two.seed)

    @classmethod
    def exits_of(
        cls,
        architecture: str,
        exits: Sequence[str],
        gates: Gate | tuple[str, float] | Sequence[Gate | tuple[str, float]],
    ) -> Cascade:
        """A network with early exits: one to three of them, and the whole network behind.

        Args:
            architecture: name of the whole network.
            exits: names of its exits, each deeper than the one before.
            gates: gate of all exits, or one a piece.

        Raises:
            ArchitectureError: no exit, too many, one that is no deeper than that before it, or the
                name of a network that is cut already.
            GateError: another number of gates than of exits.

        >>> Cascade.exits_of("8" * 22, ["4", "12s"], ("margin", 0.4)).networks[1]
        '8888888888888888888888@12s'
        """
        networks = exit_chain(architecture, exits)
        one = isinstance(gates, Gate) or (len(gates) == 2 and isinstance(gates[0], str))
        each = [gates] * len(exits) if one else gates
        return cls(networks, each)  # type: ignore[arg-type]  # lists of pairs are taken there


def checked_networks(networks: Sequence[str]) -> tuple[str, ...]:
    """The names of a cascade's networks, checked as far as that needs no table.

    Raises:
        ArchitectureError: not two to four of them, or a name that is not one of a network.
    """
    if isinstance(networks, str):
        raise ArchitectureError(
            f"{networks!r} is not a list of networks; a cascade has {FEWEST} to {MOST} of them."
        )
    if not FEWEST <= len(networks) <= MOST:
        raise ArchitectureError(
            f"{len(networks)} network{'' if len(networks) == 1 else 's'} given; a cascade has "
            f"{FEWEST} to {MOST} of them."
        )
    for name in networks:
        if not isinstance(name, str) or not name:
            raise ArchitectureError(f"{name!r} does not name a network; expected a text.")
    return tuple(str(name) for name in networks)


def exit_chain(architecture: str, exits: Sequence[str]) -> tuple[str, ...]:
    """Names of an architecture cut at some exits, and of the whole network behind them.

    Raises:
        ArchitectureError: an exit that is no deeper than the one before it, or the name of a
            network that is cut already.
    """
    whole = NetworkKey.parse(architecture)
    if whole.exit:
        raise ArchitectureError(
            f"{architecture!r} is cut already; give the whole network, {whole.architecture!r}, "
            "and its exits."
        )
    if isinstance(exits, str):
        raise ArchitectureError(f"exits {exits!r} are one text; give a list, such as ['4', '12'].")
    names = [NetworkKey.parse(f"{whole.architecture}@{cut}").exit for cut in exits]
    depths = [int(name.rstrip(string.ascii_lowercase)) for name in names]
    if any(later <= first for first, later in pairwise(depths)):
        raise ArchitectureError(
            f"exits {', '.join(names)} do not follow one another; expected each deeper than the "
            "one before, such as 4, 8, 12: a network cannot run back."
        )
    return (*(replace(whole, exit=name).name for name in names), whole.name)
