"""From two networks' proxies to a prediction for the pair."""

from __future__ import annotations

import math

import numpy as np
import pytest

pytest.importorskip("torch")

from biglittle.bench.errors import BigLittleError
from biglittle.zerocost import pair_features


def test_pair_features_meet_the_single_networks_at_both_ends() -> None:
    scores = np.array([5.0, 1.0, 3.0, math.nan])
    little, big = [1, 0, 3], [0, 2, 0]
    for rate, end in ((0.0, "little"), (1.0, "big")):
        found = pair_features(scores, little, big, rate)
        for name in ("mixture", "early"):
            np.testing.assert_array_equal(found[name][:2], found[end][:2])
            assert np.isnan(found[name][2])  # a network without a score makes no pair
    with pytest.raises(BigLittleError, match="escalation rate"):
        pair_features(scores, little, big, 1.5)
