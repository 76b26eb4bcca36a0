"""Rank correlations that others have published, to hold ours against."""

from __future__ import annotations

from dataclasses import dataclass

from ._sets import NB201_COLUMNS

FAR = 0.05  # a difference from the published figure that needs a reason
#: Spearman over all cells, a batch of the data set itself, in the order of ``NB201_COLUMNS``:
#: Abdelfattah et al. 2021, Krishnakumar et al. 2022 for the Zen-score.
SPEARMAN = {
    "grad_norm": (0.594, 0.637, 0.578),
    "snip": (0.596, 0.637, 0.578),
    "grasp": (0.514, 0.547, 0.549),
    "fisher": (0.360, 0.385, 0.327),
    "synflow": (0.737, 0.763, 0.751),
    "jacov": (0.731, 0.704, 0.701),
    "zen": (0.355, 0.361, 0.400),
}
#: Kendall's tau, of the same: Akhauri et al. 2022.
KENDALL = {"nwot": (0.57, 0.61, 0.55)}
HELD_AGAINST = (*SPEARMAN, *KENDALL)


@dataclass(frozen=True)
class PublishedFigure:
    """A rank correlation, and by which statistic: "spearman" or "kendall"."""

    value: float
    statistic: str


def published(proxy: str, target: str) -> PublishedFigure | None:
    """Published figure of a proxy for a target; None where there is none."""
    for statistic, figures in (("spearman", SPEARMAN), ("kendall", KENDALL)):
        by_target = dict(zip(NB201_COLUMNS, figures.get(proxy, ()), strict=False))
        if target in by_target:
            return PublishedFigure(by_target[target], statistic)
    return None
