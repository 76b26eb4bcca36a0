"""Every end of a run is one line: signals, closed pipes, places that cannot be used, no home."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from biglittle.output_option import with_output

Run = Callable[..., tuple[int, str, str]]
SIGNALS = [
    ("SIGINT", "interrupted", 130),
    ("SIGTERM", "terminated", 143),
    ("SIGHUP", "hung up", 129),
]
NETWORKS = "8" * 22, "0" * 21 + "8"


def send(name: str) -> None:
    """Sends a signal to this process, which takes it before the next line."""
    signal.raise_signal(getattr(signal, name))


@pytest.fixture(autouse=True)
def usual_signals() -> Iterator[None]:
    """Signals act as usual, also where the tests run in the background and ignore some."""
    before = {
        number: signal.signal(number, usual)
        for number, usual in (
            (signal.SIGINT, signal.default_int_handler),
            (signal.SIGTERM, signal.SIG_DFL),
            (signal.SIGHUP, signal.SIG_DFL),
        )
    }
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def stopped_verb(monkeypatch: pytest.MonkeyPatch, command_line: Run) -> Run:
    """Runs a verb that writes ``written`` into its --log and is then sent a signal."""
    from biglittle import cli

    app = typer.Typer(pretty_exceptions_enable=False)

    @app.command()
    @with_output("log")
    def verb(name: str, written: str = "", log: Path | None = None) -> None:
        if written and log is not None:
            log.write_text(written)
        send(name)

    monkeypatch.setattr(cli, "app", app)
    return command_line


@pytest.mark.parametrize(("name", "word", "code"), SIGNALS)
def test_a_signal_is_one_line_with_what_is_kept(
    name: str, word: str, code: int, stopped_verb: Run, tmp_path: Path
) -> None:
    handler, log = signal.getsignal(signal.SIGTERM), tmp_path / "a" / "log"
    nothing = (code, "", f"{word}; nothing was written\n")
    assert stopped_verb(name) == nothing
    assert stopped_verb(name, "--log", str(log)) == nothing
    assert not list(tmp_path.iterdir())
    told = f"{word}; what was finished is in {log}, and the same command goes on from there\n"
    assert stopped_verb(name, "--log", str(log), "--written", "x") == (code, "", told)
    assert list(log.parent.iterdir()) == [log]
    assert signal.getsignal(signal.SIGTERM) is handler


def test_a_signal_that_is_ignored_stays_ignored(stopped_verb: Run) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert stopped_verb("SIGHUP") == (0, "", "")
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize(("name", "word", "code"), SIGNALS)
def test_a_stopped_score_keeps_its_rows_and_goes_on(
    name: str, word: str, code: int, command_line: Run, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    pytest.importorskip("torch")
    from biglittle.zerocost import bulk, score_work

    once, out = score_work.score, tmp_path / "scores.h5"

    def score(architecture: str, *given: Any, **named: Any) -> Any:
        if architecture == NETWORKS[1]:
            send(name)
        return once(architecture, *given, **named)

    words = ["score", "--arch", ",".join(NETWORKS), "--proxies", "snip", "--batch-size", "2"]
    monkeypatch.setattr(score_work, "score", score)
    told = f"{word}; what was finished is in {out}, and the same command goes on from there\n"
    assert command_line(*words, "--out", str(out)) == (code, "", told)
    assert bulk.read_columns(out).architectures == NETWORKS[:1]
    monkeypatch.setattr(score_work, "score", once)
    assert command_line(*words, "--out", str(out))[0] == 0
    assert bulk.read_columns(out).architectures == NETWORKS


@pytest.mark.parametrize(("name", "word", "code"), SIGNALS)
def test_a_stopped_search_keeps_its_log_and_goes_on(
    name: str, word: str, code: int, command_line: Run, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    from biglittle.searchers.counting import CountingEvaluator
    from biglittle.searchers.log import EvaluationLog

    once, log = CountingEvaluator.evaluate, tmp_path / "log.npz"

    def evaluate(self: CountingEvaluator, *given: Any) -> Any:
        scores = once(self, *given)
        if self.spent >= 200:
            send(name)
        return scores

    words = ["search", "--budget", "400", "--population", "100", "--checkpoint", str(log)]
    monkeypatch.setattr(CountingEvaluator, "evaluate", evaluate)
    told = f"{word}; what was finished is in {log}, and the same command goes on from there\n"
    assert command_line(*words) == (code, "", told)
    assert 0 < EvaluationLog.read(log).n_evaluations < 400
    monkeypatch.setattr(CountingEvaluator, "evaluate", once)
    assert command_line(*words, "--json")[0] == 0
    assert EvaluationLog.read(log).n_evaluations == 400


# ---- pipes, places and homes ---------------------------------------------------------------------
def test_a_pipe_that_is_closed_is_one_line() -> None:
    """Nobody reads: every byte that is printed meets a closed pipe."""
    reader, writer = os.pipe()
    os.close(reader)
    for arguments in (["device", "list"], ["env", "--json"], ["--help"]):
        done = subprocess.run(
            [sys.executable, "-m", "biglittle", *arguments],
            stdout=writer,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert done.returncode == 1
        assert done.stderr == (
            "error: whatever read the output has ended; nothing more was printed\n"
        )
    os.close(writer)


def test_streams_that_are_closed_take_nothing() -> None:
    command = f"{sys.executable} -m biglittle device list >&- 2>&-"
    assert subprocess.run(["sh", "-c", command]).returncode == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_place_for_the_output_is_one_line() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "biglittle", "env"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert done.returncode == 1
    assert done.stderr.startswith("error: no space left on the disk")
    assert done.stderr.count("\n") == 1


#: Verbs with an output, and what comes before it; how the name of the file ends, "" for a folder.
WRITERS = [
    ("", ["search", "--budget", "50", "--out"]),
    (".npz", ["search", "--budget", "50", "--checkpoint"]),
    (".json", ["front", "--out"]),
    (".h5", ["score", "--arch", "8" * 22, "--out"]),
    ("", ["cotrain", "--little", "8" * 22, "--big", "0" * 22, "--out"]),
    (".json", ["profile", "--networks", "8" * 22, "--out"]),
    ("", ["table", "build", "--stage", "evaluate", "--working"]),
    (".onnx", ["table", "extract", "8" * 22, "--out"]),
    ("", ["surrogate", "fit", "--out"]),
    ("", ["surrogate", "improve", "--out"]),
    ("", ["ofa", "train", "--out"]),
    ("", ["ofa", "specialise", "--latency-ms-max", "9", "--out"]),
    (".svg", ["show", "8" * 22, "--out"]),
    (".html", ["query", "8" * 22, "0" * 22, "--out"]),
]


@pytest.mark.parametrize(
    ("ending", "words"), WRITERS, ids=[" ".join(words[:2]) + words[-1] for _, words in WRITERS]
)
def test_a_place_that_cannot_be_written_is_one_line(
    ending: str, words: list[str], command_line: Run, tmp_path: Path
) -> None:
    if words[0] == "table":
        pytest.importorskip("torch")
    (file := tmp_path / f"file{ending}").write_text("kept")
    (folder := tmp_path / f"folder{ending}").mkdir()
    of_the_other_kind = folder if ending else file
    for place in (of_the_other_kind, file / f"below/it{ending}", tmp_path / ("n" * 300 + ending)):
        code, out, err = command_line(*words, str(place))
        assert (code, out) == (1, "")
        assert err.startswith("error: ")
        assert "goes by the end of the name" not in err
        assert err.count("\n") == 1
        assert str(tmp_path) in err
    assert file.read_text() == "kept"
    assert sorted(tmp_path.rglob("*")) == [file, folder]


def test_a_parent_that_is_missing_is_made(command_line: Run, tmp_path: Path) -> None:
    out = tmp_path / "a" / "b" / "network.svg"
    assert command_line("show", "8" * 22, "--out", str(out))[0] == 0
    assert out.exists()


HOMELESS = """
import os, pwd, sys
for name in ("HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "BIGLITTLE_DATA", "BIGLITTLE_CACHE"):
    os.environ.pop(name, None)
def nobody(uid):
    raise KeyError(uid)
pwd.getpwuid = nobody
sys.argv = ["biglittle", *sys.argv[1:]]
if "front" in sys.argv:
    from biglittle.bench import kept_front
    kept_front.WORTH_S = 0.0  # it is soon worked out, and to be kept all the same
from biglittle.__main__ import main
main()
"""


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["device", "list"], 0, ""),
        (["query", "8" * 22, "0" * 22], 0, ""),
        (["front", "--gate", "margin", "--latency-ms-max", "2", "--top", "1"], 0, ""),
        (["data", "list"], 1, "BIGLITTLE_DATA"),
        (["data", "fetch", "cifar10"], 1, "BIGLITTLE_DATA"),
        (["device", "remove", "nothing"], 1, "nothing"),
    ],
)
def test_a_user_without_a_home_is_told_so_where_one_is_needed(
    words: list[str], code: int, said: str, tmp_path: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", HOMELESS, *words], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.returncode == code, done.stderr
    assert done.stderr.count("\n") == code
    assert said in done.stderr
    assert not list(tmp_path.iterdir())  # no folder called "~"


def test_faults_of_our_own_keep_their_traceback(
    command_line: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    from biglittle import cli

    for error in (ValueError("ours"), OSError(errno.EIO, "the disk")):

        def broken(error: Exception = error) -> None:
            raise error

        monkeypatch.setattr(cli, "app", broken)
        with pytest.raises(type(error)):
            command_line("env")


def test_little_memory_is_one_line(command_line: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from biglittle import cli

    def broken() -> None:
        raise MemoryError("Unable to allocate 9 TiB")

    monkeypatch.setattr(cli, "app", broken)
    code, _, err = command_line("env")
    assert code == 1
    assert "not enough memory (Unable to allocate 9 TiB)" in err
    assert err.count("\n") == 1
