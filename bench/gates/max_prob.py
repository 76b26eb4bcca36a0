"""``max_prob``: the largest class probability."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ._metric import GateMetric, unit_interval


def compute(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Largest probability of each row, shape (n,)."""
    return np.asarray(probabilities.max(axis=1))


METRIC = GateMetric(
    name="max_prob",
    unit="probability",
    confident="high",
    maximum=unit_interval,
    compute=compute,
    source="Hendrycks and Gimpel 2017, maximum softmax probability",
)
