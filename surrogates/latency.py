"""How good predicted latencies are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..bench.agreement import spearman


def latency_figures(
    predicted: NDArray[np.float64], measured: NDArray[np.float64]
) -> dict[str, float]:
    """How good predicted latencies are: MAPE, share within 10 %, Spearman's rho."""
    error = np.abs(predicted - measured) / measured
    return {
        "mape": float(error.mean()),
        "share_within_10_percent": float((error <= 0.1).mean()),
        "spearman": spearman(predicted, measured),
    }
