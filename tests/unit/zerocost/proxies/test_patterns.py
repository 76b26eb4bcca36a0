"""Proxies of ReLU patterns by hand."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from biglittle.zerocost import ProxyError, score  # noqa: E402


def test_pattern_proxies_on_a_hand_made_pattern() -> None:
    # Images are their own patterns: 4 ReLUs, states 1100, 0110, 0111.
    images = torch.tensor([[1.0, 1, -1, -1], [-1, 1, 1, -1], [-1, 1, 1, 1]])
    network = nn.Sequential(nn.ReLU(inplace=True), nn.Linear(4, 2))
    kernel = np.array([[4.0, 2, 1], [2, 4, 3], [1, 3, 4]])  # 4 - Hamming distance
    found = score(network, images, None, "nwot,linear_regions,swap")
    assert found["nwot"] == pytest.approx(np.linalg.slogdet(kernel)[1])
    assert found["linear_regions"] == pytest.approx((2 + 3 + 1) / 3)
    assert found["swap"] == 4  # columns 100, 111, 011, 001


def test_swap_counts_columns_of_more_images_than_bits_in_a_word() -> None:
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(70, 40, generator=generator)
    images = torch.cat([images, images[:, :7]], dim=1)  # 7 columns twice
    network = nn.Sequential(nn.ReLU(), nn.Linear(47, 2))
    expected = len({tuple((images[:, j] > 0).tolist()) for j in range(47)})
    assert score(network, images, None, "swap")["swap"] == expected == 40


def test_equal_patterns_have_no_log_determinant() -> None:
    images = torch.tensor([[1.0, 1], [2, 2], [-1, 1]])
    network = nn.Sequential(nn.ReLU(), nn.Linear(2, 2))
    with pytest.raises(ProxyError, match=r"nwot.*singular"):
        score(network, images, None, "nwot")
