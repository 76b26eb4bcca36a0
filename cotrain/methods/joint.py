"""``joint``: both networks learn from the labels at once, and a shared trunk from both.

The loss is ``w CE(l, y) + CE(b, y)`` with logits l (little) and b (big), labels y and the recipe's
``little_weight`` w. Of two networks that share nothing each sees its own term alone, so that for
them this is `independent`; of a prefix pair the trunk learns features that serve both.

Source: Teerapittayanon et al. 2016, "BranchyNet" (section III-B, a weighted sum of the losses of
all exits). We differ: the last exit weighs as much as an earlier one by default, since the source
leaves the weights open.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F

from ..recipe import Recipe
from ._method import Method, PairLosses


def losses(
    little: torch.Tensor, big: torch.Tensor, labels: torch.Tensor, recipe: Recipe
) -> PairLosses:
    """Cross-entropy with the labels for both; the little one's weighs ``little_weight``."""
    smooth = recipe.label_smoothing
    return PairLosses(
        recipe.pair.little_weight * F.cross_entropy(little, labels, label_smoothing=smooth),
        F.cross_entropy(big, labels, label_smoothing=smooth),
    )


METHOD = Method(
    name="joint",
    losses=losses,
    source="Teerapittayanon et al. 2016, BranchyNet, section III-B: a weighted sum of losses",
    labels_alone=True,
)
