"""A pair of networks."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Pair:
    """A little and a big network of one space.

    Nothing forbids a little that costs more than its big, or the same network twice.

    Attributes:
        little: architecture id of the network that answers first.
        big: architecture id of the network that answers what is escalated.
        training: how both were trained: by themselves (``inherited``, ``finetuned``,
            ``standalone``) or as this pair (``independent``, ``distilled``, ``joint``).
        seed: of that training.

    >>> Pair(little="8" * 22, big="0" * 22).training
    'inherited'
    >>> Pair(little="8" * 22, big="0" * 22, training="joint", seed=1).seed
    1
    """

    little: str
    big: str
    training: str = "inherited"
    seed: int = 0
