"""The supernet: what it computes along a path is what the network that inherits computes."""

from __future__ import annotations

import copy

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from biglittle.bench.errors import ArchitectureError  # noqa: E402
from biglittle.bench.spaces import get_space  # noqa: E402
from biglittle.cotrain.supernet import Supernet  # noqa: E402

SPACE = get_space("fbnet")
UNIFORM = [str(choice) * SPACE.n_layers for choice in range(len(SPACE.choices))]
RANDOM = SPACE.format(SPACE.sample(np.random.default_rng(1), 6))


@pytest.fixture(scope="module")
def images() -> torch.Tensor:
    rng = np.random.default_rng(0)
    return torch.from_numpy(rng.standard_normal((8, 3, 16, 16), np.float32))


@pytest.fixture(scope="module")
def double(net: Supernet) -> Supernet:
    """The same in float64, in which slices and copies of weights differ by no kernel's rounding."""
    return copy.deepcopy(net).double()


@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
@pytest.mark.parametrize("architecture", [*UNIFORM, *RANDOM])
@torch.no_grad()
def test_an_inherited_network_equals_its_path(
    double: Supernet, images: torch.Tensor, architecture: str, training: bool
) -> None:
    double.float().double().train(training)  # what is inherited is float32
    network = double.inherit(architecture).double().train(training)
    path, x = SPACE.parse(architecture)[0].tolist(), images.double()
    torch.testing.assert_close(network(x), double(x, path), rtol=1e-8, atol=1e-8)


def test_inheriting_copies_and_does_not_share(net: Supernet) -> None:
    network = net.inherit("0" * 22)
    before = net.stem[0].weight.clone()
    with torch.no_grad():
        for p in network.parameters():
            p.add_(1.0)
    assert torch.equal(net.stem[0].weight, before)
    assert network.architecture == "0" * 22


def test_a_wrong_id_is_refused(net: Supernet) -> None:
    with pytest.raises(ArchitectureError, match="expects 22 digits"):
        net.inherit("0")


def test_small_choices_are_slices_of_the_large_ones(net: Supernet) -> None:
    # Training k3_e1 moves the centre and the first channels of k5_e6, and nothing else of it.
    net.train()
    net.zero_grad()
    net(torch.randn(4, 3, 16, 16), [0] * 22).sum().backward()
    expand, deep, project = (p.grad for p in net.layers[1].shared)
    width, margin = 16, 1
    assert expand[:width].count_nonzero() > 0
    assert expand[width:].count_nonzero() == 0
    centre = deep[:width, :, margin:-margin, margin:-margin]
    assert deep.count_nonzero() == centre.count_nonzero() > 0
    assert project[:, width:].count_nonzero() == 0
    net.zero_grad()


@torch.no_grad()
def test_grown_norms_start_from_the_anchor() -> None:
    net = Supernet(SPACE, n_classes=10)
    names = SPACE.choices
    anchor, wide, other = (names.index(n) for n in ("k3_e1", "k3_e6", "k5_e1"))
    for norm in net.layers[3].norms[anchor]:
        norm.weight.uniform_(0.5, 1.5)
        norm.running_mean.uniform_(-1, 1)
    net.grow_norms("k3_e1", ["k3_e6", "skip"], gamma=0.2)
    for source, target in zip(net.layers[3].norms[anchor], net.layers[3].norms[wide], strict=True):
        n = source.num_features
        assert torch.equal(target.weight[:n], source.weight)
        assert torch.equal(target.running_mean[:n], source.running_mean)
        assert (target.weight[n:] == 0.2).all()
    assert all((norm.weight == 1).all() for norm in net.layers[3].norms[other])
