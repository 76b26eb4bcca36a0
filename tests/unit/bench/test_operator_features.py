"""Sums over operators of many networks at once."""

from __future__ import annotations

import numpy as np
import pytest

from biglittle.bench import get_space
from biglittle.bench.operator_features import (
    NAMES,
    chain_features,
    network_features,
    operator_class,
    operator_features,
)

FBNET = get_space("fbnet")


def column(name: str) -> int:
    return NAMES.index(name)


@pytest.mark.parametrize("name", ["fbnet", "nb201"])
def test_networks_of_a_space_are_looked_up_as_they_are_added_up(name: str) -> None:
    space = get_space(name)
    rows = space.sample(np.random.default_rng(0), 7)
    added = operator_features([space.graph(row, 7) for row in rows])
    assert network_features(space, rows, 7).shape == (7, len(NAMES))
    np.testing.assert_allclose(network_features(space, rows, 7), added, atol=1e-9)


def test_macs_of_all_classes_add_up_to_the_networks_own(features: np.ndarray) -> None:
    rows = FBNET.sample(np.random.default_rng(0), 160)
    listed = features[:, [i for i, name in enumerate(NAMES) if name.endswith(".macs")]]
    assert np.allclose(1e6 * listed.sum(axis=1), FBNET.macs(rows, 10))


def test_every_choice_at_every_layer_adds_up_to_the_network() -> None:
    architecture = "2863848418780625260277"
    row = FBNET.parse(architecture)[0]
    parts = [FBNET.build_layer(ly, int(row[ly.index])) for ly in FBNET.layers]
    classifier = FBNET.operators(architecture, 10)[-1]
    ends = (FBNET.stem, (*FBNET.head, classifier))
    whole = operator_features([FBNET.graph(architecture, 10)])[0]
    total = sum(chain_features(part) for part in (*parts, *ends))
    total[column("networks")] = 1.0
    assert np.allclose(total, whole)


def test_batch_norms_and_activations_after_a_convolution_are_fused() -> None:
    kinds = {op.kind: operator_class(op) for op in FBNET.operators("1" * 22, 10)}
    assert kinds["batch_norm"] is None
    assert kinds["channel_shuffle"] == "shuffle"
    features = operator_features([FBNET.graph("1" * 22, 10)])[0]
    assert features[column("elementwise.count")] == 0
    assert features[column("shuffle.count")] == 22


def test_a_dead_end_is_counted_apart() -> None:
    space = get_space("nb201")
    features = operator_features([space.graph("300300", 10)])[0]
    assert features[column("dangling.count")] == 15
    assert features[column("dangling.macs")] > 0
