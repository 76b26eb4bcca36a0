"""The gate with one threshold per predicted class."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from biglittle.bench import Table
from biglittle.bench.gates import (
    Answers,
    get_gate,
    get_metric,
    per_class,
)

rows = hnp.arrays(
    np.float64,
    st.tuples(st.integers(1, 3), st.integers(1, 12)),
    elements=st.integers(0, 8).map(lambda k: k / 8),
)


@settings(max_examples=150)
@given(rows, st.randoms(use_true_random=False))
def test_rising_fit_is_isotonic_regression(values, random) -> None:  # type: ignore[no-untyped-def]
    """Against the closed form: the largest over starts of the smallest over ends of a mean."""
    weights = np.array([[random.choice([0.01, 1.0, 3.0]) for _ in row] for row in values])
    fitted = per_class.rising_fit(values, weights)
    for value, weight, fit in zip(values, weights, fitted, strict=True):
        n = len(value)
        expected = [
            max(
                min(np.average(value[a:b], weights=weight[a:b]) for b in range(i + 1, n + 1))
                for a in range(i + 1)
            )
            for i in range(n)
        ]
        assert fit == pytest.approx(expected)
    smooth = per_class.between_centres(fitted, weights)
    assert (np.diff(smooth, axis=1) >= 0).all()
    assert (smooth >= fitted.min(axis=1, keepdims=True)).all()
    assert (smooth <= fitted.max(axis=1, keepdims=True)).all()


@pytest.mark.parametrize("threshold", [0.0, 0.3, 0.5, 0.77, 0.9, 1.0])
def test_class_thresholds_are_what_a_device_needs(table: Table, threshold: float) -> None:
    stored, metric = table.predictions("test"), get_metric("max_prob")
    for row in range(len(table)):
        scorer = table.gate_codes.scorer("per_class", row)
        each = scorer.class_thresholds(threshold)  # type: ignore[attr-defined]
        assert each.shape == (10,)
        needed = metric.cut(each, 10)[stored.top1[row]]
        escalated = table.codes_of("per_class", "test", [row])[0] < int(
            get_gate("per_class").cut(threshold, 10)
        )
        assert np.array_equal(stored.codes["max_prob"][row] < needed, escalated)


def test_a_class_that_is_too_sure_gets_a_higher_threshold() -> None:
    rng = np.random.default_rng(0)
    top1 = rng.integers(0, 4, 20_000).astype(np.uint8)
    codes = rng.integers(0, 256, 20_000).astype(np.uint8)
    chance = np.clip(codes / 255 - 0.25 * (top1 == 2), 0, 1)
    answers = Answers(top1, {"max_prob": codes}, 4)
    fitted = per_class.fit(answers, rng.random(20_000) < chance)
    score = 0.5
    cuts = get_metric("max_prob").cut(fitted.class_thresholds(score), 4)
    assert cuts[[0, 1, 3]] == pytest.approx(128, abs=12)
    assert cuts[2] == pytest.approx(192, abs=12)
    assert np.abs(fitted.right[0, 20:-20] - np.arange(256)[20:-20] / 255).max() < 0.08
