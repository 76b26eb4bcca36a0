"""Named tensors in safetensors files, with text beside them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar

import torch
from msgspec import Meta, Struct
from msgspec.structs import fields

from ..bench.bounded import check_regular
from ..bench.documents import DocumentError, Name, json_of, typed
from ..bench.errors import CheckpointError, MissingExtraError
from ..bench.files import replacing, why_unreadable
from ..bench.plain_text import plain
from .rounding import Storage, packed, unpacked

try:
    from safetensors import safe_open
    from safetensors.torch import save
except ImportError as error:  # pragma: no cover - exercised by the light install
    raise MissingExtraError("safetensors", "train", "reading or writing weights") from error

#: The largest weights that are read; a supernet of a hundred classes has some 40 MiB.
MAX_BYTES = 2**33
T = TypeVar("T", bound="Facts")


class Facts(Struct):
    """The text beside tensors, as far as it is read; what is not a text is JSON."""

    n_classes: Annotated[int, Meta(ge=1, le=2**20)]


def facts_of(path: Path, metadata: Mapping[str, str], format: str, kind: type[T]) -> T:
    """The text beside the tensors of a file as a type.

    Args:
        path: path of the file, for messages.
        metadata: text that stands in it.
        format: format that it has to name.
        kind: type of what is read.

    Raises:
        CheckpointError: it is of another format, or of another type.
    """
    if metadata.get("format") != format:
        raise CheckpointError(
            f"{path} has format {plain(str(metadata.get('format')))[:60]!r}, expected {format!r}."
        )
    try:
        texts = {f.name for f in fields(kind) if f.type in (str, Name)}
        values = {
            f.name: metadata[f.name] if f.name in texts else json_of(metadata[f.name], Any, f.name)
            for f in fields(kind)
            if f.name in metadata
        }
        return typed(values, kind, "the text beside its tensors")
    except DocumentError as error:
        raise CheckpointError(f"{path} cannot be read as weights: {error}.") from error


def check_classes(path: Path, tensors: Mapping[str, torch.Tensor], n_classes: int) -> None:
    """Nothing, if some tensor is of so many classes: before a network of that size is made.

    Raises:
        CheckpointError: no tensor is of so many classes.
    """
    if not any(len(tensor) == n_classes for tensor in tensors.values() if tensor.ndim):
        raise CheckpointError(f"{path} says that it is of {n_classes} classes, and holds no such.")


#: Endings of what a batch norm estimates from images; it is estimated anew wherever weights go.
STATISTICS = ("running_mean", "running_var", "num_batches_tracked")


def write_tensors(
    path: Path,
    tensors: Mapping[str, torch.Tensor],
    metadata: dict[str, str],
    storage: Storage | None = None,
) -> None:
    """Writes named tensors with text beside them, whole or not at all.

    Args:
        path: path of the ``.safetensors`` file.
        tensors: the tensors to write, by name.
        metadata: text, whose entries are written in order of their names.
        storage: precision to round to, without batch-norm statistics, which are estimated anew;
            None: everything as it is.
    """
    chosen = dict(tensors)
    if storage is not None:
        chosen = packed({k: t for k, t in tensors.items() if not k.endswith(STATISTICS)}, storage)
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
        check_regular(path, MAX_BYTES)
        with safe_open(path, framework="pt") as file:
            tensors = {k: file.get_tensor(k) for k in file.keys()}
            return file.metadata() or {}, unpacked(tensors)
    except Exception as error:  # safetensors raises its own, OSError and ValueError alike
        why = why_unreadable(error, f"it is damaged or not a safetensors file ({error}).")
        raise CheckpointError(f"{path} cannot be read as weights: {why}") from error
