"""Intervals of differences between two classifiers on the same images."""

from __future__ import annotations

import numpy as np
import pytest

from biglittle.bench.bootstrap import bootstrap_gain, paired_gain


def test_the_bootstrap_agrees_with_the_normal_interval() -> None:
    gained, lost, n = 400, 300, 10_000
    low, high = bootstrap_gain(gained, lost, n)
    share = (gained - lost) / n
    half = 1.645 * ((gained + lost) / n - share**2) ** 0.5 / n**0.5
    assert low == pytest.approx(share - half, abs=0.1 * half)
    assert high == pytest.approx(share + half, abs=0.1 * half)
    assert bootstrap_gain(0, 0, n) == (0.0, 0.0)


def test_a_gain_is_of_the_images_on_which_two_differ() -> None:
    first, second = np.array([True] * 60 + [False] * 40), np.array([True] * 50 + [False] * 50)
    second[-3:] = True
    gain, low, high = paired_gain(first, second)
    assert gain == (10 - 3) / 100
    assert (low, high) == bootstrap_gain(10, 3, 100)
