"""What a table keeps of one device: columns of its networks, and facts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .cost import NetworkCosts
from .device_profile import DeviceProfile
from .footprint import FIGURES as ON_MICROCONTROLLERS
from .provenance import MemberWords, in_turn, with_common, words_taken
from .spaces import Exits, SearchSpace

#: Columns that every device has, those that some have, and where networks differ in how a figure
#: came about, the place of each network's word in ``PROVENANCES``.
FIGURE_COLUMNS = ("latency_ms", "energy_mj")
TRUNK_COLUMN = "trunk_ms"
#: A sum over layers that begins at nothing prices a stem with skips behind it so; it then says that
#: nothing is shared. A whole network is never free.
MAY_BE_ZERO = (TRUNK_COLUMN,)
WORD_COLUMNS = tuple(f"{name}_provenance" for name in FIGURE_COLUMNS)
#: Columns of networks that were given by name, where somebody said what memory they take.
MEMORY_COLUMNS = ("weights_mib", "activation_mib")


def device_columns(
    profile: DeviceProfile,
    space: SearchSpace,
    architectures: Sequence[str],
    exits: Exits | None = None,
    precisions: NDArray[np.str_] | None = None,
) -> dict[str, Any]:
    """The columns and facts a table keeps of one device.

    Args:
        profile: profile of the device.
        space: search space of the networks.
        architectures: ids of the networks' architectures, n of them.
        exits: numbers of the exits at which they are cut, shape (n,); None: they are whole.
        precisions: precisions of the networks, shape (n,); None: that of the profile.

    Raises:
        DeviceError: the profile is of another space.
    """
    genomes, n = space.parse(list(architectures)), len(architectures)
    profile.check_space(space)
    named = np.full(n, profile.precision) if precisions is None else precisions
    figures = {name: np.full(n, np.nan) for name in (*FIGURE_COLUMNS, TRUNK_COLUMN)}
    parts: list[tuple[NDArray[np.intp], Mapping[str, str]]] = []
    for precision in dict.fromkeys(named.tolist()):
        rows = np.flatnonzero(named == precision)
        model, some = profile.latency_in(precision), genomes[rows]
        cuts = None if exits is None else exits[rows]
        figures["latency_ms"][rows], figures["energy_mj"][rows] = model.latency_and_energy(
            some, cuts
        )
        if cuts is not None and cuts.any():
            trunk_ms = model.trunk_ms(some, cuts)
            figures[TRUNK_COLUMN][rows] = np.where(cuts > 0, trunk_ms, np.nan)
        parts.append((rows, model.provenance(some, cuts)))
    if exits is None or not exits.any():
        del figures[TRUNK_COLUMN]
    return {
        **figures,
        **stored_words(_in_place(parts)),
        "gate_ms": profile.gate_ms,
        "description": profile.description,
        "runtime": profile.runtime,
        "source": profile.source,
        "power_source": profile.power_source,
    }


def _in_place(parts: Sequence[tuple[NDArray[np.intp], Mapping[str, str]]]) -> Mapping[str, str]:
    """The words of networks whose groups are given by rows, in the order of the rows."""
    if len(parts) == 1:
        return parts[0][1]
    words = in_turn([part for _, part in parts], [len(rows) for rows, _ in parts])
    return words_taken(words, np.argsort(np.concatenate([rows for rows, _ in parts])))


def stored_words(words: Mapping[str, str]) -> dict[str, Any]:
    """How figures came about, as columns and the fact ``provenance``, the least founded words."""
    ranks = words.ranks if isinstance(words, MemberWords) else {}
    differing = {n: r for n, r in ranks.items() if len(np.unique(r)) > 1}
    return {"provenance": dict(words), **{f"{n}_provenance": r for n, r in differing.items()}}


def column_words(columns: Mapping[str, Any]) -> Mapping[str, str]:
    """How figures came about, from the columns and facts of a device; the inverse of the above."""
    words: Mapping[str, str] = columns["provenance"]
    ranks = {n: columns[f"{n}_provenance"] for n in words if f"{n}_provenance" in columns}
    if not ranks:
        return words
    return MemberWords(ranks, {name: word for name, word in words.items() if name not in ranks})


def given_costs(
    columns: Mapping[str, Any], macs: NDArray[np.float64], params: NDArray[Any]
) -> NetworkCosts:
    """Costs of networks that were given by name: what somebody said of them, NaN for all else.

    Args:
        columns: columns and facts that the table has of a device.
        macs: multiply-accumulates of the networks, shape (n,), NaN where nobody said them.
        params: parameters of the networks, shape (n,), 0 where nobody said them.
    """
    nobody = np.full(len(macs), np.nan)
    weights, activations = (columns.get(name, nobody) for name in MEMORY_COLUMNS)
    words = column_words(columns)
    memory = words.get("peak_memory_mib", "given")
    return NetworkCosts(
        latency_ms=columns["latency_ms"],
        energy_mj=columns["energy_mj"],
        macs=macs,
        params=np.where(params > 0, params, np.nan),
        weights_mib=weights,
        activation_mib=activations,
        gate_ms=float(columns["gate_ms"]),
        provenance=with_common(words, dict.fromkeys(ON_MICROCONTROLLERS, memory)),
    )


def range_of(latency_ms: NDArray[np.float64]) -> dict[str, float | None]:
    """The smallest and the largest latency of a device as JSON; None where it has none."""
    there = latency_ms[np.isfinite(latency_ms)]
    ends = (float(there.min()), float(there.max())) if len(there) else (None, None)
    return {"latency_ms_min": ends[0], "latency_ms_max": ends[1]}


def taken_columns(
    columns: Mapping[str, Any], rows: NDArray[np.intp], trunks: bool = True
) -> dict[str, Any]:
    """The columns and facts of some of the networks of a device.

    Args:
        columns: columns and facts that the table has.
        rows: rows of the networks, shape (n,).
        trunks: whether what is run before exits is one of the columns.
    """
    left_out = {*WORD_COLUMNS, *(() if trunks else (TRUNK_COLUMN,))}
    some = {
        name: value[rows] if isinstance(value, np.ndarray) else value
        for name, value in columns.items()
        if name not in left_out
    }
    return {**some, **stored_words(words_taken(column_words(columns), rows))}


def joined_columns(
    before: Mapping[str, Any], n_before: int, fresh: Mapping[str, Any], n_fresh: int
) -> dict[str, Any]:
    """The columns of a device with those of further networks behind them; facts as before.

    Args:
        before: columns and facts that the table has.
        n_before: number of its networks.
        fresh: the same of the further networks.
        n_fresh: number of the further networks.
    """

    def column(columns: Mapping[str, Any], name: str, n: int) -> NDArray[np.float64]:
        return np.asarray(columns.get(name, np.full(n, np.nan)))

    words = in_turn([column_words(before), column_words(fresh)], [n_before, n_fresh])
    facts = {k: v for k, v in before.items() if not isinstance(v, np.ndarray)}
    figures = {
        name: np.concatenate([column(before, name, n_before), column(fresh, name, n_fresh)])
        for name in (*FIGURE_COLUMNS, TRUNK_COLUMN)
        if name in before or name in fresh
    }
    return {**facts, **figures, **stored_words(words)}
