"""Sums over operators fitted to measured networks, and the coverage of their intervals."""

from __future__ import annotations

import numpy as np
import pytest

from biglittle.bench.errors import SurrogateError
from biglittle.bench.operator_features import NAMES
from biglittle.bench.operator_model import (
    OperatorModel,
    conformal_factors,
    fit_few,
    fit_robust,
    fit_sum,
)


def column(name: str) -> int:
    return NAMES.index(name)


def test_a_sum_of_operators_is_found_again(features: np.ndarray) -> None:
    truth = np.zeros(len(NAMES))
    truth[column("networks")], truth[column("pointwise.macs")] = 2.0, 0.3
    truth[column("depthwise.traffic")] = 1.5
    figure = features @ truth
    fitted = fit_sum(features[:120], figure[:120])
    assert (fitted >= 0).all()
    assert np.allclose(features[120:] @ fitted, figure[120:], rtol=0.03)


def test_too_few_or_impossible_rows_are_refused(features: np.ndarray) -> None:
    with pytest.raises(SurrogateError, match="4 figures, the smallest 1; expected at least 5"):
        fit_sum(features[:4], np.ones(4))
    with pytest.raises(SurrogateError, match="the smallest 0"):
        fit_sum(features, np.zeros(len(features)))
    with pytest.raises(SurrogateError, match=r"5 held-out networks cannot calibrate .* 90%"):
        conformal_factors(np.ones(5), np.ones(5), 0.9)


def test_conformal_factors_leave_out_as_many_as_they_may() -> None:
    measured = np.linspace(0.5, 1.5, 99)
    low, high = conformal_factors(np.ones(99), measured, 0.9)
    assert ((measured < low).sum(), (measured > high).sum()) == (4, 4)


def test_a_model_without_trees_is_its_coefficients(features: np.ndarray) -> None:
    model = OperatorModel(np.ones(len(NAMES)), None, 0.5, 2.0, 0.9)
    assert np.allclose(model.predict(features), features.sum(axis=1))
    low, high = model.interval(features)
    assert np.allclose(high, 4 * low)


def test_a_mixture_of_other_devices_is_found_from_a_handful_of_networks(
    features: np.ndarray,
) -> None:
    rng = np.random.default_rng(4)
    priors = rng.uniform(0, 1, (4, len(NAMES)))
    truth = 0.3 * priors[1] + 2.0 * priors[3]
    figure = features @ truth
    errors = {}
    for name, told in (("alone", None), ("told", priors)):
        fitted = fit_sum(features[:6], figure[:6], priors=told)
        assert (fitted >= 0).all()
        errors[name] = np.abs(features[6:] @ fitted / figure[6:] - 1).max()
    assert errors["told"] < 0.03
    assert errors["told"] < errors["alone"] / 2


def test_what_differs_from_all_other_devices_is_learned_with_more_networks(
    features: np.ndarray,
) -> None:
    truth, priors = np.zeros(len(NAMES)), np.zeros((1, len(NAMES)))
    truth[column("depthwise.macs")] = priors[0, column("pointwise.macs")] = 1.0
    truth[0] = priors[0, 0] = 1.0
    figure = features @ truth
    errors = [
        np.abs(features[120:] @ fit_sum(features[:n], figure[:n], priors=priors) / figure[120:] - 1)
        for n in (5, 20, 120)
    ]
    assert errors[0].mean() > errors[1].mean() > errors[2].mean()
    assert errors[2].mean() < 0.05


def test_a_model_of_few_networks_states_the_coverage_it_can_have(features: np.ndarray) -> None:
    truth = np.zeros(len(NAMES))
    truth[0], truth[column("pointwise.macs")] = 1.0, 1.0
    noise = np.exp(0.05 * np.random.default_rng(0).standard_normal(len(features)))
    figure = features @ truth * noise
    assert fit_few(features[:5], figure[:5]).coverage == 0.0
    few = fit_few(features[:10], figure[:10])
    assert few.coverage == pytest.approx(9 / 11)
    many = fit_few(features[:60], figure[:60])
    assert many.coverage == 0.9
    low, high = many.interval(features[60:])
    assert 0.8 < ((low <= figure[60:]) & (figure[60:] <= high)).mean() <= 1


def test_figures_that_are_far_off_hardly_count(features: np.ndarray) -> None:
    """A board that is busy now and then: one network in ten takes three times as long."""
    pytest.importorskip("scipy")
    truth = np.zeros(len(NAMES))
    truth[column("networks")], truth[column("pointwise.macs")] = 1.0, 0.2
    figure = features[:40] @ truth * np.exp(np.random.default_rng(0).normal(0, 0.01, 40))
    figure[::10] *= 3
    others = features[120:] @ truth
    plain, robust = (
        np.abs(features[120:] @ fit(features[:40], figure) / others - 1).mean()
        for fit in (fit_sum, fit_robust)
    )
    assert robust < plain / 2
    steady = figure[1:10]
    assert np.array_equal(fit_robust(features[1:10], steady), fit_sum(features[1:10], steady))
