"""The ``branched`` space: two branches over the stages of mobile networks, for two processors.

A network is a stem, seven stages and a head. Each stage is one of MobileNetV2's, MnasNet-B1's or
FBNet-C's, and either whole or in two branches, which two processors can run side by side. A branch
has a share of the stage's channels: half each, three quarters each, or three quarters and half.
Behind a stage its branches go on by themselves, are added (where they have as many channels), or
are concatenated, after which both go on from the same features. The last stage always ends so, and
so does one before a stage that is whole: a stage without synchronisation there is concatenated.
Stem and head are those of the first and of the last stage's network.

Digits are ``0`` to ``9`` and ``a`` to ``q``: nine choices of each of the three networks, whole
first. ``0000000``, ``9999999`` and ``iiiiiii`` are the three networks as published, also called
``mobilenet-v2``, ``mnasnet-b1`` and ``fbnet-c``. At 224 rows (``branched-224``) their strides are
those that were published as well; below 128 rows stem and second stage keep the sides.

Source: the space of SyncNAS (two branches, synchronisation by none, add or concatenate, the last
one always); the three networks are cited in ``_mobile_stages.py``. The shares, and mixing the
stages of several networks, are our own.
"""

from __future__ import annotations

import string
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np

from ..errors import ArchitectureError
from ..graph import GraphBuilder
from ..operators import Operator
from ._layers import Context, Genomes, Layer
from ._mobile_stages import BASES, N_STAGES, Base, block, head_of, stem_of, strides_at
from ._space import SearchSpace

NONE, ADD, CONCAT = "none", "add", "concat"
#: (shares of both branches in quarters, how they are joined) of every choice but the first.
SPLITS = (
    *(((2, 2), sync) for sync in (NONE, ADD, CONCAT)),
    *(((3, 3), sync) for sync in (NONE, ADD, CONCAT)),
    *(((3, 2), sync) for sync in (NONE, CONCAT)),
)
PER_BASE = 1 + len(SPLITS)
_LABELS = ("whole", *(f"{a}+{b}_{sync}" for (a, b), sync in SPLITS))
CHOICES = tuple(f"{base.name}_{label}" for base in BASES for label in _LABELS)
DIGITS = string.digits + string.ascii_lowercase
INPUT_SIZE, LEAST_SIZE, MOST_SIZE = 32, 8, 1024
_ROUND_TO = 4  # channels of a branch


