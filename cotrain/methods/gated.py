"""``gated``: both networks learn what the gate makes of them.

The gate is made soft: with c the little network's largest probability, s the gate temperature and
t the quantile of c in the batch below which a share ``escalation_rate`` of the images lies, an
image is kept with weight ``g = sigmoid((c - t) / s)``. With CE_l and CE_b the cross-entropies of an
image, an asterisk for label smoothing, and sg() for "no gradient flows through this"::

    L_little = (1 - a) mean(CE*_l) + a mean(g CE_l + (1 - g) sg(CE_b))
    L_big    = mean(w CE*_b),   w = sg(f + (1 - f) (1 - g) / mean(1 - g))

The second term of ``L_little`` is the expected loss of the soft cascade. Through g it raises the
little network's confidence where it does better than the big one and lowers it where it does worse,
which is what a confidence gate needs. The weights w have mean 1, so that the budget of updates is
that of the other methods; the floor f keeps the big network good enough alone.

Source: Enomoto and Eda 2021, "Learning to Cascade" (a term on top of the usual loss that moves the
confidence by whether the fast and the accurate model are right, and by a cost C); Wang et al. 2018,
"IDK Cascades" (a cost-aware objective over the cascade's answer). We differ: cross-entropies stand
where Enomoto and Eda count right and wrong; no cost C, since the quantile holds the escalation rate
at its target; and the big network learns too, weighted by what reaches it, where both sources keep
it fixed. Of a prefix pair the two losses are added up, and the trunk learns from both.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F

from ..recipe import Recipe
from ._method import Method, PairLosses


def keep_weight(little: torch.Tensor, recipe: Recipe) -> torch.Tensor:
    """The soft gate g in (0, 1), shape (batch,): how surely each image stays with little."""
    confidence = little.softmax(1).amax(1)
    threshold = torch.quantile(confidence.detach(), recipe.pair.escalation_rate)
    return torch.sigmoid((confidence - threshold) / recipe.pair.gate_temperature)


def big_weight(keep: torch.Tensor, recipe: Recipe) -> torch.Tensor:
    """Weights of the images in the big network's loss, shape (batch,), with mean 1."""
    floor, escalated = recipe.pair.big_floor, 1.0 - keep.detach()
    return floor + (1.0 - floor) * escalated / escalated.mean().clamp_min(1e-6)


def losses(
    little: torch.Tensor, big: torch.Tensor, labels: torch.Tensor, recipe: Recipe
) -> PairLosses:
    """The soft cascade's expected loss for little; for big, images weighted by what reaches it."""
    smooth, keep = recipe.label_smoothing, keep_weight(little, recipe)
    alone = F.cross_entropy(little, labels, label_smoothing=smooth)
    little_each = F.cross_entropy(little, labels, reduction="none")
    big_each = F.cross_entropy(big.detach(), labels, reduction="none")
    expected = (keep * little_each + (1.0 - keep) * big_each).mean()
    smoothed = F.cross_entropy(big, labels, reduction="none", label_smoothing=smooth)
    return PairLosses(
        torch.lerp(alone, expected, recipe.pair.gate_weight),
        (big_weight(keep, recipe) * smoothed).mean(),
    )


METHOD = Method(
    name="gated",
    losses=losses,
    source="after Enomoto and Eda 2021, Learning to Cascade, and Wang et al. 2018, IDK Cascades",
)
