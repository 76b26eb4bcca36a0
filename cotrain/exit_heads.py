"""Exit heads of a supernet: one head for each exit of the space, shared by all architectures.

An exit stands behind the same layer of every architecture, so that its head takes features of one
shape whatever was chosen before it. The heads are kept in a file of their own beside the
supernet's weights, with the hash of the trunk that they were trained on.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

import torch
from torch import nn

from ..bench.documents import Name
from ..bench.errors import ArchitectureError, CheckpointError
from ..bench.networks import Network, build_network, make_operator
from ..bench.spaces import Exit, SearchSpace
from .rounding import Storage
from .tensors import STATISTICS, Facts, check_classes, facts_of, read_tensors, write_tensors

FORMAT = "biglittle-exit-heads-1"


class ExitHead(nn.Module):
    """Head and classifier of one exit, called as those of a `Network` are.

    Args:
        place: exit where the head stands.
        n_classes: number of classes of the classifier.
    """

    def __init__(self, place: Exit, n_classes: int) -> None:
        super().__init__()
        self.head = nn.Sequential(*map(make_operator, place.operators))
        self.classifier = nn.Linear(place.n_features, n_classes)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Logits (batch, n_classes) of the features at the exit."""
        return cast(torch.Tensor, self.classifier(self.head(features)))


class ExitHeads(nn.Module):
    """The heads of some exits of a space, by name.

    Args:
        space: search space of the exits.
        n_classes: number of classes of the classifiers.
        names: names of the exits; None: all of the space.

    Raises:
        ArchitectureError: an exit that the space does not have.
    """

    def __init__(
        self, space: SearchSpace, n_classes: int, names: Sequence[str] | None = None
    ) -> None:
        super().__init__()
        self.space, self.n_classes = space, n_classes
        self.names = tuple(cut.name for cut in space.exits) if names is None else tuple(names)
        places = {name: space.get_exit(name) for name in self.names}
        self.places = {name: place for name, place in places.items() if place is not None}
        self.heads = nn.ModuleDict(
            {name: ExitHead(place, n_classes) for name, place in self.places.items()}
        )

    @property
    def after(self) -> tuple[int, ...]:
        """The layers behind which the exits stand, rising."""
        return tuple(sorted({place.after for place in self.places.values()}))

    def forward(
        self, features: Mapping[int, torch.Tensor], names: Sequence[str] | None = None
    ) -> list[torch.Tensor]:
        """Logits (batch, n_classes) of some exits, in the order of their names.

        Args:
            features: features behind the layers of the exits, by layer.
            names: names of the exits; None: all of them.
        """
        chosen = self.names if names is None else names
        return [self.heads[name](features[self.places[name].after]) for name in chosen]

    @torch.no_grad()
    def copy_into(self, network: Network) -> None:
        """Copies the head of a network's exit into the network.

        Raises:
            ArchitectureError: there is no head for its exit.
        """
        if network.exit not in self.heads:
            listed = ", ".join(self.names)
            raise ArchitectureError(
                f"there are no weights for exit {network.exit!r}; expected one of {listed}."
            )
        head = cast(ExitHead, self.heads[network.exit])
        network.head.load_state_dict(head.head.state_dict())
        network.classifier.load_state_dict(head.classifier.state_dict())


def trunk_hash(tensors: Mapping[str, torch.Tensor]) -> str:
    """SHA-256 of the weights, rounded to float16, of a supernet's stem and layers.

    Args:
        tensors: state of the supernet by name; statistics of batch norms do not count.
    """
    digest = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        if name.startswith(("stem.", "layers.")) and not name.endswith(STATISTICS):
            half = tensor.detach().cpu().half().contiguous().numpy().astype("<f2")
            digest.update(f"{name}{half.shape}".encode() + half.tobytes())
    return digest.hexdigest()


