"""What a method is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch

from ..recipe import Recipe


class PairLosses(NamedTuple):
    """Two scalars; each may depend on the logits of its own network alone.

    Networks of their own each go down their own loss. A prefix pair goes down the sum, so that the
    trunk learns from both.
    """

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
        apart: whether of a prefix pair the big network learns first and the exit's head after it,
            on a trunk that stands still; else both learn at once.
    """

    name: str
    losses: Callable[[torch.Tensor, torch.Tensor, torch.Tensor, Recipe], PairLosses]
    source: str
    labels_alone: bool = False
    apart: bool = False
