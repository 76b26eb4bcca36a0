"""Whatever reads an HDF5 file: a lock is called a lock, and no advice loses what the file holds."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import pytest

from biglittle.bench.errors import BigLittleError
from biglittle.bench.table import Table

pytest.importorskip("torch")

from biglittle.cotrain.checkpoint import load_checkpoint
from biglittle.zerocost.bulk import read_columns


def open_table(path: Path) -> Table:
    return Table(path, check=False)


@pytest.mark.parametrize("read", [open_table, load_checkpoint, read_columns])
@pytest.mark.parametrize(
    ("error", "words"),
    [
        (BlockingIOError(errno.EAGAIN, "unable to lock file"), "another program has it open"),
        (OSError("Unable to open file (unable to lock file, errno = 11, x)"), "another program"),
        (PermissionError(errno.EACCES, "Permission denied"), "Permission denied"),
        (OSError(errno.EIO, "Input/output error"), "Input/output error"),
    ],
)
def test_what_the_system_said_is_told(
    read: Callable[[Path], Any],
    error: OSError,
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = tmp_path / "held.h5"
    with h5py.File(path, "w") as file:
        file["x"] = [1, 2, 3]
    before = path.read_bytes()

    def fails(*arguments: Any, **options: Any) -> None:
        raise error

    monkeypatch.setattr(h5py, "File", fails)
    with pytest.raises(BigLittleError, match=words) as told:
        read(path)
    message = str(told.value).lower()
    assert not any(word in message for word in ("fetch", "remove", "delete", "move", "truncated"))
    assert path.read_bytes() == before
