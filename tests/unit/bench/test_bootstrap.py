"""Intervals of differences between two classifiers on the same images."""

from __future__ import annotations

import pytest

from biglittle.bench.bootstrap import bootstrap_gain


def test_the_bootstrap_agrees_with_the_normal_interval() -> None:
    gained, lost, n = 400, 300, 10_000
    low, high = bootstrap_gain(gained, lost, n)
    share = (gained - lost) / n
    half = 1.645 * ((gained + lost) / n - share**2) ** 0.5 / n**0.5
    assert low == pytest.approx(share - half, abs=0.1 * half)
    assert high == pytest.approx(share + half, abs=0.1 * half)
    assert bootstrap_gain(0, 0, n) == (0.0, 0.0)
