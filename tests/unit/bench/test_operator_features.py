"""Sums over operators of many networks at once."""

from __future__ import annotations

import numpy as np
import pytest

from biglittle.bench import get_space
from biglittle.bench.operator_features import NAMES, network_features, operator_features


@pytest.mark.parametrize("name", ["fbnet", "nb201"])
def test_networks_of_a_space_are_looked_up_as_they_are_added_up(name: str) -> None:
    space = get_space(name)
    rows = space.sample(np.random.default_rng(0), 7)
    added = operator_features([space.graph(row, 7) for row in rows])
    assert network_features(space, rows, 7).shape == (7, len(NAMES))
    np.testing.assert_allclose(network_features(space, rows, 7), added, atol=1e-9)
