"""Number formats of a training, and how fast it is."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
from torch.nn import functional as F  # noqa: E402

from biglittle.cotrain import precision  # noqa: E402
from biglittle.cotrain.precision import Precision, fastest, images_per_s  # noqa: E402


def test_a_trial_counts_images() -> None:
    assert images_per_s(lambda: 10, 0.01) > 0
    assert {p.value for p in Precision} == {"fp32", "bf16"}


def test_a_format_that_is_slowed_down_for_one_turn_does_not_lose_by_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rates = iter([900.0, 100.0, 890.0, 1500.0, 910.0, 1400.0])  # fp32 and bf16 in turn
    monkeypatch.setattr(precision, "images_per_s", lambda step, seconds: next(rates))
    chosen, told = fastest(lambda precision: lambda: 10, 3.0)
    assert chosen is Precision.BF16
    assert told == {"fp32": 910.0, "bf16": 1500.0}


CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("channels", "groups", "kernel", "stride", "dtype"),
    [
        (8, 8, 3, 2, torch.float32),
        (8, 8, 5, 1, torch.float32),
        (8, 8, 5, 2, torch.float32),
        (8, 8, 3, 1, torch.bfloat16),
        (8, 1, 3, 2, torch.bfloat16),
        (8, 2, 1, 1, torch.bfloat16),
    ],
)
def test_depthwise_convolutions_that_bf16_is_slow_for_stay_fp32(
    channels: int, groups: int, kernel: int, stride: int, dtype: torch.dtype
) -> None:
    conv = torch.nn.Conv2d(
        channels, channels, kernel, stride, kernel // 2, groups=groups, bias=False
    )
    x = torch.randn(2, channels, 8, 8)
    with Precision.BF16.autocast(CPU):
        by_module = conv(x)
        by_function = F.conv2d(x.bfloat16(), conv.weight, None, stride, kernel // 2, groups=groups)
    assert by_module.dtype == by_function.dtype == dtype
    (gradient,) = torch.autograd.grad(by_module.float().square().sum(), conv.weight)
    (plain,) = torch.autograd.grad(conv(x).square().sum(), conv.weight)
    assert gradient.dtype == torch.float32
    torch.testing.assert_close(gradient, plain, rtol=0.1, atol=0.1 * float(plain.abs().max()))


def test_fp32_computes_everything_in_fp32() -> None:
    conv = torch.nn.Conv2d(4, 4, 3, groups=4)
    x = torch.randn(1, 4, 8, 8)
    with Precision.FP32.autocast(CPU):
        assert torch.equal(conv(x), F.conv2d(x, conv.weight, conv.bias, groups=4))
