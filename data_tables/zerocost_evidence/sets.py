"""What is scored: networks whose accuracy is known, and the batches they are scored on."""

from __future__ import annotations

import csv
import gzip
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from ...bench import Benchmark, Table
from ...bench.errors import BigLittleError
from ...bench.rows import PAIR_TRAININGS, TRAININGS
from ...bench.spaces import get_space
from ...zerocost import Batch, dataset_batch
from .agreement import Values

TABLE = "fbnet-cifar10"
REFERENCE_VARIABLE = "BIGLITTLE_REFERENCE_DATA"
NB201_COLUMNS = {
    "nb201 cifar10": "val_accuracy_cifar10_pct",
    "nb201 cifar100": "val_accuracy_cifar100_pct",
    "nb201 imagenet16-120": "val_accuracy_imagenet16_120_pct",
}
CELLS, TABLE_NETWORKS, SAMPLE_SEED, BATCH = 500, 120, 0, 64
#: Trainings of single networks, beside inheriting weights.
ALONE = tuple(t for t in TRAININGS if t not in ("inherited", *PAIR_TRAININGS))


@dataclass(frozen=True)
class ScoredSet:
    """Networks that are scored.

    Attributes:
        about: which they are.
        like: target whose data set the batch resembles; None takes CIFAR-10 as it is.
        pixels: height and width of the images.
        n_classes: of the labels.
    """

    about: str
    like: str | None = None
    pixels: int = 32
    n_classes: int = 10


_CELLS = "a fixed random sample of all cells"
SETS = {
    "nb201": ScoredSet(_CELLS),
    "table": ScoredSet(
        "all that were also trained by themselves, which were chosen, and a sample of the "
        "inherited networks, stratified by MACs"
    ),
    "cifar100-like": ScoredSet(_CELLS, "nb201 cifar100", 32, 100),
    "imagenet16-120-like": ScoredSet(_CELLS, "nb201 imagenet16-120", 16, 120),
}


def nb201_accuracy(folder: Path | None = None) -> tuple[list[str], dict[str, Values]]:
    """Ids of all cells at hand and their accuracy, a fraction, by column.

    Raises:
        BigLittleError: the accuracies are not there.
    """
    root = folder or Path(os.environ.get(REFERENCE_VARIABLE, "."))
    path = root / "nb201" / "accuracy.csv.gz"
    if not path.is_file():
        raise BigLittleError(
            f"no accuracies of NAS-Bench-201 at {path}; set {REFERENCE_VARIABLE} to the folder of "
            "published measurements."
        )
    with gzip.open(path, "rt") as file:
        rows = list(csv.DictReader(file))
    space = get_space("nb201")
    ids = space.format(space.parse([row["arch_str"] for row in rows]))
    return ids, {
        name: np.array([float(row[column]) / 100 for row in rows])
        for name, column in NB201_COLUMNS.items()
    }


def architectures(
    which: str, n_cells: int = CELLS, n_networks: int = TABLE_NETWORKS
) -> tuple[str, list[str]]:
    """Space and ids of a set that is scored.

    Cells are a fixed random sample. Of the table it is a fixed sample of the inherited networks,
    stratified by MACs, and every network that was also trained by itself.
    """
    if which != "table":
        ids, _ = nb201_accuracy()
        rows = np.random.default_rng(SAMPLE_SEED).permutation(len(ids))[:n_cells]
        return "nb201", [ids[i] for i in rows]
    table = Benchmark.load(TABLE).table
    alone = [str(table.networks["architecture"][r]) for t in ALONE for r in table.rows(t)]
    return table.space.name, list(dict.fromkeys([*alone, *stratified(table, n_networks)]))


def stratified(table: Table, n: int) -> list[str]:
    """``n`` inherited networks, one of each ``n``-th part of them by MACs, in random order."""
    rows = table.rows("inherited")
    rows = rows[np.argsort(table.networks["macs"][rows], kind="stable")]
    rng = np.random.default_rng(SAMPLE_SEED)
    n = min(n, len(rows))
    parts = np.array_split(rows, n)
    return [str(table.networks["architecture"][rng.choice(parts[i])]) for i in rng.permutation(n)]


def batch_of(which: str, folder: Path | None = None) -> Batch:
    """Images of CIFAR-10 for a set; with labels drawn uniformly where it is like another data set.

    Before any training a label says nothing of its image, so what is drawn is as good as what is
    true; smaller images are means of 2 by 2 pixels.
    """
    batch, wanted = dataset_batch("cifar10", BATCH, SAMPLE_SEED, folder), SETS[which]
    if wanted.like is None:
        return batch
    images = torch.nn.functional.avg_pool2d(batch.images, batch.images.shape[-1] // wanted.pixels)
    generator = torch.Generator().manual_seed(SAMPLE_SEED)
    labels = torch.randint(wanted.n_classes, (len(images),), generator=generator)
    name = f"{batch.name}, {wanted.pixels} pixels, {wanted.n_classes} classes at random"
    return Batch(images, labels, name)
