"""``entropy``: the Shannon entropy of the class probabilities, in nats; low means confident."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._metric import GateMetric, log_classes


def compute(probabilities: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    """Entropy of each row in nats, shape (n,)."""
    terms = np.maximum(probabilities, np.finfo(probabilities.dtype).tiny)
    np.log(terms, out=terms)
    terms *= probabilities
    return np.asarray(-terms.sum(axis=1))


METRIC = GateMetric(
    name="entropy",
    unit="nat",
    confident="low",
    maximum=log_classes,
    compute=compute,
    source="Teerapittayanon et al. 2016, BranchyNet (entropy as exit criterion)",
)
