"""What every zero-cost proxy has to keep: ``class TestMine(ProxyContract): entry = PROXY``."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
import torch
from torch import nn
from torch.nn import functional

from ..zerocost import PROXIES, ProxyError, get_proxy, score
from ..zerocost.forwards import Forwards
from ..zerocost.passes import PASSES, Passes
from ._contract import Contract, only

N, CLASSES = 8, 3


class Net(nn.Module):
    """Batch norm, dropout, depthwise and grouped convolutions, an operator that never runs."""

    def __init__(self, norm: bool = True, inplace: bool = True) -> None:
        super().__init__()
        made = nn.BatchNorm2d if norm else (lambda channels: nn.Identity())
        self.stem = nn.Sequential(nn.Conv2d(3, 6, 3, padding=1), made(6), nn.ReLU(inplace))
        self.blocks = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(6, 6, 3, stride, 1, groups=6),
                nn.ReLU(inplace),
                nn.Conv2d(6, 6, 1, groups=2),
                made(6),
            )
            for stride in (1, 2)
        )
        self.unused = nn.Conv2d(6, 6, 7)
        self.drop = nn.Dropout(0.1)
        self.classifier = nn.Linear(6, CLASSES)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.stem(x)
        for block in self.blocks:
            x = block(x)
        out: torch.Tensor = self.classifier(self.drop(functional.relu(x).mean((2, 3))))
        return out


def _net(seed: int = 0, **settings: bool) -> Net:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Net(**settings)


def _batch() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    images = torch.randn(N, 3, 8, 8, generator=generator)
    return images, torch.randint(CLASSES, (N,), generator=generator)


class ProxyContract(Contract):
    """What every zero-cost proxy has to keep, whatever its equation is.

    Attributes:
        data_free: keys of those whose value does not depend on the batch.
        weights_alone: keys of those that never run the network.
    """

    registry = PROXIES
    data_free: Sequence[str] = ()
    weights_alone: Sequence[str] = ()

    @classmethod
    def of_kind(cls, kind: str) -> tuple[str, ...]:
        """Proxies that run the network, that need labels, or that do without."""
        if kind == "runs":
            return tuple(name for name in cls.keys() if name not in cls.weights_alone)
        return tuple(n for n in cls.keys() if get_proxy(n).labels == (kind == "labels"))

    def test_the_file_is_the_name_and_source_and_passes_are_given(self, name: str) -> None:
        proxy = get_proxy(name)
        assert proxy.name == name
        assert proxy.source
        assert proxy.needs
        assert set(proxy.needs) <= set(PASSES)
        assert proxy.labels or not any(PASSES[need] for need in proxy.needs)

    def test_it_reads_no_pass_that_it_does_not_name(self, name: str) -> None:
        proxy = get_proxy(name)
        images, labels = _batch()
        # A pass that was not declared is an assertion error.
        assert math.isfinite(proxy.compute(Passes(Forwards(_net(), images, labels, proxy.needs))))

    @pytest.mark.parametrize("settings", [{}, {"norm": False}, {"inplace": False}])
    def test_a_finite_number_that_repeats_bit_for_bit(
        self, name: str, settings: dict[str, bool]
    ) -> None:
        images, labels = _batch()
        network = _net(seed=1, **settings)  # under seed 0 and without norms its output is constant
        first, second = (score(network, images, labels, name)[name] for _ in range(2))
        assert math.isfinite(first)
        assert first == second

    def test_the_order_of_the_batch_does_not_matter(self, name: str) -> None:
        images, labels = _batch()
        order = torch.randperm(N, generator=torch.Generator().manual_seed(3))
        network = _net()
        one = score(network, images, labels, name)[name]
        assert score(network, images[order], labels[order], name)[name] == one

    def test_another_batch_matters_where_it_should(self, name: str) -> None:
        images, labels = _batch()
        network = _net()
        same = (
            score(network, images, labels, name)[name]
            == score(network, 3 * images.flip(1).square(), labels, name)[name]
        )
        assert same == (name in self.data_free)

    @pytest.mark.parametrize("training", [True, False])
    def test_the_network_is_left_as_it_was(self, name: str, training: bool) -> None:
        images, labels = _batch()
        network = _net().train(training)
        network.stem[0].weight.requires_grad_(False)
        network.stem[0].bias.grad = torch.ones(6)
        network.blocks[0].eval()
        before = {k: v.clone() for k, v in network.state_dict().items()}
        modes = [m.training for m in network.modules()]
        state = torch.random.get_rng_state()
        before_images = images.clone()
        score(network, images, labels, name)
        after = network.state_dict()
        assert before.keys() == after.keys()
        assert all(torch.equal(before[k], after[k]) for k in before)
        assert [m.training for m in network.modules()] == modes
        assert not network.stem[0].weight.requires_grad
        assert torch.equal(network.stem[0].bias.grad, torch.ones(6))
        assert all(p.grad is None for n, p in network.named_parameters() if n != "stem.0.bias")
        assert all(m.inplace for m in network.modules() if isinstance(m, nn.ReLU))
        assert not any(m._forward_hooks or m._forward_pre_hooks for m in network.modules())
        assert torch.equal(torch.random.get_rng_state(), state)
        assert torch.equal(images, before_images)
        assert not images.requires_grad

    def test_shared_passes_do_not_change_the_value(self, name: str) -> None:
        images, labels = _batch()
        alone = score(_net(), images, labels, name)[name]
        together = score(_net(), images, labels, "all")[name]
        # A second-order pass builds the first gradient by other kernels: equal up to rounding.
        assert together == pytest.approx(alone, rel=1e-3, abs=1e-5)

    def test_weights_that_are_not_numbers_are_an_error_that_names_proxy_and_layer(
        self, name: str
    ) -> None:
        images, labels = _batch()
        network = _net()
        with torch.no_grad():
            network.get_parameter("blocks.1.2.weight")[0, 0] = math.nan
        with pytest.raises(ProxyError, match=rf"{name}.*blocks\.1\.2") as caught:
            score(network, images, labels, name)
        assert caught.value.proxy == name

    @only("runs")
    def test_a_batch_of_the_wrong_shape_is_an_error_that_names_proxy_and_layer(
        self, name: str
    ) -> None:
        _, labels = _batch()
        with pytest.raises(ProxyError, match=rf"{name}.*stem\.0"):
            score(_net(), torch.randn(N, 5, 8, 8), labels, name)

    @only("labels")
    def test_without_labels_it_says_so(self, name: str) -> None:
        images, _ = _batch()
        with pytest.raises(ProxyError, match=f"{name}.*labels"):
            score(_net(), images, None, name)
        report = score(_net(), images, None, "all", failures="keep")
        assert name in report.failures
        assert "synflow" in report.values

    @only("no labels")
    def test_without_labels_the_others_have_a_value(self, name: str) -> None:
        images, _ = _batch()
        assert math.isfinite(score(_net(), images, None, name)[name])
