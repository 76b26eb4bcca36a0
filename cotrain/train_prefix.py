"""Trains a network and one of its exits: at once over one trunk, or one after the other.

Every method takes the recipe's number of images. Where both learn at once, every image passes
through trunk, exit head and rest. Where they learn apart, the big network sees the first share of
the images (``big_share``) and the exit's head the others, on a trunk that stands still; each of the
two has warm-up and decay of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import torch
import torch.nn.functional as F

from ..bench.datasets import Dataset, Images
from ..bench.errors import ArchitectureError
from ..bench.networks import Network
from .learner import Learner
from .methods import Method
from .prefix import EXIT, OWN, HeadOnTrunk, PrefixPair, prefix_fault, take_trunk
from .recalibrate import calibrated
from .recipe import Recipe
from .train_loop import TrainingRun, TrainProgress, train_learners
from .train_network import identity, start_name, start_network, train_network, usable_device

Told = Callable[[TrainProgress], None]


def train_prefix(
    little: str,
    big: str,
    method: Method,
    recipe: Recipe,
    splits: Mapping[str, Images],
    dataset: Dataset,
    folder: Path,
    starts: tuple[Network, Network] | None,
    seed: int,
    device: str = "cpu",
    on_progress: Told | None = None,
    fresh_head: bool = False,
    big_folder: Path | None = None,
) -> tuple[Network, Network]:
    """The trained exit and network, whose trunks have the same weights and statistics.

    Args:
        little: name of the exit, ``ARCH@EXIT``.
        big: name of the network that runs on from there.
        method: what the losses are, and whether the two learn apart.
        recipe: recipe by which both are trained.
        splits: images, from ``Dataset.load``; ``train`` alone is looked at.
        dataset: facts of the images.
        folder: folder of the checkpoints; a run found there goes on, a finished one is read.
        starts: networks to start from; of the little one only the head is taken. None: random
            weights.
        seed: seed of weights, order and augmentation.
        device: torch device that the networks train on.
        on_progress: called every few steps.
        fresh_head: whether the exit's head in ``starts`` has random weights and learns faster.
        big_folder: folder of the big network's checkpoint where the two learn apart. Exits of one
            network can share it: for them that part of the training is the same.

    Raises:
        ArchitectureError: they are no prefix pair, or not those of their starts.
        TrainingError: a loss that is not finite (the checkpoint is of before), or no such device.
        CheckpointError: a folder holds another run.
    """
    fault = prefix_fault(little, big, recipe.space)
    if fault:
        raise ArchitectureError(f"{fault}; expected ARCH@EXIT with ARCH, or with a later exit.")
    begun = starts or (None, None)
    first = tuple(
        start_network(name, recipe, dataset.n_classes, start, seed)
        for name, start in zip((little, big), begun, strict=True)
    )
    facts = {
        "little": little, "big": big, "method": method.name, "coupling": "prefix",
        "starts": [start_name(s) for s in begun], "fresh_head": fresh_head,
    }  # fmt: skip

    def run_of(part: Recipe, file: str, **more: str) -> TrainingRun:
        return TrainingRun(
            recipe=part,
            dataset=dataset,
            train=splits["train"],
            path=folder / file,
            identity=identity(part, splits["train"], seed, {**facts, **more}),
            seed=seed,
            device=usable_device(device),
        )

    if method.apart:
        pair = _apart(first, recipe, splits, run_of, begun[1], seed, on_progress, fresh_head,
                      big_folder or folder / "big")  # fmt: skip
    else:
        run = run_of(recipe, "pair.h5")
        fresh = EXIT if fresh_head else ()
        learner = Learner("pair", PrefixPair(*first), recipe, run.device, fresh)

        def losses(
            logits: Mapping[str, torch.Tensor], labels: torch.Tensor
        ) -> dict[str, torch.Tensor]:
            both = method.losses(logits["little"], logits["big"], labels, recipe)
            return {"pair": both.little + both.big}

        train_learners(run, [learner], losses, on_progress)
        pair = learner.result()
    return calibrated(pair, splits["train"], dataset).networks()


def _apart(
    first: tuple[Network, ...],
    recipe: Recipe,
    splits: Mapping[str, Images],
    run_of: Callable[..., TrainingRun],
    start: Network | None,
    seed: int,
    on_progress: Told | None,
    fresh_head: bool,
    big_folder: Path,
) -> PrefixPair:
    """The big network alone, and then the exit's head on its trunk."""
    images = round(recipe.images * recipe.pair.big_share)
    alone, rest = replace(recipe, images=images), replace(recipe, images=recipe.images - images)
    n_steps = alone.n_steps + rest.n_steps

    def told(before: int) -> Told | None:
        if on_progress is None:
            return None

        def moved(p: TrainProgress) -> None:
            later = 0 if before else rest.n_steps * recipe.batch / max(p.images_per_s, 1e-9)
            on_progress(replace(p, step=before + p.step, n_steps=n_steps, eta_s=p.eta_s + later))

        return moved

    run = run_of(rest, "head.h5")
    big = train_network(first[1].name, alone, splits, big_folder, start, seed, str(run.device),
                        None, told(0))  # fmt: skip
    take_trunk(first[0], big)
    fresh = tuple(f"little.{name}" for name in OWN) if fresh_head else ()
    learner = Learner("little", HeadOnTrunk(first[0].eval()), rest, run.device, fresh)

    def losses(logits: Mapping[str, torch.Tensor], labels: torch.Tensor) -> dict[str, torch.Tensor]:
        smooth = recipe.label_smoothing
        return {"little": F.cross_entropy(logits["little"], labels, label_smoothing=smooth)}

    train_learners(run, [learner], losses, told(alone.n_steps))
    little = learner.result().little
    for parameter in little.parameters():
        parameter.requires_grad_(True)
    return PrefixPair(little, big)
