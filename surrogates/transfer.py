"""Latency on a device that was never seen, from ten of its measurements and other devices' figures.

What other devices took describes a network better than its operators do: devices differ in a few
ways only. The target is the mean of two ridges, one on the latencies of the source devices and one
on their logarithms. The first is standardised over the measured networks and the second over all,
so that neither ten odd samples nor a few odd networks decide alone. The penalty is 1: chosen by
taking every source device in turn as one never seen, it came out larger and ranked worse.

Source: the setting is that of Lee et al. 2021, "HELP"; the model is not.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..bench.errors import SurrogateError

Array = NDArray[np.float64]

PENALTY = 1.0
LEAST_SAMPLES, LEAST_SOURCES = 5, 2


def _ridge(columns: Array, rows: NDArray[np.intp], figure: Array) -> Array:
    """The figure of all networks in deviations of the measured ones, shape (n,)."""
    centre = columns[rows].mean(axis=0)
    own = columns[rows] - centre
    y = (figure - figure.mean()) / max(float(figure.std()), 1e-12)
    weights = own.T @ np.linalg.solve(own @ own.T + PENALTY * np.eye(len(rows)), y)
    return np.asarray((columns - centre) @ weights)


def _scaled(columns: Array, rows: NDArray[np.intp]) -> Array:
    deviation = columns[rows].std(axis=0)
    return np.asarray(columns / np.where(deviation > 1e-12, deviation, np.inf))


def transfer_latency(sources_ms: Array, rows: NDArray[np.intp], latency_ms: Array) -> Array:
    """Latency in ms of all networks, shape (n,), on a device of which only some were measured.

    Args:
        sources_ms: latencies of all networks on d other devices, above 0, shape (n, d).
        rows: indices of the networks that were measured on the target, shape (k,).
        latency_ms: measured latencies of these, shape (k,).

    Raises:
        SurrogateError: too few measurements or devices, or a latency that is not above 0.
    """
    if sources_ms.ndim != 2 or sources_ms.shape[1] < LEAST_SOURCES:
        raise SurrogateError(
            f"source latencies of shape {sources_ms.shape} are not usable; expected those of at "
            f"least {LEAST_SOURCES} devices, one column each."
        )
    if not (np.isfinite(sources_ms).all() and (sources_ms > 0).all()):
        raise SurrogateError("a source latency is not above 0 ms; leave such networks out.")
    if len(rows) < LEAST_SAMPLES or len(rows) != len(latency_ms):
        raise SurrogateError(
            f"{len(latency_ms)} measurements of {len(rows)} networks are not usable; expected at "
            f"least {LEAST_SAMPLES}, one each. Measure more: biglittle profile."
        )
    if not (np.isfinite(latency_ms).all() and (latency_ms > 0).all()):
        raise SurrogateError("a measured latency is not above 0 ms; leave such networks out.")
    logs = np.log(sources_ms)
    straight = _ridge(_scaled(sources_ms, rows), rows, latency_ms)
    bent = _ridge(_scaled(logs, np.arange(len(logs))), rows, np.log(latency_ms))
    predicted = latency_ms.mean() + latency_ms.std() * (straight + bent) / 2
    # Below half of what was measured it nears 0 without reaching it, and the order stays.
    floor = latency_ms.min() / 2
    low = floor * np.exp(np.minimum(predicted / floor - 1, 0.0))
    return np.asarray(np.where(predicted < floor, low, predicted))
