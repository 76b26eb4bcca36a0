"""Weights as they are kept, in safetensors.

A supernet's are float16, or int8 where its table says so (``rounding.py``), and without batch-norm
statistics, which are of no use to any of its networks: every network re-estimates its own
(``recalibrate.py``). Those of a network are float32 and whole.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

from msgspec import Meta

from ..bench.documents import Name
from ..bench.errors import CheckpointError
from ..bench.networks import Network, build_network
from ..bench.spaces import get_space
from .exit_heads import load_exit_heads, trunk_hash
from .rounding import Storage
from .supernet import Supernet
from .tensors import STATISTICS, Facts, check_classes, facts_of, read_tensors, write_tensors

FORMAT = "biglittle-supernet-1"
NETWORK_FORMAT = "biglittle-network-1"
HEADS = "exits.safetensors"  # beside a supernet's weights, with the heads of its exits
EXIT_HEADS = "exit_heads."  # of a supernet's state, kept in a file of their own


def save_weights(
    path: Path, net: Supernet, facts: dict[str, str], storage: Storage = "float16"
) -> None:
    """Writes the weights of a supernet, whole or not at all.

    Args:
        path: path of the ``.safetensors`` file.
        net: supernet whose float weights are rounded.
        facts: text to keep beside them, for example data set and schedule.
        storage: precision that its weights are rounded to.
    """
    metadata = {
        **facts,
        "format": FORMAT,
        "space": net.space.name,
        "space_hash": net.space.hash,
        "n_classes": json.dumps(net.n_classes),
    }
    own = {k: t for k, t in net.state_dict().items() if not k.startswith(EXIT_HEADS)}
    write_tensors(path, own, metadata, storage)


def kept_supernet_facts(dataset: str, epochs: int, seconds: float) -> dict[str, str]:
    """The text that is kept beside a supernet's weights.

    Args:
        dataset: name of the data set it was trained on.
        epochs: how far its training went.
        seconds: seconds that this took; 0 where that is not known.
    """
    return {"dataset": dataset, "epochs": str(epochs), "seconds": str(round(seconds))}


class SupernetFacts(Facts, kw_only=True):
    """What is read of the text beside a supernet's weights.

    Attributes:
        space: name of its search space.
        space_hash: hash of that space.
        epochs: how far its training went; 0 where that is not known.
        seconds: seconds that its training took; 0 where that is not known.
        choices: choices that it was trained for; None where the file does not say.
    """

    space: Name
    space_hash: Name
    epochs: Annotated[int, Meta(ge=0, le=2**31)] = 0
    seconds: Annotated[int, Meta(ge=0, le=2**31)] = 0
    choices: list[str] | None = None


class _NetworkFacts(SupernetFacts, kw_only=True):
    architecture: Name


def _check(path: Path, facts: SupernetFacts) -> None:
    space = get_space(facts.space)
    if facts.space_hash != space.hash:
        raise CheckpointError(f"{path} is of another version of space {space.name!r}.")


def kept_facts(path: Path) -> SupernetFacts:
    """What stands beside the weights of a supernet, for example how far its training went.

    Raises:
        CheckpointError: the file cannot be read, or is not one of a supernet.
    """
    return facts_of(path, read_tensors(path)[0], FORMAT, SupernetFacts)


def load_weights(path: Path) -> Supernet:
    """The supernet of a ``.safetensors`` file; its batch-norm statistics are the initial ones.

    Raises:
        CheckpointError: unreadable, of another format, or of another version of its space.
    """
    metadata, tensors = read_tensors(path)
    facts = facts_of(path, metadata, FORMAT, SupernetFacts)
    _check(path, facts)
    tensors = {name: tensor.float() for name, tensor in tensors.items()}
    check_classes(path, tensors, facts.n_classes)
    net = Supernet(get_space(facts.space), facts.n_classes)
    missing, unexpected = net.load_state_dict(tensors, strict=False)
    lost = [name for name in missing if not name.endswith(STATISTICS)]
    if lost or unexpected:
        raise CheckpointError(
            f"{path} does not fit its space: {len(lost)} weights are missing, "
            f"{len(unexpected)} are unknown."
        )
    return net


def take_exit_heads(net: Supernet, path: Path) -> bool:
    """Whether a file of trained exit heads is there; the supernet then has them.

    Args:
        net: supernet that the heads were trained on.
        path: file of the heads, which need not be there.

    Raises:
        CheckpointError: a file that is unreadable, of another space, or trained on another trunk.
    """
    if not path.is_file():
        return False
    net.exit_heads = load_exit_heads(path, net.space, trunk_hash(net.state_dict()))
    return True


def save_network(path: Path, network: Network, facts: dict[str, str]) -> None:
    """Writes one network, float32, with its batch-norm statistics, whole or not at all.

    Args:
        path: path of the ``.safetensors`` file.
        network: its weights are written as they are.
        facts: text to keep beside them, for example data set and training.
    """
    metadata = {
        **facts,
        "format": NETWORK_FORMAT,
        "space": network.space,
        "space_hash": get_space(network.space).hash,
        "architecture": network.name,
        "n_classes": json.dumps(network.n_classes),
    }
    write_tensors(path, network.state_dict(), metadata)


def load_network(path: Path) -> Network:
    """The network of a ``.safetensors`` file, in evaluation mode.

    Raises:
        CheckpointError: unreadable, of another format, or of another version of its space.
    """
    metadata, tensors = read_tensors(path)
    facts = facts_of(path, metadata, NETWORK_FORMAT, _NetworkFacts)
    _check(path, facts)
    check_classes(path, tensors, facts.n_classes)
    network = build_network(facts.architecture, facts.n_classes, facts.space, seed=0)
    try:
        network.load_state_dict(tensors)
    except RuntimeError as error:
        raise CheckpointError(f"{path} does not fit its architecture: {error}") from error
    return network.eval()
