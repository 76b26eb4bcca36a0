"""A pair of networks."""

from __future__ import annotations

from dataclasses import dataclass

from .errors import ArchitectureError

#: The format of the ``report.json`` that stands beside a co-trained pair.
REPORT_FORMAT = "biglittle-cotrained-pair-2"


@dataclass(frozen=True)
class Pair:
    """A little and a big network of one space.

    Nothing forbids a little that costs more than its big, or the same network twice.

    Attributes:
        little: name of the network that answers first, ``ARCHITECTURE[@EXIT][:PRECISION]``.
        big: name of the network that answers what is escalated.
        training: how both were trained: by themselves (``inherited``, ``finetuned``,
            ``standalone``) or as this pair (``independent``, ``distilled``, ``joint``, ``gated``).
        seed: seed of that training run.

    Raises:
        ArchitectureError: a name that is not a text.

    >>> Pair(little="8" * 22, big="0" * 22).training
    'inherited'
    >>> Pair(little="8" * 22, big="0" * 22, training="joint", seed=1).seed
    1
    """

    little: str
    big: str
    training: str = "inherited"
    seed: int = 0

    def __post_init__(self) -> None:
        for name in (self.little, self.big):
            if not isinstance(name, str):
                raise ArchitectureError(
                    f"{name!r:.80} is not the name of a network but of type {type(name).__name__}; "
                    'pass a text in quotes, such as Pair(little="8" * 22, big="6" * 22).'
                )

    @classmethod
    def of(cls, given: Pair | tuple[str, str]) -> Pair:
        """The pair itself, or the pair of inherited networks that two ids name.

        Raises:
            ArchitectureError: what was given is neither a pair nor two ids.

        >>> Pair.of(("8" * 22, "0" * 22)) == Pair(little="8" * 22, big="0" * 22)
        True
        """
        if isinstance(given, Pair):
            return given
        if isinstance(given, tuple | list) and len(given) == 2:
            if all(isinstance(part, str) for part in given):
                return cls(*given)
        raise ArchitectureError(
            f"{given!r} is not a pair of networks; pass Pair(little=..., big=...), or two ids as "
            "(little, big)."
        )
