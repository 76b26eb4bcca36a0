"""Checkpoints in HDF5: written beside the old one and renamed, a kill leaves no half file.

The tensors of a group lie one after another in one array of bytes, beside the list of their names,
types and shapes: a supernet has 2,756, and one data set each took ten times as long to write and to
read. Files that were written so are still read.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch

from ..bench.errors import CheckpointError
from ..bench.files import replacing, why_unreadable

FORMAT = "biglittle-checkpoint-2"
ONE_EACH = "biglittle-checkpoint-1"  # a data set for every tensor


def save_checkpoint(
    path: Path,
    identity: Mapping[str, Any],
    progress: Mapping[str, Any],
    **states: Mapping[str, torch.Tensor],
) -> None:
    """Writes named tensors and where the run stands.

    Args:
        path: the file; its folder is made if need be.
        identity: what a run must share to go on from here (space, schedule, seed).
        progress: where the run stands, any JSON.
        states: groups of named tensors, for example ``weights=...``, ``momentum=...``.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as partial, h5py.File(partial, "w") as file:
        file.attrs["format"] = FORMAT
        file.attrs["identity"] = json.dumps(identity, sort_keys=True)
        file.attrs["progress"] = json.dumps(progress)
        for group, tensors in states.items():
            arrays = {name: tensor.detach().cpu().numpy() for name, tensor in tensors.items()}
            index = [[name, a.dtype.str, a.shape] for name, a in arrays.items()]
            file[f"{group}/index"] = json.dumps(index)
            flat = [np.ascontiguousarray(a).reshape(-1).view(np.uint8) for a in arrays.values()]
            file[f"{group}/bytes"] = np.concatenate(flat) if flat else np.zeros(0, np.uint8)


def _tensors(group: h5py.Group) -> dict[str, torch.Tensor]:
    data, at, tensors = group["bytes"][()].tobytes(), 0, {}
    for name, kind, shape in json.loads(group["index"][()]):
        size = math.prod(shape)
        array = np.frombuffer(data, kind, size, at).reshape(shape)
        tensors[name] = torch.from_numpy(array.copy())
        at += array.nbytes
    return tensors


def _tensors_one_each(group: h5py.Group) -> dict[str, torch.Tensor]:
    return {name: torch.from_numpy(np.asarray(group[name][()])) for name in group}


def load_checkpoint(
    path: Path,
    identity: Mapping[str, Any] | None = None,
    accepts: Callable[[str, Any, Any], bool] = lambda key, found, wanted: bool(found == wanted),
) -> tuple[dict[str, Any], dict[str, dict[str, torch.Tensor]]]:
    """Progress and groups of tensors of a checkpoint.

    Args:
        path: the file.
        identity: of the run that wants to go on from it; None takes any.
        accepts: whether the identity's ``key``, as it was ``found``, serves one that ``wanted``
            this; by default only an equal one does.

    Raises:
        CheckpointError: unreadable, of another format, or of a run with another ``identity``.
    """
    try:
        with h5py.File(path, "r") as file:
            read = {FORMAT: _tensors, ONE_EACH: _tensors_one_each}.get(file.attrs.get("format"))
            if read is None:
                raise CheckpointError(f"{path} is not a {FORMAT} file; give another checkpoint.")
            found = json.loads(file.attrs["identity"])
            wanted = json.loads(json.dumps(identity)) if identity is not None else found
            differ = [
                k for k in sorted({*found, *wanted}) if not accepts(k, found.get(k), wanted.get(k))
            ]
            if differ:
                key = differ[0]
                raise CheckpointError(
                    f"{path} belongs to another run: its {key} is {found.get(key)!r}, expected "
                    f"{wanted.get(key)!r}. Delete it, or choose another output folder."
                )
            groups = {name: read(group) for name, group in file.items()}
            return json.loads(file.attrs["progress"]), groups
    except (OSError, KeyError, ValueError) as error:
        damaged = f"it is damaged ({error}). Move it away to start anew, or bring a copy of it."
        raise CheckpointError(
            f"{path} cannot be read as a checkpoint: {why_unreadable(error, damaged)}"
        ) from error
