"""How far a network is from those that were learnt from."""

import numpy as np

from biglittle.surrogates.support import Support


def test_what_it_learnt_from_is_inside_its_support_and_the_extremes_are_far(surrogate, data):
    assert not surrogate.outside(data.genomes).any()
    np.testing.assert_allclose(surrogate.distance(data.genomes), 0, atol=2e-3)
    # two choices, all of one at the front and all of the other at the back
    lopsided = np.array([[2] * 11 + [8] * 11], np.uint8)
    inside = surrogate.space.sample(np.random.default_rng(3), 50, surrogate.choices)
    assert surrogate.distance(lopsided)[0] > np.median(surrogate.distance(inside))


def test_a_given_threshold_counts_and_another_is_worked_out(data):
    networks = data.networks
    own = Support(networks.take(np.arange(20)))
    assert own.threshold > 0
    distance = own.distance(networks)
    np.testing.assert_array_equal(own.outside(networks), distance > own.threshold)
    middle = float(np.median(distance))
    given = Support(own.training, middle)
    assert given.threshold == middle
    assert given.outside(networks).sum() == len(networks) // 2
    assert own.distance(networks.take(np.zeros(0, np.intp))).shape == (0,)
