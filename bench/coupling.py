"""What the networks of a pair share: nothing, weights, or weights and the trunk.

- ``prefix``: little is an exit of big's architecture, with the same weights, and big runs on from
  there: it is cut later, or whole. They share the trunk's time and weights; the features at the
  exit are kept while its head answers.
- ``nested``: both are whole networks of one supernet, and every choice of little uses a slice of
  the weights of big's choice at that layer (`SearchSpace.nested`). They share those weights, and no
  time. Batch norms belong to one choice each, so that they are shared where choices are the same;
  their statistics, which are no parameters, never are.
- ``sibling``: anything else. They share nothing.

A network paired with itself is nested in this sense, and pays its weights once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .cost import NetworkCosts, SharedCosts, weights_memory
from .errors import UnknownNameError
from .rows import COUPLINGS
from .spaces import Exits, Genomes, SearchSpace

SIBLING, NESTED, PREFIX = range(len(COUPLINGS))


def checked_couplings(names: Sequence[str] | str | None) -> tuple[str, ...] | None:
    """Some couplings in the order of ``COUPLINGS``; None for all of them.

    Raises:
        UnknownNameError: no coupling has this name.
    """
    if names is None:
        return None
    wanted = (names,) if isinstance(names, str) else tuple(names)
    for name in wanted:
        if name not in COUPLINGS:
            raise UnknownNameError("coupling", name, COUPLINGS)
    chosen = tuple(name for name in COUPLINGS if name in wanted)
    return None if chosen == COUPLINGS or not chosen else chosen


@dataclass(frozen=True)
class Couplings:
    """The couplings of any two of n networks.

    Attributes:
        space: search space of the networks.
        n_classes: number of classes of their classifiers.
        genomes: choices of the networks, shape (n, n_layers).
        exits: numbers of the exits at which they are cut, shape (n,); 0 for whole networks.
        origin: networks with the same number of at least 0 have the weights of one supernet or
            training, shape (n,); a negative one shares with none.
    """

    space: SearchSpace
    n_classes: int
    genomes: Genomes
    exits: Exits
    origin: NDArray[np.int64]

    def take(self, rows: NDArray[np.intp]) -> Couplings:
        """Of some of the networks."""
        parts = self.genomes[rows], self.exits[rows], self.origin[rows]
        return Couplings(self.space, self.n_classes, *parts)

    @cached_property
    def _cut(self) -> bool:
        """Whether any of the networks is cut at an exit."""
        return bool(self.exits.any())

    @cached_property
    def _plain(self) -> tuple[list[int], list[int], list[bytes]]:
        """Origins, exits and choices, a number or a text of bytes each, for single questions."""
        rows = np.ascontiguousarray(self.genomes, np.uint8)
        return self.origin.tolist(), self.exits.tolist(), [row.tobytes() for row in rows]

    def kinds(self, little: Any, big: Any) -> NDArray[np.int8]:
        """Couplings of pairs as indices of ``COUPLINGS``; rows of the networks broadcast."""
        i, j = np.asarray(little), np.asarray(big)
        first, second = self.origin[i], self.origin[j]
        related = (first == second) & (first >= 0)
        out = np.zeros(related.shape, np.int8)
        if not np.count_nonzero(related):
            return out
        a, b = self.genomes[i], self.genomes[j]
        if self.space.is_slice is not None:
            whole = related & self.space.nested(a, b)
            if self._cut:
                whole &= (self.exits[i] == 0) & (self.exits[j] == 0)
            out[whole] = NESTED
        if self._cut:
            cut, later, after = self.exits[i], self.exits[j], self.space.exit_after
            deeper = related & (cut > 0) & (after[later] > after[cut])
            if deeper.any():
                out[deeper & (a == b).all(axis=-1)] = PREFIX
        return out

    def one(self, little: int, big: int, costs: NetworkCosts) -> SharedCosts | None:
        """What one pair shares, in plain numbers; None where it is nothing.

        Args:
            little: row of the little network.
            big: row of the big network.
            costs: costs of all n networks on one device.
        """
        origins, exits, rows = self._plain
        if origins[little] != origins[big] or origins[little] < 0:
            return None
        cut, later = exits[little], exits[big]
        if not cut and not later:
            if self.space.is_slice is None:
                return None
            params = self.space.shared_params(rows[little], rows[big], self.n_classes)
            if params < 0:
                return None
            return SharedCosts(params=float(params), weights_mib=float(weights_memory(params)))
        after, trunk = self.space.exit_after, costs.trunk
        if not cut or after[later] <= after[cut] or rows[little] != rows[big] or trunk is None:
            return None
        return SharedCosts(
            latency_ms=trunk.latency_ms.item(little),
            energy_mj=trunk.energy_mj.item(little),
            macs=trunk.macs.item(little),
            params=trunk.params.item(little),
            weights_mib=float(weights_memory(trunk.params[little])),
            features_mib=trunk.features_mib.item(little),
        )

    def shared(self, little: Any, big: Any, costs: NetworkCosts) -> SharedCosts | None:
        """What pairs share, each figure of the shape of the pairs; None where it is nothing.

        Args:
            little: rows of the little networks.
            big: rows of the big networks; the two broadcast.
            costs: costs of all n networks on one device.
        """
        kinds = self.kinds(little, big)
        if not np.count_nonzero(kinds):
            return None
        nested, prefix = kinds == NESTED, kinds == PREFIX
        i, j = np.broadcast_arrays(np.asarray(little), np.asarray(big))
        params = np.zeros(kinds.shape)
        if nested.any():
            a, b = self.genomes[i[nested]], self.genomes[j[nested]]
            params[nested] = self.space.nested_params(a, b, self.n_classes)
        latency, energy, macs, features = (np.zeros(kinds.shape) for _ in range(4))
        if prefix.any() and costs.trunk is not None:
            trunk = costs.trunk
            rows = i[prefix]
            params[prefix] = trunk.params[rows]
            features[prefix] = trunk.features_mib[rows]
            latency[prefix], energy[prefix] = trunk.latency_ms[rows], trunk.energy_mj[rows]
            macs[prefix] = trunk.macs[rows]
        return SharedCosts(
            latency_ms=latency,
            energy_mj=energy,
            macs=macs,
            params=params,
            weights_mib=weights_memory(params),
            features_mib=features,
        )


def table_couplings(
    space: SearchSpace, n_classes: int, networks: Any, genomes: Genomes, exits: Exits
) -> Couplings:
    """The couplings of a table's rows: inherited networks are of one supernet.

    Networks that were trained further have their own weights, but for a co-trained prefix pair,
    whose trunk was trained as one.

    Args:
        space: search space of the networks.
        n_classes: number of classes of their classifiers.
        networks: columns of a table by name, all of them.
        genomes: choices of the networks, shape (n, n_layers).
        exits: numbers of the exits at which they are cut, shape (n,).
    """
    inherited = (networks["training"] == "inherited") & (networks["precision"] == "fp32")
    origin = np.where(inherited, 0, -1).astype(np.int64)
    together: dict[tuple[str, ...], int] = {}
    for row in np.flatnonzero(networks["coupling"] == "prefix"):
        facts = (networks[c][row] for c in ("architecture", "training", "seed", "precision"))
        group = tuple(map(str, facts)) + tuple(
            sorted((str(networks["exit"][row]), str(networks["partner"][row]).partition("@")[2]))
        )
        origin[row] = together.setdefault(group, len(together) + 1)
    return Couplings(space, n_classes, genomes, exits, origin)
