"""The single networks of a table, to set beside its pairs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bench import Benchmark, NetworkCosts, Points
from ..bench.footprint import FIGURES as ON_MICROCONTROLLERS
from ..bench.provenance import with_common
from .pages.view_rows import SingleGroup
from .search import SingleNetworks
from .summary import best_single


def each_device(device: str | Sequence[str]) -> tuple[str, ...]:
    """The devices of a question, which is of one that is named, or of several together."""
    return (device,) if isinstance(device, str) else tuple(device)


def table_singles(bench: Benchmark, device: str | Sequence[str], split: str) -> SingleNetworks:
    """All inherited networks of a table alone, cut ones too, with their accuracy on ``split``.

    Args:
        bench: the table that has them.
        device: name or profile of the device; of several each cost is the largest over them.
        split: whose images are counted, "val" or "test".
    """
    return _alone(bench, bench.table.rows(exits=True), device, split)


def table_single(
    bench: Benchmark, network: str, device: str | Sequence[str], split: str = "test"
) -> dict[str, Any]:
    """One network of a table alone, with its figures, as plain JSON.

    Args:
        bench: the table that has it.
        network: its name; it may be of no space.
        device: name or profile of the device; of several each cost is the largest over them.
        split: whose images are counted, "val" or "test".
    """
    row = np.array([bench.row(network)], np.intp)
    record = _alone(bench, row, device, split).records()[0]
    assert record is not None
    return record


def _alone(
    bench: Benchmark, rows: NDArray[np.intp], device: str | Sequence[str], split: str
) -> SingleNetworks:
    devices = each_device(device)
    costs = bench.costs(devices[0])
    if len(devices) > 1:
        costs = NetworkCosts.worst([bench.costs(d) for d in devices])
    costs = costs.take(rows)
    return SingleNetworks(
        architecture=bench.table.names[rows],
        accuracy=bench.accuracy(split)[rows],
        latency_ms=costs.latency_ms,
        energy_mj=costs.energy_mj,
        macs=costs.macs,
        peak_memory_mib=costs.weights_mib + costs.activation_mib,
        **{name: alone(costs, ()) for name, alone in ON_MICROCONTROLLERS.items()},
        provenance=with_common(
            costs.provenance,
            {
                "accuracy": bench.table.answers_word,
                **dict.fromkeys(("macs", "peak_memory_mib", *ON_MICROCONTROLLERS), "modelled"),
            },
        ),
    )


def table_single_group(
    bench: Benchmark, device: str | Sequence[str], name: str, beside: str = "pair"
) -> SingleGroup:
    """All inherited networks of a table alone as a page shows them: chosen on val, shown on test.

    Args:
        bench: the table that has them.
        device: name or profile of the device; of several each cost is the largest over them.
        name: what the page calls the device.
        beside: kind of the pairs that they are compared with, "pair" or "measured".
    """
    chosen = table_singles(bench, device, "val").accuracy
    return SingleGroup(name, table_singles(bench, device, "test"), chosen, beside)


def best_table_single(bench: Benchmark, points: Points, device: str) -> SingleNetworks:
    """For each point the single network that is best on val and costs no more, shown on test."""
    chosen = best_single(points, table_singles(bench, device, "val"))
    alone = table_singles(bench, device, "test")
    test = dict(zip(alone.architecture, alone.accuracy, strict=True))
    accuracy = np.array([test.get(a, np.nan) for a in chosen.architecture], np.float64)
    columns = {k: v for k, v in vars(chosen).items() if k != "accuracy"}
    return SingleNetworks(accuracy=accuracy, **columns)
