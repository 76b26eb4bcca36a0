"""Measures of failure prediction against their definitions, counted answer by answer."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biglittle.bench.failure_prediction import aurc, auroc, expected_calibration_error

CASES = st.lists(st.tuples(st.integers(0, 255), st.booleans()), min_size=1, max_size=40)


def _arrays(case: list[tuple[int, bool]]) -> tuple[np.ndarray, np.ndarray]:
    codes, right = zip(*case, strict=True)
    return np.array(codes, np.uint8), np.array(right, bool)


@settings(max_examples=100, deadline=None)
@given(CASES)
def test_auroc_is_the_share_of_pairs_in_the_right_order(case: list[tuple[int, bool]]) -> None:
    codes, right = _arrays(case)
    good, bad = codes[right].astype(int), codes[~right].astype(int)
    if not len(good) or not len(bad):
        assert np.isnan(auroc(codes, right))
        return
    above = (good[:, None] > bad) + 0.5 * (good[:, None] == bad)
    assert auroc(codes, right) == pytest.approx(above.mean())


@settings(max_examples=30, deadline=None)
@given(CASES, st.integers(0, 2**32 - 1))
def test_aurc_is_the_mean_over_random_orders_of_equal_codes(
    case: list[tuple[int, bool]], seed: int
) -> None:
    codes, right = _arrays(case)
    codes = codes // 64  # ties
    rng, n = np.random.default_rng(seed), len(codes)
    areas = []
    for _ in range(400):
        order = np.lexsort((rng.random(n), -codes.astype(int)))
        areas.append((np.cumsum(~right[order]) / np.arange(1, n + 1)).mean())
    spread = np.std(areas) / 20 + 1e-9
    assert abs(aurc(codes, right) - np.mean(areas)) < 6 * spread


def test_a_confidence_that_tells_nothing_and_one_that_tells_all() -> None:
    right = np.arange(1000) % 4 > 0
    same, perfect = np.full(1000, 7, np.uint8), np.where(right, 9, 2).astype(np.uint8)
    assert auroc(same, right) == 0.5
    assert auroc(perfect, right) == 1.0
    assert auroc(255 - perfect, right) == 0.0
    assert aurc(same, right) == pytest.approx(0.25)
    assert aurc(perfect, right) < 0.05 < 0.25 < aurc(255 - perfect, right)


def test_calibration_error_weighs_bins_by_their_answers() -> None:
    confidence = np.array([0.95, 0.95, 0.95, 0.05])
    right = np.array([True, True, False, True])
    assert expected_calibration_error(confidence, right) == pytest.approx(
        0.75 * abs(0.95 - 2 / 3) + 0.25 * 0.95
    )
