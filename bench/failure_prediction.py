"""How well a confidence tells right answers from wrong ones, and whether it means what it says.

Two questions that are often taken for one. A confidence may rank answers well and be far from the
chance of being right, or the other way round; a threshold on one network needs the ranking alone, a
threshold that many networks share needs both.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .gates import N_CODES

N_BINS = 15


def _by_code(
    codes: NDArray[np.uint8], right: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Answers and wrong answers of each code, shape (256,) each."""
    return (
        np.bincount(codes, minlength=N_CODES),
        np.bincount(codes[~right], minlength=N_CODES),
    )


def auroc(codes: NDArray[np.uint8], right: NDArray[np.bool_]) -> float:
    """The chance that a wrong answer has a lower code than a right one; equals count by half.

    NaN where all answers are right, or all wrong. It is the area under the receiver operating
    characteristic of "this answer is wrong": 1/2 for a confidence that tells nothing, 1 for one
    that tells all.

    Args:
        codes: confidence codes of answers, rising with confidence, shape (n,).
        right: whether each answer is right, shape (n,).

    Source: Hendrycks and Gimpel 2017, section 2 (success and failure prediction).

    >>> auroc(np.array([3, 9, 9], np.uint8), np.array([False, True, False]))
    0.75
    """
    n, wrong = _by_code(codes, right)
    n_wrong, good = int(wrong.sum()), n - wrong
    n_good = int(good.sum())
    if not n_wrong or not n_good:
        return float("nan")
    above = n_good - np.cumsum(good)
    return float((wrong * (above + 0.5 * good)).sum() / (n_wrong * n_good))


def aurc(codes: NDArray[np.uint8], right: NDArray[np.bool_]) -> float:
    """The mean error of the k most confident answers over all k, a fraction; lower is better.

    It is the area under the risk-coverage curve. Answers of one code come in random order, whose
    expectation is taken. A confidence that tells nothing has the error of all answers.

    Args:
        codes: confidence codes of answers, rising with confidence, shape (n,), n at least 1.
        right: whether each answer is right, shape (n,).

    Source: Geifman, Uziel and El-Yaniv 2019, Bias-Reduced Uncertainty Estimation, equation 1.

    >>> aurc(np.array([3, 9], np.uint8), np.array([False, True]))
    0.25
    """
    n, wrong = (column[::-1] for column in _by_code(codes, right))
    share = np.divide(wrong, n, out=np.zeros(N_CODES), where=n > 0)
    return float((np.cumsum(np.repeat(share, n)) / np.arange(1, len(codes) + 1)).mean())


def expected_calibration_error(
    confidence: NDArray[np.float64], right: NDArray[np.bool_], n_bins: int = N_BINS
) -> float:
    """Mean distance between confidence and accuracy over equal-width bins, weighted by answers.

    Args:
        confidence: stated probabilities of being right, in [0, 1], shape (n,), n at least 1.
        right: whether each answer is right, shape (n,).
        n_bins: number of bins of equal width.

    Source: Guo et al. 2017, On Calibration of Modern Neural Networks, equation 3.

    >>> round(expected_calibration_error(np.array([0.9, 0.9]), np.array([True, False])), 3)
    0.4
    """
    bins = np.minimum((confidence * n_bins).astype(np.intp), n_bins - 1)
    off = np.bincount(bins, weights=right - confidence, minlength=n_bins)
    return float(np.abs(off).sum() / len(confidence))
