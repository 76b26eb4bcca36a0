"""``distilled``: the big network learns from labels, the little one also from the big one.

With weight a, temperature T, labels y and logits l (little) and b (big)::

    L_big    = CE(b, y)
    L_little = (1 - a) CE(l, y) + a T^2 KL(softmax(b / T) || softmax(l / T))

Source: Hinton, Vinyals and Dean 2015, "Distilling the Knowledge in a Neural Network" (section 2;
T^2 keeps the gradients of both terms comparable). We differ: the teacher is not trained beforehand
but learns beside its student, so that every method has the same budget. Of a prefix pair the two
losses are added up and the trunk learns from both: an exit that learns from the last one, as in
Phuong and Lampert 2019, "Distillation-based training for multi-exit architectures".
"""

from __future__ import annotations

import torch
import torch.nn.functional as F

from ..recipe import Recipe
from ._method import Method, PairLosses


def losses(
    little: torch.Tensor, big: torch.Tensor, labels: torch.Tensor, recipe: Recipe
) -> PairLosses:
    """Labels for the big network; labels and the big one's softened answers for the little one."""
    smooth, t = recipe.label_smoothing, recipe.pair.temperature
    hard = F.cross_entropy(little, labels, label_smoothing=smooth)
    teacher = (big.detach() / t).log_softmax(1)
    student = (little / t).log_softmax(1)
    soft = F.kl_div(student, teacher, reduction="batchmean", log_target=True) * t**2
    return PairLosses(
        torch.lerp(hard, soft, recipe.pair.distillation),
        F.cross_entropy(big, labels, label_smoothing=smooth),
    )


METHOD = Method(
    name="distilled",
    losses=losses,
    source="Hinton, Vinyals and Dean 2015, section 2; here the teacher learns beside its student",
    labels_alone=True,
)