def save_exit_heads(
    path: Path,
    heads: ExitHeads,
    trunk_sha256: str,
    facts: Mapping[str, str],
    storage: Storage = "float16",
) -> None:
    """Writes exit heads, rounded and without batch-norm statistics, whole or not at all.

    Args:
        path: the ``.safetensors`` file to write.
        heads: heads whose weights are kept.
        trunk_sha256: hash of the trunk they were trained on, from `trunk_hash`.
        facts: text to keep beside them, for example the data set and the recipe.
        storage: precision that their weights are rounded to.
    """
    metadata = {
        **facts,
        "format": FORMAT,
        "space": heads.space.name,
        "space_hash": heads.space.hash,
        "n_classes": json.dumps(heads.n_classes),
        "exits": json.dumps(heads.names),
        "trunk_sha256": trunk_sha256,
    }
    write_tensors(path, heads.state_dict(), metadata, storage)


class _HeadFacts(Facts, kw_only=True):
    """What is read of the text beside exit heads."""

    space_hash: Name
    trunk_sha256: Name
    exits: list[str]


def load_exit_heads(path: Path, space: SearchSpace, trunk_sha256: str) -> ExitHeads:
    """The exit heads of a ``.safetensors`` file, for the trunk that they were trained on.

    Args:
        path: a ``.safetensors`` file from `save_exit_heads`.
        space: search space of the supernet.
        trunk_sha256: hash of the supernet's trunk, from `trunk_hash`.

    Raises:
        CheckpointError: unreadable, of another format or space, or trained on another trunk.
    """
    metadata, tensors = read_tensors(path)
    facts = facts_of(path, metadata, FORMAT, _HeadFacts)
    if facts.space_hash != space.hash:
        raise CheckpointError(f"{path} is of another version of space {space.name!r}.")
    if facts.trunk_sha256 != trunk_sha256:
        raise CheckpointError(
            f"the exit heads of {path} were trained on a trunk with the hash "
            f"{facts.trunk_sha256[:8]}, the supernet has {trunk_sha256[:8]}; train them "
            "again: biglittle table build --stage exits."
        )
    check_classes(path, tensors, facts.n_classes)
    heads = ExitHeads(space, facts.n_classes, facts.exits)
    wanted = {name for name in heads.state_dict() if not name.endswith(STATISTICS)}
    if wanted != set(tensors):
        raise CheckpointError(
            f"{path} does not fit its space: {len(wanted - set(tensors))} weights are missing, "
            f"{len(set(tensors) - wanted)} are unknown."
        )
    heads.load_state_dict({name: t.float() for name, t in tensors.items()}, strict=False)
    return heads


def are_exit_heads(path: Path, space: SearchSpace, trunk_sha256: str) -> bool:
    """Whether a file holds exit heads of a trunk; arguments as of `load_exit_heads`."""
    try:
        load_exit_heads(path, space, trunk_sha256)
    except CheckpointError:
        return False
    return True


class ExitedNetwork(nn.Module):
    """One architecture up to its deepest exit with several heads: all of them in one pass.

    Args:
        deepest: network that is cut at the deepest exit; its trunk and head are used as they are.
        heads: heads of all exits that are wanted, that of ``deepest`` among them.
    """

    def __init__(self, deepest: Network, heads: ExitHeads) -> None:
        super().__init__()
        self.deepest, self.heads = deepest, heads

    def forward(self, images: torch.Tensor) -> list[torch.Tensor]:
        """Logits (batch, n_classes) of every exit, in the order of the heads' names."""
        x, features = self.deepest.stem(images), {}
        for index, block in enumerate(self.deepest.blocks):
            x = block(x)
            features[index] = x
        logits: list[torch.Tensor] = self.heads(features)
        return logits

    @torch.no_grad()
    def cut(self, name: str) -> Network:
        """The network that ends at one exit, with a copy of its weights and statistics."""
        whole, space = self.deepest, self.heads.space
        network = build_network(f"{whole.architecture}@{name}", whole.n_classes, space.name)
        network.stem.load_state_dict(whole.stem.state_dict())
        for block, source in zip(network.blocks, whole.blocks, strict=False):
            block.load_state_dict(source.state_dict())
        self.heads.copy_into(network)
        return network.eval()
