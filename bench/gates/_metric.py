"""What a gate metric is, and how its values are stored in one byte each.

A value is turned into its uncertainty u in [0, 1] and stored as ``floor(256 * (1 - sqrt(u)))``:
codes rise with confidence, and lie densest where networks are nearly sure, where the thresholds
worth having are. A stored value stands for the middle of its code, which is never exactly 0 or 1,
so the two ends of the range always mean "little answers all" and "big answers all".
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import GateError

#: Codes of a stored confidence; thresholds fall between them, which makes N_CODES + 1 thresholds.
N_CODES = 256


@dataclass(frozen=True)
class GateMetric:
    """A measure of confidence computed from class probabilities.

    Attributes:
        name: key of the metric.
        unit: unit of its values.
        confident: whether ``high`` or ``low`` values mean that the network is sure.
        maximum: largest value, given the number of classes; the smallest is 0.
        compute: values, shape (n,), of probabilities of shape (n, n_classes).
        source: where it was published.
        probability: whether its values claim to be the probability that the answer is right.
        kind: ``stored``: its codes are columns of a table.
        deployable: always; it needs nothing but the little network's probabilities.
    """

    name: str
    unit: str
    confident: Literal["high", "low"]
    maximum: Callable[[int], float]
    compute: Callable[[NDArray[np.floating[Any]]], NDArray[np.floating[Any]]]
    source: str
    probability: bool = False
    kind: Literal["stored"] = field(default="stored", init=False)
    deployable: bool = field(default=True, init=False)

    def _uncertainty(self, values: ArrayLike, n_classes: int) -> NDArray[np.float64]:
        share = np.asarray(values, np.float64) / self.maximum(n_classes)
        return np.clip(share if self.confident == "low" else 1.0 - share, 0.0, 1.0)

    def _value(self, uncertainty: NDArray[np.float64], n_classes: int) -> NDArray[np.float64]:
        share = uncertainty if self.confident == "low" else 1.0 - uncertainty
        return share * self.maximum(n_classes)

    def encode(self, values: ArrayLike, n_classes: int) -> NDArray[np.uint8]:
        """Codes 0 to 255, rising with confidence, of values of any shape."""
        code = np.floor(N_CODES * (1.0 - np.sqrt(self._uncertainty(values, n_classes))))
        return np.clip(code, 0, N_CODES - 1).astype(np.uint8)

    def decode(self, codes: ArrayLike, n_classes: int) -> NDArray[np.float64]:
        """The values that codes stand for."""
        return self._value(uncertainty(codes), n_classes)

    def thresholds(self, n_classes: int) -> NDArray[np.float64]:
        """The thresholds that matter, shape (257,): from "keep all" to "escalate all"."""
        edge = np.arange(N_CODES + 1) / N_CODES
        return self._value((1.0 - edge) ** 2, n_classes)

    def cut(self, threshold: ArrayLike, n_classes: int) -> NDArray[np.int64]:
        """The cut 0 to 256 that a threshold means: answers with a code below it are escalated.

        Raises:
            GateError: a threshold that is not a number within the metric's range.
        """
        top = self.maximum(n_classes)
        if isinstance(threshold, float) and 0.0 <= threshold <= top:  # ten times as fast as arrays
            share = threshold / top
            u = share if self.confident == "low" else 1.0 - share
            return np.asarray(math.ceil(N_CODES * (1.0 - math.sqrt(u)) - 0.5), np.int64)
        values = np.asarray(threshold, np.float64)
        self.check_range(values, n_classes)
        edge = N_CODES * (1.0 - np.sqrt(self._uncertainty(values, n_classes)))
        return np.ceil(edge - 0.5).astype(np.int64)

    def check_range(self, threshold: ArrayLike, n_classes: int, slack: float = 1e-12) -> None:
        """Nothing, if thresholds lie within the metric's range.

        Args:
            threshold: thresholds in the metric's unit, of any shape.
            n_classes: number of classes of the classifier.
            slack: how far beyond either end one may lie by rounding, as a share of the range.

        Raises:
            GateError: a threshold outside of the range, which it says, or not a number.
        """
        values, top = np.asarray(threshold, np.float64), self.maximum(n_classes)
        outside = ~((values >= -slack * top) & (values <= top * (1 + slack)))
        if outside.any():
            raise GateError(
                f"threshold {values[outside].flat[0]:g} is outside the range of {self.name!r} with "
                f"{n_classes} classes; expected a number from 0 to {top:.6g}."
            )

    def rounding_error(self, n_classes: int) -> float:
        """Largest difference between a value and what its code stands for."""
        edges = self.thresholds(n_classes)
        middle = self.decode(np.arange(N_CODES), n_classes)
        return float(np.max(np.maximum(abs(edges[:-1] - middle), abs(edges[1:] - middle))))


def uncertainty(codes: ArrayLike) -> NDArray[np.float64]:
    """The uncertainty in (0, 1) that codes of any stored metric stand for."""
    middle = (np.asarray(codes, np.float64) + 0.5) / N_CODES
    return np.asarray((1.0 - middle) ** 2)


def unit_interval(n_classes: int) -> float:
    """Largest value of a probability or of a difference of two."""
    return 1.0


def log_classes(n_classes: int) -> float:
    """Largest entropy in nats."""
    return math.log(n_classes)
