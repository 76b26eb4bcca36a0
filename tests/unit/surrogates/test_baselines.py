import numpy as np
import pytest

from biglittle.bench import Candidates
from biglittle.surrogates.baselines import MacsOnly, NearestNeighbour, exact, isotonic


def test_isotonic_pools_what_falls():
    x, y = isotonic(np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.0, 3.0, 2.0, 5.0]))
    assert x.tolist() == [1, 2, 3, 4]
    assert y.tolist() == [1, 2.5, 2.5, 5]


@pytest.fixture
def asked(data):
    rng = np.random.default_rng(0)
    little, big = rng.integers(0, len(data), (2, 50))
    gate, cut = rng.integers(0, 3, 50), rng.integers(0, 257, 50)
    return little, big, gate, cut


def test_the_nearest_neighbour_of_a_known_network_is_itself(data, asked):
    little, big, gate, cut = asked
    known = Candidates(data.genomes[little], data.genomes[big], gate, cut)
    got = NearestNeighbour(data).predict(known)
    for a, b in zip(got, exact(data, "val", *asked), strict=True):
        np.testing.assert_array_equal(a, b)


def test_macs_only_keeps_both_ends(data, asked):
    little, big, gate, _ = asked
    rule = MacsOnly(data)
    for cut, rows in ((0, little), (256, big)):
        cuts = np.full(50, cut)
        known = Candidates(data.genomes[little], data.genomes[big], gate, cuts)
        accuracy, rate = rule.predict(known)
        np.testing.assert_allclose(accuracy, rule.accuracy(data.genomes[rows]))
        assert (rate == cut / 256).all()
