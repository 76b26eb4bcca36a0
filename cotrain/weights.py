"""A supernet's weights as they are kept: float16, safetensors, without batch-norm statistics.

The statistics of a supernet are of no use to any of its networks: every network re-estimates its
own (``recalibrate.py``).
"""

from __future__ import annotations

import json
from pathlib import Path

import torch

from ..bench.errors import CheckpointError, MissingExtraError
from ..bench.files import replacing
from ..bench.spaces import get_space
from .supernet import Supernet

try:
    from safetensors import safe_open
    from safetensors.torch import save
except ImportError as error:  # pragma: no cover - exercised by the light install
    raise MissingExtraError("safetensors", "train", "reading or writing weights") from error

FORMAT = "biglittle-supernet-1"
_STATISTICS = ("running_mean", "running_var", "num_batches_tracked")


def save_weights(path: Path, net: Supernet, facts: dict[str, str]) -> None:
    """Writes the weights of a supernet, whole or not at all.

    Args:
        path: the ``.safetensors`` file.
        net: its float weights are rounded to float16.
        facts: text to keep beside them, for example data set and schedule.
    """
    tensors = {
        name: tensor.detach().cpu().half().contiguous()
        for name, tensor in net.state_dict().items()
        if not name.endswith(_STATISTICS)
    }
    metadata = {
        **facts,
        "format": FORMAT,
        "space": net.space.name,
        "space_hash": net.space.hash,
        "n_classes": json.dumps(net.n_classes),
    }
    with replacing(path) as partial:
        partial.write_bytes(save(tensors, metadata))


def load_weights(path: Path) -> Supernet:
    """The supernet of a ``.safetensors`` file; its batch-norm statistics are the initial ones.

    Raises:
        CheckpointError: unreadable, of another format, or of another version of its space.
    """
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors: dict[str, torch.Tensor] = {k: file.get_tensor(k).float() for k in file.keys()}
    except Exception as error:  # safetensors raises its own, OSError and ValueError alike
        raise CheckpointError(f"{path} cannot be read as weights ({error}).") from error
    if metadata.get("format") != FORMAT:
        raise CheckpointError(f"{path} has format {metadata.get('format')!r}, expected {FORMAT!r}.")
    space = get_space(metadata["space"])
    if metadata["space_hash"] != space.hash:
        raise CheckpointError(f"{path} is of another version of space {space.name!r}.")
    net = Supernet(space, int(metadata["n_classes"]))
    missing, unexpected = net.load_state_dict(tensors, strict=False)
    lost = [name for name in missing if not name.endswith(_STATISTICS)]
    if lost or unexpected:
        raise CheckpointError(
            f"{path} does not fit its space: {len(lost)} weights are missing, "
            f"{len(unexpected)} are unknown."
        )
    return net
