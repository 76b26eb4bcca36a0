"""What the networks of a pair or a cascade share: nothing, weights, or weights and the trunk.

- ``prefix``: little is an exit of big's architecture, with the same weights, and big runs on from
  there: it is cut later, or whole. They share the trunk's time and weights; the features at the
  exit are kept while its head answers.
- ``nested``: both are whole networks of one supernet, and every choice of little uses a slice of
  the weights of big's choice at that layer (`SearchSpace.nested`). They share those weights, and no
  time. Batch norms belong to one choice each, so that they are shared where choices are the same;
  their statistics, which are no parameters, never are.
- ``sibling``: anything else. They share nothing.

Networks of different precisions are siblings. Two in int8 may be ``prefix``, since a network and
its exits have one trunk in int8 too, and are never ``nested``: every channel has its own scale.

A network paired with itself is nested in this sense, and pays its weights once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .cost import NOTHING_SHARED, NetworkCosts, SharedCosts, weights_memory
from .errors import UnknownNameError
from .footprint import KIB_PER_MIB
from .precision import FP32
from .rows import COUPLINGS
from .spaces import Exits, Genomes, SearchSpace
from .trunk_costs import TrunkCosts

SIBLING, NESTED, PREFIX = range(len(COUPLINGS))
#: Number in ``Couplings.origin`` of inherited networks in int8, which share trunks and no slices.
INT8_ORIGIN = int(np.iinfo(np.int64).max)


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
            training, in one precision, shape (n,); a negative one shares with none.
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
        if not np.count_nonzero(related):
            return np.zeros(related.shape, np.int8)
        exits = (self.exits[i], self.exits[j]) if self._cut else None
        kinds = pair_kinds(self.space, self.genomes[i], self.genomes[j], exits)
        related &= (kinds != NESTED) | (first != INT8_ORIGIN)
        return np.where(related, kinds, np.int8(SIBLING))

    def names(self, little: Any, big: Any) -> NDArray[np.str_]:
        """Couplings of pairs by name; rows of the networks broadcast."""
        return coupling_names(self.kinds(little, big))

    def one_name(self, little: int, big: int) -> str:
        """The coupling of one pair by name."""
        return COUPLINGS[self._one_kind(little, big)[0]]

    def _one_kind(self, little: int, big: int) -> tuple[int, int]:
        """Coupling of a pair as an index of ``COUPLINGS``, and the parameters nested ones share."""
        origins, exits, rows = self._plain
        if origins[little] != origins[big] or origins[little] < 0:
            return SIBLING, 0
        cut, later = exits[little], exits[big]
        if not cut and not later:
            if self.space.is_slice is None or origins[little] == INT8_ORIGIN:
                return SIBLING, 0
            params = self.space.shared_params(rows[little], rows[big], self.n_classes)
            return (SIBLING, 0) if params < 0 else (NESTED, params)
        after = self.space.exit_after
        deeper = cut and after[later] > after[cut] and rows[little] == rows[big]
        return (PREFIX if deeper else SIBLING), 0

    def one(self, little: int, big: int, costs: NetworkCosts) -> SharedCosts | None:
        """What one pair shares, in plain numbers; None where it is nothing.

        Args:
            little: row of the little network.
            big: row of the big network.
            costs: costs of all n networks on one device.
        """
        kind, params = self._one_kind(little, big)
        if kind == NESTED:
            weights = float(weights_memory(params))
            flash = weights * KIB_PER_MIB
            return SharedCosts(params=float(params), weights_mib=weights, flash_kib=flash)
        trunk = costs.trunk
        if kind == SIBLING or trunk is None:
            return None
        return SharedCosts(
            latency_ms=trunk.latency_ms.item(little),
            energy_mj=trunk.energy_mj.item(little),
            macs=trunk.macs.item(little),
            params=trunk.params.item(little),
            weights_mib=trunk.weights_mib.item(little),
            features_mib=trunk.features_mib.item(little),
            flash_kib=trunk.flash_kib.item(little),
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
        i, j = np.broadcast_arrays(np.asarray(little), np.asarray(big))
        nested, prefix = kinds == NESTED, kinds == PREFIX
        genomes = self.genomes[i[nested]], self.genomes[j[nested]]
        trunk = None if costs.trunk is None else costs.trunk.take(i[prefix])
        return _shared(self.space, self.n_classes, kinds, genomes, trunk)

    def shared_macs(self, little: Any, big: Any) -> NDArray[np.float64]:
        """Multiply-accumulates of what both networks of pairs run, which no device changes.

        Args:
            little: rows of the little networks.
            big: rows of the big networks; the two broadcast.
        """
        prefix = self.kinds(little, big) == PREFIX
        rows = np.broadcast_to(np.asarray(little), prefix.shape)[prefix]
        out = np.zeros(prefix.shape)
        if len(rows):
            out[prefix] = self.space.trunk_macs(self.genomes[rows], self.exits[rows])
        return out

    def stages(self, rows: Sequence[int], costs: NetworkCosts) -> tuple[SharedCosts | None, ...]:
        """What each stage of a cascade but the first shares with those before it.

        A stage goes on from the deepest exit of its own trunk among the earlier stages, the last
        of them where two are as deep. That need not be the stage before it: features are kept while
        other networks answer. Of weights it shares the largest overlap with any one earlier stage,
        so that nothing is counted as shared twice: what it shares with two at once is at least
        that, and memory at the most what is told.

        Args:
            rows: rows of the networks, one a stage.
            costs: costs of all n networks on one device.
        """
        out: list[SharedCosts | None] = []
        for stage in range(1, len(rows)):
            pairs = {i: self.one(row, rows[stage], costs) for i, row in enumerate(rows[:stage])}
            both = {i: shared for i, shared in pairs.items() if shared is not None}
            if not both:
                out.append(None)
                continue
            most = max(both.values(), key=lambda shared: float(shared.params))
            exits = {i: int(self.exits[rows[i]]) for i in both}
            trunks = [(int(self.space.exit_after[cut]), i) for i, cut in exits.items() if cut]
            since = max(trunks)[1] if trunks else None
            source = both[since] if since is not None else NOTHING_SHARED
            stored = {n: getattr(most, n) for n in ("params", "weights_mib", "flash_kib")}
            out.append(replace(source, **stored, since=since))
        return tuple(out)

    def stage_names(self, rows: Sequence[int]) -> tuple[str, ...]:
        """The coupling by name of each stage but the first: the most it shares with any before."""
        kinds = [
            max(self._one_kind(row, rows[stage])[0] for row in rows[:stage])
            for stage in range(1, len(rows))
        ]
        return tuple(COUPLINGS[kind] for kind in kinds)


def coupling_names(kinds: NDArray[np.int8]) -> NDArray[np.str_]:
    """Names of couplings that are given as indices of ``COUPLINGS``, of the same shape."""
    return np.array(COUPLINGS)[kinds]


def pair_kinds(
    space: SearchSpace, little: Genomes, big: Genomes, exits: tuple[Exits, Exits] | None = None
) -> NDArray[np.int8]:
    """Couplings of pairs of one supernet as indices of ``COUPLINGS``; the pairs broadcast.

    Args:
        space: search space of the networks.
        little: choices of the little networks, shape (..., n_layers).
        big: choices of the big networks, shape (..., n_layers).
        exits: numbers of the exits of little and of big, each (...); None: all are whole.
    """
    shape = np.broadcast_shapes(little.shape[:-1], big.shape[:-1])
    out = np.zeros(shape, np.int8)
    if space.is_slice is not None:
        whole = space.nested(little, big)
        if exits is not None:
            whole = whole & (exits[0] == 0) & (exits[1] == 0)
        out[whole] = NESTED
    if exits is None:
        return out
    cut, later = exits
    deeper = (cut > 0) & (space.exit_after[later] > space.exit_after[cut])
    if deeper.any():
        out[deeper & (little == big).all(axis=-1)] = PREFIX
    return out


@dataclass(frozen=True)
class Coupled:
    """What the networks of n pairs have in common.

    Attributes:
        kinds: couplings as indices of ``COUPLINGS``, shape (n,).
        shared: costs that are paid once, each figure of shape (n,); None where there are none.
    """

    kinds: NDArray[np.int8]
    shared: SharedCosts | None

    @property
    def names(self) -> NDArray[np.str_]:
        """Couplings by name, shape (n,)."""
        return coupling_names(self.kinds)

    def take(self, index: NDArray[np.intp]) -> Coupled:
        """The same of the pairs at ``index``."""
        shared = None if self.shared is None else self.shared.take(index)
        return Coupled(self.kinds[index], shared)


def coupled_pairs(
    space: SearchSpace,
    n_classes: int,
    little: Genomes,
    big: Genomes,
    costs: NetworkCosts,
    exits: tuple[Exits, Exits] | None = None,
) -> Coupled:
    """What n pairs of networks with the weights of one supernet have in common.

    Args:
        space: search space of the networks.
        n_classes: number of classes of their classifiers.
        little: choices of the little networks, shape (n, n_layers).
        big: choices of the big networks, shape (n, n_layers).
        costs: costs of the n little networks on one device.
        exits: numbers of the exits of little and of big, each (n,); None: all are whole.
    """
    kinds = pair_kinds(space, little, big, exits)
    if not kinds.any():
        return Coupled(kinds, None)
    nested = kinds == NESTED
    trunk = None if costs.trunk is None else costs.trunk.take(np.flatnonzero(kinds == PREFIX))
    shared = _shared(space, n_classes, kinds, (little[nested], big[nested]), trunk)
    return Coupled(kinds, shared)


def _shared(
    space: SearchSpace,
    n_classes: int,
    kinds: NDArray[np.int8],
    nested_genomes: tuple[Genomes, Genomes],
    trunk: TrunkCosts | None,
) -> SharedCosts:
    """Shared costs of pairs, from genomes of the nested ones and trunks of the prefix ones."""
    nested, prefix = kinds == NESTED, kinds == PREFIX
    latency, energy, macs, params, features = (np.zeros(kinds.shape) for _ in range(5))
    if nested.any():
        params[nested] = space.nested_params(*nested_genomes, n_classes)
    weights = np.array(weights_memory(params))
    flash = np.array(weights * KIB_PER_MIB)
    if prefix.any() and trunk is not None:
        params[prefix], features[prefix] = trunk.params, trunk.features_mib
        weights[prefix], flash[prefix] = trunk.weights_mib, trunk.flash_kib
        latency[prefix], energy[prefix] = trunk.latency_ms, trunk.energy_mj
        macs[prefix] = trunk.macs
    return SharedCosts(
        latency_ms=latency,
        energy_mj=energy,
        macs=macs,
        params=params,
        weights_mib=weights,
        features_mib=features,
        flash_kib=flash,
    )


def table_couplings(
    space: SearchSpace, n_classes: int, networks: Any, genomes: Genomes, exits: Exits
) -> Couplings:
    """The couplings of a table's rows: inherited networks of a precision are of one supernet.

    Networks that were trained further have their own weights, but for a co-trained prefix pair,
    whose trunk was trained as one.

    Args:
        space: search space of the networks.
        n_classes: number of classes of their classifiers.
        networks: columns of a table by name, all of them.
        genomes: choices of the networks, shape (n, n_layers).
        exits: numbers of the exits at which they are cut, shape (n,).
    """
    inherited, fp32 = networks["training"] == "inherited", networks["precision"] == FP32
    origin = np.where(inherited, np.where(fp32, 0, INT8_ORIGIN), -1).astype(np.int64)
    together: dict[tuple[str, ...], int] = {}
    for row in np.flatnonzero(networks["coupling"] == "prefix"):
        facts = (networks[c][row] for c in ("architecture", "training", "seed", "precision"))
        group = tuple(map(str, facts)) + tuple(
            sorted((str(networks["exit"][row]), str(networks["partner"][row]).partition("@")[2]))
        )
        origin[row] = together.setdefault(group, len(together) + 1)
    return Couplings(space, n_classes, genomes, exits, origin)
