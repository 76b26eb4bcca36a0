"""Statistics of batch norms, estimated anew."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from biglittle.bench.spaces import get_space  # noqa: E402
from biglittle.cotrain.recalibrate import recalibrated  # noqa: E402
from biglittle.cotrain.supernet import Supernet  # noqa: E402

SPACE = get_space("fbnet")
RANDOM = SPACE.format(SPACE.sample(np.random.default_rng(1), 6))


@pytest.fixture(scope="module")
def images() -> torch.Tensor:
    rng = np.random.default_rng(0)
    return torch.from_numpy(rng.standard_normal((8, 3, 16, 16), np.float32))


@torch.no_grad()
def test_recalibration_changes_running_statistics_alone(net: Supernet) -> None:
    network = net.inherit(RANDOM[0])
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    images = torch.randn(12, 3, 16, 16)
    assert recalibrated(network, images, batch=6) is network
    assert not network.training
    changed = {n for n, t in network.state_dict().items() if not torch.equal(t, before[n])}
    statistics = {n for n in before if n.endswith(("running_mean", "running_var"))}
    counters = {n for n in before if n.endswith("num_batches_tracked")}
    assert statistics <= changed <= statistics | counters


@torch.no_grad()
def test_recalibrated_statistics_are_the_mean_over_batches(net: Supernet) -> None:
    network = net.inherit("8" * 22)
    images = torch.randn(12, 3, 16, 16)
    stem = network.stem[0](images).split(6)
    recalibrated(network, images, batch=6)
    mean = torch.stack([part.mean((0, 2, 3)) for part in stem]).mean(0)
    torch.testing.assert_close(network.stem[1].running_mean, mean, rtol=1e-4, atol=1e-5)
    again = {k: v.clone() for k, v in network.state_dict().items()}
    recalibrated(network, images, batch=6)
    for name, tensor in network.state_dict().items():
        torch.testing.assert_close(tensor, again[name])
