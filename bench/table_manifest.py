"""The file ``table.json`` beside a table: its SHA-256, which a reader checks by default."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from .bounded import LimitError, check_regular
from .documents import Sha256, read_json
from .errors import TableError
from .files import file_hash, replacing, why_unreadable
from .hdf5 import MAX_FILE_BYTES, why_closed

MAX_MANIFEST = 2**16  # bytes


def write_manifest(path: Path, facts: Mapping[str, Any], replaced: str | None) -> None:
    """Writes the manifest of a table, whole or not at all.

    Args:
        path: path of the table's ``.h5`` file.
        facts: name and SHA-256 of the table, as plain JSON.
        replaced: SHA-256 of the table that is about to be replaced, which fits as well until then;
            None where there is none.
    """
    document = dict(facts) if replaced is None else {**facts, "replaces_sha256": replaced}
    with replacing(path.with_suffix(".json")) as partial:
        partial.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


class _Manifest(Struct):
    """What is read of a manifest."""

    sha256: Sha256
    replaces_sha256: Sha256 | None = None


def checked_hash(path: Path) -> str:
    """The SHA-256 of a table's file, compared with its manifest.

    Args:
        path: path of the table's ``.h5`` file.

    Raises:
        TableError: no usable manifest, or the file is edited, truncated or being written.
    """
    manifest = path.with_suffix(".json")
    try:
        facts = read_json(manifest, _Manifest, MAX_MANIFEST)
    except (OSError, ValueError) as error:
        raise TableError(
            f"{path} has no manifest {manifest.name} with its SHA-256 beside it: "
            + why_unreadable(error, f"what it holds is not one ({error}).")
            + " Copy both files from where the table came from. Without a manifest a table that "
            "you trust opens in Python alone: Benchmark.load(FILE, check=False)."
        ) from error
    try:
        check_regular(path, MAX_FILE_BYTES)
        got = file_hash(path)
    except (OSError, LimitError) as error:
        why = why_unreadable(error, f"{error}.")
        raise TableError(f"{path} cannot be read as a benchmark table: {why}") from error
    if got not in (facts.sha256, facts.replaces_sha256):
        _refuse_if_in_use(path)
        raise TableError(
            f"{path} has SHA-256 {got[:12]}..., its manifest says {facts.sha256[:12]}...: it "
            "was edited or is truncated. Fetch both files again. A table that you edited yourself "
            "opens in Python alone: Benchmark.load(FILE, check=False)."
        )
    return got


def _refuse_if_in_use(path: Path) -> None:
    """Whoever opens an HDF5 file for writing marks it, and its hash is another until then."""
    if why := why_closed(path):
        raise TableError(f"{path} cannot be read as a benchmark table: {why}")
