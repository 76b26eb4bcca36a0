"""Keeps the weights of a trained pair and hands the pair on to be deployed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bench.datasets import Dataset, Images
from ..bench.gate import Gate
from ..bench.networks import Network
from ..bench.router_gate import RouterGate
from ..bench.spaces import get_space
from ..bench.trained_pair import TrainedPair
from .weights import save_network

CHECKED_IMAGES = 256  # test images on which what is deployed must answer as what was trained


def saved_pair(
    folder: Path,
    networks: tuple[Network, Network],
    gate: Gate | RouterGate,
    test: Images,
    logits: tuple[NDArray[np.float32], NDArray[np.float32]],
    dataset: Dataset,
    origin: Mapping[str, Any],
) -> TrainedPair:
    """The pair as it is to be deployed, once its weights are in the folder.

    It carries at most ``CHECKED_IMAGES`` images, spread over the split, because those of one class
    may stand together.

    Args:
        folder: folder that ``little.safetensors`` and ``big.safetensors`` are written to.
        networks: the little and the big network, both of one space.
        gate: metric and threshold of the cascade, or a learned router.
        test: images of the test split.
        logits: what the little and the big network answer to all of ``test``, each (n, n_classes).
        dataset: data set of the images.
        origin: how the weights came about, for the metadata of deployed files.
    """
    for name, network in zip(("little", "big"), networks, strict=True):
        save_network(folder / f"{name}.safetensors", network, {"dataset": dataset.name})
    little, big = ({k: v.numpy() for k, v in n.state_dict().items()} for n in networks)
    n_checked = min(len(test), CHECKED_IMAGES)
    index = np.unique(np.linspace(0, len(test) - 1, n_checked).astype(np.int64))
    return TrainedPair(
        space=get_space(networks[0].space),
        architectures=(networks[0].name, networks[1].name),
        weights=(little, big),
        gate=gate,
        images=test.images[index],
        logits=(logits[0][index], logits[1][index]),
        dataset=dataset,
        origin=origin,
    )