@dataclass(frozen=True)
class Part:
    """One stage of a network, as it stands between its neighbours.

    Attributes:
        base: the published network that it is of.
        inputs: channels that each branch is given, one entry a branch.
        outputs: channels that each branch gives.
        sync: how the branches are joined behind it: none, add, concat, or whole of one branch.
        size: rows of what comes in.
        stride: step of its first block.
    """

    base: Base
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    sync: str
    size: int
    stride: int

    @property
    def out_size(self) -> int:
        """Rows of what goes out."""
        return -(-self.size // self.stride)

    @property
    def joined(self) -> int:
        """Channels of the features that both branches go on from; 0 where they are not joined."""
        if self.sync == NONE:
            return 0
        return self.outputs[0] if self.sync != CONCAT else sum(self.outputs)

    def join(self) -> tuple[Operator, ...]:
        """What joins the branches, if anything does."""
        if self.sync not in (ADD, CONCAT):
            return ()
        kind, size, n = self.sync, self.out_size, self.joined
        return (Operator("add" if kind == ADD else "concat", n, n, size, size),)


def parts_of(genome: Genomes, size: int) -> tuple[Part, ...]:
    """The stages of a network for images of ``size`` rows, in order.

    Args:
        genome: choices of the stages, shape (7,).
        size: rows (and columns) of the images.
    """
    chosen = [divmod(int(choice), PER_BASE) for choice in genome]
    stem_stride, strides = strides_at(size)
    rows = -(-size // stem_stride)
    before: tuple[int, ...] = (BASES[chosen[0][0]].stem_channels,)
    parts: list[Part] = []
    for i, (base, split) in enumerate(chosen):
        channels = BASES[base].stages[i].channels
        last_or_before_whole = i + 1 == N_STAGES or chosen[i + 1][1] == 0
        shares: tuple[int, ...] = (4,)
        sync = "whole"
        if split:
            shares, sync = SPLITS[split - 1]
            sync = CONCAT if sync == NONE and last_or_before_whole else sync
        outputs = tuple(_share(channels, share) for share in shares)
        inputs = before if len(before) == len(shares) else before * len(shares)
        parts.append(Part(BASES[base], inputs, outputs, sync, rows, strides[i]))
        rows = parts[-1].out_size
        before = outputs if sync == NONE else (parts[-1].joined,)
    return tuple(parts)


def _share(channels: int, quarters: int) -> int:
    """So many quarters of some channels, a multiple of ``_ROUND_TO``; all of them as they are."""
    if quarters == 4:
        return channels
    return max(_ROUND_TO, int(channels * quarters / 4 / _ROUND_TO + 0.5) * _ROUND_TO)


def branch_blocks(part: Part, index: int, branch: int) -> list[tuple[Operator, ...]]:
    """The blocks of one branch of a stage.

    Args:
        part: the stage between its neighbours.
        index: its number, from 0.
        branch: 0 or 1; 0 of a stage that is whole.
    """
    cin, cout, size = part.inputs[branch], part.outputs[branch], part.size
    blocks = []
    for i, (kernel, expansion) in enumerate(part.base.stages[index].blocks):
        stride = part.stride if i == 0 else 1
        blocks.append(block(cin, cout, size, kernel, expansion, stride))
        cin, size = cout, -(-size // stride)
    return blocks


def stage_operators(part: Part, index: int) -> tuple[Operator, ...]:
    """All operators of a stage: those of its branches one after the other, and what joins them."""
    branches = range(len(part.outputs))
    chains = (op for b in branches for chain in branch_blocks(part, index, b) for op in chain)
    return (*chains, *part.join())


def build_body(
    builder: GraphBuilder, source: int, genome: Genomes, after: int | None = None, *, size: int
) -> int:
    """Adds the stages to a graph; the index of the last node.

    Args:
        builder: graph to which the nodes are added.
        source: index of the node that feeds the first stage.
        genome: choices of the stages, shape (7,).
        after: not used, since the space has no exits.
        size: rows of the images.
    """
    ends: tuple[int, ...] = (source,)
    for index, part in enumerate(parts_of(genome, size)):
        given = ends if len(ends) == len(part.outputs) else ends * len(part.outputs)
        reached = []
        for branch, at in enumerate(given):
            for chain in branch_blocks(part, index, branch):
                at = builder.chain(chain, at)
            reached.append(at)
        ends = tuple(reached)
        if joins := part.join():
            ends = (builder.node(joins[0], *ends),)
    return ends[0]


def _ends(genome: Genomes, size: int) -> tuple[tuple[Operator, ...], tuple[Operator, ...], int]:
    first, last = (BASES[int(genome[i]) // PER_BASE] for i in (0, -1))
    end = parts_of(genome, size)[-1]
    head = head_of(last, end.joined, end.out_size)
    return stem_of(first, size), head, last.head_channels


def _in_context(genome: Genomes, layer: int, size: int) -> tuple[Operator, ...]:
    return stage_operators(parts_of(genome, size)[layer], layer)


def _build_layer(layer: Layer, choice: int, size: int) -> tuple[Operator, ...]:
    """A choice at a stage of the network that is whole everywhere else."""
    whole = choice - choice % PER_BASE
    genome = np.full(N_STAGES, whole, np.uint8)
    genome[layer.index] = choice
    return _in_context(genome, layer.index, size)


def read_name(name: str) -> str | None:
    """The id of one of the three published networks, or None of any other text."""
    for i, base in enumerate(BASES):
        if name == base.name:
            return DIGITS[i * PER_BASE] * N_STAGES
    return None


def write_name(architecture: str) -> str:
    """The name of a published network, or the id itself."""
    return next((b.name for b in BASES if read_name(b.name) == architecture), architecture)


def _layers(size: int) -> tuple[Layer, ...]:
    base, (stem_stride, strides) = BASES[0], strides_at(size)
    rows, channels = -(-size // stem_stride), base.stem_channels
    layers = []
    for i, (stage, stride) in enumerate(zip(base.stages, strides, strict=True)):
        layers.append(Layer(i, channels, stage.channels, rows, stride))
        rows, channels = -(-rows // stride), stage.channels
    return tuple(layers)


@lru_cache(maxsize=16)
def at_size(size: int) -> SearchSpace:
    """The space for images of ``size`` rows and columns; ids mean the same blocks and channels.

    Args:
        size: rows (and columns) of an image, a multiple of 8; of 32 from 128 rows on.

    Raises:
        ArchitectureError: a size that the strides do not divide, or that is not possible.
    """
    step = LEAST_SIZE if strides_at(size)[0] == 1 else 4 * LEAST_SIZE
    if not LEAST_SIZE <= size <= MOST_SIZE or size % step:
        raise ArchitectureError(
            f"space branched has no images of {size} rows; expected a multiple of {step} from "
            f"{LEAST_SIZE} to {MOST_SIZE}, as in branched-224."
        )
    layers, base = _layers(size), BASES[0]
    last = layers[-1]
    return SearchSpace(
        name="branched" if size == INPUT_SIZE else f"branched-{size}",
        choices=CHOICES,
        layers=layers,
        stem=stem_of(base, size),
        head=head_of(base, last.out_channels, -(-last.height // last.stride)),
        n_features=base.head_channels,
        build_layer=partial(_build_layer, size=size),
        source="SyncNAS; Sandler et al. 2018, Tan et al. 2019, Wu et al. 2019 (stages)",
        digits=DIGITS,
        build_body=partial(build_body, size=size),
        read_name=read_name,
        write_name=write_name,
        at_size=at_size,
        context=Context(partial(_ends, size=size), partial(_in_context, size=size)),
    )


SPACE = at_size(INPUT_SIZE)
