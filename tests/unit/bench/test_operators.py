"""Shapes, multiply-accumulates and parameters of the primitive operators."""

from __future__ import annotations

import pytest

from biglittle.bench.operators import Operator


@pytest.mark.parametrize(
    ("op", "macs", "params", "out"),
    [
        (Operator("conv", 3, 16, 32, 32, kernel=3), 9 * 3 * 16 * 1024, 432, (16, 32, 32)),
        (Operator("conv", 16, 24, 32, 32, stride=2), 16 * 24 * 256, 384, (24, 16, 16)),
        (Operator("conv", 16, 24, 7, 5, stride=2), 16 * 24 * 4 * 3, 384, (24, 4, 3)),
        (Operator("conv", 16, 24, 8, 8, groups=2), 8 * 24 * 64, 192, (24, 8, 8)),
        (Operator("conv", 16, 16, 8, 8, kernel=5, groups=16), 25 * 16 * 64, 400, (16, 8, 8)),
        (Operator("batch_norm", 16, 16, 8, 8), 0, 32, (16, 8, 8)),
        (Operator("relu", 16, 16, 8, 8), 0, 0, (16, 8, 8)),
        (Operator("channel_shuffle", 16, 16, 8, 8, groups=2), 0, 0, (16, 8, 8)),
        (Operator("add", 16, 16, 8, 8), 0, 0, (16, 8, 8)),
        (Operator("global_avg_pool", 1504, 1504, 4, 4), 0, 0, (1504, 1, 1)),
        (Operator("linear", 1504, 10, 1, 1), 15040, 15050, (10, 1, 1)),
    ],
    ids=lambda value: value.kind if isinstance(value, Operator) else "",
)
def test_costs_and_shapes(op: Operator, macs: int, params: int, out: tuple[int, int, int]) -> None:
    assert (op.macs, op.params) == (macs, params)
    assert (op.out_channels, op.out_height, op.out_width) == out
    assert op.in_size == op.in_channels * op.height * op.width
    assert op.out_size == out[0] * out[1] * out[2]
