"""How far predicted latencies are from measured ones."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..bench.agreement import spearman


def latency_figures(
    predicted: NDArray[np.float64], measured: NDArray[np.float64]
) -> dict[str, float]:
    """How far predictions are off: mean error as a share (MAPE), share within 10 %, Spearman's rho.

    Args:
        predicted: predicted latencies in any unit, shape (n,).
        measured: measured latencies in the same unit, above 0, shape (n,).
    """
    error = np.abs(predicted - measured) / measured
    return {
        "mape": float(error.mean()),
        "share_within_10_percent": float((error <= 0.1).mean()),
        "spearman": spearman(predicted, measured),
    }
