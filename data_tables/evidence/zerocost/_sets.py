"""What is scored: networks whose accuracy is known, and the batches they are scored on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch

from ....bench import Benchmark, Table
from ....bench.rows import PAIR_TRAININGS, TRAININGS
from ....bench.spaces import get_space
from ....zerocost import Batch, dataset_batch
from ...flagship import RECIPE
from ...reference import read_rows, reference_folder
from ._agreement import Values

TABLE = RECIPE.name
NB201_COLUMNS = {
    "nb201 cifar10": "val_accuracy_cifar10_pct",
    "nb201 cifar100": "val_accuracy_cifar100_pct",
    "nb201 imagenet16-120": "val_accuracy_imagenet16_120_pct",
}
SAMPLE_SEED, BATCH = 0, 64
#: Trainings of single networks, beside inheriting weights.
ALONE = tuple(t for t in TRAININGS if t not in ("inherited", *PAIR_TRAININGS))


@dataclass(frozen=True)
class ScoredSet:
    """Networks that are scored.

    Attributes:
        about: which networks they are, in words.
        n_networks: how many networks the sample has.
        seeds: how many initialisations are scored.
        like: target whose published figures are made again, on a batch like its data set; None is
            for every proxy and every target.
        pixels: height and width of the images.
        n_classes: how many classes the labels have.
    """

    about: str
    n_networks: int
    seeds: int = 3
    like: str | None = None
    pixels: int = 32
    n_classes: int = 10


_CELLS = "a fixed random sample of all cells"
SETS = {
    "nb201": ScoredSet(_CELLS, 500),
    "table": ScoredSet(
        "all that were also trained by themselves, which were chosen, and a sample of the "
        "inherited networks, stratified by MACs",
        120,
    ),
    # More cells, so that a sample of them tells less of a difference.
    "published-cifar10": ScoredSet(_CELLS, 1500, 1, "nb201 cifar10"),
    "published-cifar100": ScoredSet(_CELLS, 1500, 1, "nb201 cifar100", n_classes=100),
    "published-imagenet16-120": ScoredSet(_CELLS, 1500, 1, "nb201 imagenet16-120", 16, 120),
}


def nb201_accuracy() -> tuple[list[str], dict[str, Values]]:
    """Ids of all cells at hand and their accuracy, a fraction, by column.

    Raises:
        DatasetError: the accuracies are not there.
    """
    return _nb201_accuracy(reference_folder() / "nb201" / "accuracy.csv.gz")


@lru_cache(maxsize=1)  # every set and every target asks for it
def _nb201_accuracy(path: Path) -> tuple[list[str], dict[str, Values]]:
    rows, space = read_rows(path), get_space("nb201")
    ids = space.format(space.parse([row["arch_str"] for row in rows]))
    return ids, {
        name: np.array([float(row[column]) / 100 for row in rows])
        for name, column in NB201_COLUMNS.items()
    }


def architectures(which: str, n_networks: int | None = None) -> tuple[str, list[str]]:
    """Space and ids of a set that is scored; ``n_networks`` of the sample, None takes the set's.

    Cells are a fixed random sample. Of the table it is a fixed sample of the inherited networks,
    stratified by MACs, and every network that was also trained by itself.
    """
    n = n_networks or SETS[which].n_networks
    if which != "table":
        ids, _ = nb201_accuracy()
        rows = np.random.default_rng(SAMPLE_SEED).permutation(len(ids))[:n]
        return "nb201", [ids[i] for i in rows]
    table = Benchmark.load(TABLE).table
    alone = [str(table.networks["architecture"][r]) for t in ALONE for r in table.rows(t)]
    return table.space.name, list(dict.fromkeys([*alone, *stratified(table, n)]))


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
    if (wanted.pixels, wanted.n_classes) == (32, 10):
        return batch
    images = torch.nn.functional.avg_pool2d(batch.images, batch.images.shape[-1] // wanted.pixels)
    generator = torch.Generator().manual_seed(SAMPLE_SEED)
    labels = torch.randint(wanted.n_classes, (len(images),), generator=generator)
    name = f"{batch.name}, {wanted.pixels} pixels, {wanted.n_classes} classes at random"
    return Batch(images, labels, name)
