import numpy as np
import pytest

from biglittle.bench.agreement import spearman
from biglittle.bench.errors import SurrogateError
from biglittle.surrogates.transfer import transfer_latency


@pytest.fixture
def sources():
    """Five devices that mix three properties of 400 networks."""
    rng = np.random.default_rng(0)
    properties = rng.lognormal(size=(400, 3))
    devices = properties @ rng.uniform(0.2, 1, (3, 6))
    devices *= rng.lognormal(0, 0.02, devices.shape)
    return devices[:, :5], devices[:, 5]


def test_ten_samples_rank_an_unseen_device(sources):
    others, truth = sources
    rows = np.arange(10)
    said = transfer_latency(others, rows, truth[rows])
    assert spearman(said[10:], truth[10:]) > 0.95
    assert (said > 0).all()


def test_the_unit_of_a_source_device_does_not_matter(sources):
    others, truth = sources
    rows = np.arange(10)
    a = transfer_latency(others, rows, truth[rows])
    b = transfer_latency(others * np.array([1000, 1, 1, 1, 0.1]), rows, truth[rows])
    np.testing.assert_allclose(a, b, rtol=1e-6)


@pytest.mark.parametrize(
    ("rows", "latency", "match"),
    [([0, 1, 2], [1.0, 2, 3], "at least 5"), (list(range(6)), [1.0, 2, 3, 4, 5, 0], "above 0")],
)
def test_unusable_samples_are_refused(sources, rows, latency, match):
    with pytest.raises(SurrogateError, match=match):
        transfer_latency(sources[0], np.array(rows), np.array(latency))


def test_unusable_sources_are_refused(sources):
    with pytest.raises(SurrogateError, match="at least 2 devices"):
        transfer_latency(sources[0][:, :1], np.arange(6), sources[1][:6])
    with pytest.raises(SurrogateError, match="above 0"):
        transfer_latency(np.zeros((9, 3)), np.arange(6), sources[1][:6])
