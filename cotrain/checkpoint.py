"""Checkpoints in HDF5: written beside the old one and renamed, a kill leaves no half file."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch

from ..bench.errors import CheckpointError
from ..bench.files import replacing, why_unreadable

FORMAT = "biglittle-checkpoint-1"


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
            for name, tensor in tensors.items():
                file[f"{group}/{name}"] = tensor.detach().cpu().numpy()


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
            if file.attrs.get("format") != FORMAT:
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
            groups: dict[str, dict[str, torch.Tensor]] = {}

            def visit(name: str, item: Any) -> None:
                if isinstance(item, h5py.Dataset):
                    group, _, key = name.partition("/")
                    groups.setdefault(group, {})[key] = torch.from_numpy(np.asarray(item[()]))

            file.visititems(visit)
            return json.loads(file.attrs["progress"]), groups
    except (OSError, KeyError, ValueError) as error:
        damaged = f"it is damaged ({error}). Move it away to start anew, or bring a copy of it."
        raise CheckpointError(
            f"{path} cannot be read as a checkpoint: {why_unreadable(error, damaged)}"
        ) from error
