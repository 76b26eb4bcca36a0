"""The columns of a table's networks: what a row is, how it is found, and who is held out.

A row is one trained network. An inherited network is found by its architecture alone; the same
architecture may also be there fine-tuned or trained from scratch, under several seeds, and in
several co-trained pairs, each of which is two rows that name each other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import TableError

#: Trainings of pairs: a network of one is looked up together with its partner.
PAIR_TRAININGS = ("independent", "distilled", "joint")
#: Every training a row may have.
TRAININGS = ("inherited", "finetuned", "standalone", *PAIR_TRAININGS)
#: What a network is in a co-trained pair.
ROLES = ("little", "big")
TEXT_COLUMNS = ("architecture", "training", "precision", "weights_sha256", "partner", "role")
NUMBER_COLUMNS = ("seed", "epochs", "images", "macs", "params")
COLUMNS = (*TEXT_COLUMNS, *NUMBER_COLUMNS, "held_out")
#: Columns that schema 1 had not, or that a plain inherited network needs not name.
_DEFAULTS: dict[str, Any] = {"partner": "", "role": "", "images": 0}
HELD_OUT_OF = 5  # one in five: enough networks to judge a surrogate on, few enough to fit it

RowKey = tuple[str, str, int, str]
"""Architecture, training, seed, and the partner's architecture ("" outside a co-trained pair)."""


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
    return (
        str(networks["architecture"][row]),
        str(networks["training"][row]),
        int(networks["seed"][row]),
        str(networks["partner"][row]),
    )


def check_rows(networks: Mapping[str, NDArray[Any]]) -> None:
    """Nothing, if rows are unique, co-trained ones are paired, and the held-out split is one.

    Raises:
        TableError: says which row is wrong and why.
    """
    seen: set[tuple[RowKey, str]] = set()
    side: dict[str, bool] = {}
    for row, role in enumerate(networks["role"]):
        key = key_of(networks, row)
        architecture, training, seed, partner = key
        where = f"row {row} ({architecture}, {training}, seed {seed})"
        if training not in TRAININGS:
            raise TableError(f"{where}: training must be one of {', '.join(TRAININGS)}.")
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
    for (architecture, training, seed, partner), role in seen:
        other = {"little": "big", "big": "little"}.get(role)
        if other and ((partner, training, seed, architecture), other) not in seen:
            raise TableError(
                f"{role} {architecture} ({training}, seed {seed}) names {partner} as its partner, "
                "which has no such row; a co-trained pair is two rows."
            )


class RowIndex:
    """Finds rows by what a network is.

    Args:
        networks: complete columns.
    """

    def __init__(self, networks: Mapping[str, NDArray[Any]]) -> None:
        self.row: dict[RowKey, int] = {}
        self.pair: dict[tuple[str, str, str, int], tuple[int, int]] = {}
        halves: dict[tuple[str, str, str, int], dict[str, int]] = {}
        for i, role in enumerate(networks["role"]):
            key = key_of(networks, i)
            self.row.setdefault(key, i)
            architecture, training, seed, partner = key
            if role:
                both = (architecture, partner) if role == "little" else (partner, architecture)
                halves.setdefault((*both, training, seed), {})[str(role)] = i
        for ids, found in halves.items():
            if len(found) == len(ROLES):
                self.pair[ids] = (found["little"], found["big"])

    def seeds(self, architecture: str, training: str) -> list[int]:
        """Seeds under which an architecture is there with a training, outside of pairs."""
        return sorted(s for a, t, s, p in self.row if (a, t, p) == (architecture, training, ""))


def joined(parts: Sequence[Mapping[str, NDArray[Any]]]) -> dict[str, NDArray[Any]]:
    """The columns of several sets of networks, one set after the other."""
    whole = [completed(part) for part in parts]
    return {name: np.concatenate([part[name] for part in whole]) for name in COLUMNS}
