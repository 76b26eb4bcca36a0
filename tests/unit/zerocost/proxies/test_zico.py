"""Inverse coefficient of variation of gradients by hand."""

from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch")

from torch.nn import functional  # noqa: E402

from biglittle.zerocost import score  # noqa: E402
from biglittle.zerocost.tensors import canonical_order  # noqa: E402


def test_zico_by_hand(by_hand) -> None:  # type: ignore[no-untyped-def]
    images, labels = by_hand.x[:2], by_hand.y[:2]
    order = canonical_order(images, labels)
    network = by_hand.network().double()
    parts = []
    for i in order:
        loss = functional.cross_entropy(network(images[i : i + 1].double()), labels[i : i + 1])
        parts.append(torch.autograd.grad(loss, list(network.parameters())))
    expected = 0.0
    for a, b in zip(*parts, strict=True):
        both = torch.stack([a, b])
        deviation = both.std(0, correction=0)
        ratio = both.abs().mean(0) / deviation
        expected += math.log(float(ratio[deviation > 0].sum()))
    assert score(network, images, labels, "zico", dtype="float64")["zico"] == pytest.approx(
        expected
    )
