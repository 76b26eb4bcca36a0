"""Latency on a device that was never seen, from ten of its measurements and other devices' figures.

What other devices took is a better description of a network than its operators: devices differ in a
few ways only. So the target is a ridge on the latencies of the source devices, and on their
logarithms, each standardised over all networks whose source latencies are known and not over the
ten. The penalty is not chosen on ten figures either: every source device in turn is taken as one
that was never seen, and the penalty that ranks best there is used.

Source: the setting is that of Lee et al. 2021, "HELP"; taking devices as tasks to learn from
follows it, the model does not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..bench.errors import SurrogateError
from .latency import spearman

Array = NDArray[np.float64]

PENALTIES = (0.1, 0.3, 1.0, 3.0)
DRAWS, COMPARED = 3, 1000  # of the choice of the penalty: sets of samples, networks to rank
LEAST_SAMPLES, LEAST_SOURCES = 5, 2


def source_columns(sources_ms: Array) -> Array:
    """Standardised latencies and their logarithms, side by side, shape (n, 2 d).

    Args:
        sources_ms: of all networks on the source devices, above 0, shape (n, d).

    Raises:
        SurrogateError: too few devices, or a latency that is not above 0.
    """
    if sources_ms.ndim != 2 or sources_ms.shape[1] < LEAST_SOURCES:
        raise SurrogateError(
            f"source latencies of shape {sources_ms.shape} are not usable; expected those of at "
            f"least {LEAST_SOURCES} devices, one column each."
        )
    if not (np.isfinite(sources_ms).all() and (sources_ms > 0).all()):
        raise SurrogateError("a source latency is not above 0 ms; leave such networks out.")
    both = np.concatenate([sources_ms, np.log(sources_ms)], axis=1)
    deviation = both.std(axis=0)
    return np.asarray(
        (both - both.mean(axis=0)) / np.where(deviation > 0, deviation, 1) / np.sqrt(2)
    )


def _ridge(columns: Array, rows: NDArray[np.intp], figure: Array, penalty: float) -> Array:
    own, centre = columns[rows], columns[rows].mean(axis=0)
    scale = max(float(figure.std()), 1e-12)
    y = (figure - figure.mean()) / scale
    gram = (own - centre) @ (own - centre).T + penalty * np.eye(len(rows))
    weights = (own - centre).T @ np.linalg.solve(gram, y)
    return np.asarray((columns - centre) @ weights * scale + figure.mean())


def best_penalty(sources_ms: Array, n_samples: int, seed: int = 0) -> float:
    """The penalty that ranks networks best on source devices taken as unseen ones.

    Args:
        sources_ms: shape (n, d).
        n_samples: how many measurements a target will have.
        seed: of the samples that are drawn.
    """
    rng = np.random.default_rng(seed)
    n, d = sources_ms.shape
    scores = np.zeros(len(PENALTIES))
    if d <= LEAST_SOURCES:
        return PENALTIES[len(PENALTIES) // 2]
    for target in range(d):
        columns = source_columns(np.delete(sources_ms, target, axis=1))
        for _ in range(DRAWS):
            rows = rng.permutation(n)[: n_samples + COMPARED]
            truth = sources_ms[rows[n_samples:], target]
            for i, penalty in enumerate(PENALTIES):
                figure = sources_ms[rows[:n_samples], target]
                said = _ridge(columns[rows], np.arange(n_samples), figure, penalty)
                scores[i] += spearman(said[n_samples:], truth)
    return PENALTIES[int(scores.argmax())]


@dataclass(frozen=True)
class TransferredLatency:
    """What a device never seen before is predicted to take.

    Attributes:
        latency_ms: of all networks, shape (n,).
        penalty: that was used.
    """

    latency_ms: Array
    penalty: float


def transfer_latency(
    sources_ms: Array,
    rows: NDArray[np.intp],
    latency_ms: Array,
    penalty: float | None = None,
) -> TransferredLatency:
    """Latency of all networks on a device of which only some were measured.

    Args:
        sources_ms: of all networks on other devices, above 0, shape (n, d).
        rows: which networks were measured on the target, shape (k,).
        latency_ms: what they took, shape (k,).
        penalty: of the ridge; None: as ``best_penalty`` says.

    Raises:
        SurrogateError: too few measurements or devices, or a latency that is not above 0.
    """
    if len(rows) < LEAST_SAMPLES or len(rows) != len(latency_ms):
        raise SurrogateError(
            f"{len(latency_ms)} measurements of {len(rows)} networks are not usable; expected at "
            f"least {LEAST_SAMPLES}, one each. Measure more: biglittle profile."
        )
    if not (np.isfinite(latency_ms).all() and (latency_ms > 0).all()):
        raise SurrogateError("a measured latency is not above 0 ms; leave such networks out.")
    used = best_penalty(sources_ms, len(rows)) if penalty is None else penalty
    said = _ridge(source_columns(sources_ms), rows, latency_ms, used)
    return TransferredLatency(np.maximum(said, latency_ms.min() / 2), used)
