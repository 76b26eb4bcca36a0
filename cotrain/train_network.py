"""Trains one network, from random or from inherited weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from ..bench.datasets import Images, get_dataset
from ..bench.errors import ArchitectureError, TrainingError
from ..bench.networks import Block, Network, build_network, weights_hash
from ..bench.spaces import get_space
from .learner import Learner
from .prefix import OWN
from .recalibrate import calibrated
from .recipe import Recipe
from .train_loop import TrainingRun, TrainProgress, train_learners
from .views import TaughtImages, TeacherAnswers


def train_network(
    architecture: str,
    recipe: Recipe,
    splits: Mapping[str, Images],
    folder: Path,
    start: Network | None,
    seed: int,
    device: str = "cpu",
    threads: int | None = None,
    on_progress: Callable[[TrainProgress], None] | None = None,
    fresh_head: bool = False,
    answers: TeacherAnswers | None = None,
) -> Network:
    """The trained network, on the CPU, in evaluation mode, its batch norms recalibrated.

    Args:
        architecture: id of an architecture in ``recipe.space``, perhaps with ``@EXIT``.
        recipe: recipe by which the network is trained.
        splits: images, from ``Dataset.load``; ``train`` alone is looked at.
        folder: folder of ``network.h5``; a run found there goes on, a finished one is read.
        start: the network to start from, for example ``Supernet.inherit(architecture)``; it is not
            changed. None: random weights drawn with ``seed``.
        seed: seed of weights, order and augmentation; on a CPU it decides every bit of the result.
        device: torch device that the network trains on.
        threads: torch threads; None leaves them as they are.
        on_progress: called every few steps.
        fresh_head: whether head and classifier of ``start`` have random weights and learn faster,
            by the recipe's ``fresh_rate``.
        answers: a teacher's answers on views of the training images, where the recipe learns from
            a teacher.

    Raises:
        ArchitectureError: ``architecture`` is not in the space, or not that of ``start``.
        TrainingError: a loss that is not finite (the checkpoint is of before), no such device, or a
            recipe with a teacher and no answers.
        CheckpointError: ``folder`` holds another run.
    """
    if threads is not None:
        torch.set_num_threads(threads)
    dataset, where = get_dataset(recipe.dataset), usable_device(device)
    facts: dict[str, Any] = {"architecture": architecture, "start": start_name(start)}
    if fresh_head:
        facts["fresh_head"] = True
    if recipe.teacher > 0 and answers is not None:
        facts["teacher_sha256"], facts["views"] = answers.teacher_sha256, asdict(answers.views)
    run = TrainingRun(
        recipe=recipe,
        dataset=dataset,
        train=splits["train"],
        path=folder / "network.h5",
        identity=identity(recipe, splits["train"], seed, facts),
        seed=seed,
        device=where,
        taught=None if answers is None else TaughtImages(answers, splits["train"], dataset),
    )
    first = start_network(architecture, recipe, dataset.n_classes, start, seed)
    learner = Learner("network", first, recipe, where, OWN if fresh_head else ())

    def losses(logits: Mapping[str, torch.Tensor], labels: torch.Tensor) -> dict[str, torch.Tensor]:
        loss = F.cross_entropy(logits["network"], labels, label_smoothing=recipe.label_smoothing)
        return {"network": loss}

    train_learners(run, [learner], losses, on_progress)
    return calibrated(learner.result(), splits["train"], dataset)


def start_network(
    architecture: str, recipe: Recipe, n_classes: int, start: Network | None, seed: int
) -> Network:
    """``start``, checked, or a network of random weights that ``seed`` and the recipe decide.

    Raises:
        ArchitectureError: ``architecture`` is not in the space, or not that of ``start``.
    """
    if start is None:
        network = build_network(architecture, n_classes, recipe.space, seed)
        return zero_residuals(network) if recipe.zero_residuals else network
    if (start.space, start.name) != (recipe.space, architecture):
        raise ArchitectureError(
            f"the network to start from is {start.name} of space {start.space!r}; expected "
            f"{architecture} of {recipe.space!r}."
        )
    return start


def zero_residuals(network: Network) -> Network:
    """The network, changed in place: each of its blocks with a shortcut gives what it is given.

    Blocks without a shortcut, and spaces of cells, stay as they are.
    """
    for block in network.blocks:
        if isinstance(block, Block) and block.residual:
            *_, last = (m for m in block.body if isinstance(m, nn.BatchNorm2d))
            nn.init.zeros_(last.weight)
    return network


def usable_device(name: str) -> torch.device:
    """The torch device of that name.

    Raises:
        TrainingError: torch knows no such device, or this machine has none.
    """
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).splitlines()[0].rstrip(".")
        raise TrainingError(
            f"torch cannot train on device {name!r} here ({reason}); expected cpu, or cuda where "
            "there is a GPU and a torch built for it."
        ) from error
    return device


def start_name(start: Network | None) -> str:
    """What a checkpoint says about the weights a run began with."""
    return "random" if start is None else weights_hash(start)


def identity(recipe: Recipe, train: Images, seed: int, facts: Mapping[str, Any]) -> dict[str, Any]:
    """What a checkpoint must share with a run to be gone on from."""
    return {
        "space_hash": get_space(recipe.space).hash,
        "recipe": recipe.as_dict(),
        "n_train": len(train),
        "seed": seed,
        **facts,
    }
