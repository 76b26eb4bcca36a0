"""One writer at a time: the second is refused by name or waits, and no lock outlives its holder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from biglittle.bench.errors import InUseError
from biglittle.bench.locks import holding, holding_share

HOLDER = """
import sys
from pathlib import Path
from biglittle.bench.locks import holding, holding_share
output, *share = sys.argv[1:]
share = [int(n) for n in share]
with holding_share(Path(output), *share) if share else holding(Path(output)):
    print("holding", flush=True)
    sys.stdin.read()
"""


@contextmanager
def held_elsewhere(output: Path, *share: int) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds an output until its input ends."""
    arguments = [sys.executable, "-c", HOLDER, str(output), *map(str, share)]
    pipe = subprocess.PIPE
    with subprocess.Popen(arguments, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "holding\n"
        try:
            yield process
        finally:
            process.stdin.close()


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_the_second_is_told_who_holds_it_and_since_when(kind: str, tmp_path: Path) -> None:
    output = tmp_path / "out"
    if kind == "folder":
        output.mkdir()
    with held_elsewhere(output) as process:
        with pytest.raises(InUseError) as told, holding(output):
            pytest.fail("held twice")
        message = str(told.value)
        assert f"process {process.pid} on " in message
        assert " since 20" in message
        assert "--wait" in message
        assert "\n" not in message
    with holding(output):
        pass
    assert not list(tmp_path.rglob("*.lock"))


def test_two_names_of_one_file_are_one_output(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    with held_elsewhere(tmp_path / "real" / "x.h5"):
        with pytest.raises(InUseError), holding(tmp_path / "link" / "x.h5"):
            pytest.fail("held twice")


def test_one_that_waits_says_so_and_goes_on_when_the_other_has_ended(tmp_path: Path) -> None:
    said: list[str] = []
    with held_elsewhere(tmp_path / "out") as process:
        assert process.stdin is not None
        end = process.stdin.close

        def say(line: str) -> None:
            said.append(line)
            end()  # the other ends only now that this one waits

        with holding(tmp_path / "out", wait=True, say=say):
            assert "waiting" in said[0]


def test_what_a_killed_process_held_is_free(tmp_path: Path) -> None:
    with held_elsewhere(tmp_path / "out") as process:
        process.kill()
        process.wait()
        assert (tmp_path / ".out.lock").exists()
        with holding(tmp_path / "out"):
            note = json.loads((tmp_path / ".out.lock").read_text())
            assert note["process"] == os.getpid()
    assert not list(tmp_path.iterdir())


def test_a_thread_holds_on_and_another_thread_of_the_process_is_refused(tmp_path: Path) -> None:
    refused: list[InUseError] = []

    def other() -> None:
        try:
            with holding(tmp_path / "out"):
                pass
        except InUseError as error:
            refused.append(error)

    with holding(tmp_path / "out"):
        with holding(tmp_path / "out"):
            pass
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert len(refused) == 1


@pytest.mark.parametrize(
    "odd", [{"machine": "a\nb"}, {"since": "\x1b[31m"}, {"command": "x" * 10**4}, {"process": "1"}]
)
def test_nothing_odd_that_a_lock_says_is_printed(odd: dict[str, str], tmp_path: Path) -> None:
    with held_elsewhere(tmp_path / "out"):
        note = json.loads((tmp_path / ".out.lock").read_text())
        (tmp_path / ".out.lock").write_text(json.dumps(note | odd))
        with pytest.raises(InUseError, match="another process") as told, holding(tmp_path / "out"):
            pytest.fail("held twice")
        assert str(told.value).isprintable()


@pytest.mark.parametrize(
    ("there", "here", "fits"),
    [
        ((0, 2), (1, 2), True),
        ((0, 2), (0, 2), False),
        ((0, 1), (0, 1), False),
        ((0, 1), (1, 2), False),
        ((1, 2), (0, 1), False),
    ],
)
def test_shares_exclude_themselves_and_the_whole(
    there: tuple[int, int], here: tuple[int, int], fits: bool, tmp_path: Path
) -> None:
    with held_elsewhere(tmp_path, *there):
        if fits:
            with holding_share(tmp_path, *here):
                pass
        else:
            with pytest.raises(InUseError), holding_share(tmp_path, *here):
                pytest.fail("held twice")
    with holding_share(tmp_path, *here):
        pass
    assert not list(tmp_path.iterdir())


def test_a_board_without_filelock_holds_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "filelock", None)
    with holding(tmp_path / "out"):
        assert not list(tmp_path.iterdir())
