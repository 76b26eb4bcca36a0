"""Two processes on one output: the second verb says who holds it, or waits; nothing is lost."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from biglittle.bench.errors import InUseError
from biglittle.output_option import with_output

HOLDER = """
import sys
from pathlib import Path
from biglittle.bench.locks import holding
with holding(Path(sys.argv[1])):
    print("holding", flush=True)
    sys.stdin.read()
"""
#: Verbs that go on from what is there, with the least that they take before their output.
VERBS = {
    "score": ["score", "--arch", "8" * 22, "--out", "file.h5"],
    "search": ["search", "--budget", "50", "--checkpoint", "file.npz"],
    "search into a folder": ["search", "--budget", "50", "--out", "FOLDER"],
    "profile": ["profile", "--networks", "8" * 22, "--out", "file.json"],
    "cotrain": ["cotrain", "--little", "8" * 22, "--big", "0" * 22, "--out", "FOLDER"],
    "table build": ["table", "build", "--stage", "evaluate", "--working", "FOLDER"],
    "table extend": ["table", "extend", "--working", "FOLDER"],
    "surrogate improve": ["surrogate", "improve", "--out", "FOLDER"],
    "surrogate fit": ["surrogate", "fit", "--out", "FOLDER"],
    "ofa train": ["ofa", "train", "--out", "FOLDER"],
    "ofa specialise": ["ofa", "specialise", "--latency-ms-max", "9", "--out", "FOLDER"],
}
NEED_TORCH = {"table build", "table extend"}


@contextmanager
def held_elsewhere(output: Path) -> Iterator[None]:
    """Another process holds an output while the block runs."""
    command, pipe = [sys.executable, "-c", HOLDER, str(output)], subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "holding\n"
        try:
            yield
        finally:
            process.stdin.close()


@pytest.mark.parametrize("verb", VERBS)
def test_a_second_process_is_told_who_writes_there(
    verb: str, command_line: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    if verb in NEED_TORCH:
        pytest.importorskip("torch")
    folder = tmp_path / "folder"
    folder.mkdir()
    *words, name = VERBS[verb]
    place = folder if name == "FOLDER" else tmp_path / name
    with held_elsewhere(place):
        before = sorted(tmp_path.rglob("*"))
        code, out, err = command_line(*words, str(place))
        assert (code, out) == (1, "")
        assert err.startswith(f"error: {place} is in use: process ")
        assert err.count("\n") == 1
        assert sorted(tmp_path.rglob("*")) == before


def test_two_processes_score_into_one_file_and_no_row_is_lost(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    from biglittle.zerocost.bulk import read_columns

    out, ids = tmp_path / "deep" / "scores.h5", ["8" * 22, "88888888888" + "0" + "8" * 10]
    command = [sys.executable, "-m", "biglittle", "score", "--proxies", "snip", "--batch-size", "2"]
    both = [
        subprocess.Popen([*command, "--arch", a, "--out", out, "--wait"], stderr=subprocess.PIPE)
        for a in ids
    ]
    errors = [process.communicate()[1].decode() for process in both]
    assert [process.returncode for process in both] == [0, 0], errors
    assert sorted(read_columns(out).architectures) == sorted(ids)
    assert list(tmp_path.rglob("*")) == [out.parent, out]


# ---- the option itself --------------------------------------------------------------------------
def application(verb: Callable[..., None]) -> typer.Typer:
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(verb)
    return app


@with_output("out", folder=True, resumes=False)
@with_output("log")
def work(out: Path | None = None, log: Path | None = None, fail: bool = False) -> None:
    """Writes into both places."""
    if fail:
        raise RuntimeError
    for place in (out and out / "file", log):
        if place:
            place.write_text("done")


def test_options_are_added_once_and_places_are_made(tmp_path: Path) -> None:
    run = CliRunner().invoke
    assert run(application(work), ["--help"]).output.count("--wait") == 1
    folder, log = tmp_path / "a" / "b", tmp_path / "c" / "log"
    assert run(application(work), ["--out", str(folder), "--log", str(log)]).exit_code == 0
    assert (folder / "file").read_text() == log.read_text() == "done"
    assert not list(tmp_path.rglob(".*"))
    assert run(application(work), []).exit_code == 0


def test_a_verb_that_fails_leaves_no_empty_folder(tmp_path: Path) -> None:
    done = CliRunner().invoke(application(work), ["--out", str(tmp_path / "a/b"), "--fail"])
    assert isinstance(done.exception, RuntimeError)
    assert not list(tmp_path.iterdir())


def test_two_options_hold_two_places(tmp_path: Path) -> None:
    with held_elsewhere(tmp_path / "log"):
        done = CliRunner().invoke(application(work), ["--log", str(tmp_path / "log")])
        assert isinstance(done.exception, InUseError)
        assert CliRunner().invoke(application(work), ["--out", str(tmp_path)]).exit_code == 0
