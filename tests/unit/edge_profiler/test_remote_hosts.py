"""Several boards at once, behind an ssh and an scp on PATH that run everything on this machine."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from biglittle.bench import get_space, load_device
from biglittle.bench.errors import ProfileError
from biglittle.edge_profiler.remote_hosts import files_of, profile_on_hosts
from biglittle.edge_profiler.session import ProfileRequest

A, B = "8" * 22, "8" * 21 + "1"

# Refuses a second connection to a board that has one, and asks for the option that asks nothing.
SSH = """#!/bin/sh
[ "$1 $2" = "-o BatchMode=yes" ] || exit 98
board="$BOARDS/$3"
if [ "$3" = me@gone ]; then echo "connect to host gone: No route to host" >&2; exit 255; fi
mkdir "$board/connected" 2>/dev/null || exit 99
shift 3
(cd "$board" && sh -c "$*")
code=$?
rmdir "$board/connected"
exit $code
"""
SCP = """#!/bin/sh
[ "$1 $2" = "-o BatchMode=yes" ] || exit 98
from="$4"; to="$5"
case "$from" in *:*) from="$BOARDS/${from%%:*}/${from#*:}";; esac
case "$to" in *:*) to="$BOARDS/${to%%:*}/${to#*:}";; esac
exec cp "$from" "$to"
"""
# In place of the profiler. It begins when all boards have begun, and one has no numpy.
BOARD = """
import os, pathlib, sys, time
sys.path.insert(0, ".")
from biglittle.edge_profiler.profile_file import write_profile
boards = pathlib.Path(os.environ["BOARDS"])
here = pathlib.Path.cwd().relative_to(boards).parts[0]
(boards / here / "begun").touch()
for _ in range(600):
    if len(list(boards.glob("*/begun"))) == len(list(boards.iterdir())):
        break
    time.sleep(0.1)
else:
    sys.exit(9)
if here == "me@bare":
    sys.exit("No module named 'numpy'")
options = dict(zip(sys.argv[3::2], sys.argv[4::2]))
if here == "me@partly" and options.get("--gate") == "entropy":
    sys.exit("entropy is not a gate here")
profile = {document}
for i, architecture in enumerate(pathlib.Path(options["--networks"]).read_text().split()):
    entry = {{"architecture": architecture, "latency_ms": 1.0 + i, "provenance": "measured"}}
    profile["networks"].append(entry)
write_profile(pathlib.Path(options["--out"]), profile)
print("measured", len(profile["networks"]), file=sys.stderr)
"""


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Boards that ssh reaches, by name."""
    document = {
        "format": "biglittle-device-profile-2", "device": "my-board", "description": "a board",
        "space": "fbnet", "space_hash": get_space("fbnet").hash, "n_classes": 10,
        "runtime": "fake", "precision": "fp32", "threads": 1, "batch": 1, "source": "a test",
        "author": None, "date": "2026-01-02", "tool_version": None, "harness_overhead_ms": 0.0,
        "reference": {"architecture": A, "latency_ms": 1.0, "self_ratio": 1.0}, "networks": [],
    }  # fmt: skip
    programs = tmp_path / "programs"
    programs.mkdir()
    for name, text in (("ssh", SSH), ("scp", SCP)):
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    (programs / "board.py").write_text(BOARD.format(document=repr(document)))
    monkeypatch.setenv("PATH", str(programs), prepend=os.pathsep)
    monkeypatch.setenv("BIGLITTLE_REMOTE_PYTHON", f"{sys.executable} {programs}/board.py")
    monkeypatch.setenv("BOARDS", str(tmp_path / "boards"))
    for variable in ("BIGLITTLE_SSH", "BIGLITTLE_SCP"):
        monkeypatch.delenv(variable, raising=False)

    def boards(*hosts: str) -> None:
        for host in hosts:
            (tmp_path / "boards" / host).mkdir(parents=True)

    return boards


def test_boards_measure_at_the_same_time_into_a_file_each(lab: Any, tmp_path: Path) -> None:
    lab("me@one", "me@two", "three")  # none of which goes on before all have begun
    told: list[str] = []
    hosts = ["me@one", "me@two", "three"]
    request = ProfileRequest(f"{A},{B}")
    boards = profile_on_hosts([request], hosts, tmp_path / "p.json", told.append)
    boards.check()
    for host, name in zip(hosts, ("one", "two", "three"), strict=True):
        assert boards.out[host] == tmp_path / f"p-{name}.json"
        assert load_device(boards.out[host]).measured_ms == {A: 1.0, B: 2.0}
        assert f"{host}: measured 2" in told
        assert not list((tmp_path / "boards" / host / ".cache" / "biglittle").iterdir())
    assert [line for line in boards.text() if not line.startswith(" ")] == [f"{h}:" for h in hosts]


def test_boards_that_fail_are_named_and_the_others_are_kept(  # type: ignore[no-untyped-def]
    lab: Any, tmp_path: Path, command_line
) -> None:
    lab("me@one", "me@bare")
    out = tmp_path / "lab" / "p.json"
    asked = ("profile", "--networks", A, "--out", str(out), "--hosts")
    code, text, err = command_line(*asked, "me@gone,me@one,me@bare", "--json")
    assert code == 1
    document = json.loads(text)
    assert list(document["profiles"]) == ["me@one"]
    assert document["files"] == {"me@one": str(tmp_path / "lab" / "p-one.json")}
    assert list(document["failures"]) == ["me@gone", "me@bare"]
    assert "2 of 3 boards failed; the profiles of the others are kept:" in err
    assert "me@gone: ssh me@gone failed with exit code 255 (connect to host gone: No route" in err
    assert "me@bare: the run on me@bare ended with exit code 1 (No module named 'numpy')" in err
    assert load_device(tmp_path / "lab" / "p-one.json").measured_ms == {A: 1.0}
    code, text, err = command_line(*asked, "me@one")
    assert (code, "Nothing was measured: " in text) == (0, True), text + err


def test_a_board_that_fails_at_one_of_several_gates_has_failed(lab: Any, tmp_path: Path) -> None:
    lab("me@one", "me@partly")
    requests = [ProfileRequest(A, f"{A}:{B}", gate) for gate in ("entropy", "margin")]
    boards = profile_on_hosts(requests, ["me@one", "me@partly"], tmp_path / "p.json")
    assert list(boards.profiles) == ["me@one"]
    assert "entropy is not a gate here" in boards.failures["me@partly"]
    with pytest.raises(ProfileError, match="1 of 2 boards failed"):
        boards.check()


@pytest.mark.parametrize(
    ("hosts", "text"),
    [
        ([], "names no board"),
        (["a", "-oProxyCommand=x"], "not a host"),
        (["me@one", "you@one"], "names the board 'one' twice"),
    ],
)
def test_hosts_that_cannot_be_are_refused_before_any_is_asked(hosts: list[str], text: str) -> None:
    with pytest.raises(ProfileError, match=text):
        files_of(hosts, Path("p.json"))


def test_one_host_and_several_are_not_asked_together(command_line) -> None:  # type: ignore[no-untyped-def]
    code, _, err = command_line("profile", "--host", "me@one", "--hosts", "me@two")
    assert code == 1
    assert "give one of --host, --hosts and --trace" in err


def test_the_file_of_a_board_is_called_after_it() -> None:
    files = files_of(["pi@10.0.0.7", "jetson", "me@[fe80::1]"], Path("lab/profile.json"))
    assert [path.name for path in files.values()] == [
        "profile-10.0.0.7.json", "profile-jetson.json", "profile-fe80-1.json",
    ]  # fmt: skip
