"""How much of a network's accuracy is luck on the images that it was evaluated on.

All networks answer the same images, so that some images are hard is common to all and no noise
between them. What is left is that networks of one ability are right about different ones: with q_i
the share of such networks that are right about image i, the variance of an accuracy over n images
is mean_i q_i (1 - q_i) / n. As a share of a (1 - a), which is the variance if images were all
alike, it hardly depends on the network, so one number is kept. Networks of one ability are taken to
be those nearest in accuracy.

A model that is not told so takes luck for something to be learnt, and a search then finds the
networks that it was learnt wrong about.

Source: item response theory (Reckase 2009, chapter 2: local independence given ability).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

NEIGHBOURS = 20  # networks whose answers say how hard an image is for one of their ability


def luck_share(correct: NDArray[np.bool_]) -> float:
    """The variance of an accuracy given the images, over that of images all alike, in [0, 1].

    Args:
        correct: whether each network is right about each image, shape (n, n_images), n > 2.
    """
    accuracy = correct.mean(axis=1)
    order = np.argsort(accuracy, kind="stable")
    ranked, n = correct[order].astype(np.float32), len(correct)
    count = min(NEIGHBOURS, n - 1)
    shares = []
    for place, own in enumerate(accuracy[order]):
        start = int(np.clip(place - count // 2, 0, n - 1 - count))
        near = np.delete(np.arange(start, start + count + 1), place - start)
        right = ranked[near].mean(axis=0, dtype=np.float64)
        if 0 < own < 1:
            apart = float((right * (1 - right)).mean()) * count / max(count - 1, 1)
            shares.append(apart / (own * (1 - own)))
    return float(np.clip(np.mean(shares), 0.0, 1.0)) if shares else 1.0


def accuracy_variance(accuracy: Array, share: float, n_images: int) -> Array:
    """Variance of accuracies that were counted on ``n_images``, shape as ``accuracy``."""
    return np.asarray(share * np.clip(accuracy * (1 - accuracy), 0.0, None) / n_images)
