"""What the comparisons of searchers share."""

from __future__ import annotations

import numpy as np
import pytest

from biglittle.data_tables.evidence.searchers._common import interval


def test_an_interval_holds_its_mean_and_is_the_same_again() -> None:
    differences = np.random.default_rng(0).normal(0.3, 1.0, 40)
    mean, low, high = interval(differences)
    assert low < mean < high
    assert mean == pytest.approx(differences.mean())
    assert interval(differences) == (mean, low, high)
