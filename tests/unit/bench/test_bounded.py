"""Files of others: not more than expected, and nothing that is not a regular file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from biglittle.bench.bounded import LimitError, check_regular, read_bounded


def test_a_file_is_read_up_to_its_limit_and_refused_beyond(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"12345")
    assert read_bounded(path, 5) == b"12345"
    assert check_regular(path, 5) == 5
    with pytest.raises(LimitError, match="it has 5 bytes and was not read; expected at most 4"):
        read_bounded(path, 4)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes have names on POSIX systems alone")
def test_folders_and_pipes_are_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(LimitError, match="expected a regular file"):
            read_bounded(path, 10)
    with pytest.raises(FileNotFoundError):
        read_bounded(tmp_path / "absent", 10)
