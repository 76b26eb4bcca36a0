"""Builds a ``torch.nn.Module`` from an architecture: the only file of ``bench/`` with torch."""

from __future__ import annotations

from typing import cast

import numpy as np

from .errors import MissingExtraError
from .graph import IMAGE, GraphBuilder
from .operators import Operator
from .spaces import Exit, Genomes, SearchSpace, get_space

try:
    import torch
    from torch import nn
except ImportError as error:  # pragma: no cover - exercised by the light install
    raise MissingExtraError("torch", "train", "building a network") from error


def make_operator(op: Operator, inplace: bool = True) -> nn.Module:
    """The torch layer of one primitive operator ("same" padding, no convolution bias).

    Args:
        op: the operator to build a layer of.
        inplace: whether a ReLU may overwrite its input.
    """
    if op.kind == "conv":
        return nn.Conv2d(
            op.in_channels,
            op.out_channels,
            op.kernel,
            op.stride,
            op.kernel // 2,
            groups=op.groups,
            bias=False,
        )
    if op.kind == "batch_norm":
        return nn.BatchNorm2d(op.out_channels)
    if op.kind == "relu":
        return nn.ReLU(inplace=inplace)
    if op.kind == "channel_shuffle":
        return nn.ChannelShuffle(op.groups)
    if op.kind == "avg_pool":
        padding = (op.kernel - 1) // 2  # what is padded does not count in the average
        return nn.AvgPool2d(op.kernel, op.stride, padding, count_include_pad=False)
    if op.kind == "global_avg_pool":
        return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
    if op.kind == "linear":
        return nn.Linear(op.in_channels, op.out_channels)
    raise AssertionError(f"operator kind {op.kind!r} has no layer of its own")


class Block(nn.Module):
    """The operators of one choice at one layer, with the identity where the space adds one."""

    def __init__(self, operators: tuple[Operator, ...]) -> None:
        super().__init__()
        self.residual = any(op.kind == "add" for op in operators)
        self.body = nn.Sequential(*(make_operator(op) for op in operators if op.kind != "add"))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Maps (batch, in_channels, h, w) to (batch, out_channels, h / stride, w / stride)."""
        out = cast(torch.Tensor, self.body(x))
        return out + x if self.residual else out


class Add(nn.Module):
    """The sum of two tensors of one shape."""

    def forward(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        """``a + b``."""
        return a + b


class Concat(nn.Module):
    """Tensors of one height and width, channels one behind the other."""

    def forward(self, *tensors: torch.Tensor) -> torch.Tensor:
        """Their channels in order, shape (batch, all channels, height, width)."""
        return torch.cat(tensors, dim=1)


class Zero(nn.Module):
    """Zeros of the input's shape; gradients pass and are zero."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """``0 * x``."""
        return x.mul(0.0)


class Body(nn.Module):
    """Everything between stem and head of a space that is not a chain: nodes and what feeds them.

    Args:
        space: a search space with a ``build_body``.
        genome: choices of one network, shape (n_layers,).
        place: exit at which the network is cut; None: it is whole.
    """

    def __init__(self, space: SearchSpace, genome: Genomes, place: Exit | None = None) -> None:
        super().__init__()
        assert space.build_body is not None
        builder = GraphBuilder()
        self.output = space.build_body(
            builder, IMAGE, genome, None if place is None else place.after
        )
        graph = builder.graph()
        # What waits for no later node is forgotten, as a chain would.
        last = {i: k for k, node in enumerate(graph) for i in node.inputs}
        self.inputs = tuple(node.inputs for node in graph)
        self.ends = tuple(
            tuple(i for i in set(node.inputs) if last[i] == k and i != self.output)
            for k, node in enumerate(graph)
        )
        own = {"add": Add, "concat": Concat, "zero": Zero}
        self.nodes = nn.ModuleList(
            own[n.operator.kind]() if n.operator.kind in own else make_operator(n.operator, False)
            for n in graph
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Maps what the stem gives to what the head takes."""
        values = {IMAGE: x}
        for k, (node, inputs) in enumerate(zip(self.nodes, self.inputs, strict=True)):
            values[k] = node(*(values[i] for i in inputs))
            for i in self.ends[k]:
                del values[i]
        return values[self.output]


class Network(nn.Module):
    """One architecture as a trainable module; logits of shape (batch, n_classes).

    ``blocks`` holds one module per layer of a chain, or one ``Body`` for a space of cells. A
    network that is cut at an exit has the layers up to there, and the exit's head as its ``head``.

    >>> sum(p.numel() for p in build_network("2863848418780625260277", n_classes=100).parameters())
    2447972
    """

    def __init__(self, space: SearchSpace, architecture: str, n_classes: int) -> None:
        super().__init__()
        id_, _, self.exit = architecture.partition("@")
        genome, place = space.parse(id_)[0], space.get_exit(self.exit)
        self.space, self.architecture = space.name, space.format(genome)[0]
        self.n_classes = n_classes
        self.stem = nn.Sequential(*map(make_operator, space.stem_of(genome)))
        if space.build_body is not None:
            self.blocks = nn.ModuleList([Body(space, genome, place)])
        else:
            layers = space.layers if place is None else space.layers[: place.after + 1]
            self.blocks = nn.ModuleList(
                Block(space.build_layer(layer, int(genome[layer.index]))) for layer in layers
            )
        *head, classifier = space.head_of(genome, n_classes, place)
        self.head = nn.Sequential(*map(make_operator, head))
        self.classifier = nn.Linear(classifier.in_channels, n_classes)

    @property
    def name(self) -> str:
        """``ARCHITECTURE`` or ``ARCHITECTURE@EXIT``, as `build_network` takes it."""
        return f"{self.architecture}@{self.exit}" if self.exit else self.architecture

    def trunk(self, images: torch.Tensor) -> torch.Tensor:
        """Features before the head, of images as `forward` takes them."""
        x = self.stem(images)
        for block in self.blocks:
            x = block(x)
        return cast(torch.Tensor, x)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits (batch, n_classes) of images (batch, 3, height, width), normalised float32."""
        return cast(torch.Tensor, self.classifier(self.head(self.trunk(images))))


def build_network(
    architecture: str, n_classes: int, space: str = "fbnet", seed: int | None = None
) -> Network:
    """A freshly initialised network of one architecture.

    Args:
        architecture: id of the network in ``space``, perhaps with ``@EXIT``.
        n_classes: number of classes of the classifier.
        space: name of the search space.
        seed: initialisation seed; torch's global generator is left as it was. None uses that.

    Raises:
        ArchitectureError: the architecture is not in ``space``, or it has no such exit.
    """
    if seed is None:
        return Network(get_space(space), architecture, n_classes)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Network(get_space(space), architecture, n_classes)


def weights_hash(network: nn.Module) -> str:
    """SHA-256 over names, shapes and little-endian float32 values of all tensors of a network."""
    import hashlib

    digest = hashlib.sha256()
    for name, tensor in sorted(network.state_dict().items()):
        if name.endswith("num_batches_tracked"):
            continue
        array = tensor.detach().cpu().contiguous().numpy().astype("<f4")
        digest.update(f"{name}{np.shape(array)}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()
