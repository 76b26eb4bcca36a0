"""Entropy of the principal components of maps."""

from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from biglittle.zerocost import score  # noqa: E402


def test_expressivity_of_white_maps_is_the_log_of_their_channels() -> None:
    images = torch.randn(256, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    tail = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2)]
    conv = nn.Conv2d(4, 4, 1, bias=False)
    nn.init.orthogonal_(conv.weight)
    network = nn.Sequential(nn.Hardtanh(-9, 9), conv, *tail)
    found = score(network, images, None, "az_expressivity,az_progressivity")
    assert found["az_expressivity"] == pytest.approx(3 * math.log(4), abs=0.1)
    assert found["az_progressivity"] == pytest.approx(0, abs=0.05)
