"""Published tables of single networks as evaluators: NAS-Bench-201 with latencies of real devices.

The figures are others' and do not ship: they are looked for in ``$BIGLITTLE_REFERENCE_DATA``, else
in ``../shared/data`` beside the repository. Source of the accuracies: Dong and Yang 2020 (on
validation images, after 200 epochs); of the latencies: Lee et al. 2021 (HELP) and Li et al. 2021
(HW-NAS-Bench), whole networks, measured.
"""

from __future__ import annotations

import csv
import gzip
import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...bench import Candidates, NetworkFigures, Points, SearchSpace, get_space
from ...bench.cost import activation_memory, network_costs, pair_costs
from ...bench.errors import ConstraintError, DatasetError, UnknownNameError
from ...bench.footprint import Footprint, footprint
from ...bench.recommend import NO_GATE
from ...bench.spaces import Exits, Genomes

VARIABLE = "BIGLITTLE_REFERENCE_DATA"
DATASETS = {"cifar10": 10, "cifar100": 100, "imagenet16_120": 120}


class PublishedNetworks:
    """Evaluates single networks whose accuracy and latency are in a table, and no others.

    A candidate is one network: there are no gates, and its escalation rate is 0.

    Args:
        space: search space of the networks.
        architectures: ids, distinct, shape (n,).
        accuracy: accuracy of each network, fractions, shape (n,).
        latency_ms: latency of each network on the device, shape (n,).
        n_classes: number of classes of the classifier.

    Raises:
        ConstraintError: columns of different lengths.
    """

    def __init__(
        self,
        space: SearchSpace,
        architectures: list[str],
        accuracy: NDArray[np.float64],
        latency_ms: NDArray[np.float64],
        n_classes: int,
    ) -> None:
        if not len(architectures) == len(accuracy) == len(latency_ms):
            raise ConstraintError(
                f"{len(architectures)} architectures, {len(accuracy)} accuracies and "
                f"{len(latency_ms)} latencies; expected as many of each."
            )
        self._space, self.n_classes = space, n_classes
        self.accuracy, self.latency_ms = accuracy, latency_ms
        self._listed = space.parse(architectures)
        self._row = {g.tobytes(): i for i, g in enumerate(self._listed)}
        self._activation = np.full(len(accuracy), np.nan)  # filled when asked for: it is slow
        self._parts = Footprint(*(np.full(len(accuracy), np.nan) for _ in range(5)))

    @property
    def space(self) -> SearchSpace:
        """The search space."""
        return self._space

    @property
    def choices(self) -> tuple[str, ...]:
        """The space's choices."""
        return self._space.choices

    @property
    def gates(self) -> tuple[str, ...]:
        """None: these are single networks."""
        return ()

    @property
    def listed(self) -> Genomes:
        """The architectures of the table, shape (n, n_layers)."""
        return self._listed

    def _rows(self, genomes: Genomes) -> NDArray[np.intp]:
        whole = np.ascontiguousarray(genomes, np.uint8)
        return np.array([self._row.get(g.tobytes(), -1) for g in whole], np.intp)

    def networks(self, genomes: Genomes, exits: Exits | None = None) -> NetworkFigures:
        """Figures of single networks, genomes of shape (n, n_layers); NaN outside the table.

        Raises:
            ConstraintError: a network that is cut at an exit.
        """
        if exits is not None and exits.any():
            raise ConstraintError(
                "published tables have whole networks alone; for networks that are cut at exits "
                "search in a table that has them (--on table) or live."
            )
        rows = self._rows(genomes)
        missing, at = rows < 0, np.maximum(rows, 0)
        new = np.unique(at[np.isnan(self._activation[at])])
        if len(new):
            self._activation[new] = activation_memory(self._space, self._listed[new])
            parts = footprint(self._space, self._listed[new], self.n_classes)
            for name, column in vars(self._parts).items():
                column[new] = getattr(parts, name)
        costs = network_costs(
            self._space,
            genomes,
            self.n_classes,
            latency_ms=np.where(missing, np.nan, self.latency_ms[at]),
            energy_mj=np.full(len(rows), np.nan),
            gate_ms=0.0,
            provenance={"latency_ms": "measured", "energy_mj": "modelled"},
            activation_mib=np.where(missing, np.nan, self._activation[at]),
            parts=self._parts.take(at).without(missing),
        )
        return NetworkFigures(np.where(missing, np.nan, self.accuracy[at]), costs, "measured")

    def evaluate(self, candidates: Candidates) -> Points:
        """Operating points of the candidates' little networks alone, in their order."""
        figures = self.networks(candidates.little, (candidates.exits or (None,))[0])
        n = len(candidates)
        ids = np.array(self._space.format(candidates.little))
        return Points(
            little=ids,
            big=ids,
            gate=np.full(n, NO_GATE),
            threshold=np.zeros(n),
            accuracy=figures.accuracy,
            escalation_rate=np.zeros(n),
            **pair_costs(figures.costs, figures.costs, np.zeros(n)),
            provenance={
                "accuracy": "measured",
                "escalation_rate": "modelled",
                "latency_ms": "measured",  # of one network: what a pair's mean is made of
                "latency_p95_ms": "measured",
                "energy_mj": "modelled",
                "macs": "modelled",
                **dict.fromkeys(("peak_memory_mib", "ram_kib", "flash_kib"), "modelled"),
            },
            split="val",
            coupling=np.full(n, ""),
        )


def reference_folder() -> Path:
    """Where published tables are looked for."""
    default = Path(__file__).resolve().parents[3] / "shared" / "data"
    return Path(os.environ.get(VARIABLE) or default)


def nb201(
    device: str = "raspi4", dataset: str = "cifar10", folder: Path | None = None
) -> PublishedNetworks:
    """All NAS-Bench-201 cells, validation accuracy against measured latency.

    Args:
        device: a column of the latencies.
        dataset: cifar10, cifar100 or imagenet16_120.
        folder: folder of the reference data; None: `reference_folder`.

    Raises:
        DatasetError: the tables are not there.
        UnknownNameError: no such device or data set.
    """
    if dataset not in DATASETS:
        raise UnknownNameError("data set of NAS-Bench-201", dataset, DATASETS)
    base = (folder or reference_folder()) / "nb201"
    accuracies = _rows(base / "accuracy.csv.gz")
    latencies = {row["nb201_index"]: row for row in _rows(base / "latency_ms.csv.gz")}
    devices = [c for c in next(iter(latencies.values())) if c != "nb201_index"]
    if device not in devices:
        raise UnknownNameError("device of NAS-Bench-201", device, devices)
    space = get_space("nb201")
    both = [row for row in accuracies if row["nb201_index"] in latencies]
    column = f"val_accuracy_{dataset}_pct"
    return PublishedNetworks(
        space=space,
        architectures=space.format(space.parse([row["arch_str"] for row in both])),
        accuracy=np.array([float(row[column]) for row in both]) / 100.0,
        latency_ms=np.array([float(latencies[row["nb201_index"]][device]) for row in both]),
        n_classes=DATASETS[dataset],
    )


def _rows(path: Path) -> list[dict[str, str]]:
    if not path.is_file():
        raise DatasetError(
            f"{path} is not there. The published tables of NAS-Bench-201 do not ship; put them "
            f"there, or name their folder in {VARIABLE}."
        )
    with gzip.open(path, "rt", newline="") as file:
        return list(csv.DictReader(file))
