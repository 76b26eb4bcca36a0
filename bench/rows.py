"""The columns of a table's networks: what a row is, how it is found, and who is held out.

A row is one trained network, found by its `NetworkKey`. The same architecture may be there cut
short at exits, in several precisions, inherited, fine-tuned or trained from scratch, under several
seeds, and in several co-trained pairs, each of which is two rows that name each other.
"""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .bits import is_bits
from .errors import ArchitectureError, TableError
from .precision import FP32, NO_BITS, PRECISIONS

#: Trainings of pairs: a network of one is looked up together with its partner.
PAIR_TRAININGS = ("independent", "distilled", "joint", "gated")
#: What a table's facts call the trainings whose rows set out from another supernet, and that one.
EARLIER = "earlier"
#: The training of a network that is no architecture of its table's space: it is known by a name,
#: and nobody asks here how it was trained.
EXTERNAL = "external"
#: Every training a row may have.
TRAININGS = ("inherited", "finetuned", "standalone", "given", EXTERNAL, *PAIR_TRAININGS)
#: What a network is in a co-trained pair.
ROLES = ("little", "big")
#: What the two networks of a co-trained pair share: nothing, weights, or weights and trunk.
COUPLINGS = ("sibling", "nested", "prefix")
TEXT_COLUMNS = (
    *("architecture", "exit", "training", "precision", "weights_sha256"),
    *("partner", "role", "coupling"),
)
NUMBER_COLUMNS = ("seed", "epochs", "images", "macs", "params")
COLUMNS = (*TEXT_COLUMNS, *NUMBER_COLUMNS, "held_out")
#: Columns that schema 1 had not, or that a plain inherited network needs not name.
_DEFAULTS: dict[str, Any] = {"partner": "", "role": "", "coupling": "", "images": 0, "exit": ""}
HELD_OUT_OF = 5  # one in five: enough networks to judge a surrogate on, few enough to fit it

_NAME = re.compile(
    r"(?P<architecture>[^@:]+)(@(?P<exit>[1-9][0-9]{0,3}[a-z]?))?(:(?P<precision>\w+))?"
)


@dataclass(frozen=True, order=True)
class NetworkKey:
    """What tells one network from another.

    Attributes:
        architecture: id in the space; of an external network its name.
        exit: name of the exit where the network ends, "" for a whole one: the last layer that is
            run, counted from 0 as the digits of an id are, and a letter for another head.
        precision: number format of weights and activations.
        training: ``inherited``, ``finetuned``, ``standalone``, ``given`` (nobody said),
            ``external`` (no architecture of the space), or that of a pair.
        seed: seed of the training run.

    >>> NetworkKey.parse("8888888888888888888888@12s:int8").exit
    '12s'
    >>> NetworkKey("8" * 22, precision="int8").name
    '8888888888888888888888:int8'
    """

    architecture: str
    exit: str = ""
    precision: str = FP32
    training: str = "inherited"
    seed: int = 0

    @property
    def name(self) -> str:
        """The network as a user writes it: ``ARCHITECTURE[@EXIT][:PRECISION]``, no ``:fp32``."""
        cut = f"@{self.exit}" if self.exit else ""
        return self.architecture + cut + ("" if self.precision == FP32 else f":{self.precision}")

    @classmethod
    def parse(cls, name: str, training: str = "inherited", seed: int = 0) -> NetworkKey:
        """The key of a network that is named ``ARCHITECTURE[@EXIT][:PRECISION]``.

        Raises:
            ArchitectureError: not of this form, or of an unknown precision. Whether the space has
                such an architecture and such an exit is not looked at.
        """
        return _parsed(name, training, seed)


@functools.lru_cache(maxsize=4096)
def _parsed(name: str, training: str, seed: int) -> NetworkKey:
    parts = _NAME.fullmatch(name)
    precision = parts["precision"] or FP32 if parts else ""
    if is_bits(name.partition(":")[2]):
        raise ArchitectureError(f"network {name[:80]!r} {NO_BITS}")
    if parts is None or precision not in PRECISIONS:
        raise ArchitectureError(
            f"{name!r} does not name a network; expected ARCHITECTURE[@EXIT][:PRECISION], "
            "where EXIT is the number of a layer (12, or 12s for its small head) and PRECISION "
            f"one of {', '.join(PRECISIONS)}."
        )
    return NetworkKey(parts["architecture"], parts["exit"] or "", precision, training, seed)


RowKey = tuple[NetworkKey, str]
"""A network, and the name of its partner ("" outside a co-trained pair)."""


def is_held_out(architecture: str) -> bool:
    """Whether surrogates must never be fitted on an architecture: one in five, by its hash.

    The split depends on the architecture's id alone, so that it stays as it is when networks are
    added, and is the same for every training of an architecture.

    >>> is_held_out("8" * 22)
    False
    """
    digest = hashlib.sha256(architecture.encode()).digest()
    return int.from_bytes(digest[:8], "big") % HELD_OUT_OF == 0


