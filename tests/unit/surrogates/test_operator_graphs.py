"""Networks and pairs as padded graphs of operators."""

import numpy as np
import pytest

from biglittle.surrogates.operator_graphs import N_FEATURES, graphs


def test_a_pair_is_both_graphs_side_by_side(data):
    alone = graphs(data.networks, np.array([3])), graphs(data.networks, np.array([4]))
    pair = graphs(data.networks, np.array([3]), np.array([4]))
    n, m = (g.nodes.shape[1] for g in alone)
    assert pair.nodes.shape == (1, n + m, N_FEATURES)
    np.testing.assert_array_equal(pair.nodes[0, :n], alone[0].nodes[0])
    np.testing.assert_array_equal(pair.adjacency[0, n:, n:], alone[1].adjacency[0])
    assert pair.adjacency[0, :n, n:].sum() == pair.adjacency[0, n:, :n].sum() == 0
    assert pair.little.sum() == pytest.approx(1)
    assert (pair.big[0, :n] == 0).all()


def test_every_node_but_the_first_reads_another_and_earlier_one(data):
    found = graphs(data.networks, np.arange(5))
    for adjacency, share in zip(found.adjacency, found.little, strict=True):
        n = int((share > 0).sum())
        assert (np.tril(adjacency, -1) == adjacency).all()
        assert (adjacency[1:n].sum(axis=1) >= 1).all()
