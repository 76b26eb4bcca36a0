"""The curve of a pair taken apart into what is predicted, and put together again.

For a pair (little l, big b) and a gate metric, let r(c) be the escalation rate at cut c (0 to 256)
and W_i(r) the share of image i that is escalated at rate r (0 or 1, a fraction within a tie). Then

    A(r) = (1 - r) acc_l + r acc_b + G(r),

and the gain G of the gate over a coin that escalates as often is 0 at both ends by construction.
r depends on little alone, G on both. Both are kept in a few principal components.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bench.gates import N_CODES

Array = NDArray[np.float64]

#: Inner escalation rates at which the gain is kept; denser at the ends, where it bends most.
GRID: Array = np.array([1 / 64, 1 / 32, *(np.arange(1, 16) / 16), 31 / 32, 63 / 64])


def escalation_rates(codes: NDArray[np.uint8]) -> Array:
    """Escalation rate of each network at every cut, shape (n, 257), of codes (n, n_images)."""
    offset = np.arange(len(codes))[:, None] * N_CODES
    flat = (codes.astype(np.int64) + offset).ravel()
    counts = np.bincount(flat, minlength=len(codes) * N_CODES).reshape(len(codes), N_CODES)
    rates = np.zeros((len(codes), N_CODES + 1))
    np.cumsum(counts / codes.shape[1], axis=1, out=rates[:, 1:])
    rates[:, -1] = 1.0
    return rates


def escalated_share(codes: NDArray[np.uint8], grid: Array = GRID) -> NDArray[np.float32]:
    """Share of each image that is escalated at each rate, shape (n_images, n_grid).

    Images of one code are escalated together; between two cuts the curve is taken as linear, which
    is the same as escalating an equal share of each of them.
    """
    rates = escalation_rates(codes[None])[0]
    low, high = rates[codes], rates[codes.astype(np.int64) + 1]
    share = (grid - low[:, None]) / (high - low)[:, None]
    return np.asarray(np.clip(share, 0.0, 1.0), np.float32)


def gains(
    correct: NDArray[np.bool_],
    codes: list[NDArray[np.uint8]],
    little: NDArray[np.intp],
    big: NDArray[np.intp],
) -> Array:
    """Gain of pairs at every rate of the grid, shape (n_pairs, n_metrics, n_grid).

    Args:
        correct: whether each network is right about each image, shape (n, n_images).
        codes: confidence codes, one array of shape (n, n_images) for each gate metric.
        little: row of each pair's little network, shape (n_pairs,).
        big: row of each pair's big network, shape (n_pairs,).
    """
    right = correct.astype(np.float32)
    accuracy = right.mean(axis=1, dtype=np.float64)
    out = np.empty((len(little), len(codes), len(GRID)))
    for row in np.unique(little):
        pairs = np.flatnonzero(little == row)
        shares = np.concatenate([escalated_share(c[row]) for c in codes], axis=1)
        shares /= np.float32(correct.shape[1])
        better = (right[big[pairs]] @ shares - right[row] @ shares).astype(np.float64)
        expected = GRID * (accuracy[big[pairs]] - accuracy[row])[:, None]
        out[pairs] = better.reshape(len(pairs), len(codes), -1) - expected[:, None, :]
    return out


def exact_accuracy(
    correct_little: NDArray[np.bool_],
    correct_big: NDArray[np.bool_],
    codes: NDArray[np.uint8],
) -> Array:
    """Accuracy of one little with each big at every cut, shape (n_bigs, 257).

    Args:
        correct_little: whether little is right about each image, shape (n_images,).
        correct_big: whether each big network is right about it, shape (n_bigs, n_images).
        codes: codes of little's confidence, shape (n_images,).
    """
    n = len(codes)
    order = np.argsort(codes, kind="stable")
    ends = np.concatenate([[0], np.cumsum(np.bincount(codes, minlength=N_CODES))])
    gain = np.zeros((len(correct_big), n + 1), np.int32)
    difference = correct_big[:, order].astype(np.int8) - correct_little[order].astype(np.int8)
    np.cumsum(difference, axis=1, dtype=np.int32, out=gain[:, 1:])
    return np.asarray((correct_little.sum() + gain[:, ends]) / n)


def gains_at(gain: Array, rates: Array) -> Array:
    """Gain of each pair at some escalation rates, shape (n, k), linear between those of the grid.

    Args:
        gain: gain of each pair at the rates of the grid, shape (n, n_grid).
        rates: escalation rates in [0, 1], shape (n, k).
    """
    knots = np.concatenate([[0.0], GRID, [1.0]])
    right = np.clip(np.searchsorted(knots, rates, side="right"), 1, len(knots) - 1)
    share = (rates - knots[right - 1]) / (knots[right] - knots[right - 1])
    padded = np.pad(gain, ((0, 0), (1, 1)))
    low, high = (np.take_along_axis(padded, at, axis=1) for at in (right - 1, right))
    return np.asarray(low * (1 - share) + high * share)


def gain_at(gain: Array, rate: Array) -> Array:
    """Gain of each pair at one escalation rate, shape (n,); see ``gains_at``.

    Args:
        gain: gain of each pair at the rates of the grid, shape (n, n_grid).
        rate: escalation rates in [0, 1], shape (n,).
    """
    return gains_at(gain, rate[:, None])[:, 0]


def monotone_rates(rates: Array) -> Array:
    """Escalation rates made usable: within [0, 1], rising with the cut, 0 and 1 at the ends.

    Args:
        rates: rates as they were predicted, shape (n, 257).
    """
    out = np.maximum.accumulate(np.clip(rates, 0.0, 1.0), axis=1)
    out[:, 0], out[:, -1] = 0.0, 1.0
    return out


@dataclass(frozen=True)
class Basis:
    """Principal components of many-valued targets.

    Attributes:
        mean: mean of the targets, shape (d,).
        components: orthonormal rows, shape (n_components, d).
    """

    mean: Array
    components: Array

    @classmethod
    def fit(cls, targets: Array, share: float, most: int) -> Basis:
        """The fewest components that keep ``share`` of the variance, ``most`` at the most.

        Args:
            targets: one row of values for each case, shape (n, d).
            share: share of the variance to keep, in (0, 1].
            most: largest number of components.
        """
        mean = targets.mean(axis=0)
        _, values, rows = np.linalg.svd(targets - mean, full_matrices=False)
        explained = np.cumsum(values**2) / max(float((values**2).sum()), 1e-300)
        count = min(int(np.searchsorted(explained, share)) + 1, most, len(rows))
        signs = np.sign(rows[np.arange(count), np.abs(rows[:count]).argmax(axis=1)])
        return cls(mean, rows[:count] * signs[:, None])

    def project(self, targets: Array) -> Array:
        """Scores, shape (n, n_components), of targets of shape (n, d)."""
        return np.asarray((targets - self.mean) @ self.components.T)

    def reconstruct(self, scores: Array, columns: slice = slice(None)) -> Array:
        """Targets, or some of their columns, from scores of shape (n, n_components)."""
        return np.asarray(self.mean[columns] + scores @ self.components[:, columns])

    def as_dict(self) -> dict[str, Any]:
        """As plain JSON, rounded to seven digits (a rate of 1e-7 is less than an image)."""
        return {"mean": _rounded(self.mean), "components": _rounded(self.components)}

    @classmethod
    def from_dict(cls, raw: dict[str, Any]) -> Basis:
        """The inverse of ``as_dict``."""
        return cls(np.array(raw["mean"], np.float64), np.array(raw["components"], np.float64))


def _rounded(values: Array) -> Any:
    return np.round(values, 7).tolist()
