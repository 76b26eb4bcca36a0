"""What a plot of accuracies shows: the half that is compared, and whatever is recommended."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from biglittle.bench.recommend import Budget, Recommendation
from biglittle.searchers import SearchOutcome, SingleNetworks
from biglittle.searchers.accuracy_view import accuracy_view, gain_over_single, view_text


def test_a_gain_of_a_point_takes_a_tenth_of_the_plot() -> None:
    """As of a front from 38 to 86 %, where it took a fiftieth."""
    accuracy = np.concatenate([np.linspace(0.38, 0.79, 20), np.linspace(0.80, 0.86, 40)])
    low, high = accuracy_view(accuracy)
    assert low < np.median(accuracy)
    assert high > accuracy.max()
    assert 0.01 / (high - low) > 0.1
    text = view_text(accuracy, low)
    assert f"{(accuracy < low).sum()} of the 60 points are below it" in text
    assert "Double-click" in text


def test_what_is_recommended_is_always_shown(outcome: SearchOutcome) -> None:
    accuracy = np.array([0.38, 0.6, 0.80, 0.85, 0.86])
    pair = dataclasses.replace(outcome.front[0], accuracy=0.55)
    answer = Recommendation(
        Budget("at a lower budget", {}), "search", 0, pair, {"accuracy": 0.5}, 0.05
    )
    low, high = accuracy_view(accuracy, [answer])
    assert low < 0.5
    assert high > 0.86
    above = dataclasses.replace(answer, pair=dataclasses.replace(pair, accuracy=0.95))
    assert accuracy_view(accuracy, [above])[1] > 0.95


def test_points_that_are_alike_have_an_axis_still() -> None:
    low, high = accuracy_view(np.full(3, 0.5))
    assert low < 0.5 < high
    assert view_text(np.full(3, 0.5), low) == ""


def test_a_gain_is_over_the_single_network_of_the_same_row(
    outcome: SearchOutcome, best: SingleNetworks
) -> None:
    gain = gain_over_single(outcome.front, best)
    there = best.architecture != ""
    assert np.isnan(gain[~there]).all()
    assert gain[there] == pytest.approx(outcome.front.accuracy[there] - best.accuracy[there])
