"""What a method is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch

from ..recipe import Recipe


class PairLosses(NamedTuple):
    """Two scalars; each may depend on the weights of its own network alone."""

    little: torch.Tensor
    big: torch.Tensor


@dataclass(frozen=True)
class Method:
    """How the two networks of a pair learn from a batch.

    Attributes:
        name: key of the method.
        losses: given the little and the big network's logits (batch, n_classes), the labels
            (batch,) and the recipe.
        source: paper that published it, and where we differ.
        labels_alone: whether the big network learns from labels alone, as without a little one;
            methods of which that is true can share it.
    """

    name: str
    losses: Callable[[torch.Tensor, torch.Tensor, torch.Tensor, Recipe], PairLosses]
    source: str
    labels_alone: bool = False
