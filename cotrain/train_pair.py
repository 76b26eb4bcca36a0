"""Trains the two networks of a pair together, by one of the methods in ``methods/``.

One step takes one batch through both networks. Methods differ in nothing but the two losses: for
one seed they see the same images in the same order under the same augmentation, start from the
same weights and take the same number of steps, each network with an optimiser of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import torch

from ..bench.datasets import Images, get_dataset
from ..bench.networks import Network
from .learner import Learner
from .methods import get_method
from .recalibrate import calibrated
from .recipe import Recipe
from .train_loop import TrainingRun, TrainProgress, train_learners
from .train_network import identity, start_name, start_network, usable_device


def train_pair(
    little: str,
    big: str,
    method: str,
    recipe: Recipe,
    splits: Mapping[str, Images],
    folder: Path,
    starts: tuple[Network, Network] | None,
    seed: int,
    device: str = "cpu",
    threads: int | None = None,
    on_progress: Callable[[TrainProgress], None] | None = None,
) -> tuple[Network, Network]:
    """The trained little and big network, as `train_network` would return each.

    Args:
        little: architecture id in ``recipe.space``.
        big: likewise.
        method: key in ``methods/``: ``independent``, ``distilled``, ``joint``.
        recipe: how to train.
        splits: images, from ``Dataset.load``; ``train`` alone is looked at.
        folder: where ``pair.h5`` is kept; a run found there goes on, a finished one is read.
        starts: the networks to start from, which are not changed. None: random weights.
        seed: of weights, order and augmentation; on a CPU it decides every bit of the result.
        device: torch device.
        threads: torch threads; None leaves them as they are.
        on_progress: called every few steps; its figures are by ``little`` and ``big``.

    Raises:
        UnknownNameError: no such method.
        ArchitectureError: an id that is not in the space, or not that of its start.
        TrainingError: a loss that is not finite (the checkpoint is of before), or no such device.
        CheckpointError: ``folder`` holds another run.
    """
    if threads is not None:
        torch.set_num_threads(threads)
    chosen, dataset = get_method(method), get_dataset(recipe.dataset)
    ids, begun = {"little": little, "big": big}, starts or (None, None)
    where = usable_device(device)
    facts = {**ids, "method": chosen.name, "starts": [start_name(s) for s in begun]}
    run = TrainingRun(
        recipe=recipe,
        dataset=dataset,
        train=splits["train"],
        path=folder / "pair.h5",
        identity=identity(recipe, splits["train"], seed, facts),
        seed=seed,
        device=where,
    )
    learners = []
    for (name, architecture), start in zip(ids.items(), begun, strict=True):
        first = start_network(architecture, recipe, dataset.n_classes, start, seed)
        learners.append(Learner(name, first, recipe, where))

    def losses(logits: Mapping[str, torch.Tensor], labels: torch.Tensor) -> dict[str, torch.Tensor]:
        return chosen.losses(logits["little"], logits["big"], labels, recipe)._asdict()

    train_learners(run, learners, losses, on_progress)
    trained = [calibrated(x.result(), splits["train"], dataset) for x in learners]
    return trained[0], trained[1]
