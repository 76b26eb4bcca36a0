"""``independent``: each network learns from the labels alone, as in a static cascade."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from ..recipe import Recipe
from ._method import Method, PairLosses


def losses(
    little: torch.Tensor, big: torch.Tensor, labels: torch.Tensor, recipe: Recipe
) -> PairLosses:
    """Cross-entropy with the labels, for both."""
    smooth = recipe.label_smoothing
    return PairLosses(
        F.cross_entropy(little, labels, label_smoothing=smooth),
        F.cross_entropy(big, labels, label_smoothing=smooth),
    )


METHOD = Method(
    name="independent",
    losses=losses,
    source="Park et al. 2015, Big/Little Deep Neural Network: two networks trained apart",
    labels_alone=True,
)