def completed(networks: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """All columns of shape (n_networks,); those that are missing get what an older table meant.

    Raises:
        TableError: an unknown or missing column, or one of another length.
    """
    unknown = sorted(set(networks) - set(COLUMNS))
    missing = [c for c in COLUMNS if c not in networks and c not in (*_DEFAULTS, "held_out")]
    if unknown or missing:
        raise TableError(
            f"columns of networks: {', '.join(unknown) or 'none'} unknown, "
            f"{', '.join(missing) or 'none'} missing; expected {', '.join(COLUMNS)}."
        )
    n = len(networks["architecture"])
    out = {name: np.asarray(column) for name, column in networks.items()}
    for name, value in _DEFAULTS.items():
        out.setdefault(name, np.full(n, value))
    if "held_out" not in out:
        out["held_out"] = np.array([is_held_out(str(a)) for a in out["architecture"]], bool)
    wrong = [name for name, column in out.items() if column.shape != (n,)]
    if wrong:
        raise TableError(
            f"column {wrong[0]!r} of networks has shape {out[wrong[0]].shape}, expected ({n},)."
        )
    return out


def key_of(networks: Mapping[str, NDArray[Any]], row: int) -> RowKey:
    """What one row is found by."""
    key = NetworkKey(
        architecture=str(networks["architecture"][row]),
        exit=str(networks["exit"][row]),
        precision=str(networks["precision"][row]),
        training=str(networks["training"][row]),
        seed=int(networks["seed"][row]),
    )
    return key, str(networks["partner"][row])


def of_earlier_supernet(training: Mapping[str, Any]) -> frozenset[str]:
    """The trainings of a table whose rows set out from another supernet than its own.

    Args:
        training: facts of how the networks came about, ``Table.training``.
    """
    return frozenset(training.get(EARLIER, {}).get("trainings", ()))


def check_rows(networks: Mapping[str, NDArray[Any]]) -> None:
    """Nothing, if rows are unique, co-trained ones are paired, and the held-out split is one.

    Raises:
        TableError: says which row is wrong and why.
    """
    seen: set[tuple[RowKey, str]] = set()
    side: dict[str, bool] = {}
    for row, role in enumerate(networks["role"]):
        network, partner = key = key_of(networks, row)
        architecture, training, seed = network.architecture, network.training, network.seed
        where = f"row {row} ({network.name}, {training}, seed {seed})"
        if training not in TRAININGS:
            raise TableError(f"{where}: training must be one of {', '.join(TRAININGS)}.")
        if network.precision not in PRECISIONS:
            raise TableError(
                f"{where} has precision {network.precision!r}; expected one of "
                f"{', '.join(PRECISIONS)}."
            )
        if training == EXTERNAL and network.name != architecture:
            raise TableError(
                f"{where} has an exit or a precision; a network of no architecture of the space "
                "has neither."
            )
        coupling = str(networks["coupling"][row])
        if coupling and (coupling not in COUPLINGS or not partner):
            raise TableError(
                f"{where} has coupling {coupling!r}; expected one of {', '.join(COUPLINGS)} for a "
                "network of a co-trained pair, and none for others."
            )
        paired = training in PAIR_TRAININGS
        if paired != bool(partner) or (str(role) in ROLES) != paired or (role and not paired):
            raise TableError(
                f"{where} has partner {partner!r} and role {str(role)!r}; a network of a "
                f"co-trained pair ({', '.join(PAIR_TRAININGS)}) needs both, others have none."
            )
        if (key, str(role)) in seen:
            raise TableError(f"{where} is there twice; every network is one row.")
        seen.add((key, str(role)))
        held_out = bool(networks["held_out"][row])
        if side.setdefault(architecture, held_out) != held_out:
            raise TableError(f"{where} is held out in one row and not in another.")
    for (network, partner), role in seen:
        other = {"little": "big", "big": "little"}.get(role)
        if other is None:
            continue
        wanted = NetworkKey.parse(partner, network.training, network.seed)
        if ((wanted, network.name), other) not in seen:
            raise TableError(
                f"{role} {network.name} ({network.training}, seed {network.seed}) names {partner} "
                "as its partner, which has no such row; a co-trained pair is two rows."
            )


def fp32_twins(networks: Mapping[str, NDArray[Any]]) -> NDArray[np.int64]:
    """The row of each network's own weights in fp32, shape (n_networks,); -1 where there is none.

    Networks in fp32 have none, and neither have those of co-trained pairs.

    Args:
        networks: columns of a table by name, all of them.
    """
    plain = {key_of(networks, i): i for i in np.flatnonzero(networks["precision"] == FP32).tolist()}
    out = np.full(len(networks["precision"]), -1, np.int64)
    others = (networks["precision"] != FP32) & (networks["partner"] == "")
    for row in np.flatnonzero(others).tolist():
        network, partner = key_of(networks, row)
        out[row] = plain.get((replace(network, precision=FP32), partner), -1)
    return out


class RowIndex:
    """Finds rows by what a network is.

    Args:
        networks: columns of a table by name, all of them.
    """

    def __init__(self, networks: Mapping[str, NDArray[Any]]) -> None:
        self.row: dict[RowKey, int] = {}
        self.pair: dict[tuple[str, str, str, int], tuple[int, int]] = {}
        halves: dict[tuple[str, str, str, int], dict[str, int]] = {}
        for i, role in enumerate(networks["role"]):
            network, partner = key = key_of(networks, i)
            self.row.setdefault(key, i)
            if role:
                both = (network.name, partner) if role == "little" else (partner, network.name)
                ids = (*both, network.training, network.seed)
                halves.setdefault(ids, {})[str(role)] = i
        for ids, rows in halves.items():
            if len(rows) == len(ROLES):
                self.pair[ids] = (rows["little"], rows["big"])

    def seeds(self, name: str, training: str) -> list[int]:
        """Seeds under which a network is there with a training, outside of pairs."""
        there = [k for k, partner in self.row if not partner]
        return sorted(k.seed for k in there if (k.name, k.training) == (name, training))


def joined(parts: Sequence[Mapping[str, NDArray[Any]]]) -> dict[str, NDArray[Any]]:
    """The columns of several sets of networks, one set after the other."""
    whole = [completed(part) for part in parts]
    return {name: np.concatenate([part[name] for part in whole]) for name in COLUMNS}
