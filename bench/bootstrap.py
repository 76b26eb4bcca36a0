"""Intervals of differences by resampling images."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

LEVEL = 0.9  # share of the resampled differences that an interval holds
N_BOOTSTRAP = 4000


def bootstrap_gain(
    gained: int, lost: int, n_images: int, level: float = LEVEL, seed: int = 0
) -> tuple[float, float]:
    """Interval of a difference in accuracy between two classifiers on the same images.

    Args:
        gained: images that the first has right and the second wrong.
        lost: images that the first has wrong and the second right.
        n_images: number of images in all.
        level: share of the resampled differences inside.
        seed: seed of the random resampling.

    Source: Efron and Tibshirani 1993, percentile bootstrap over images; only the counts matter, so
    that a resampled set of images is one multinomial draw.

    >>> low, high = bootstrap_gain(120, 100, 10_000)
    >>> low < 0.002 < high
    True
    """
    share = np.array([gained, lost, n_images - gained - lost]) / n_images
    drawn = np.random.default_rng(seed).multinomial(n_images, share, N_BOOTSTRAP)
    gains = (drawn[:, 0] - drawn[:, 1]) / n_images
    low, high = np.quantile(gains, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def paired_gain(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> tuple[float, float, float]:
    """What one classifier is more accurate than another, and the ends of that gain's interval.

    Args:
        first: whether the first is right about each image, shape (n_images,).
        second: whether the second is right about the same images, shape (n_images,).

    >>> gain, low, high = paired_gain(np.array([True, True, False]), np.array([True, False, False]))
    >>> low < gain < high
    True
    """
    gained, lost = int((first & ~second).sum()), int((second & ~first).sum())
    return (gained - lost) / len(first), *bootstrap_gain(gained, lost, len(first))
