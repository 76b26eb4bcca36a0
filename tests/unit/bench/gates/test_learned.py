"""The learned gate: its fit, and what it says."""

from __future__ import annotations

import numpy as np
import pytest

from biglittle.bench import Table
from biglittle.bench.gates import (
    learned,
)


def test_logistic_weights_are_where_the_gradient_vanishes() -> None:
    rng = np.random.default_rng(1)
    inputs, truth = rng.normal(size=(5000, 4)), np.array([1.5, -0.7, 0.0, 3.0])
    target = (rng.random(5000) < 1 / (1 + np.exp(-inputs @ truth))).astype(np.float64)
    weights = learned.logistic_weights(inputs, target, np.ones(4))
    residual = 1 / (1 + np.exp(-inputs @ weights)) - target
    assert np.abs(inputs.T @ residual + weights).max() < 1e-2
    assert weights == pytest.approx(truth, abs=0.25)


def test_learned_coefficients_are_there_and_calibrated(table: Table) -> None:
    fitted = table.gate_codes.scorer("learned", 3)
    assert fitted.metrics == ("max_prob", "margin", "entropy")  # type: ignore[attr-defined]
    assert fitted.weights.shape == (3,)  # type: ignore[attr-defined]
    assert fitted.offsets.shape == (10,)  # type: ignore[attr-defined]
    codes, correct = table.codes_of("learned", "val", [3])[0], table.predictions("val").correct[3]
    assert ((codes + 0.5) / 256).mean() == pytest.approx(correct.mean(), abs=0.02)
