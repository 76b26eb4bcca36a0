"""Trains a learned router on what a pair says about its training images.

It looks at the features before the little network's head or, so that it can decide before any
classifier, at those behind its stem. Two targets: ``gain`` asks whether the big network would be
right where the little one is wrong, and ``right`` whether the little one is right. The networks
stand still, so that their features are computed once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from ..bench.datasets import Dataset, Images
from ..bench.errors import TrainingError, UnknownNameError
from ..bench.networks import Network
from ..bench.router import Router, confidences
from ..bench.router_gate import PLACES
from .evaluate import probabilities
from .images import normalised

BATCH = 256
TARGETS = ("gain", "right")


@dataclass(frozen=True)
class RouterSettings:
    """How a router is trained; every number has its reason.

    Attributes:
        hidden: units of the hidden layer; more bring nothing to some hundred inputs.
        epochs: passes over the images; features are at hand, and a pass takes a second.
        peak_lr: rate of Adam, usual for so small a network.
        weight_decay: against learning single training images by heart.
        target: what it learns to tell, ``gain`` or ``right``.
        confident: whether it looks at the little network's confidences, too.
    """

    hidden: int = 32
    epochs: int = 20
    peak_lr: float = 3e-3
    weight_decay: float = 1e-3
    target: str = "gain"
    confident: bool = True


@dataclass(frozen=True)
class RouterData:
    """What a pair says about some images.

    Attributes:
        pooled: averages of the features over rows and columns, shape (n, channels).
        probabilities: class probabilities of the little network, shape (n, n_classes).
        little: whether the little network is right, shape (n,).
        big: whether the big network is right, shape (n,).
    """

    pooled: NDArray[np.float64]
    probabilities: NDArray[np.float64]
    little: NDArray[np.bool_]
    big: NDArray[np.bool_]


@torch.no_grad()
def router_data(
    little: Network, big: Network, images: Images, dataset: Dataset, place: str = "trunk"
) -> RouterData:
    """What a router of the pair learns from, or decides about.

    Args:
        little: the little network, on the CPU, in evaluation mode.
        big: the big network, likewise.
        images: images with their labels, taken as they are.
        dataset: facts of the images.
        place: where the features are taken, one of `bench.router_gate.PLACES`.

    Raises:
        UnknownNameError: there is no such place.
    """
    if place not in PLACES:
        raise UnknownNameError("place of a router", place, PLACES)
    pooled, logits, right = [], [], []
    for start in range(0, len(images), BATCH):
        part = images.subset(np.arange(start, min(start + BATCH, len(images))))
        x = normalised(part, dataset).contiguous(memory_format=torch.channels_last)
        features = little.trunk(x)
        seen = features if place == "trunk" else little.stem(x)
        pooled.append(seen.mean(dim=(2, 3)).numpy())
        logits.append(little.classifier(little.head(features)).numpy())
        right.append(big(x).argmax(1).numpy() == part.labels)
    answers = np.concatenate(logits)
    return RouterData(
        np.concatenate(pooled).astype(np.float64),
        probabilities(answers),
        np.asarray(answers.argmax(axis=1) == images.labels),
        np.concatenate(right),
    )


def train_router(data: RouterData, settings: RouterSettings, seed: int = 0) -> Router:
    """A router fitted to what a pair says about its training images.

    Args:
        data: what the pair says, from `router_data`.
        settings: size, target and rates.
        seed: seed of weights and order; on a CPU it decides every bit of the result.

    Raises:
        UnknownNameError: the settings name no target.
        TrainingError: there are no images, or the loss is not finite.
    """
    if settings.target not in TARGETS:
        raise UnknownNameError("target of a router", settings.target, TARGETS)
    if not len(data.little):
        raise TrainingError("a router needs images to learn from; none were given.")
    inputs = data.pooled
    if settings.confident:
        inputs = np.concatenate([inputs, confidences(data.probabilities)], axis=1)
    centre, spread = inputs.mean(axis=0), inputs.std(axis=0)
    scale = np.where(spread > 1e-9, spread, 1.0)
    keep = data.little if settings.target == "right" else ~(data.big & ~data.little)
    x = torch.from_numpy((inputs - centre) / scale).float()
    y = torch.from_numpy(keep.astype(np.float32))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        first = torch.nn.Linear(x.shape[1], settings.hidden)
        last = torch.nn.Linear(settings.hidden, 1)
        _fit(torch.nn.Sequential(first, torch.nn.ReLU(), last), x, y, settings)
    arrays: dict[str, torch.Tensor] = {
        "hidden": first.weight.T,
        "hidden_bias": first.bias,
        "out": last.weight[0],
    }
    return Router(
        centre=centre,
        scale=scale,
        **{name: t.detach().double().numpy().copy() for name, t in arrays.items()},
        out_bias=float(last.bias.detach()),
        n_channels=data.pooled.shape[1],
    )


def _fit(
    net: torch.nn.Sequential, x: torch.Tensor, y: torch.Tensor, settings: RouterSettings
) -> None:
    optimizer = torch.optim.AdamW(
        net.parameters(), lr=settings.peak_lr, weight_decay=settings.weight_decay
    )
    n_steps = settings.epochs * -(-len(x) // BATCH)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, n_steps)
    for _ in range(settings.epochs):
        order = torch.randperm(len(x))
        for start in range(0, len(x), BATCH):
            index = order[start : start + BATCH]
            loss = F.binary_cross_entropy_with_logits(net(x[index])[:, 0], y[index])
            if not bool(torch.isfinite(loss)):
                raise TrainingError("the router's loss is not finite; lower its peak_lr.")
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
