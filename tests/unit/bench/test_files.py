"""Files: the system's reasons are told apart from damage, and nothing is lost on the way."""

from __future__ import annotations

import errno
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import h5py
import pytest

from biglittle.bench.errors import BigLittleError
from biglittle.bench.files import (
    check_writable,
    replacing,
    why_unreadable,
    writable_place,
    write_or_rescue,
    write_together,
)

DAMAGED = "it is damaged. Fetch it again."


def opening(path: Path) -> OSError:
    """What h5py raises when it opens a file."""
    try:
        h5py.File(path, "r").close()
    except OSError as error:
        return error
    raise AssertionError(f"{path} can be opened")


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "t.h5"
    with h5py.File(path, "w") as file:
        file["x"] = list(range(1000))
    return path


@pytest.fixture
def locked(table: Path) -> Iterator[Path]:
    """The same while another process has it open for writing."""
    code = "import h5py, sys; f = h5py.File(sys.argv[1], 'r+'); print('open', flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code, table], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield table
        process.communicate(b"\n")


def test_a_locked_file_is_called_locked_and_the_advice_opens_it(locked: Path) -> None:
    message = why_unreadable(opening(locked), DAMAGED)
    assert "another program has it open" in message
    assert not any(word in message for word in ("again", "emove", "elete", "damaged"))
    assert "HDF5_USE_FILE_LOCKING=FALSE" in message
    code = "import h5py, sys; h5py.File(sys.argv[1], 'r')"
    environment = {**os.environ, "HDF5_USE_FILE_LOCKING": "FALSE"}
    subprocess.run([sys.executable, "-c", code, locked], env=environment, check=True)


def test_an_absent_file_and_a_folder_are_called_so(tmp_path: Path) -> None:
    assert "no such file" in why_unreadable(opening(tmp_path / "none.h5"), DAMAGED)
    assert "it is a folder" in why_unreadable(opening(tmp_path), DAMAGED)


def test_truncated_and_foreign_files_are_damaged(table: Path, tmp_path: Path) -> None:
    whole = table.read_bytes()
    table.write_bytes(whole[: len(whole) // 2])
    assert why_unreadable(opening(table), DAMAGED) == DAMAGED
    table.write_text("hello")
    assert why_unreadable(opening(table), DAMAGED) == DAMAGED
    assert why_unreadable(KeyError("x"), DAMAGED) == DAMAGED


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (PermissionError(errno.EACCES, "Permission denied"), "you may not read it"),
        (OSError(errno.EMFILE, "Too many open files"), "ulimit -n"),
        (OSError(errno.EIO, "Input/output error"), "could not read it (Input/output error)"),
        (OSError("Can't read data (errno = 5, error message = 'x')"), "Input/output error"),
        (OSError("unable to open file: file is already open for write"), "if it was killed"),
        (OSError(errno.ENOLCK, "No locks available"), "allows no locks"),
    ],
)
def test_what_the_system_said_is_passed_on(error: OSError, words: str) -> None:
    message = why_unreadable(error, DAMAGED)
    assert words in message
    assert "etch it again" not in message


def test_every_writer_has_a_partial_file_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "c.h5"
    with replacing(path) as first, replacing(path) as second:
        assert first != second
        first.write_bytes(b"of the first")
        second.write_bytes(b"of the second")
    assert path.read_bytes() == b"of the first"
    assert list(tmp_path.iterdir()) == [path]


def test_after_an_error_nothing_is_left(tmp_path: Path) -> None:
    path = tmp_path / "c.h5"
    path.write_bytes(b"before")

    def fails() -> None:
        with replacing(path) as partial:
            partial.write_bytes(b"half")
            raise ValueError("of this run")

    with pytest.raises(ValueError, match="of this run"):
        fails()
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_bytes() == b"before"


def test_what_a_killed_process_left_goes_and_what_another_writes_stays(tmp_path: Path) -> None:
    path, code = tmp_path / "c.h5", "import os; print(os.getpid())"
    ended = int(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout)
    name = f".c.h5.{platform.node()[:32]}-{{}}-0.partial"
    orphan, busy = tmp_path / name.format(ended), tmp_path / name.format(os.getppid())
    elsewhere = tmp_path / f".c.h5.another-machine-{ended}-0.partial"
    for partial in (orphan, busy, elsewhere):
        partial.write_bytes(b"half")
    with replacing(path) as partial:
        partial.write_bytes(b"whole")
    assert set(tmp_path.iterdir()) == {path, busy, elsewhere}


def test_files_are_written_together_or_not_at_all(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("old")
    write_together(tmp_path, {"a": b"1", "b": b"2"})
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == {"a": b"1", "b": b"2"}
    with pytest.raises(OSError, match="No such file"):
        write_together(tmp_path, {"a": b"3", "none/c": b"4"})
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == {"a": b"1", "b": b"2"}


def test_a_folder_that_can_be_written_to_is_made_and_left_empty(tmp_path: Path) -> None:
    check_writable(tmp_path / "a" / "b", "front.csv")
    assert list((tmp_path / "a" / "b").iterdir()) == []


def test_what_could_not_be_written_later_is_refused_first(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BigLittleError, match=r"cannot be written to .* choose another with --out"):
        check_writable(tmp_path / "file" / "out")
    (tmp_path / "front.csv").mkdir()
    with pytest.raises(BigLittleError, match=r"front\.csv is a folder"):
        check_writable(tmp_path, "front.csv")


def test_folders_that_stay_empty_are_removed_again(tmp_path: Path) -> None:
    with writable_place(tmp_path / "a" / "b", is_folder=True):
        assert (tmp_path / "a" / "b").is_dir()
    with writable_place(tmp_path / "c" / "file", is_folder=False):
        assert (tmp_path / "c").is_dir()
    assert not list(tmp_path.iterdir())
    with writable_place(tmp_path / "d" / "e", is_folder=True):
        (tmp_path / "d" / "e" / "file").write_text("")
    assert (tmp_path / "d" / "e" / "file").exists()


@pytest.mark.parametrize("is_folder", [False, True])
def test_a_place_that_is_something_else_is_named_with_its_option(
    is_folder: bool, tmp_path: Path
) -> None:
    place = tmp_path / "place"
    if is_folder:
        place.write_text("")
    else:
        place.mkdir()
    with pytest.raises(BigLittleError, match=r"place .* with --log") as told:
        with writable_place(place, is_folder, "--log"):
            pytest.fail("not refused")
    assert "\n" not in str(told.value)


def test_results_go_elsewhere_where_their_place_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(folder: Path) -> None:
        (folder / "front.csv").write_text("front")

    assert write_or_rescue(write, tmp_path) == (tmp_path, None)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    place, error = write_or_rescue(write, tmp_path / "gone")
    assert (place / "front.csv").read_text() == "front"
    assert str(place) in str(error)
    assert "No such file" in str(error)
    assert "\n" not in str(error)
