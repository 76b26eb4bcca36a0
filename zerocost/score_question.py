"""What ``biglittle score`` is asked: which networks, on which batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from ..bench.datasets import get_dataset
from ..bench.errors import BigLittleError
from ..bench.id_lists import read_ids
from ..bench.spaces import get_space
from .batch import Batch, dataset_batch, noise_batch
from .console import drawn

NOISE, TABLE = "noise", "table"
NOISE_CLASSES = 10  # of noise, where nobody says how many


def networks_to_score(
    text: str, sample: int, space: str, seed: int, of_table: Callable[[], Sequence[str]]
) -> list[str]:
    """Ids of the networks to score.

    Args:
        text: ids separated by commas, a file with one a line, or ``table``; empty with a sample.
        sample: how many networks to draw instead; 0: none.
        space: name of the search space.
        seed: seed of the random draw.
        of_table: gives the ids of a table's networks, for ``table``.

    Raises:
        BigLittleError: not exactly one of ``text`` and ``sample``, no such space, or no such ids.
    """
    named = get_space(space)
    if bool(text) == bool(sample):
        raise BigLittleError("give either --arch or --sample (a number of architectures).")
    if sample:
        return drawn(named, sample, seed)
    return list(of_table()) if text == TABLE else read_ids(text, named)


def batch_to_score(
    name: str, n: int, n_classes: int | None, seed: int, data: Path | None = None
) -> tuple[Batch, int]:
    """The batch that networks are scored on, and the number of classes.

    Args:
        name: ``noise``, or the name of a data set.
        n: how many images it holds.
        n_classes: classes of the networks; None: the data set's, or 10 for noise.
        seed: seed of the random draw.
        data: folder of the images; None: where they were fetched to.

    Raises:
        BigLittleError: no such data set, or it has too few images, or they are not there.
    """
    if name == NOISE:
        classes = n_classes or NOISE_CLASSES
        return noise_batch(n, classes, seed=seed), classes
    return dataset_batch(name, n, seed, data), n_classes or get_dataset(name).n_classes
