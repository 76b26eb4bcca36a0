"""What somebody's networks cost on their devices: figures with where each came from."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..device_columns import FIGURE_COLUMNS, MEMORY_COLUMNS, WORD_COLUMNS, stored_words
from ..errors import AnswersError
from ..plain_text import plain
from ..provenance import gathered
from ..table_schema import MAX_NAME

#: Figures that a network may be given, in the unit of their name.
ON_DEVICE = (*FIGURE_COLUMNS, *MEMORY_COLUMNS)
COUNTED = ("macs", "params")
COSTS = (*ON_DEVICE, *COUNTED)
MOST_COUNTED = 2.0**63  # what a column of whole numbers holds
#: What the one device is called whose name nobody said.
DEVICE = "given"
WORD = "given"


@dataclass(frozen=True)
class NetworkCost:
    """What one network costs on one device.

    Attributes:
        network: name of the network.
        figures: figures by name, of ``COSTS``; those that are not there are not known.
        device: name of the device.
        provenance: how a figure came about, by its name; ``given`` where nobody said.
    """

    network: str
    figures: Mapping[str, float]
    device: str = DEVICE
    provenance: Mapping[str, str] | None = None

    def __post_init__(self) -> None:
        for name, value in self.figures.items():
            if name not in COSTS:
                near = difflib.get_close_matches(name, COSTS, n=1)
                hint = f" Did you mean {near[0]!r}?" if near else ""
                raise AnswersError(
                    f"{self.network!r} is given a cost {name!r}; expected some of "
                    f"{', '.join(COSTS)}.{hint}"
                )
            if not _is_amount(value, most=MOST_COUNTED if name in COUNTED else math.inf):
                raise AnswersError(
                    f"{self.network!r} is given {name} {value!r}; expected a number above 0, or "
                    "nothing where it is not known."
                )
        check_name("device", self.device)


def _is_amount(value: Any, most: float) -> bool:
    """Whether a value is a number above 0 that a column can hold."""
    if not isinstance(value, Real) or isinstance(value, bool):
        return False
    try:
        return 0 < float(value) < most
    except OverflowError:
        return False


def check_name(what: str, name: Any) -> None:
    """Nothing, if a table can store a name of a device, a data set or itself.

    Args:
        what: what it is a name of, for messages.
        name: the name as it was given.

    Raises:
        AnswersError: it is not a short line of text, or has a slash that HDF5 divides names at.
    """
    text = isinstance(name, str) and name.isprintable() and len(name) <= MAX_NAME
    slash = what == "device" and "/" in str(name)
    if not text or not name.strip(". ") or slash:
        raise AnswersError(
            f"the name {plain(repr(name))[:80]} of the {what} is not usable; expected one line of "
            f"at most {MAX_NAME} characters{', without a slash' * (what == 'device')}."
        )


def costs_of(
    given: Mapping[str, float | Mapping[str, float]], device: str = DEVICE
) -> list[NetworkCost]:
    """Costs as a user writes them: a latency in ms, or figures by name, by network.

    Args:
        given: by the name of a network its latency in ms, or its figures.
        device: name of the device that they are of.

    Raises:
        AnswersError: a figure that is not one of ``COSTS``, or not a number above 0.

    >>> costs_of({"mobilenet": 4.2})[0].figures
    {'latency_ms': 4.2}
    """
    out = []
    for network, cost in given.items():
        figures = dict(cost) if isinstance(cost, Mapping) else {"latency_ms": cost}
        numbers = {n: v.item() if isinstance(v, np.generic) else v for n, v in figures.items()}
        out.append(NetworkCost(network, numbers, device))
    return out


def listed_costs(
    given: Mapping[str, float | Mapping[str, float]] | Sequence[NetworkCost] | None,
    device: str = DEVICE,
) -> list[NetworkCost]:
    """Costs in any of the forms that a table of answers is made with, as a list.

    Args:
        given: as `costs_of` takes them, or a list of ``NetworkCost``; None: nothing is known.
        device: name of the device that they are of, where they do not name one.

    Raises:
        AnswersError: another form, or costs as `costs_of` refuses them.
    """
    check_name("device", device)
    if isinstance(given, Mapping):
        return costs_of(given, device)
    entries = list(given) if isinstance(given, Sequence) and not isinstance(given, str) else None
    if given is not None and (
        entries is None or not all(isinstance(one, NetworkCost) for one in entries)
    ):
        raise AnswersError(
            f"costs are given as {type(given).__name__}; expected a mapping of the name of each "
            'network to its latency in ms, such as {"little": 4.2, "big": 18}, or to figures by '
            "name."
        )
    return entries or []


@dataclass(frozen=True)
class CostColumns:
    """The costs of n networks as a table stores them.

    Attributes:
        devices: columns and facts by device, as ``TableContents`` has them.
        macs: multiply-accumulates, int64, shape (n,); 0 where nobody said.
        params: parameters, int64, shape (n,); 0 where nobody said.
    """

    devices: Mapping[str, Mapping[str, Any]]
    macs: NDArray[np.int64]
    params: NDArray[np.int64]


def cost_columns(
    names: Sequence[str], costs: Sequence[NetworkCost], gate_ms: float = 0.0
) -> CostColumns:
    """The costs of networks as columns, NaN where nobody said.

    Args:
        names: names of the networks, in the order of the columns.
        costs: their costs, a network once a device; none at all: a device without figures.
        gate_ms: latency of the gate itself.

    Raises:
        AnswersError: a cost of an unknown network, or of one twice; a network without any.
    """
    place = {name: i for i, name in enumerate(names)}
    by_device: dict[str, dict[str, NetworkCost]] = {}
    for cost in costs:
        if cost.network not in place:
            near = difflib.get_close_matches(cost.network, names, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise AnswersError(
                f"a cost is given for {cost.network!r}, of which there are no answers.{hint} There "
                f"are answers of {', '.join(names)}."
            )
        rows = by_device.setdefault(cost.device, {})
        if cost.network in rows:
            raise AnswersError(f"two costs of {cost.network!r} on {cost.device}; expected one.")
        rows[cost.network] = cost
    for device, rows in by_device.items():
        if missing := [name for name in names if name not in rows]:
            raise AnswersError(
                f"no cost is given for {missing[0]!r} on {device}; expected one for each of the "
                f"{len(names)} networks, or leave its answers out."
            )
    counted = [np.zeros(len(names), np.int64) for _ in COUNTED]
    for rows in by_device.values():
        for name, column in zip(COUNTED, counted, strict=True):
            for network, cost in rows.items():
                column[place[network]] = round(cost.figures.get(name, column[place[network]]))
    devices = {
        device: _device([rows[name] for name in names], gate_ms)
        for device, rows in (by_device or {DEVICE: {n: NetworkCost(n, {}) for n in names}}).items()
    }
    return CostColumns(devices, *counted)


def _device(rows: Sequence[NetworkCost], gate_ms: float) -> dict[str, Any]:
    """Columns and facts of one device, of networks in their order."""
    if not isinstance(gate_ms, Real) or not (math.isfinite(gate_ms) and gate_ms >= 0):
        raise AnswersError(f"gate_ms is {gate_ms!r}; expected a number of ms of at least 0.")
    # Integers are stored as what they are read as, or nobody could read the table.
    columns = {
        n: np.array([row.figures.get(n, np.nan) for row in rows], np.float64) for n in ON_DEVICE
    }
    for name in MEMORY_COLUMNS:
        if np.isnan(columns[name]).all():
            del columns[name]
    words = gathered(
        [{n: (row.provenance or {}).get(n, WORD) for n in row.figures} for row in rows]
    )
    stored = stored_words(words)
    named = {name: words.get(name, WORD) for name in (*FIGURE_COLUMNS, *COUNTED)}
    return {
        **columns,
        **{name: stored[name] for name in WORD_COLUMNS if name in stored},
        "provenance": {**named, "peak_memory_mib": words.get(MEMORY_COLUMNS[0], WORD)},
        "gate_ms": float(gate_ms),
        "description": "costs that came with the answers",
        "runtime": "unknown",
        "source": "given with the answers",
        "power_source": "given with the answers",
    }
