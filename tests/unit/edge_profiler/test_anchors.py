"""The networks to measure first."""

from __future__ import annotations

import numpy as np
import pytest

from biglittle.bench import get_space
from biglittle.bench.graph import simplified
from biglittle.bench.operator_features import network_features
from biglittle.edge_profiler.anchors import anchor_networks, anchor_order

FBNET = get_space("fbnet")


def test_fewer_anchors_are_the_first_of_more() -> None:
    assert anchor_networks(FBNET, 8) == anchor_networks(FBNET, 30)[:8]


def test_anchors_say_more_about_operators_than_networks_drawn_evenly() -> None:
    def information(ids: list[str]) -> float:
        features = network_features(FBNET, FBNET.parse(ids), 10)
        pool = network_features(FBNET, FBNET.sample(np.random.default_rng(0), 500), 10)
        scale = pool.std(axis=0)
        scaled = ((features - pool.mean(axis=0))[:, scale > 0]) / scale[scale > 0]
        return float(np.linalg.slogdet(np.eye(scaled.shape[1]) + scaled.T @ scaled)[1])

    drawn = FBNET.format(FBNET.sample(np.random.default_rng(1), 10))
    assert information(anchor_networks(FBNET, 10)) > information(drawn) + 5


def test_anchors_range_from_small_to_large() -> None:
    macs = FBNET.macs(FBNET.parse(anchor_networks(FBNET)), 10)
    assert macs.min() < 15e6
    assert macs.max() > 140e6
    assert ((macs > 25e6) & (macs < 80e6)).sum() >= 10


def test_anchors_of_cells_depend_on_their_image() -> None:
    space = get_space("nb201")
    ids = anchor_networks(space, 30)
    assert len(set(ids)) == 30
    assert all(simplified(space.graph(a, 10)) for a in ids)


@pytest.mark.parametrize("n", [0, 3, 12])
def test_no_more_networks_than_candidates(n: int) -> None:
    genomes = FBNET.sample(np.random.default_rng(0), 6)
    assert sorted(set(anchor_order(FBNET, genomes, n).tolist())) == sorted(
        anchor_order(FBNET, genomes, n).tolist()
    )
    assert len(anchor_order(FBNET, genomes, n)) == min(n, 6)
