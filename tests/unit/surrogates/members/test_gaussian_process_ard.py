import numpy as np
import pytest

from biglittle.bench import get_space
from biglittle.surrogates import get_member
from biglittle.surrogates.networks import Networks


def test_the_gradient_is_that_of_the_value():
    optimize = pytest.importorskip("scipy.optimize")
    from biglittle.surrogates.members.gaussian_process_ard import Posterior

    rng = np.random.default_rng(0)
    posterior = Posterior(rng.normal(size=(25, 4)), rng.normal(size=(25, 2)))
    for scale in (0.0, 0.4):
        p = posterior.centre + scale * rng.normal(size=11)
        slope = posterior(p)[1]
        numeric = optimize.approx_fprime(p, lambda q: posterior(q)[0], 1e-7)
        np.testing.assert_allclose(slope, numeric, atol=1e-3, rtol=1e-3)


def test_columns_that_matter_are_found_where_a_common_length_drowns_them():
    pytest.importorskip("scipy")
    pytest.importorskip("onnx")
    space, rng = get_space("fbnet"), np.random.default_rng(1)
    networks = Networks(space, space.choices, 10, space.sample(rng, 160))
    expansion = networks.layers[:, 2 * space.n_layers :]
    truth = np.sin(expansion[:, 5]) + 0.5 * (networks.layers[:, space.n_layers + 9] == 5)
    train, test = np.arange(100), np.arange(100, 160)
    off = {}
    for name in ("gaussian_process", "gaussian_process_ard"):
        member = get_member(name).fit(networks.take(train), truth[train, None])
        off[name] = np.abs(member.mean(networks.take(test))[:, 0] - truth[test]).mean()
    assert off["gaussian_process_ard"] < 0.5 * off["gaussian_process"]
