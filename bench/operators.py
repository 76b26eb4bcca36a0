"""Primitive operators with their shapes: what a network is to a latency model or an ONNX writer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

OperatorKind = Literal[
    "conv", "batch_norm", "relu", "channel_shuffle", "add", "global_avg_pool", "linear"
]


@dataclass(frozen=True)
class Operator:
    """One primitive operator applied to one input of shape (in_channels, height, width).

    Attributes:
        kind: what it computes.
        in_channels: channels (features for ``linear``) that come in.
        out_channels: channels (features) that go out.
        height: rows of the input.
        width: columns of the input.
        kernel: side of the convolution window, 1 for anything else.
        stride: convolution stride, 1 for anything else.
        groups: convolution groups.

    >>> Operator("conv", 16, 16, 32, 32, kernel=3, groups=16).macs
    147456
    """

    kind: OperatorKind
    in_channels: int
    out_channels: int
    height: int
    width: int
    kernel: int = 1
    stride: int = 1
    groups: int = 1

    @property
    def out_height(self) -> int:
        """Rows of the output ("same" padding, floor at odd kernels)."""
        return 1 if self.kind in ("global_avg_pool", "linear") else -(-self.height // self.stride)

    @property
    def out_width(self) -> int:
        """Columns of the output."""
        return 1 if self.kind in ("global_avg_pool", "linear") else -(-self.width // self.stride)

    @property
    def macs(self) -> int:
        """Multiply-accumulates of convolutions and linear layers; everything else counts 0."""
        if self.kind == "conv":
            per_pixel = self.kernel**2 * self.in_channels // self.groups * self.out_channels
            return per_pixel * self.out_height * self.out_width
        return self.in_channels * self.out_channels if self.kind == "linear" else 0

    @property
    def params(self) -> int:
        """Trainable parameters (a batch norm has 2 per channel, a linear layer has a bias)."""
        if self.kind == "conv":
            return self.kernel**2 * self.in_channels // self.groups * self.out_channels
        if self.kind == "batch_norm":
            return 2 * self.out_channels
        return (self.in_channels + 1) * self.out_channels if self.kind == "linear" else 0

    @property
    def in_size(self) -> int:
        """Elements of the input."""
        return self.in_channels * self.height * self.width

    @property
    def out_size(self) -> int:
        """Elements of the output."""
        return self.out_channels * self.out_height * self.out_width
