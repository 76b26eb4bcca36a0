"""Splits, points and figures of the report on networks that were never seen."""

import numpy as np
import pytest

from biglittle.surrogates.curve import escalation_rates
from biglittle.surrogates.report import RATES, SPLITS, judged, points_of, split_rows, summary


@pytest.mark.parametrize("split", SPLITS)
def test_both_sides_of_a_split_are_all_networks_once(data, split):
    fit, unseen = split_rows(data, split, 3)
    np.testing.assert_array_equal(np.sort(np.concatenate([fit, unseen])), np.arange(len(data)))
    macs = data.networks.log_macs
    if split == "cheap_to_dear":
        assert macs[fit].max() <= macs[unseen].min()
    elif split == "dear_to_cheap":
        assert macs[fit].min() >= macs[unseen].max()


def test_points_are_at_even_escalation_rates_with_both_ends(data):
    few = data.take(np.arange(8))
    little, big, gate, cut = points_of(few, 0, most=10)
    assert len(cut) == 10 * len(RATES) * len(few.gates)
    assert (little != big).all()
    rates = np.array(
        [
            escalation_rates(few.codes("val")[g])[n, c]
            for g, n, c in zip(gate, little, cut, strict=True)
        ]
    ).reshape(-1, len(RATES))
    assert (rates[:, 0] == 0).all()
    assert (rates[:, -1] == 1).all()
    assert np.abs(rates - RATES).mean() < 0.05


def test_a_surrogate_is_judged_on_both_splits_of_the_images(surrogate, data):
    figures = judged(surrogate, data.take(np.arange(12)))
    for images in ("val", "test"):
        assert 0 <= figures[images]["pair"]["mae"] < 0.3
        assert -1 <= figures[images]["network"]["kendall_tau"] <= 1
    assert figures["support"]["share_outside"] == 0
    assert 0 <= figures["coverage"]["network"] <= 1


def test_figures_of_several_trials_come_with_their_spread():
    trials = [{"a": {"b": 1.0}, "c": np.nan}, {"a": {"b": 3.0}, "c": np.nan}]
    assert summary(trials) == {
        "a": {"b": {"mean": 2.0, "median": 2.0, "spread": pytest.approx(2**0.5)}},
        "c": {"mean": None, "median": None, "spread": None},
    }
    assert summary([{"b": 1.0}])["b"]["spread"] == 0.0
