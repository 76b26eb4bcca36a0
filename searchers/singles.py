"""Single networks, to set beside pairs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bench import NetworkFigures, SearchSpace
from ..bench.figures import words_of
from ..bench.footprint import FIGURES as ON_MICROCONTROLLERS
from ..bench.network_names import network_names
from ..bench.pareto import nondominated
from ..bench.precision import FP32
from ..bench.provenance import with_common, words_at, words_taken
from ..bench.spaces import Exits, Genomes

#: Costs by which a single network can be compared with a pair.
SINGLE_COSTS = ("latency_ms", "energy_mj", "macs", "peak_memory_mib", *ON_MICROCONTROLLERS)
_UNKNOWN = np.zeros(0)  # of a figure: one NaN for each network


@dataclass(frozen=True)
class SingleNetworks:
    """Networks that answer alone, without gate or partner, arrays of shape (n,).

    A row whose architecture is the empty string, with NaN figures, stands for "there is none".

    Attributes:
        architecture: names of the networks, ids or ``ARCHITECTURE@EXIT``, shape (n,).
        accuracy: accuracy of each network alone, fractions.
        latency_ms: latency, the same for every input.
        energy_mj: energy of one input on the device.
        macs: multiply-accumulates of one input.
        peak_memory_mib: weights and largest activations.
        provenance: how each figure came about, by field.
        ram_kib: arena of the activations on a microcontroller; NaN where nobody said it.
        flash_kib: weights in the flash of a microcontroller; NaN where nobody said it.
    """

    architecture: NDArray[np.str_]
    accuracy: NDArray[np.float64]
    latency_ms: NDArray[np.float64]
    energy_mj: NDArray[np.float64]
    macs: NDArray[np.float64]
    peak_memory_mib: NDArray[np.float64]
    provenance: Mapping[str, str]
    ram_kib: NDArray[np.float64] = field(default_factory=lambda: _UNKNOWN)
    flash_kib: NDArray[np.float64] = field(default_factory=lambda: _UNKNOWN)

    def __post_init__(self) -> None:
        for name in ON_MICROCONTROLLERS:
            if getattr(self, name) is _UNKNOWN:
                object.__setattr__(self, name, np.full(len(self.architecture), np.nan))

    def __len__(self) -> int:
        return len(self.architecture)

    def records(self) -> list[dict[str, Any] | None]:
        """Every network as plain JSON; None for a row that stands for "there is none"."""
        names = ("accuracy", *SINGLE_COSTS)
        out: list[dict[str, Any] | None] = []
        for i, architecture in enumerate(self.architecture):
            values = {n: float(getattr(self, n)[i]) for n in names}
            record = {n: None if np.isnan(v) else v for n, v in values.items()}
            named = {"architecture": str(architecture), **record}
            words = words_of(record, words_at(self.provenance, i))
            out.append({**named, "provenance": words} if architecture else None)
        return out


def best_of(
    space: SearchSpace,
    genomes: Genomes,
    figures: NetworkFigures,
    exits: Exits | None = None,
    precision: str = FP32,
) -> SingleNetworks:
    """Of some networks those that are the most accurate for their cost, by any of the costs.

    Args:
        space: search space of the networks.
        genomes: one network a row, shape (n, n_layers).
        figures: accuracy and costs of the same networks.
        exits: numbers of the exits at which they are cut, shape (n,); None: all are whole.
        precision: precision of all of them.
    """
    costs = figures.costs
    columns = {
        "latency_ms": costs.latency_ms,
        "energy_mj": costs.energy_mj,
        "macs": costs.macs,
        "peak_memory_mib": costs.weights_mib + costs.activation_mib,
        **{name: alone(costs, ()) for name, alone in ON_MICROCONTROLLERS.items()},
    }
    error = 1.0 - figures.accuracy
    steps = [nondominated(np.stack([error, c], axis=1)) for c in columns.values()]
    rows = np.unique(np.concatenate(steps))
    analytic = dict.fromkeys(("macs", "peak_memory_mib", *ON_MICROCONTROLLERS), "modelled")
    return SingleNetworks(
        architecture=network_names(
            space, genomes[rows], None if exits is None else exits[rows], precision
        ),
        accuracy=figures.accuracy[rows],
        **{name: np.asarray(c, np.float64)[rows] for name, c in columns.items()},
        provenance=with_common(
            words_taken(costs.provenance, rows), {"accuracy": figures.provenance, **analytic}
        ),
    )
