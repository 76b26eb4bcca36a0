"""A network and one of its exits as one module: a trunk, an exit head, and the rest.

Both networks of the pair run the trunk once, and learn its weights together.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import torch
from torch import nn

from ..bench.errors import ArchitectureError
from ..bench.graph import IMAGE
from ..bench.networks import Body, Network, build_network
from ..bench.spaces import get_space

#: Beginnings of the names of what a network does not share with the one that runs on.
OWN = ("head.", "classifier.")
#: The same parts of the exit within a `PrefixPair`.
EXIT = ("exit_head.", "exit_classifier.")


def prefix_fault(little: str, big: str, space: str) -> str | None:
    """Why two networks are no prefix pair, in words; None where they are one.

    Args:
        little: name of the little network.
        big: name of the big network.
        space: name of their search space.

    Raises:
        ArchitectureError: an architecture that is not in the space, or an exit it does not have.
    """
    where = get_space(space)
    (a, _, cut), (b, _, later) = little.partition("@"), big.partition("@")
    where.parse([a, b])
    first, last = where.get_exit(cut), where.get_exit(later)
    if first is None:
        return f"{little} is a whole network, and a prefix is one that is cut at an exit"
    if a != b:
        return f"{little} is an exit of another architecture than {big}"
    if last is not None and last.after <= first.after:
        return f"{big} does not run on from exit {first.name}"
    return None


class PrefixPair(nn.Module):
    """Both networks of a prefix pair over one trunk.

    Args:
        little: network that is cut at an exit; its head is taken, its trunk is not.
        big: network of the same architecture that runs on from there.

    Raises:
        ArchitectureError: they are no prefix pair.
    """

    def __init__(self, little: Network, big: Network) -> None:
        super().__init__()
        fault = prefix_fault(little.name, big.name, big.space)
        if fault or little.space != big.space:
            raise ArchitectureError(
                f"{fault or 'the networks are of two spaces'}; expected ARCH@EXIT with ARCH, or "
                "with a later exit of ARCH."
            )
        self.little_name, self.big = little.name, big
        self.exit_head, self.exit_classifier = little.head, little.classifier
        self.depth = len(little.blocks)
        body = little.blocks[0]
        self.at = body.output if isinstance(body, Body) else None

    def forward(self, images: torch.Tensor) -> dict[str, torch.Tensor]:
        """Logits (batch, n_classes) of ``little`` and ``big``, of images as a `Network` takes them.

        The trunk runs once.
        """
        x, big = self.big.stem(images), self.big
        if self.at is None:
            for block in big.blocks[: self.depth]:
                x = block(x)
            features = x
            for block in big.blocks[self.depth :]:
                x = block(x)
        else:
            body = cast(Body, big.blocks[0])
            features = _part(body, {IMAGE: x}, 0, self.at)
            x = _part(body, {self.at: features}, self.at + 1, body.output)
        return {
            "little": self.exit_classifier(self.exit_head(features)),
            "big": big.classifier(big.head(x)),
        }

    def networks(self) -> tuple[Network, Network]:
        """The two networks, each with the trunk's weights and statistics, in evaluation mode."""
        big = self.big
        little = build_network(self.little_name, big.n_classes, big.space, seed=0)
        take_trunk(little, big)
        little.head.load_state_dict(self.exit_head.state_dict())
        little.classifier.load_state_dict(self.exit_classifier.state_dict())
        return little.eval(), big.eval()


def _part(body: Body, values: dict[int, torch.Tensor], begin: int, end: int) -> torch.Tensor:
    """What node ``end`` of a body gives, of the values of what its nodes from ``begin`` on take."""
    for k in range(begin, end + 1):
        values[k] = body.nodes[k](*(values[i] for i in body.inputs[k]))
        for i in body.ends[k]:
            values.pop(i, None)
    return values[end]


def take_trunk(little: Network, source: Network) -> None:
    """Copies a trunk's weights and statistics from a network that runs on from the exit.

    Args:
        little: network that is cut at an exit; its trunk is changed in place.
        source: network of the same architecture, whole or cut later.
    """
    trunk: Mapping[str, torch.Tensor] = source.state_dict()
    own = {k: v for k, v in little.state_dict().items() if k.startswith(OWN)}
    shared = {k: trunk[k] for k in little.state_dict() if k not in own}
    little.load_state_dict({**own, **shared})


def fresh_exit(whole: Network, exit_: str, seed: int) -> Network:
    """A network cut at an exit, with the trunk of a whole one and a head of random weights.

    Args:
        whole: network whose trunk is copied.
        exit_: name of the exit, for example ``12``.
        seed: seed of the head's weights.

    Raises:
        ArchitectureError: the space has no such exit.
    """
    name = f"{whole.architecture}@{exit_}"
    network = build_network(name, whole.n_classes, whole.space, seed)
    take_trunk(network, whole)
    return network


class HeadOnTrunk(nn.Module):
    """An exit's head on a trunk that stands still: only the head learns.

    Args:
        little: network whose head and classifier are to learn; its trunk answers as it is.
    """

    def __init__(self, little: Network) -> None:
        super().__init__()
        self.little = little
        for name, parameter in little.named_parameters():
            parameter.requires_grad_(name.startswith(OWN))

    def train(self, mode: bool = True) -> HeadOnTrunk:
        """Puts head and classifier into training mode; the trunk stays in evaluation mode."""
        super().train(False)
        self.little.head.train(mode)
        self.little.classifier.train(mode)
        return self

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits (batch, n_classes) of images as a `Network` takes them."""
        with torch.no_grad():
            features = self.little.trunk(images)
        return cast(torch.Tensor, self.little.classifier(self.little.head(features)))
