"""A trained pair on its way from training to deployment.

Training makes it and the profiler's export writes it: neither room knows the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .datasets import Dataset
from .gate import Gate
from .router_gate import RouterGate
from .spaces import SearchSpace

Weights = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, eq=False)
class TrainedPair:
    """Two trained networks with their gate, and answers by which a copy of them is checked.

    Attributes:
        space: search space of both networks.
        architectures: names of the little and the big network, ``ARCHITECTURE[@EXIT]``.
        weights: state dicts of both, as arrays.
        gate: metric and threshold of the cascade, or a learned router.
        images: pixels to check with, (n, height, width, channels).
        logits: what the little and the big network answer in training's framework, each
            (n, n_classes).
        dataset: data set of the images and the classes.
        origin: how the weights came about, for the metadata of deployed files.
        coupling: what the two share, ``sibling``, ``nested`` or ``prefix``; None: what their names
            say, which takes for granted that an exit has the weights of the network it cuts.
        scores: what a router says of the images, shape (n,); None where the gate is a metric.
    """

    space: SearchSpace
    architectures: tuple[str, str]
    weights: tuple[Weights, Weights]
    gate: Gate | RouterGate
    images: NDArray[np.uint8]
    logits: tuple[NDArray[np.float32], NDArray[np.float32]]
    dataset: Dataset
    origin: Mapping[str, Any]
    coupling: str | None = None
    scores: NDArray[np.float64] | None = None
