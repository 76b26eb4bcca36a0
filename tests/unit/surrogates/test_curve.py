import numpy as np
import pytest

from biglittle.surrogates.curve import (
    GRID,
    Basis,
    escalated_share,
    escalation_rates,
    exact_accuracy,
    gain_at,
    gains,
    monotone_rates,
)


@pytest.fixture
def images():
    rng = np.random.default_rng(0)
    return rng.random((4, 500)) < 0.7, rng.integers(0, 256, (4, 500)).astype(np.uint8)


def test_rates_count_the_codes_below_a_cut(images):
    rates = escalation_rates(images[1])
    for cut in (0, 1, 100, 255, 256):
        np.testing.assert_allclose(rates[:, cut], (images[1] < cut).mean(axis=1))


def test_exact_accuracy_equals_counting(images):
    correct, codes = images
    got = exact_accuracy(correct[0], correct, codes[0])
    for cut in (0, 1, 77, 255, 256):
        kept = np.where(codes[0] < cut, correct, correct[0])
        np.testing.assert_allclose(got[:, cut], kept.mean(axis=1))


def test_gains_put_together_again_give_the_exact_curve(images):
    correct, codes = images
    gain = gains(correct, [codes], np.array([0]), np.array([1]))[0, 0]
    rates = escalation_rates(codes)[0]
    exact = exact_accuracy(correct[0], correct[1:2], codes[0])[0]
    coin = (1 - GRID) * correct[0].mean() + GRID * correct[1].mean()
    np.testing.assert_allclose(coin + gain, np.interp(GRID, rates, exact), atol=1e-6)


def test_shares_mean_the_rate(images):
    np.testing.assert_allclose(escalated_share(images[1][0]).mean(axis=0), GRID, atol=1e-6)


def test_a_network_gains_nothing_with_itself(images):
    gain = gains(images[0], [images[1]], np.array([2]), np.array([2]))
    np.testing.assert_allclose(gain, 0, atol=1e-6)


def test_gain_is_zero_at_the_ends_and_exact_on_the_grid():
    gain = np.random.default_rng(0).random((3, len(GRID)))
    assert gain_at(gain, np.array([0.0, 1.0, GRID[5]])).tolist() == [0.0, 0.0, gain[2, 5]]


def test_predicted_rates_are_made_monotone():
    got = monotone_rates(np.random.default_rng(0).normal(size=(5, 257)))
    assert (np.diff(got, axis=1) >= 0).all()
    assert (got[:, 0] == 0).all()
    assert (got[:, -1] == 1).all()


def test_a_full_basis_loses_nothing():
    targets = np.random.default_rng(0).normal(size=(20, 6))
    basis = Basis.fit(targets, 1.0, 6)
    basis = Basis.from_dict(basis.as_dict())
    np.testing.assert_allclose(basis.reconstruct(basis.project(targets)), targets, atol=1e-5)
