"""Primitive operators with their shapes: what a network is to a latency model or an ONNX writer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

OperatorKind = Literal[
    "conv",
    "batch_norm",
    "relu",
    "channel_shuffle",
    "add",
    "avg_pool",
    "max_pool",
    "global_avg_pool",
    "linear",
    "zero",  # gives zeros of its input's shape
    "activation",  # any other function of single elements
    "multiply",
    "concat",
    "other",
]

#: Bytes beside the weights that int8 needs for each output channel: a bias and a scale.
INT8_CHANNEL_BYTES = 8


@dataclass(frozen=True)
class Operator:
    """One primitive operator applied to one input of shape (in_channels, height, width).

    Attributes:
        kind: name of what it computes.
        in_channels: channels (features for ``linear``) that come in.
        out_channels: channels (features) that go out.
        height: rows of the input.
        width: columns of the input.
        kernel: side of the convolution or pooling window, 1 for anything else.
        stride: step of the window, 1 for anything else.
        groups: number of groups of a convolution.
        kernel_width: columns of the window where it is not a square, else 0.
        output: rows and columns of the output where padding is not "same", else None.

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
    # Not in the repr, which a space's hash is made of: no space needs them.
    kernel_width: int = field(default=0, repr=False)
    output: tuple[int, int] | None = field(default=None, repr=False)

    @property
    def out_height(self) -> int:
        """Rows of the output ("same" padding unless ``output`` says otherwise)."""
        if self.output is not None:
            return self.output[0]
        return 1 if self.kind in ("global_avg_pool", "linear") else -(-self.height // self.stride)

    @property
    def out_width(self) -> int:
        """Columns of the output."""
        if self.output is not None:
            return self.output[1]
        return 1 if self.kind in ("global_avg_pool", "linear") else -(-self.width // self.stride)

    @property
    def taps(self) -> int:
        """Positions of the window: its rows times its columns."""
        return self.kernel * (self.kernel_width or self.kernel)

    @property
    def macs(self) -> int:
        """Multiply-accumulates of convolutions and linear layers; everything else counts 0."""
        if self.kind == "conv":
            per_pixel = self.taps * self.in_channels // self.groups * self.out_channels
            return per_pixel * self.out_height * self.out_width
        return self.in_channels * self.out_channels if self.kind == "linear" else 0

    @property
    def params(self) -> int:
        """Trainable parameters (a batch norm has 2 per channel, a linear layer has a bias)."""
        if self.kind == "conv":
            return self.taps * self.in_channels // self.groups * self.out_channels
        if self.kind == "batch_norm":
            return 2 * self.out_channels
        return (self.in_channels + 1) * self.out_channels if self.kind == "linear" else 0

    @property
    def int8_bytes(self) -> int:
        """Bytes that are stored of it in int8: weights, and a bias and a scale of each channel.

        Both are of four bytes. A batch norm is folded into the convolution before it.
        """
        if self.kind == "conv":
            return self.params + INT8_CHANNEL_BYTES * self.out_channels
        per_output = self.in_channels + INT8_CHANNEL_BYTES
        return per_output * self.out_channels if self.kind == "linear" else 0

    @property
    def in_size(self) -> int:
        """Elements of the input."""
        return self.in_channels * self.height * self.width

    @property
    def out_size(self) -> int:
        """Elements of the output."""
        return self.out_channels * self.out_height * self.out_width
