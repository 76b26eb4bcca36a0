"""``margin``: the largest class probability minus the second largest."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._metric import GateMetric, unit_interval


def compute(probabilities: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    """Difference of the two largest probabilities of each row, shape (n,)."""
    rows = np.arange(len(probabilities))
    best, rest = probabilities.argmax(axis=1), np.array(probabilities)
    largest = rest[rows, best]
    rest[rows, best] = -np.inf  # a seventh of what sorting takes
    return np.asarray(largest - rest.max(axis=1))


METRIC = GateMetric(
    name="margin",
    unit="probability",
    confident="high",
    maximum=unit_interval,
    compute=compute,
    source="Park et al. 2015, Big/Little Deep Neural Network (score margin)",
)
