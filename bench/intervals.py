"""Whether a stated interval promises anything."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

#: An interval whose upper end is more often than not over this many times its lower end promises
#: nothing. Of the boards that come along, each profiled anew by ten anchors, those that were quiet
#: have up to 2.3, and those on which one network of the ten took three times as long from 3.3 on.
WIDEST = 2.75

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Width:
    """How far an interval lies around its predictions, as the median over networks.

    Attributes:
        low: lower end over the prediction, minus 1; -0.2 is 20 % below it.
        high: upper end over the prediction, minus 1.

    >>> Width(-0.22, 11.56).empty, str(Width(-0.22, 11.56))
    (True, '-22 % to +1156 %')
    """

    low: float
    high: float

    @property
    def empty(self) -> bool:
        """Whether it is so wide that it promises nothing."""
        return 1.0 + self.high > WIDEST * (1.0 + self.low)

    def __str__(self) -> str:
        """Both ends in percent of the prediction."""
        return f"{100 * self.low:+.0f} % to {100 * self.high:+.0f} %"


def width(predicted: Array, low: Array, high: Array) -> Width | None:
    """How wide an interval is; None where no figure has one.

    Args:
        predicted: predictions, shape (n,), above 0.
        low: lower ends, shape (n,), NaN where none is stated.
        high: upper ends, shape (n,), NaN where none is stated.

    >>> ones = np.ones(2)
    >>> width(ones, 0.9 * ones, 1.25 * ones)
    Width(low=-0.1, high=0.25)
    """
    stated = np.isfinite(predicted) & np.isfinite(low) & np.isfinite(high) & (predicted > 0)
    if not stated.any():
        return None
    ends = (float(np.median(end[stated] / predicted[stated] - 1)) for end in (low, high))
    return Width(*(round(end, 6) for end in ends))
