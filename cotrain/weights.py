"""Weights as they are kept, in safetensors.

A supernet's are float16 and without batch-norm statistics, which are of no use to any of its
networks: every network re-estimates its own (``recalibrate.py``). Those of a network are float32
and whole.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import torch

from ..bench.errors import CheckpointError, MissingExtraError
from ..bench.files import replacing, why_unreadable
from ..bench.networks import Network, build_network
from ..bench.spaces import get_space
from .supernet import Supernet

try:
    from safetensors import safe_open
    from safetensors.torch import save
except ImportError as error:  # pragma: no cover - exercised by the light install
    raise MissingExtraError("safetensors", "train", "reading or writing weights") from error

FORMAT = "biglittle-supernet-1"
NETWORK_FORMAT = "biglittle-network-1"
_STATISTICS = ("running_mean", "running_var", "num_batches_tracked")


def save_weights(path: Path, net: Supernet, facts: dict[str, str]) -> None:
    """Writes the weights of a supernet, whole or not at all.

    Args:
        path: path of the ``.safetensors`` file.
        net: its float weights are rounded to float16.
        facts: text to keep beside them, for example data set and schedule.
    """
    metadata = {
        **facts,
        "format": FORMAT,
        "space": net.space.name,
        "space_hash": net.space.hash,
        "n_classes": json.dumps(net.n_classes),
    }
    write_tensors(path, net.state_dict(), metadata, half=True)


def write_tensors(
    path: Path, tensors: Mapping[str, torch.Tensor], metadata: dict[str, str], half: bool
) -> None:
    """Writes named tensors with text beside them, whole or not at all.

    Args:
        path: path of the ``.safetensors`` file.
        tensors: the tensors to write, by name.
        metadata: text, whose entries are written in order of their names.
        half: round to float16 and leave out batch-norm statistics, which are estimated anew.
    """
    if half:
        chosen = {k: t.half() for k, t in tensors.items() if not k.endswith(_STATISTICS)}
    else:
        chosen = dict(tensors)
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in chosen.items()}
    with replacing(path) as partial:
        partial.write_bytes(_in_order(save(plain, metadata)))


def _in_order(data: bytes) -> bytes:
    """The same file with its metadata in order of names: safetensors writes them in any order."""
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)  # tensors begin at a multiple of 8
    return len(text).to_bytes(8, "little") + text + data[8 + size :]


def read_tensors(path: Path) -> tuple[dict[str, str], dict[str, torch.Tensor]]:
    """The text and the tensors of a ``.safetensors`` file.

    Raises:
        CheckpointError: the file cannot be read, or is not one of weights.
    """
    try:
        with safe_open(path, framework="pt") as file:
            return file.metadata() or {}, {k: file.get_tensor(k) for k in file.keys()}
    except Exception as error:  # safetensors raises its own, OSError and ValueError alike
        why = why_unreadable(error, f"it is damaged or not a safetensors file ({error}).")
        raise CheckpointError(f"{path} cannot be read as weights: {why}") from error


def _check(path: Path, metadata: dict[str, str], wanted: str) -> None:
    if metadata.get("format") != wanted:
        raise CheckpointError(f"{path} has format {metadata.get('format')!r}, expected {wanted!r}.")
    space = get_space(metadata["space"])
    if metadata["space_hash"] != space.hash:
        raise CheckpointError(f"{path} is of another version of space {space.name!r}.")


def kept_facts(path: Path) -> dict[str, str]:
    """The text that stands beside kept weights, for example data set and epochs.

    Raises:
        CheckpointError: the file cannot be read, or is not one of weights.
    """
    return read_tensors(path)[0]


def load_weights(path: Path) -> Supernet:
    """The supernet of a ``.safetensors`` file; its batch-norm statistics are the initial ones.

    Raises:
        CheckpointError: unreadable, of another format, or of another version of its space.
    """
    metadata, tensors = read_tensors(path)
    _check(path, metadata, FORMAT)
    space = get_space(metadata["space"])
    tensors = {name: tensor.float() for name, tensor in tensors.items()}
    net = Supernet(space, int(metadata["n_classes"]))
    missing, unexpected = net.load_state_dict(tensors, strict=False)
    lost = [name for name in missing if not name.endswith(_STATISTICS)]
    if lost or unexpected:
        raise CheckpointError(
            f"{path} does not fit its space: {len(lost)} weights are missing, "
            f"{len(unexpected)} are unknown."
        )
    return net


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
    write_tensors(path, network.state_dict(), metadata, half=False)


def load_network(path: Path) -> Network:
    """The network of a ``.safetensors`` file, in evaluation mode.

    Raises:
        CheckpointError: unreadable, of another format, or of another version of its space.
    """
    metadata, tensors = read_tensors(path)
    _check(path, metadata, NETWORK_FORMAT)
    network = build_network(
        metadata["architecture"], int(metadata["n_classes"]), metadata["space"], seed=0
    )
    try:
        network.load_state_dict(tensors)
    except RuntimeError as error:
        raise CheckpointError(f"{path} does not fit its architecture: {error}") from error
    return network.eval()
