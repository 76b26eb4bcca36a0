"""The ``fbnet`` space: the CIFAR macro-architecture of HW-NAS-Bench, 9 choices in 22 layers.

Source: Wu et al. 2019, "FBNet: Hardware-Aware Efficient ConvNet Design via Differentiable Neural
Architecture Search" (table 2, the nine blocks); Li et al. 2021, "HW-NAS-Bench" (the macro with
first strides 1 1 2 2 1 2 1 for 32x32 inputs).
"""

from __future__ import annotations

from ..errors import ArchitectureError
from ..operators import Operator
from ._exits import Exit, separable_head
from ._layers import Layer
from ._space import SearchSpace

#: (kernel, expansion, groups) of every choice but the last, which is ``skip``.
BLOCKS: dict[str, tuple[int, int, int]] = {
    "k3_e1": (3, 1, 1),
    "k3_e1_g2": (3, 1, 2),
    "k3_e3": (3, 3, 1),
    "k3_e6": (3, 6, 1),
    "k5_e1": (5, 1, 1),
    "k5_e1_g2": (5, 1, 2),
    "k5_e3": (5, 3, 1),
    "k5_e6": (5, 6, 1),
}
CHOICES = (*BLOCKS, "skip")
INPUT_CHANNELS, INPUT_SIZE, STEM_CHANNELS, HEAD_CHANNELS = 3, 32, 16, 1504
LEAST_SIZE, MOST_SIZE = 8, 1024  # of images, in rows; the strides divide by 8
STAGES = (  # channels, layers, stride of the first layer
    (16, 1, 1),
    (24, 4, 1),
    (32, 4, 2),
    (64, 4, 2),
    (112, 4, 1),
    (184, 4, 2),
    (352, 1, 1),
)


def _conv_bn(
    cin: int, cout: int, size: int, *, relu: bool, kernel: int = 1, stride: int = 1, groups: int = 1
) -> tuple[Operator, ...]:
    conv = Operator("conv", cin, cout, size, size, kernel, stride, groups)
    after = conv.out_height
    bn = Operator("batch_norm", cout, cout, after, after)
    return (conv, bn, Operator("relu", cout, cout, after, after)) if relu else (conv, bn)


def _layers(size: int) -> tuple[Layer, ...]:
    layers: list[Layer] = []
    channels = STEM_CHANNELS
    for out_channels, depth, first_stride in STAGES:
        for i in range(depth):
            stride = first_stride if i == 0 else 1
            layers.append(Layer(len(layers), channels, out_channels, size, stride))
            channels, size = out_channels, size // stride
    return tuple(layers)


def build_layer(layer: Layer, choice: int) -> tuple[Operator, ...]:
    """The operators of ``choice`` at ``layer``."""
    cin, cout, size = layer.in_channels, layer.out_channels, layer.height
    if CHOICES[choice] == "skip":
        return () if layer.identity else _conv_bn(cin, cout, size, relu=True, stride=layer.stride)
    kernel, expansion, groups = BLOCKS[CHOICES[choice]]
    mid = cin * expansion
    ops = list(_conv_bn(cin, mid, size, relu=True, groups=groups))
    if groups > 1:
        ops.append(Operator("channel_shuffle", mid, mid, size, size, groups=groups))
    ops += _conv_bn(mid, mid, size, relu=True, kernel=kernel, stride=layer.stride, groups=mid)
    after = size // layer.stride
    ops += _conv_bn(mid, cout, after, relu=False, groups=groups)
    if layer.identity:
        ops.append(Operator("add", cout, cout, after, after))
    return tuple(ops)


#: Layers after which an exit may stand: the last of every stage but the first and the last, and the
#: middle of the long stages.
EXITS_AFTER = (2, 4, 6, 8, 10, 12, 14, 16, 18, 20)
#: Channels between and behind the two separable convolutions of an exit head, and of a small one.
HEAD_WIDTHS, SMALL_WIDTHS = (96, 256), (128,)


def head_strides(size: int) -> tuple[int, int]:
    """Strides of the two convolutions of an exit head by rows of its features.

    At 32x32 down to 8x8 or 4x4, where a pointwise convolution is cheap.
    """
    return (2 if size > 8 else 1), (2 if size > 4 else 1)


def _exits(layers: tuple[Layer, ...]) -> tuple[Exit, ...]:
    """An exit head and a small one after each of some layers; the names of small ones end in s."""
    out: list[Exit] = []
    for after in EXITS_AFTER:
        layer = layers[after]
        channels, size = layer.out_channels, layer.height // layer.stride
        middle, last = max(HEAD_WIDTHS[0], 2 * channels), HEAD_WIDTHS[1]
        large = separable_head(channels, size, (middle, last), head_strides(size))
        small = separable_head(channels, size, SMALL_WIDTHS, (2,))
        out += [
            Exit(str(after), after, large, last),
            Exit(f"{after}s", after, small, SMALL_WIDTHS[-1]),
        ]
    return tuple(out)


def is_slice(layer: Layer, little: int, big: int) -> bool:
    """Whether the elastic weights of one choice hold those of another at a layer.

    They do where the kernel is no wider and the channels no more. Grouped convolutions are the
    block diagonal of dense ones. A skip without weights is a slice of anything; one with weights
    has its own.
    """
    if CHOICES[little] == "skip":
        return layer.identity
    if CHOICES[big] == "skip":
        return False
    (kernel, expansion, groups), other = BLOCKS[CHOICES[little]], BLOCKS[CHOICES[big]]
    return kernel <= other[0] and expansion <= other[1] and groups % other[2] == 0


def at_size(size: int) -> SearchSpace:
    """The space for images of ``size`` rows and columns: the same ids, channels and strides.

    Args:
        size: rows (and columns) of an image, a multiple of 8, the product of the strides.

    Raises:
        ArchitectureError: a size that the strides do not divide, or that is not possible.
    """
    if not LEAST_SIZE <= size <= MOST_SIZE or size % LEAST_SIZE:
        raise ArchitectureError(
            f"space fbnet has no images of {size} rows; expected a multiple of {LEAST_SIZE} from "
            f"{LEAST_SIZE} to {MOST_SIZE}, as in fbnet-64."
        )
    layers = _layers(size)
    last = layers[-1]
    head_size = last.height // last.stride
    return SearchSpace(
        name="fbnet" if size == INPUT_SIZE else f"fbnet-{size}",
        choices=CHOICES,
        layers=layers,
        stem=_conv_bn(INPUT_CHANNELS, STEM_CHANNELS, size, relu=True, kernel=3),
        head=(
            *_conv_bn(last.out_channels, HEAD_CHANNELS, head_size, relu=True),
            Operator("global_avg_pool", HEAD_CHANNELS, HEAD_CHANNELS, head_size, head_size),
        ),
        n_features=HEAD_CHANNELS,
        build_layer=build_layer,
        source="Wu et al. 2019 (FBNet), Li et al. 2021 (HW-NAS-Bench)",
        exits=_exits(layers),
        is_slice=is_slice,
        at_size=at_size,
    )


SPACE = at_size(INPUT_SIZE)
