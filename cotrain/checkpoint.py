"""Checkpoints in HDF5: written beside the old one and renamed, a kill leaves no half file.

The tensors of a group lie one after another in one array of bytes, beside the list of their names,
types and shapes: a supernet has 2,756, and one data set each took ten times as long to write and to
read. Files that were written so are still read.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import torch
from msgspec import Meta, Struct

from ..bench.documents import NonNegative, json_of, typed
from ..bench.errors import CheckpointError
from ..bench.files import why_unreadable
from ..bench.hdf5 import CheckedFile, Column
from ..bench.hdf5_writer import make_groups, new_hdf5

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
        identity: facts that a run must share to go on from here (space, schedule, seed).
        progress: position of the run, as any JSON.
        states: groups of named tensors, for example ``weights=...``, ``momentum=...``.
    """
    with new_hdf5(path) as file:
        file.attrs["format"] = FORMAT
        file.attrs["identity"] = json.dumps(identity, sort_keys=True)
        file.attrs["progress"] = json.dumps(progress)
        for group, tensors in states.items():
            make_groups(file, group)
            arrays = {name: tensor.detach().cpu().numpy() for name, tensor in tensors.items()}
            index = [[name, a.dtype.str, a.shape] for name, a in arrays.items()]
            file[f"{group}/index"] = json.dumps(index)
            flat = [np.ascontiguousarray(a).reshape(-1).view(np.uint8) for a in arrays.values()]
            file[f"{group}/bytes"] = np.concatenate(flat) if flat else np.zeros(0, np.uint8)


_Count = Annotated[int, Meta(ge=0, le=2**53)]


class _Progress(Struct):
    """Where a run stands; which of these a checkpoint has depends on what was trained."""

    step: _Count = 0
    epoch: _Count = 0
    averaged_steps: _Count = 0
    elapsed_s: NonNegative = 0.0


class _Tensor(Struct, array_like=True):
    """One of the tensors of a group; of the types of numbers that both NumPy and torch have."""

    name: str
    kind: Literal["|b1", "|u1", "|i1", "<i2", "<i4", "<i8", "<f2", "<f4", "<f8"]
    shape: list[Annotated[int, Meta(ge=0, le=2**40)]]


_COLUMNS = {
    "*/index": Column("O", (), required=False),
    "*/*": Column("biuf", None, required=False),
}
_FAULTS = (OSError, KeyError, ValueError, TypeError, AttributeError, RuntimeError)


def _tensors(file: CheckedFile, group: str) -> dict[str, torch.Tensor]:
    index = json_of(file.read(f"{group}/index").item(), list[_Tensor], f"the index of {group!r}")
    data, at, tensors = file.read(f"{group}/bytes").tobytes(), 0, {}
    for entry in index:
        name, kind, shape = entry.name, entry.kind, entry.shape
        if name in tensors:
            raise ValueError(f"the index of {group!r} names {name[:80]!r} twice")
        dtype, size = np.dtype(kind), math.prod(shape)
        if at + size * dtype.itemsize > len(data):
            raise ValueError(f"the index of {group!r} declares more than its {len(data)} bytes")
        array = np.frombuffer(data, dtype, size, at).reshape(shape)
        if kind == "|b1" and array.view(np.uint8).max(initial=0) > 1:
            raise ValueError(f"{group!r} holds truth values that are neither 0 nor 1")
        tensors[name] = torch.from_numpy(array.copy())
        at += array.nbytes
    if at != len(data):
        raise ValueError(f"the index of {group!r} declares {at} of its {len(data)} bytes")
    return tensors


def _tensors_one_each(file: CheckedFile, group: str) -> dict[str, torch.Tensor]:
    return {n: torch.from_numpy(file.read(f"{group}/{n}").copy()) for n in file.names(group)}


def load_checkpoint(
    path: Path,
    identity: Mapping[str, Any] | None = None,
    accepts: Callable[[str, Any, Any], bool] = lambda key, stored, wanted: bool(stored == wanted),
) -> tuple[dict[str, Any], dict[str, dict[str, torch.Tensor]]]:
    """Progress and groups of tensors of a checkpoint.

    Args:
        path: path of the checkpoint's file.
        identity: facts of the run that wants to go on from it; None takes any.
        accepts: whether the identity's ``key``, as it is ``stored``, serves one that ``wanted``
            this; by default only an equal one does.

    Raises:
        CheckpointError: unreadable, of another format, or of a run with another ``identity``.
    """

    def check(attributes: Mapping[str, Any]) -> None:
        if attributes.get("format") not in (FORMAT, ONE_EACH):
            raise CheckpointError(f"{path} is not a {FORMAT} file; give another checkpoint.")
        stored = json_of(attributes.get("identity"), dict[str, Any], "its identity")
        wanted = json.loads(json.dumps(identity)) if identity is not None else stored
        differ = [
            k for k in sorted({*stored, *wanted}) if not accepts(k, stored.get(k), wanted.get(k))
        ]
        if differ:
            key = differ[0]
            got, expected = (repr(values.get(key))[:300] for values in (stored, wanted))
            raise CheckpointError(
                f"{path} belongs to another run: its {key[:80]} is {got}, expected {expected}. "
                "Delete it, or choose another output folder."
            )

    with restoring(path), CheckedFile(path, _COLUMNS, check) as file:
        read = _tensors if file.attributes[""]["format"] == FORMAT else _tensors_one_each
        progress = json_of(file.attributes[""].get("progress"), dict[str, Any], "its progress")
        typed(progress, _Progress, "its progress")
        return progress, {group: read(file, group) for group in file.names("")}


@contextmanager
def restoring(path: Path) -> Iterator[None]:
    """What does not fit while a checkpoint is read or taken over, as an error that names the file.

    Args:
        path: path of the checkpoint, which messages name.

    Raises:
        CheckpointError: it is damaged, or of other tensors or another progress than expected.
    """
    try:
        yield
    except torch.OutOfMemoryError:
        raise
    except _FAULTS as error:
        text = " ".join(str(error).split())[:300]
        damaged = f"it is damaged ({text}). Move it away to start anew, or bring a copy of it."
        raise CheckpointError(
            f"{path} cannot be read as a checkpoint: {why_unreadable(error, damaged)}"
        ) from error
