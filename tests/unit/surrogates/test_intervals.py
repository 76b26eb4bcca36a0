import numpy as np
import pytest

from biglittle.surrogates.intervals import (
    Residuals,
    calibrated,
    conformal_quantile,
    coverage,
    pair_std,
)


def made_up(n, seed, scale=1.0):
    """Networks whose errors are normal with a known deviation, pairs that add a gain's error."""
    rng = np.random.default_rng(seed)
    std = rng.uniform(0.005, 0.02, n)
    truth = rng.uniform(0.4, 0.8, n)
    network = truth + scale * std * rng.normal(size=n)
    little, big = rng.integers(0, n, (2, 40 * n))
    rate = rng.random(len(little))
    error = (1 - rate) * (network - truth)[little] + rate * (network - truth)[big]
    pair_truth = (1 - rate) * truth[little] + rate * truth[big]
    own = 0.004 * np.sqrt(4 * rate * (1 - rate)) * rng.normal(size=len(rate))
    seen = np.clip(rate + 0.02 * rng.normal(size=len(rate)), 0, 1)
    return Residuals(
        network, std, truth, little, big, pair_truth + error + own, pair_truth, rate, seen
    )


def test_the_quantile_counts_one_case_more():
    scores = np.arange(1.0, 20.0)
    assert conformal_quantile(scores, 0.9) == 18  # the 18th of 19: 18 / 20
    assert conformal_quantile(scores[:5], 0.9) == 5  # six would be needed


@pytest.mark.parametrize("level", [0.8, 0.9])
def test_coverage_is_what_was_asked_for(level):
    found = [
        coverage(made_up(300, 100 + seed), calibrated(made_up(300, seed), level), np.arange(300))
        for seed in range(12)
    ]
    for key in ("network", "pair", "escalation_rate"):
        assert np.mean([f[key] for f in found]) == pytest.approx(level, abs=0.03)


def test_a_model_that_thinks_too_well_of_itself_gets_wider_intervals():
    honest, vain = calibrated(made_up(300, 0)), calibrated(made_up(300, 0, scale=3.0))
    assert vain.network == pytest.approx(3 * honest.network, rel=0.05)


def test_the_gain_is_uncertain_between_the_ends_only():
    std = np.full(3, 0.01)
    got = pair_std(std, 2 * std, np.array([0.0, 0.5, 1.0]), 0.03)
    np.testing.assert_allclose(got[[0, 2]], [0.01, 0.02])
    assert got[1] > 0.03


def test_the_error_of_the_gain_is_found():
    assert calibrated(made_up(300, 0)).gain_std == pytest.approx(0.004, rel=0.1)
