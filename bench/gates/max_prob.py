"""``max_prob``: the largest class probability."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._metric import GateMetric, unit_interval


def compute(probabilities: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    """Largest probability of each row, shape (n,)."""
    return np.asarray(probabilities.max(axis=1))


METRIC = GateMetric(
    name="max_prob",
    unit="probability",
    confident="high",
    maximum=unit_interval,
    compute=compute,
    source="Hendrycks and Gimpel 2017, maximum softmax probability",
    probability=True,
)
