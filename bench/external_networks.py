"""Networks of a table that are no architecture of its space: somebody's own, or an oracle.

A row of the training ``external`` is found by its name. It answered the images of the table, so
that any network of the table may escalate to it, and it may be asked before any. Fronts, searches
and surrogates are about the space, and leave it out. Of its costs the table knows what came with
it: MACs, parameters, and latency and energy on the devices that were named; all else is NaN.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .cost import NetworkCosts, weights_memory
from .device_columns import FIGURE_COLUMNS, joined_columns, taken_columns
from .errors import AnswersError, ArchitectureError, BigLittleError, TableError
from .plain_text import plain
from .provenance import PROVENANCES, MemberWords, with_fields
from .rows import EXTERNAL, NetworkKey, joined
from .spaces import GIVEN, Genomes, SearchSpace
from .table_contents import Predictions, TableContents

MOST = 80  # characters of a name
#: How the figures came about that came with the answers.
WORD = "given"


def outside(networks: Mapping[str, NDArray[Any]]) -> NDArray[np.bool_]:
    """Which rows are no architecture of the space, shape (n_networks,)."""
    return np.asarray(networks["training"] == EXTERNAL)


def came_as_given(networks: Mapping[str, NDArray[Any]]) -> NDArray[np.bool_]:
    """Which rows came as answers alone, shape (n_networks,): external ones without weights.

    Whoever made the table asked the others himself, and the hash says with which weights.
    """
    return np.asarray(outside(networks) & (networks["weights_sha256"] == ""))


def genomes_of(space: SearchSpace, networks: Mapping[str, NDArray[Any]]) -> Genomes:
    """Choices of a table's networks, shape (n_networks, n_layers); 0 where a row has none.

    Raises:
        ArchitectureError: an id that is not of the space, of a row that is not external.
    """
    inside = ~outside(networks)
    parsed = space.parse([str(a) for a in networks["architecture"][inside]])
    if inside.all():
        return parsed
    out = np.zeros((len(inside), space.n_layers), np.uint8)
    out[inside] = parsed
    return out


def check_names(space: SearchSpace, networks: Mapping[str, NDArray[Any]]) -> None:
    """Nothing, if the names of external networks can be told from architectures of the space.

    Raises:
        ArchitectureError: a name that cannot.
    """
    for name in networks["architecture"][outside(networks)].tolist():
        check_name(space, name)


def check_name(space: SearchSpace, name: str) -> None:
    """Nothing, if a network of no architecture can be known by a name.

    Raises:
        ArchitectureError: too long, not one line, with ``@`` or ``:`` in it, or an architecture.
    """
    usable = name.isprintable() and name.strip() == name and 0 < len(name) <= MOST
    if not usable or "@" in name or ":" in name:
        raise ArchitectureError(
            f"{plain(repr(name))[:MOST]} cannot be the name of a network beside those of a space; "
            f"expected one line of at most {MOST} characters without @ and :, which stand for an "
            "exit and a precision."
        )
    try:
        space.parse([name])
    except BigLittleError:
        return
    raise ArchitectureError(
        f"{name!r} is an architecture of space {space.name!r}; give a network that was trained "
        "elsewhere another name."
    )


def check_architecture(space: SearchSpace, name: str, networks: Mapping[str, NDArray[Any]]) -> None:
    """Nothing, if a name is an architecture of the space of some networks.

    Raises:
        ArchitectureError: it is not, and it is none of the external networks either.
    """
    try:
        space.parse([name])
    except ArchitectureError as error:
        if not (named := names_of(networks)):
            raise
        raise ArchitectureError(
            f"{str(error).rstrip('.')}. This table also has networks that are known by a name: "
            f"{', '.join(named)}."
        ) from error


def with_external(costs: NetworkCosts, columns: Mapping[str, NDArray[Any]]) -> NetworkCosts:
    """Costs of a table's networks, those of external ones as the table has them, NaN for the rest.

    Args:
        costs: costs of all rows; only ``latency_ms`` and ``energy_mj`` of external ones are meant.
        columns: columns of the table's networks by name, all of them.
    """
    rows = outside(columns)
    if not rows.any():
        return costs
    counted = {name: np.where(columns[name] > 0, columns[name], np.nan) for name in _COUNTED}
    told = {
        **{name: getattr(costs, name) for name in FIGURE_COLUMNS},
        **counted,
        "weights_mib": weights_memory(counted["params"]),
    }
    bare = costs.without(rows)
    figures = {name: np.where(rows, new, getattr(bare, name)) for name, new in told.items()}
    given = came_as_given(columns)
    own = {n: np.where(given, _place(WORD), _place(word)) for n, word in _INSIDE.items()}
    return replace(bare, **figures, provenance=with_fields(costs.provenance, MemberWords(own)))


def _place(word: str) -> np.uint8:
    return np.uint8(PROVENANCES.index(word))


_COUNTED = ("macs", "params")
#: How figures of networks came about that were asked here.
_INSIDE = {"accuracy": "measured", **dict.fromkeys((*_COUNTED, "peak_memory_mib"), "modelled")}


def placed_columns(
    inside: Mapping[str, Any], rows: NDArray[np.bool_], stored: Mapping[str, Any] | None
) -> dict[str, Any]:
    """The columns of a device of all networks, from those of the networks of the space.

    Args:
        inside: columns and facts of the networks of the space, in the order of their rows.
        rows: which rows are external, shape (n_networks,).
        stored: columns and facts that the table has of the device; None: nothing is known there.
    """
    others, n_inside = np.flatnonzero(rows), int((~rows).sum())
    own = _nothing(len(others)) if stored is None else taken_columns(stored, others)
    together = joined_columns(inside, n_inside, own, len(others))
    back = np.argsort(np.concatenate([np.flatnonzero(~rows), others]))
    return taken_columns(together, back)


def _nothing(n: int) -> dict[str, Any]:
    return {**{name: np.full(n, np.nan) for name in FIGURE_COLUMNS}, "provenance": {}}


@dataclass(frozen=True)
class ExternalNetwork:
    """A network that is no architecture of a table's space, and what it answered.

    Attributes:
        name: what it is found by.
        top1: predicted classes of the images by split, shape (n_images,) each.
        codes: confidence codes by split and gate metric, uint8, shape (n_images,) each.
        macs: multiply-accumulates for one image; 0: nobody said.
        params: number of its weights; 0: nobody said.
        latency_ms: latency of one image in ms, by the name of a device of the table.
        energy_mj: energy of one image in mJ, likewise.
        weights_sha256: hash of its weights, where they were asked here and MACs counted, so that
            answers are measured; "": everything came as given.
        epochs: passes over the training images in its training; 0: nobody said.
        images: training images that it saw in all; 0: nobody said.
        costs_are: how latency and energy came about, by figure; what is missing is ``given``.
    """

    name: str
    top1: Mapping[str, NDArray[Any]]
    codes: Mapping[str, Mapping[str, NDArray[np.uint8]]]
    macs: int = 0
    params: int = 0
    latency_ms: Mapping[str, float] = field(default_factory=dict)
    energy_mj: Mapping[str, float] = field(default_factory=dict)
    weights_sha256: str = ""
    epochs: int = 0
    images: int = 0
    costs_are: Mapping[str, str] = field(default_factory=dict)

    def columns(self) -> dict[str, NDArray[Any]]:
        """Its columns as a row of a table, shape (1,) each."""
        return {
            "architecture": np.array([self.name]),
            "training": np.array([EXTERNAL]),
            "precision": np.array([NetworkKey(self.name).precision]),
            "weights_sha256": np.array([self.weights_sha256]),
            "seed": np.zeros(1, np.int64),
            "epochs": np.array([self.epochs], np.int64),
            "images": np.array([self.images], np.int64),
            "macs": np.array([self.macs], np.int64),
            "params": np.array([self.params], np.int64),
            "held_out": np.zeros(1, bool),
        }

    def on(self, device: str) -> dict[str, Any]:
        """Its columns and words on a device, shape (1,) each."""
        given = {"latency_ms": self.latency_ms, "energy_mj": self.energy_mj}
        there = {name: by_device.get(device) for name, by_device in given.items()}
        return {
            **{n: np.array([np.nan if v is None else v], np.float64) for n, v in there.items()},
            "provenance": {
                name: self.costs_are.get(name, WORD)
                for name, value in there.items()
                if value is not None
            },
        }


def beside(before: TableContents, space: SearchSpace, new: ExternalNetwork) -> TableContents:
    """A table's contents with a network that is no architecture of its space, as its last row.

    Args:
        before: contents of the table as it is.
        space: search space of the table.
        new: the network that stands beside those that are there.

    Raises:
        ArchitectureError: its name cannot stand beside those of the space.
        AnswersError: it lacks answers, or a confidence that the table stores.
        TableError: a table of given networks, or one that has a network of this name.
    """
    if before.space == GIVEN:
        raise TableError(
            f"every network of table {before.name!r} is known by a name; make it anew with one "
            "network more: biglittle import answers."
        )
    check_name(space, new.name)
    if new.name in before.networks["architecture"][outside(before.networks)]:
        raise TableError(f"table {before.name!r} has a network {new.name!r}; choose another name.")
    n = len(before.networks["architecture"])
    return replace(
        before,
        networks=joined([before.networks, new.columns()]),
        predictions={s: _longer(part, s, new) for s, part in before.predictions.items()},
        devices={
            name: joined_columns(columns, n, new.on(name), 1)
            for name, columns in before.devices.items()
        },
    )


def _longer(part: Predictions, split: str, new: ExternalNetwork) -> Predictions:
    """The answers to the images of one split with those of a further network."""
    top1, codes = new.top1[split], new.codes[split]
    if top1.shape != part.labels.shape:
        raise AnswersError(
            f"{new.name!r} has {len(top1):,} answers to {split} images; the table has "
            f"{len(part.labels):,} of them, in its own order."
        )
    if missing := [metric for metric in part.codes if metric not in codes]:
        raise AnswersError(
            f"{new.name!r} has no {missing[0]}, which the table stores; give the probabilities of "
            "all classes instead of top-1 and a confidence."
        )
    return Predictions(
        part.labels,
        np.concatenate([part.top1, top1[None].astype(part.top1.dtype)]),
        {m: np.concatenate([stored, codes[m][None]]) for m, stored in part.codes.items()},
    )


def names_of(networks: Mapping[str, NDArray[Any]]) -> Sequence[str]:
    """Names of the external networks of a table."""
    return [str(name) for name in networks["architecture"][outside(networks)]]
