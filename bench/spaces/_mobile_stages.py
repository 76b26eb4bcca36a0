"""Three published mobile networks as stem, seven stages of inverted residual blocks, and head.

Source: Sandler et al. 2018, "MobileNetV2" (table 2); Tan et al. 2019, "MnasNet" (figure 7, B1:
without squeeze-and-excitation); Wu et al. 2019, "FBNet" (figure 4 and table 2, C; its head has 1984
features in the code that was published with it). ReLU stands in the place of ReLU6.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..operators import Operator

#: Strides of the stem and of the first block of each stage, as published for 224 rows; images of
#: fewer than ``FULL_STRIDES_FROM`` rows keep their sides in the stem and in the second stage.
STEM_STRIDE, STRIDES = 2, (1, 2, 2, 2, 1, 2, 1)
FULL_STRIDES_FROM = 128
N_STAGES = len(STRIDES)


@dataclass(frozen=True)
class Stage:
    """Blocks of one width.

    Attributes:
        channels: channels that every block gives.
        blocks: (kernel, expansion) of the blocks in order; an expansion of 0 leaves out the
            pointwise convolution that expands.
    """

    channels: int
    blocks: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Base:
    """One published network.

    Attributes:
        name: name of the network, as a user writes it.
        stem_channels: channels that the stem gives.
        stages: its seven stages in order.
        head_channels: features that reach its classifier.
    """

    name: str
    stem_channels: int
    stages: tuple[Stage, ...]
    head_channels: int


MOBILENET_V2 = Base(
    "mobilenet-v2",
    32,
    (
        Stage(16, ((3, 0),)),
        Stage(24, ((3, 6),) * 2),
        Stage(32, ((3, 6),) * 3),
        Stage(64, ((3, 6),) * 4),
        Stage(96, ((3, 6),) * 3),
        Stage(160, ((3, 6),) * 3),
        Stage(320, ((3, 6),)),
    ),
    1280,
)
MNASNET_B1 = Base(
    "mnasnet-b1",
    32,
    (
        Stage(16, ((3, 0),)),
        Stage(24, ((3, 3),) * 3),
        Stage(40, ((5, 3),) * 3),
        Stage(80, ((5, 6),) * 3),
        Stage(96, ((3, 6),) * 2),
        Stage(192, ((5, 6),) * 4),
        Stage(320, ((3, 6),)),
    ),
    1280,
)
FBNET_C = Base(
    "fbnet-c",
    16,
    (
        Stage(16, ((3, 1),)),
        Stage(24, ((3, 6), (3, 1), (3, 1))),
        Stage(32, ((5, 6), (5, 3), (5, 6), (3, 6))),
        Stage(64, ((5, 6), (5, 3), (5, 6), (5, 6))),
        Stage(112, ((5, 6), (5, 6), (5, 6), (5, 3))),
        Stage(184, ((5, 6),) * 4),
        Stage(352, ((3, 6),)),
    ),
    1984,
)
BASES = (MOBILENET_V2, MNASNET_B1, FBNET_C)


def strides_at(size: int) -> tuple[int, tuple[int, ...]]:
    """Strides of stem and stages for images of so many rows.

    >>> strides_at(224)[0], strides_at(32)
    (2, (1, (1, 1, 2, 2, 1, 2, 1)))
    """
    if size >= FULL_STRIDES_FROM:
        return STEM_STRIDE, STRIDES
    return 1, (STRIDES[0], 1, *STRIDES[2:])


def conv_bn(
    cin: int, cout: int, size: int, *, relu: bool, kernel: int = 1, stride: int = 1, groups: int = 1
) -> tuple[Operator, ...]:
    """A convolution with its batch norm, and a ReLU behind it or none."""
    conv = Operator("conv", cin, cout, size, size, kernel, stride, groups)
    after = conv.out_height
    norm = Operator("batch_norm", cout, cout, after, after)
    return (conv, norm, Operator("relu", cout, cout, after, after)) if relu else (conv, norm)


def block(
    cin: int, cout: int, size: int, kernel: int, expansion: int, stride: int
) -> tuple[Operator, ...]:
    """The operators of one inverted residual block; the last one adds its input where it fits."""
    mid = cin * max(expansion, 1)
    operators = list(conv_bn(cin, mid, size, relu=True)) if expansion else []
    operators += conv_bn(mid, mid, size, relu=True, kernel=kernel, stride=stride, groups=mid)
    after = -(-size // stride)
    operators += conv_bn(mid, cout, after, relu=False)
    if stride == 1 and cin == cout:
        operators.append(Operator("add", cout, cout, after, after))
    return tuple(operators)


def stem_of(base: Base, size: int) -> tuple[Operator, ...]:
    """The operators before the first stage, for images of ``size`` rows."""
    stride = strides_at(size)[0]
    return conv_bn(3, base.stem_channels, size, relu=True, kernel=3, stride=stride)


def head_of(base: Base, channels: int, size: int) -> tuple[Operator, ...]:
    """The operators behind the last stage, which gives ``channels`` of ``size`` rows."""
    features = base.head_channels
    pool = Operator("global_avg_pool", features, features, size, size)
    return (*conv_bn(channels, features, size, relu=True), pool)
