"""Trains the two networks of a pair together, by one of the methods in ``methods/``.

One step takes one batch through both networks. Methods differ in nothing but the two losses: for
one seed they see the same images in the same order under the same augmentation, start from the
same weights and take the same number of steps, each network with an optimiser of its own. A nested
pair, whose networks inherit overlapping weights, is trained as siblings are: the weights are tied
at the start alone. A network and one of its exits are trained over one trunk (``train_prefix.py``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import torch

from ..bench.datasets import Images, get_dataset
from ..bench.errors import TrainingError
from ..bench.networks import Network
from .learner import Learner
from .methods import get_method
from .prefix import prefix_fault
from .recalibrate import calibrated
from .recipe import Recipe
from .train_loop import TrainingRun, TrainProgress, train_learners
from .train_network import identity, start_name, start_network, usable_device
from .train_prefix import train_prefix


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
    fresh_head: bool = False,
) -> tuple[Network, Network]:
    """The trained little and big network, as `train_network` would return each.

    Args:
        little: name of the little network in ``recipe.space``, perhaps an exit of the big one.
        big: name of the big network, in ``recipe.space``.
        method: key in ``methods/``: ``independent``, ``joint``, ``distilled``, ``gated``.
        recipe: recipe by which both networks are trained.
        splits: images, from ``Dataset.load``; ``train`` alone is looked at.
        folder: folder of ``pair.h5``; a run found there goes on, a finished one is read.
        starts: the networks to start from, which are not changed. None: random weights.
        seed: seed of weights, order and augmentation; on a CPU it decides every bit of the result.
        device: torch device that the networks train on.
        threads: torch threads; None leaves them as they are.
        on_progress: called every few steps; its figures are by ``little`` and ``big``, and the
            loss of a prefix pair by ``pair``.
        fresh_head: whether the head of the exit in ``starts`` has random weights; of a prefix pair
            it then learns faster.

    Raises:
        UnknownNameError: no method has that name.
        ArchitectureError: an id that is not in the space, or not that of its start.
        TrainingError: a loss that is not finite (the checkpoint is of before), or no such device.
        CheckpointError: ``folder`` holds another run.
    """
    if prefix_fault(little, big, recipe.space) is None:
        if threads is not None:
            torch.set_num_threads(threads)
        way, dataset = get_method(method), get_dataset(recipe.dataset)
        return train_prefix(
            little, big, way, recipe, splits, dataset, folder, starts, seed, device, on_progress,
            fresh_head,
        )  # fmt: skip
    trained = train_littles(
        little, big, [method], recipe, splits, folder, starts, seed, device, threads, on_progress
    )
    return trained[method]


def train_littles(
    little: str,
    big: str,
    methods: Sequence[str],
    recipe: Recipe,
    splits: Mapping[str, Images],
    folder: Path,
    starts: tuple[Network, Network] | None,
    seed: int,
    device: str = "cpu",
    threads: int | None = None,
    on_progress: Callable[[TrainProgress], None] | None = None,
) -> dict[str, tuple[Network, Network]]:
    """Little networks of several methods beside one big network, which is trained only once.

    On a CPU every network is bit for bit that of `train_pair`. Only methods whose big network
    learns from labels alone can share it.

    Args:
        little: id of the little architecture, in ``recipe.space``.
        big: id of the big architecture, in ``recipe.space``.
        methods: keys in ``methods/``, each once.
        recipe: recipe by which both networks are trained.
        splits: images and labels by split, from ``Dataset.load``.
        folder: folder in which ``pair.h5`` is kept.
        starts: the networks to start from.
        seed: seed of weights, order and augmentation.
        device: torch device that the networks train on.
        threads: torch threads; None leaves them as they are.
        on_progress: its figures are by ``little`` (of several: ``little METHOD``) and ``big``.

    Returns:
        Little and big network by method; the big one is the same object.

    Raises:
        UnknownNameError: no method has that name.
        ArchitectureError: an id that is not in the space, or not that of its start.
        TrainingError: a reason of `train_pair`, or methods that cannot share a big network.
        CheckpointError: ``folder`` holds another run.
    """
    if threads is not None:
        torch.set_num_threads(threads)
    chosen, dataset = [get_method(m) for m in methods], get_dataset(recipe.dataset)
    unlike = [m.name for m in chosen if not m.labels_alone] if len(chosen) != 1 else []
    if unlike or not chosen or len(set(methods)) < len(chosen):
        raise TrainingError(
            f"the methods {', '.join(methods) or '(none)'} cannot share one big network; expected "
            "one method, or different ones whose big network learns from labels alone."
        )
    ids, begun = {"little": little, "big": big}, starts or (None, None)
    where = usable_device(device)
    name = "+".join(m.name for m in chosen)
    facts = {**ids, "method": name, "starts": [start_name(s) for s in begun]}
    run = TrainingRun(
        recipe=recipe,
        dataset=dataset,
        train=splits["train"],
        path=folder / "pair.h5",
        identity=identity(recipe, splits["train"], seed, facts),
        seed=seed,
        device=where,
    )
    first = [
        start_network(architecture, recipe, dataset.n_classes, start, seed)
        for architecture, start in zip(ids.values(), begun, strict=True)
    ]
    littles = ["little"] if len(chosen) == 1 else [f"little {m.name}" for m in chosen]
    learners = [Learner(own, first[0], recipe, where) for own in littles]
    learners.append(Learner("big", first[1], recipe, where))

    def losses(logits: Mapping[str, torch.Tensor], labels: torch.Tensor) -> dict[str, torch.Tensor]:
        values = {}
        for own, way in zip(littles, chosen, strict=True):
            both = way.losses(logits[own], logits["big"], labels, recipe)
            values[own], values["big"] = both.little, both.big  # all of them give the same for big
        return values

    train_learners(run, learners, losses, on_progress)
    *trained, shared = [calibrated(x.result(), splits["train"], dataset) for x in learners]
    return {way.name: (own, shared) for way, own in zip(chosen, trained, strict=True)}
