"""Models of a pair's curve, one file each; ``get_pair_model("direct")`` gives one by name."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from ...bench.registry import Registry, with_members
from ._pairs import CandidateRows, FittedPairs, PairModel, composed_curves

PAIR_MODELS = Registry(
    "pair model",
    __name__,
    Path(__file__).parent,
    "PAIRS",
    "biglittle.pair_models",
    with_members("name", "summary", "fit", "load"),
)


def get_pair_model(name: str) -> PairModel:
    """The pair model called ``name``.

    Raises:
        UnknownNameError: there is no pair model of that name.
    """
    return cast(PairModel, PAIR_MODELS.load(name))


__all__ = [
    "PAIR_MODELS",
    "CandidateRows",
    "FittedPairs",
    "PairModel",
    "composed_curves",
    "get_pair_model",
]
