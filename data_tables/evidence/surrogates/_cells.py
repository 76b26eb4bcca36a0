"""Cells of NAS-Bench-201 with their published accuracies and latencies."""

from __future__ import annotations

import numpy as np

from ....bench.errors import BigLittleError
from ....bench.spaces import get_space
from ....surrogates.extras import import_extra
from ....surrogates.networks import Networks
from ...reference import read_rows, reference_folder
from ._common import Array


def cells() -> tuple[Networks, Array, dict[str, Array]]:
    """All cells of NAS-Bench-201 at hand, their CIFAR-10 accuracy, and latencies by device.

    Raises:
        DatasetError: the measurements are not there.
    """
    folder, space = reference_folder() / "nb201", get_space("nb201")
    rows, timed = (read_rows(folder / f"{n}.csv.gz") for n in ("accuracy", "latency_ms"))
    if [r["nb201_index"] for r in rows] != [r["nb201_index"] for r in timed]:
        raise BigLittleError("accuracies and latencies are not of the same cells, row by row.")
    genomes = space.parse([r["arch_str"] for r in rows])
    accuracy = np.array([float(r["val_accuracy_cifar10_pct"]) / 100 for r in rows])
    latency = {
        name: np.array([float(r[name]) for r in timed])
        for name in timed[0]
        if name != "nb201_index"
    }
    return Networks(space, space.choices, 10, genomes), accuracy, latency


def normal_scores(values: Array) -> Array:
    """Values (n,) as the quantiles of a normal distribution: a few poor cells weigh no more."""
    ranks = np.argsort(np.argsort(values))
    scores = import_extra("scipy.special", "reporting").ndtri((ranks + 0.5) / len(values))
    return np.asarray(scores, np.float64)
