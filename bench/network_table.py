"""Every network of a table with its figures, one a row, as a frame, a CSV file or a plot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .cost import NetworkCosts
from .diagnostics import calibration_error
from .external_networks import came_as_given
from .footprint import FIGURES as ON_MICROCONTROLLERS
from .provenance import chosen
from .table import Table
from .table_schema import SPLITS
from .tabular import WORD_OF, Column, Tabular, word_columns

#: Columns of a table's networks that say which network a row is, and how it was trained.
_WHICH = ("architecture", "exit", "precision", "training", "seed", "epochs")
_PAIRED = ("partner", "role", "coupling", "held_out")


@dataclass(frozen=True, repr=False, eq=False)
class NetworkTable(Tabular):
    """All networks of a table: what they are, how right and how sure of it, and what they cost.

    ``to_pandas``, ``to_csv`` and ``plot`` come with the provenance of every figure. A figure of a
    device is a column of its own, named ``DEVICE.FIGURE``: energies that were taken at different
    places never share one.

    Attributes:
        name: name of the table.
        devices: names of the devices, in the order of the columns.
        figures: columns by name, in order, each of shape (n_networks,).
    """

    name: str
    devices: tuple[str, ...]
    figures: Mapping[str, Column]

    def columns(self) -> dict[str, Column]:
        """Its columns by name, in order: the network, its figures, then those of each device."""
        return dict(self.figures)

    def __len__(self) -> int:
        return len(self.figures["network"])

    def __repr__(self) -> str:
        on = ", ".join(self.devices) or "no device"
        return f"NetworkTable({self.name!r}: {len(self):,} networks on {on})"


def network_table(table: Table, costs: Mapping[str, NetworkCosts]) -> NetworkTable:
    """The networks of a table in the order of its rows.

    Args:
        table: table whose networks they are.
        costs: what they cost, by the name of the device that it is on.
    """
    columns: dict[str, Column] = {"network": table.names}
    columns |= {name: table.networks[name] for name in (*_WHICH, *_PAIRED)}
    counted = {"macs": table.macs, "params": _params(table)}
    if costs:
        memory = next(iter(costs.values()))
        counted["peak_memory_mib"] = memory.weights_mib + memory.activation_mib
        counted |= {name: alone(memory, ()) for name, alone in ON_MICROCONTROLLERS.items()}
    how = "given" if table.given else "modelled"
    columns |= _with_words(counted, _by_row(table, dict.fromkeys(counted, how)))
    answered = {f"accuracy_{split}": _accuracy(table, split) for split in SPLITS}
    answered |= {f"calibration_error_{split}": _calibration(table, split) for split in SPLITS}
    words = _by_row(table, dict.fromkeys(answered, table.answers_word))
    columns |= _with_words(answered, words)
    for device, of in costs.items():
        figures = {"latency_ms": of.latency_ms, "energy_mj": of.energy_mj}
        columns |= {f"{device}.{n}": c for n, c in _with_words(figures, of.provenance).items()}
    return NetworkTable(table.name, tuple(costs), columns)


def _by_row(table: Table, words: dict[str, str]) -> Mapping[str, str]:
    """The words of figures by network: of what came from elsewhere nobody here knows how."""
    return chosen(came_as_given(table.networks), dict.fromkeys(words, "given"), words)


def _with_words(figures: Mapping[str, Column], words: Mapping[str, str]) -> dict[str, Column]:
    """Figures by name, each with its provenance behind it."""
    columns = word_columns(words, figures)
    names = [n for name in figures for n in (name, WORD_OF.format(name))]
    return {name: figures[name] if name in figures else columns[name] for name in names}


def _params(table: Table) -> NDArray[np.float64]:
    params = table.networks["params"].astype(np.float64)
    return np.where(params > 0, params, np.nan) if table.given else params


def _accuracy(table: Table, split: str) -> NDArray[np.float64]:
    return np.asarray(table.predictions(split).correct.mean(axis=1))


def _calibration(table: Table, split: str) -> NDArray[np.float64]:
    rows: Sequence[int] = range(len(table))
    if "max_prob" not in table.metrics:
        return np.full(len(rows), np.nan)
    return np.array([calibration_error(table, row, split) for row in rows])
