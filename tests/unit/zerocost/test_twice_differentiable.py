"""Which operators the mode takes over."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")


from biglittle.zerocost.twice_differentiable import TwiceDifferentiable  # noqa: E402


def test_layers_take_the_fast_way_and_a_norm_that_is_not_training_does_not() -> None:
    x = torch.randn(2, 4, 5, 5)
    with TwiceDifferentiable():
        for groups in (1, 4):
            found = torch.nn.Conv2d(4, 4, 3, groups=groups, bias=False)(x)
            assert type(found.grad_fn).__name__ == "_ConvolutionBackward"
        norm = torch.nn.BatchNorm2d(4)
        assert type(norm(x).grad_fn).__name__ == "_NormBackward"
        assert float(norm.running_mean.abs().sum()) > 0
        assert type(norm.eval()(x).grad_fn).__name__ == "NativeBatchNormBackward0"
        with pytest.raises(ValueError, match="more than 1 value"):
            torch.nn.BatchNorm1d(4)(torch.randn(1, 4, requires_grad=True))
