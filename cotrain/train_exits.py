"""Trains exit heads on a frozen supernet: one architecture a step, all exits of it at once.

The trunk's weights do not change. Every step runs one of the given architectures to its end, takes
the features behind each layer where an exit stands, and trains all heads on them: from the labels
and from what the whole network says, half and half unless the recipe says otherwise.

Source: exits that learn from the last one as in Phuong and Lampert 2019, "Distillation-Based
Training for Multi-Exit Architectures"; heads shared by all architectures are ours.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from ..bench.datasets import Images, get_dataset
from ..bench.spaces import Genomes
from .exit_heads import ExitHeads, trunk_hash
from .learner import Learner
from .precision import Precision
from .recipe import Recipe
from .supernet import Supernet
from .train_loop import TrainingRun, TrainProgress, train_learners

RECIPE = Path(__file__).parent / "exits.toml"
#: Exits that learn in one step: with all of them their heads cost more than the trunk.
EXITS_A_STEP = 10


class _OnFrozenTrunk(nn.Module):
    """Exit heads behind a supernet that is not part of what is trained, saved or averaged."""

    steps: torch.Tensor

    def __init__(
        self, net: Supernet, heads: ExitHeads, paths: Genomes, seed: int, precision: Precision
    ) -> None:
        super().__init__()
        self.heads = heads
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))
        frozen = net.to(memory_format=torch.channels_last).requires_grad_(False).train()  # type: ignore[call-overload]
        self.__dict__.update(_net=frozen, _paths=paths, _seed=seed, _precision=precision)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits (batch, n_classes, n + 1) of n exits of an architecture; the last is the whole.

        Architecture and exits are drawn anew at every step.
        """
        net, paths = self.__dict__["_net"], self.__dict__["_paths"]
        rng = np.random.default_rng((self.__dict__["_seed"], int(self.steps)))
        self.steps += 1
        path = paths[rng.integers(len(paths))]
        drawn = sorted(rng.permutation(len(self.heads.names))[:EXITS_A_STEP].tolist())
        names = [self.heads.names[i] for i in drawn]
        after = {self.heads.places[name].after for name in names}
        with torch.no_grad(), self.__dict__["_precision"].autocast(images.device):
            features, last = net.features(images, path, after)
        whole = {layer: values.float() for layer, values in features.items()}
        return torch.stack([*self.heads(whole, names), last.float()], dim=-1)


def exit_loss(
    logits: torch.Tensor, labels: torch.Tensor, smoothing: float, distillation: float
) -> torch.Tensor:
    """The mean loss of the exits, a scalar.

    Args:
        logits: logits of the exits and, last, of the whole network, shape (batch, n_classes,
            n_exits + 1).
        labels: true classes, shape (batch,).
        smoothing: label smoothing of the cross-entropy, in [0, 1).
        distillation: weight of the whole network's answers against the labels, in [0, 1].
    """
    own, whole = logits[..., :-1], logits[..., -1:].detach()
    targets = labels[:, None].expand(-1, own.shape[-1])
    from_labels = F.cross_entropy(own, targets, label_smoothing=smoothing)
    from_whole = -(whole.softmax(1) * own.log_softmax(1)).sum(1).mean()
    return (1 - distillation) * from_labels + distillation * from_whole


def train_exits(
    net: Supernet,
    paths: Genomes,
    recipe: Recipe,
    splits: Mapping[str, Images],
    folder: Path,
    seed: int = 0,
    device: str = "cpu",
    precision: Precision = Precision.FP32,
    on_progress: Callable[[TrainProgress], None] | None = None,
    names: Sequence[str] | None = None,
) -> ExitHeads:
    """The trained heads of exits, on the CPU; the checkpoint is ``exits.h5`` in the folder.

    Args:
        net: supernet whose trunk the heads stand on; its weights are not changed.
        paths: choices of the architectures to train on, shape (n, n_layers).
        recipe: recipe of the training, as in ``exits.toml``.
        splits: images from ``Dataset.load``; only ``train`` is looked at.
        folder: folder of the checkpoint; a run that is there goes on.
        seed: seed of weights, architectures, order and augmentation.
        device: torch device to train on.
        precision: number format in which the trunk computes; the heads are trained in fp32.
        on_progress: called every few steps.
        names: names of the exits; None: all of the space.

    Raises:
        ArchitectureError: an exit that the space does not have.
        TrainingError: the loss is not finite; the checkpoint is of before.
        CheckpointError: the folder holds another run.
    """
    torch.manual_seed(seed)
    heads = ExitHeads(net.space, net.n_classes, names)
    where = torch.device(device)
    start = _OnFrozenTrunk(net.to(where), heads, paths, seed, precision)
    run = TrainingRun(
        recipe=recipe,
        dataset=get_dataset(recipe.dataset),
        train=splits["train"],
        path=folder / "exits.h5",
        identity={
            "recipe": recipe.as_dict(),
            "n_train": len(splits["train"]),
            "seed": seed,
            "trunk_sha256": trunk_hash(net.state_dict()),
            "paths": [row.tolist() for row in paths],
            "exits": list(heads.names),
        },
        seed=seed,
        device=where,
    )
    learner = Learner("exits", start, recipe, where)
    weight = recipe.pair.distillation

    def losses(logits: Mapping[str, torch.Tensor], labels: torch.Tensor) -> dict[str, torch.Tensor]:
        loss = exit_loss(logits["exits"], labels, recipe.label_smoothing, weight)
        return {"exits": loss}

    train_learners(run, [learner], losses, on_progress)
    return learner.result().heads
