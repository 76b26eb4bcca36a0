"""A supernet with elastic weights: every choice of a layer is a slice of one set of weights.

Kernel 3 is the centre of kernel 5; expansion 1 and 3 are the first channels of expansion 6; a
grouped pointwise convolution is the block diagonal of the dense one. Batch norms belong to one
choice each, because the statistics of a slice are not those of the whole.

Source: Cai et al. 2020, "Once-for-All" (section 3.2, elastic kernel and width). We differ: no
kernel transformation matrices, separate batch norms per choice, and no sorting of channels.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import cast

import torch
import torch.nn.functional as F
from torch import nn

from ..bench.errors import ArchitectureError
from ..bench.networks import Block, Network, build_network, make_operator
from ..bench.operators import Operator
from ..bench.spaces import Layer, SearchSpace
from .exit_heads import ExitHeads


class ElasticLayer(nn.Module):
    """All choices of one layer over shared weights.

    ``self.reference[name]`` is the standalone block of a choice with only its batch norms kept:
    it says what slice of the shared weights the choice uses, and holds what it does not share.
    """

    def __init__(self, space: SearchSpace, layer: Layer) -> None:
        super().__init__()
        self.plans: list[tuple[Operator, ...]] = []
        self.norms = nn.ModuleList()
        widest: dict[int, list[int]] = {}
        for choice in range(len(space.choices)):
            operators = space.build_layer(layer, choice)
            convs = [op for op in operators if op.kind == "conv"]
            self.plans.append(operators)
            self.norms.append(
                nn.ModuleList(make_operator(op) for op in operators if op.kind == "batch_norm")
            )
            if len(convs) == 3:
                for i, op in enumerate(convs):
                    depthwise = op.groups == op.in_channels
                    shape = [op.out_channels, 1 if depthwise else op.in_channels, op.kernel]
                    old = widest.setdefault(i, shape)
                    widest[i] = [max(a, b) for a, b in zip(old, shape, strict=True)]
        self.shared = nn.ParameterList(
            nn.Parameter(torch.empty(o, i, k, k)) for o, i, k in widest.values()
        )
        own = [op for plan in self.plans for op in plan if op.kind == "conv" and len(plan) == 3]
        self.skip_conv: nn.Parameter | None = None
        if own:
            shape = [own[0].out_channels, own[0].in_channels, 1, 1]
            self.skip_conv = nn.Parameter(torch.empty(shape))
        self._initialise()

    def _initialise(self) -> None:
        for weight in self.shared:
            nn.init.kaiming_normal_(weight, mode="fan_out" if weight.shape[1] == 1 else "fan_in")
        if self.skip_conv is not None:
            nn.init.kaiming_normal_(self.skip_conv)

    def weight(self, op: Operator, position: int, n_convs: int) -> torch.Tensor:
        """The slice of the shared weights that convolution ``position`` of a choice uses."""
        if n_convs == 1:
            return cast(torch.Tensor, self.skip_conv)
        full: torch.Tensor = self.shared[position]
        if op.groups == op.in_channels and position == 1:
            margin = (full.shape[-1] - op.kernel) // 2
            end = full.shape[-1] - margin
            return full[: op.out_channels, :, margin:end, margin:end]
        dense = full[: op.out_channels, : op.in_channels]
        if op.groups == 1:
            return dense
        rows, columns = op.out_channels // op.groups, op.in_channels // op.groups
        return torch.cat(
            [
                dense[g * rows : (g + 1) * rows, g * columns : (g + 1) * columns]
                for g in range(op.groups)
            ]
        )

    def forward(self, x: torch.Tensor, choice: int) -> torch.Tensor:
        """Maps (batch, in_channels, h, w) through one choice."""
        plan, norms = self.plans[choice], cast(nn.ModuleList, self.norms[choice])
        n_convs, position, out = len(norms), 0, x
        for op in plan:
            if op.kind == "conv":
                weight = self.weight(op, position, n_convs)
                out = F.conv2d(out, weight, None, op.stride, op.kernel // 2, groups=op.groups)
            elif op.kind == "batch_norm":
                out = norms[position](out)
                position += 1
            elif op.kind == "relu":
                out = F.relu(out, inplace=True)
            elif op.kind == "channel_shuffle":
                out = F.channel_shuffle(out, op.groups)
            elif op.kind == "add":
                out = out + x
        return out

    def copy_into(self, block: Block, choice: int) -> None:
        """Copies what ``choice`` uses into a standalone block of the same choice."""
        norms = cast(nn.ModuleList, self.norms[choice])
        convs = [op for op in self.plans[choice] if op.kind == "conv"]
        targets = [m for m in block.body if isinstance(m, nn.Conv2d)]
        for i, (op, target) in enumerate(zip(convs, targets, strict=True)):
            target.weight.copy_(self.weight(op, i, len(convs)))
        batch_norms = [m for m in block.body if isinstance(m, nn.BatchNorm2d)]
        for source, norm in zip(norms, batch_norms, strict=True):
            norm.load_state_dict(source.state_dict())


class Supernet(nn.Module):
    """All networks of a space over one set of elastic weights.

    Args:
        space: the search space of its paths.
        n_classes: number of classes of the classifier.
    """

    def __init__(self, space: SearchSpace, n_classes: int) -> None:
        super().__init__()
        self.space, self.n_classes = space, n_classes
        self.stem = nn.Sequential(*map(make_operator, space.stem))
        self.layers = nn.ModuleList(ElasticLayer(space, layer) for layer in space.layers)
        self.head = nn.Sequential(*map(make_operator, space.head))
        self.classifier = nn.Linear(space.n_features, n_classes)
        self.exit_heads: ExitHeads | None = None

    def forward(self, images: torch.Tensor, path: Sequence[int]) -> torch.Tensor:
        """Logits (batch, n_classes) of normalised images along ``path``, one choice per layer."""
        return self.features(images, path)[1]

    def features(
        self, images: torch.Tensor, path: Sequence[int], after: Collection[int] = ()
    ) -> tuple[dict[int, torch.Tensor], torch.Tensor]:
        """Features behind some layers, by layer, and the logits (batch, n_classes).

        Args:
            images: normalised images, shape (batch, channels, height, width).
            path: one choice per layer.
            after: layers whose features are wanted, counted from 0.
        """
        x, features = self.stem(images), {}
        for index, (layer, choice) in enumerate(zip(self.layers, path, strict=True)):
            x = layer(x, int(choice))
            if index in after:
                features[index] = x
        return features, cast(torch.Tensor, self.classifier(self.head(x)))

    @torch.no_grad()
    def inherit(self, architecture: str) -> Network:
        """A standalone network with the weights this supernet has for ``architecture``.

        Its batch-norm statistics are those of training and must be recalibrated before use.

        Args:
            architecture: id of the architecture, perhaps with ``@EXIT``.

        Raises:
            ArchitectureError: the architecture or its exit is not in the space, or there are no
                weights for the exit.
        """
        network = build_network(architecture, self.n_classes, self.space.name)
        path = self.space.parse(network.architecture)[0]
        network.stem.load_state_dict(self.stem.state_dict())
        if not network.exit:
            network.head.load_state_dict(self.head.state_dict())
            network.classifier.load_state_dict(self.classifier.state_dict())
        elif self.exit_heads is None:
            raise ArchitectureError(
                f"this supernet has no exit heads, but {network.name} ends at one; load those of "
                "its table with load_exit_heads, or name a whole network."
            )
        else:
            self.exit_heads.copy_into(network)
        for layer, block, choice in zip(self.layers, network.blocks, path, strict=False):
            cast(ElasticLayer, layer).copy_into(cast(Block, block), int(choice))
        return network

    @torch.no_grad()
    def grow_norms(self, trained: str, new: Sequence[str], gamma: float) -> None:
        """Starts the batch norms of ``new`` choices from those of a ``trained`` one.

        Channels the two share copy scale, shift and statistics; the further channels of a wider
        choice start at scale ``gamma``, so that at first it computes nearly what the trained one
        does. Source: Chen et al. 2016, "Net2Net" (function-preserving widening), in spirit.
        """
        old = self.space.choices.index(trained)
        for module in self.layers:
            layer = cast(ElasticLayer, module)
            sources = cast(nn.ModuleList, layer.norms[old])
            for name in new:
                targets = cast(nn.ModuleList, layer.norms[self.space.choices.index(name)])
                if len(targets) != len(sources):
                    continue
                for source, target in zip(sources, targets, strict=True):
                    norm, origin = cast(nn.BatchNorm2d, target), cast(nn.BatchNorm2d, source)
                    n = min(origin.num_features, norm.num_features)
                    norm.weight[n:] = gamma
                    for key in ("weight", "bias", "running_mean", "running_var"):
                        getattr(norm, key)[:n] = getattr(origin, key)[:n]
