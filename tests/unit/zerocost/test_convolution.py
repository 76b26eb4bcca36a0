"""Derivatives of grouped convolutions are those of PyTorch, the second as well as the first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

torch = pytest.importorskip("torch")

import torch.nn.functional as F  # noqa: E402

from biglittle.zerocost.convolution import TwiceDifferentiable  # noqa: E402

CASES: list[tuple[Callable[..., Any], tuple[int, ...], tuple[int, ...], bool, dict[str, Any]]] = [
    (F.conv2d, (2, 4, 5, 5), (4, 1, 3, 3), False, {"groups": 4, "padding": 1}),
    (F.conv2d, (2, 4, 5, 5), (6, 2, 3, 3), True, {"groups": 2, "stride": 2, "padding": (1, 0)}),
    (F.conv2d, (4, 6, 6), (4, 1, 2, 2), True, {"groups": 4, "dilation": 2}),
    (F.conv1d, (2, 4, 7), (4, 1, 3), False, {"groups": 4, "stride": 2}),
    (F.conv2d, (2, 4, 5, 5), (4, 1, 3, 3), False, {"groups": 4, "padding": "same"}),
    (F.conv2d, (2, 3, 5, 5), (4, 3, 3, 3), True, {"padding": 1}),
]


@pytest.mark.parametrize(("function", "shape", "weight_shape", "biased", "options"), CASES)
def test_output_and_both_derivatives_are_those_of_pytorch(
    function: Callable[..., Any],
    shape: tuple[int, ...],
    weight_shape: tuple[int, ...],
    biased: bool,
    options: dict[str, Any],
) -> None:
    generator = torch.Generator().manual_seed(0)

    def drawn(*size: int) -> torch.Tensor:
        return torch.randn(size, dtype=torch.float64, generator=generator, requires_grad=True)

    leaves = [drawn(*shape), drawn(*weight_shape)] + ([drawn(weight_shape[0])] if biased else [])

    def derivatives() -> list[torch.Tensor]:
        x, weight, *bias = leaves
        out = function(x, weight, bias[0] if bias else None, **options)
        first = torch.autograd.grad(out.tanh().sum(), leaves, create_graph=True)
        along = sum((g.sin() * g).sum() for g in first)
        return [out, *first, *torch.autograd.grad(along, leaves)]

    expected = derivatives()
    with TwiceDifferentiable():
        found = derivatives()
    for a, b in zip(found, expected, strict=True):
        assert torch.allclose(a, b, rtol=1e-10, atol=1e-10)


def test_a_layer_takes_the_fast_way_and_one_without_groups_does_not() -> None:
    x = torch.randn(1, 4, 5, 5)
    with TwiceDifferentiable():
        depthwise = torch.nn.Conv2d(4, 4, 3, groups=4, bias=False)(x)
        plain = torch.nn.Conv2d(4, 4, 3, bias=False)(x)
    assert type(depthwise.grad_fn).__name__ == "_ConvolutionBackward"
    assert type(plain.grad_fn).__name__ == "ConvolutionBackward0"
