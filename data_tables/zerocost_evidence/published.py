"""Rank correlations that others have published, to hold ours against."""

from __future__ import annotations

from .sets import NB201_COLUMNS

FAR = 0.05  # a difference from the published figure that needs a reason
#: Spearman over all cells, a batch of the data set itself, in the order of ``NB201_COLUMNS``:
#: Abdelfattah et al. 2021, Krishnakumar et al. 2022 for the Zen-score.
PUBLISHED = {
    "grad_norm": (0.594, 0.637, 0.578),
    "snip": (0.596, 0.637, 0.578),
    "grasp": (0.514, 0.547, 0.549),
    "fisher": (0.360, 0.385, 0.327),
    "synflow": (0.737, 0.763, 0.751),
    "jacov": (0.731, 0.704, 0.701),
    "zen": (0.355, 0.361, 0.400),
}


def published(proxy: str, target: str) -> float | None:
    """Published figure of a proxy for a target; None where there is none."""
    figures = dict(zip(NB201_COLUMNS, PUBLISHED.get(proxy, ()), strict=False))
    return figures.get(target)
