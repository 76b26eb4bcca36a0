"""The copy of a network whose tensors are put aside for a while."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from biglittle.zerocost import score  # noqa: E402
from biglittle.zerocost.network import replaced  # noqa: E402


class Tied(nn.Module):
    """Two layers of one weight, and a norm under two names."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Linear(4, 4, bias=False), nn.Linear(4, 4, bias=False)
        self.two.weight = self.one.weight
        self.norm = self.again = nn.BatchNorm1d(4)
        self.last = nn.Linear(4, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.norm(torch.relu(self.one(x)))
        return self.last(self.again(self.two(x)))


def _twice(_: nn.Module, name: str, tensor: torch.Tensor) -> torch.Tensor:
    return tensor.double() * 2 if tensor.is_floating_point() else tensor


def test_within_tensors_are_others_and_after_it_the_same_objects() -> None:
    network = Tied()
    tensors = [*network.parameters(), *network.buffers()]
    values = [t.clone() for t in tensors]
    with replaced(network, _twice, norms=False) as inside:
        assert inside is network
        assert network.one.weight is network.two.weight
        assert network.one.weight.dtype == torch.float64
        assert network.one.weight.is_leaf
        assert isinstance(network.norm, nn.Identity)
        assert isinstance(network.again, nn.Identity)
        network(torch.randn(2, 4, dtype=torch.float64)).sum().backward()
    after = [*network.parameters(), *network.buffers()]
    assert all(a is b for a, b in zip(after, tensors, strict=True))
    assert all(torch.equal(a, b) for a, b in zip(after, values, strict=True))
    assert network.norm is network.again
    assert all(p.grad is None for p in network.parameters())


def test_a_graph_that_was_built_before_stays_good() -> None:
    network = Tied()
    loss = network(torch.randn(6, 4)).square().sum()
    with torch.no_grad(), replaced(network, _twice):
        network(torch.randn(6, 4, dtype=torch.float64))
        assert not network.one.weight.requires_grad
    loss.backward()
    assert network.one.weight.grad is not None


def test_what_fails_within_leaves_the_network_as_it_was() -> None:
    network = Tied()
    weight = network.one.weight
    with pytest.raises(ZeroDivisionError), replaced(network, _twice, norms=False):
        _ = 1 / 0
    assert network.one.weight is weight
    assert isinstance(network.norm, nn.BatchNorm1d)


def test_a_weight_that_two_layers_share_counts_once() -> None:
    network = nn.Sequential(nn.Linear(2, 2, bias=False), nn.ReLU(), nn.Linear(2, 2, bias=False))
    network[2].weight = network[0].weight
    with torch.no_grad():
        network[0].weight.copy_(torch.tensor([[1.0, -2.0], [3.0, 0.5]]))
    w = network[0].weight.detach().double().abs()
    flow = (w @ w).sum()  # quadratic in w: the sum of w * dR/dw is 2 R
    found = score(network, torch.randn(2, 2), None, "synflow,l2_norm")
    assert found["synflow"] == pytest.approx(float(torch.log1p(2 * flow)))
    assert found["l2_norm"] == pytest.approx(float(w.norm()))
