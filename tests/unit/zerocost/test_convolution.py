"""Derivatives of convolutions are those of PyTorch, the second as well as the first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

torch = pytest.importorskip("torch")

import torch.nn.functional as F  # noqa: E402

from biglittle.zerocost.twice_differentiable import TwiceDifferentiable  # noqa: E402

#: Which of the gradients by input, weight and bias are taken, and differentiated once more.
TAKEN = [slice(None), slice(1), slice(1, 2)]
CASES: list[tuple[Callable[..., Any], tuple[int, ...], tuple[int, ...], bool, dict[str, Any]]] = [
    (F.conv2d, (2, 4, 5, 5), (4, 1, 3, 3), False, {"groups": 4, "padding": 1}),
    (F.conv2d, (2, 4, 5, 5), (6, 2, 3, 3), True, {"groups": 2, "stride": 2, "padding": (1, 0)}),
    (F.conv2d, (4, 6, 6), (4, 1, 2, 2), True, {"groups": 4, "dilation": 2}),
    (F.conv1d, (2, 4, 7), (4, 1, 3), False, {"groups": 4, "stride": 2}),
    (F.conv2d, (2, 4, 5, 5), (4, 1, 3, 3), False, {"groups": 4, "padding": "same"}),
    (F.conv2d, (2, 3, 5, 5), (4, 3, 3, 3), True, {"padding": 1}),
]


@pytest.mark.parametrize("taken", TAKEN)
@pytest.mark.parametrize(("function", "shape", "weight_shape", "biased", "options"), CASES)
def test_output_and_both_derivatives_are_those_of_pytorch(
    function: Callable[..., Any],
    shape: tuple[int, ...],
    weight_shape: tuple[int, ...],
    biased: bool,
    options: dict[str, Any],
    taken: slice,
) -> None:
    generator = torch.Generator().manual_seed(0)

    def drawn(*size: int) -> torch.Tensor:
        return torch.randn(size, dtype=torch.float64, generator=generator, requires_grad=True)

    leaves = [drawn(*shape), drawn(*weight_shape)] + ([drawn(weight_shape[0])] if biased else [])

    def derivatives() -> list[torch.Tensor]:
        x, weight, *bias = leaves
        out = function(x, weight, bias[0] if bias else None, **options)
        first = torch.autograd.grad(out.tanh().sum(), leaves[taken], create_graph=True)
        along = sum((g.sin() * g).sum() for g in first)
        return [out, *first, *torch.autograd.grad(along, leaves)]

    expected = derivatives()
    with TwiceDifferentiable():
        found = derivatives()
    for a, b in zip(found, expected, strict=True):
        assert torch.allclose(a, b, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("of_weights", [True, False])
def test_a_pass_towards_the_images_finds_no_gradients_of_weights(of_weights: bool) -> None:
    x = torch.randn(2, 4, 5, 5, requires_grad=True)
    first, second = (torch.nn.Conv2d(4, 4, 3, bias=False) for _ in range(2))
    with TwiceDifferentiable():
        out = second(first(x)).sum()
    wanted = [first.weight, second.weight] if of_weights else [x]
    with torch.profiler.profile(record_shapes=True) as profile:
        torch.autograd.grad(out, wanted)
    masks = [
        event.concrete_inputs[-1]
        for event in profile.events()
        if event.name == "aten::convolution_backward"
    ]
    # by input, by weight, by bias; from the last layer to the first
    expected = (
        [[True, True, False], [False, True, False]] if of_weights else 2 * [[True, False, False]]
    )
    assert masks == expected
