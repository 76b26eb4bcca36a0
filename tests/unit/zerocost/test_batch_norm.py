"""Derivatives of batch norms are those of PyTorch, the second as well as the first."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

import torch.nn.functional as F  # noqa: E402

from biglittle.zerocost.twice_differentiable import TwiceDifferentiable  # noqa: E402

#: Which of the gradients by input, weight and bias are taken, and differentiated once more.
TAKEN = [slice(None), slice(1), slice(1, 2)]


@pytest.mark.parametrize("shape", [(6, 3), (4, 3, 5), (4, 3, 2, 5)])
@pytest.mark.parametrize(
    ("affine", "taken"),
    [(True, taken) for taken in TAKEN] + [(False, taken) for taken in TAKEN[:2]],
)
@pytest.mark.parametrize("channels_last", [True, False])
def test_both_derivatives_of_a_norm_are_those_of_pytorch(
    shape: tuple[int, ...], affine: bool, channels_last: bool, taken: slice
) -> None:
    generator = torch.Generator().manual_seed(0)

    def drawn(*size: int) -> torch.Tensor:
        return torch.randn(size, dtype=torch.float64, generator=generator)

    x = drawn(*shape) * 3 + 1
    if channels_last and x.ndim == 4:
        x = x.contiguous(memory_format=torch.channels_last)
    leaves = [x.requires_grad_()] + [drawn(3).requires_grad_() for _ in range(2 * affine)]

    def derivatives() -> list[torch.Tensor]:
        mean, variance = torch.zeros(3, dtype=torch.float64), torch.ones(3, dtype=torch.float64)
        weight, bias = leaves[1:] if affine else (None, None)
        out = F.batch_norm(leaves[0], mean, variance, weight, bias, True, 0.3, 1e-2)
        first = torch.autograd.grad(out.tanh().sum(), leaves[taken], create_graph=True)
        along = sum((g.sin() * g).sum() for g in first)
        return [out, mean, variance, *first, *torch.autograd.grad(along, leaves)]

    expected = derivatives()
    with TwiceDifferentiable():
        found = derivatives()
    for a, b in zip(found, expected, strict=True):
        assert torch.allclose(a, b, rtol=1e-10, atol=1e-10)
