"""``independent``: each network learns from the labels alone, as in a static cascade.

Of a prefix pair the big network learns first, and then the exit's head on its trunk, which stands
still. The images of the recipe are divided between the two (``big_share``), so that the budget is
that of the other methods.
"""

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
    apart=True,
)
