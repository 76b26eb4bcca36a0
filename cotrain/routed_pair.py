"""Gives a trained pair a learned router in place of its gate, ready to be deployed.

    pair = routed_pair(folder, networks, splits, dataset, origin, place="stem")
    deploy_pair(folder, pair)

The networks stay as they are. The router learns from training images, its threshold is chosen on
val, and test images are only what the deployed graph is checked with.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ..bench.datasets import Dataset, Images
from ..bench.files import replacing
from ..bench.networks import Network
from ..bench.router_gate import RouterGate, best_threshold
from ..bench.trained_pair import TrainedPair
from .evaluate import logits_of
from .saved_pair import saved_pair
from .train_router import RouterSettings, router_data, train_router

ROUTER = "router.npz"  # the router's arrays beside the pair's weights


def routed_pair(
    folder: Path,
    networks: tuple[Network, Network],
    splits: Mapping[str, Images],
    dataset: Dataset,
    origin: Mapping[str, Any],
    settings: RouterSettings | None = None,
    rate: float = 0.2,
    place: str = "trunk",
    seed: int = 0,
) -> TrainedPair:
    """The pair with a router as its gate; weights and router are in the folder.

    Args:
        folder: folder that ``little.safetensors``, ``big.safetensors`` and ``router.npz`` are
            written to.
        networks: the little and the big network, both of one space, in evaluation mode.
        splits: images of ``train``, ``val`` and ``test``.
        dataset: data set of the images.
        origin: how the weights came about, for the metadata of deployed files.
        settings: how the router is trained; None: as usual.
        rate: largest share of val that it may escalate.
        place: where it looks, one of `bench.router_gate.PLACES`. Without confidences it decides
            there, before any classifier.
        seed: seed of the router's weights and the order of its images.

    Raises:
        UnknownNameError: there is no such place, or no such target.
        TrainingError: there are no images, or the loss is not finite.
    """
    train, val = (router_data(*networks, splits[s], dataset, place) for s in ("train", "val"))
    router = train_router(train, settings or RouterSettings(), seed)
    scores = router.scores(val.pooled, val.probabilities)
    gate = RouterGate(router, best_threshold(scores, val.little, val.big, rate), place)
    logits = tuple(logits_of(network, splits["test"], dataset) for network in networks)
    folder.mkdir(parents=True, exist_ok=True)
    pair = saved_pair(
        folder, networks, gate, splits["test"], (logits[0], logits[1]), dataset, origin
    )
    with replacing(folder / ROUTER) as partial, partial.open("wb") as file:
        np.savez(file, **router.arrays())  # type: ignore[arg-type]
    checked = Images(pair.images, np.zeros(len(pair.images), np.uint8))
    seen = router_data(*networks, checked, dataset, place)
    return replace(pair, scores=router.scores(seen.pooled, seen.probabilities))
