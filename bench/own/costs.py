"""What somebody's networks cost on their devices: figures with where each came from."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..device_columns import FIGURE_COLUMNS, MEMORY_COLUMNS, WORD_COLUMNS, stored_words
from ..errors import AnswersError
from ..provenance import gathered

#: Figures that a network may be given, in the unit of their name.
ON_DEVICE = (*FIGURE_COLUMNS, *MEMORY_COLUMNS)
COUNTED = ("macs", "params")
COSTS = (*ON_DEVICE, *COUNTED)
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
            if not isinstance(value, int | float) or not (math.isfinite(value) and value > 0):
                raise AnswersError(
                    f"{self.network!r} is given {name} {value!r}; expected a number above 0, or "
                    "nothing where it is not known."
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
        plain = {n: v.item() if isinstance(v, np.generic) else v for n, v in figures.items()}
        out.append(NetworkCost(network, plain, device))
    return out


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
    columns = {n: np.array([row.figures.get(n, np.nan) for row in rows]) for n in ON_DEVICE}
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
