"""Architectures as members see them."""

import numpy as np
import pytest

from biglittle.surrogates.features import architecture_features, feature_names
from biglittle.surrogates.networks import Networks


@pytest.fixture
def networks(data):
    columns = np.arange(2 * len(data), dtype=np.float32).reshape(-1, 2)
    return Networks(data.space, data.choices, 10, data.genomes, columns, ("a", "b"))


def test_further_columns_stand_behind_the_features(networks):
    own = architecture_features(networks.space, networks.genomes, 10, networks.choices)
    np.testing.assert_array_equal(networks.features[:, :-2], own)
    np.testing.assert_array_equal(networks.features[:, -2:], networks.columns)
    names = feature_names(networks.space, networks.choices)
    assert networks.feature_names == (*names, "a", "b")


def test_rows_keep_their_columns_and_other_networks_have_none(networks):
    rows = np.array([4, 1])
    few = networks.take(rows)
    np.testing.assert_array_equal(few.features, networks.features[rows])
    assert few.column_names == networks.column_names
    others = networks.of(networks.genomes[rows])
    assert others.columns is None
    np.testing.assert_array_equal(others.features, networks.features[rows, :-2])
    np.testing.assert_array_equal(others.layers, networks.layers[rows])
