"""Trainability of blocks whose gradients are known."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from biglittle.zerocost import score  # noqa: E402


def test_trainability_of_an_isometry_is_zero_and_of_a_scaling_is_not() -> None:
    def block(scale: float) -> nn.Conv2d:
        conv = nn.Conv2d(4, 4, 1, bias=False)
        with torch.no_grad():
            conv.weight.copy_(scale * torch.eye(4)[torch.tensor([2, 0, 3, 1])][..., None, None])
        return conv

    images = torch.randn(64, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    tail = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2)]
    kept = nn.Sequential(block(1.0), block(1.0), *tail)
    halved = nn.Sequential(block(1.0), block(0.5), *tail)
    name = "az_trainability"
    first = score(kept, images, None, name)[name]
    second = score(halved, images, None, name)[name]
    blocks = 2  # the second convolution and the pool, whose gradient shrinks by 64
    assert (second - first) * blocks == pytest.approx(-0.5, abs=0.1)
