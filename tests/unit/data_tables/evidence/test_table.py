"""The interval of a difference in accuracy on the same images."""

from __future__ import annotations

import numpy as np

from biglittle.data_tables.evidence.table import bootstrap_difference


def test_bootstrap_interval_covers_the_difference_and_narrows() -> None:
    rng = np.random.default_rng(0)
    widths = []
    for n in (500, 50_000):
        pair, single = rng.random(n) < 0.8, rng.random(n) < 0.7
        low, high = bootstrap_difference(pair, single)
        assert low < pair.mean() - single.mean() < high
        widths.append(high - low)
    assert widths[1] < widths[0] / 5
