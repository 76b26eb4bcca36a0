"""The rule on MACs alone."""

import numpy as np

from biglittle.surrogates.members.macs_only import isotonic


def test_isotonic_pools_what_falls():
    x, y = isotonic(np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.0, 3.0, 2.0, 5.0]))
    assert x.tolist() == [1, 2, 3, 4]
    assert y.tolist() == [1, 2.5, 2.5, 5]
