"""Relaxed layers, gate and latency in closed form."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from biglittle.bench import get_space  # noqa: E402
from biglittle.bench.device_profile import DeviceProfile  # noqa: E402
from biglittle.cotrain.supernet import Supernet  # noqa: E402
from biglittle.searchers.darts_relaxation import (  # noqa: E402
    expected_latency_ms,
    relaxed_pair,
    sampled_forward,
    soft_forward,
)

SPACE = get_space("fbnet")


def test_one_hot_chances_are_the_network_itself(
    made_up_device: Callable[..., DeviceProfile],
) -> None:
    torch.manual_seed(0)
    net = Supernet(SPACE, 10).eval()
    images, path = torch.randn(2, 3, 8, 8), [0, 8] * 11
    chances = torch.zeros(22, 2)
    chances[np.arange(22), [0, 1] * 11] = 1.0
    with torch.no_grad():
        assert torch.allclose(
            soft_forward(net, images, chances, [0, 8]), net(images, path), atol=1e-5
        )


def test_a_sampled_path_is_a_network_and_tells_how_the_loss_would_change() -> None:
    torch.manual_seed(0)
    net = Supernet(SPACE, 10).eval().requires_grad_(False)
    images = torch.randn(2, 3, 8, 8)
    alpha = torch.zeros(22, 2, requires_grad=True)
    logits = sampled_forward(
        net, images, alpha.softmax(dim=-1), [0, 8], torch.Generator().manual_seed(1)
    )
    generator = torch.Generator().manual_seed(1)
    drawn = torch.multinomial(torch.full((22, 2), 0.5), 2, generator=generator)[:, 0]
    path = [[0, 8][i] for i in drawn.tolist()]
    with torch.no_grad():
        assert torch.allclose(logits, net(images, path), atol=1e-5)
    logits.square().sum().backward()
    # of the last layer: how the loss changes from the output of one choice to that of the other
    features = net.stem(images)
    for layer, choice in zip(net.layers[:-1], path[:-1], strict=True):
        features = layer(features, choice)
    outs = [net.layers[-1](features, c) for c in (0, 8)]
    x = outs[drawn[-1]].clone().requires_grad_()
    net.classifier(net.head(x)).square().sum().backward()
    slope = [(x.grad * out).sum() for out in outs]
    expected = 0.25 * (slope[0] - slope[1])  # p (1 - p) at even chances
    assert alpha.grad[-1, 0].item() == pytest.approx(expected.item(), rel=1e-3)
    assert alpha.grad[-1].sum().item() == pytest.approx(0.0, abs=1e-4)


def test_expected_latency_of_sure_and_of_even_chances(
    made_up_device: Callable[..., DeviceProfile],
) -> None:
    block = torch.tensor(made_up_device().block_ms[:, [0, 8]])
    sure = torch.zeros(2, 22, 2, dtype=block.dtype)
    sure[0, :, 0], sure[1, :, 1] = 1.0, 1.0
    assert expected_latency_ms(sure, block, 2.0).tolist() == [112.0, 24.0]
    even = torch.full((2, 22, 2), 0.5, dtype=block.dtype)
    assert expected_latency_ms(even, block, 2.0).tolist() == [68.0, 68.0]


def test_a_cold_gate_is_the_real_one() -> None:
    little = torch.tensor([[4.0, 0.0], [0.1, 0.0]])
    big = torch.tensor([[0.0, 9.0], [0.0, 9.0]])
    log_chance, rate = relaxed_pair(little, big, torch.tensor(0.8), 1e-4)
    assert rate.item() == pytest.approx(0.5)
    assert log_chance.argmax(dim=1).tolist() == [0, 1]
    warm = relaxed_pair(little.requires_grad_(), big, torch.tensor(0.8), 0.1)[1]
    warm.backward()
    assert little.grad.abs().sum() > 0  # the escalation rate teaches the little network
