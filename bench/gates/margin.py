"""``margin``: the largest class probability minus the second largest."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._metric import GateMetric, unit_interval


def compute(probabilities: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    """Difference of the two largest probabilities of each row, shape (n,)."""
    two = np.partition(probabilities, -2, axis=1)[:, -2:]
    return np.asarray(two[:, 1] - two[:, 0])


METRIC = GateMetric(
    name="margin",
    unit="probability",
    confident="high",
    maximum=unit_interval,
    compute=compute,
    source="Park et al. 2015, Big/Little Deep Neural Network (score margin)",
)
