"""Profiling a board over ssh, with two scripts that stand in for ssh, scp and the board."""

from __future__ import annotations

import json
import sys

import pytest

from biglittle.bench import load_device
from biglittle.bench.errors import ProfileError
from biglittle.edge_profiler import remote
from biglittle.edge_profiler.remote import profile_on_host
from biglittle.edge_profiler.session import ProfileRequest

A, B = "8" * 22, "8" * 21 + "1"

SSH = """#!/bin/sh
echo "ssh $1" >> "$HOME_OF_BOARD/log"
[ "$1" = "me@gone" ] && exit 255
shift
cd "$HOME_OF_BOARD" && exec sh -c "$*"
"""
SCP = """#!/bin/sh
[ "$1" = "-q" ] && shift
from="$1"; to="$2"
case "$from" in *:*) from="$HOME_OF_BOARD/${from#*:}";; esac
case "$to" in *:*) to="$HOME_OF_BOARD/${to#*:}";; esac
exec cp "$from" "$to"
"""
# In place of the profiler: measures one network a call, and then the board loses its power.
BOARD = """
import pathlib, sys
sys.path.insert(0, ".")
import biglittle.edge_profiler.session as session
assert "biglittle/profile-" in session.__file__ or not session.__file__.startswith("/")
from biglittle.edge_profiler.profile_file import write_profile, read_profile
options = dict(zip(sys.argv[3::2], sys.argv[4::2]))
ids = pathlib.Path(options["--networks"]).read_text().split()
out = pathlib.Path(options["--out"])
profile = read_profile(out) if out.exists() else {document}
have = [n["architecture"] for n in profile["networks"]]
left = [a for a in ids if a not in have]
entry = {{"architecture": left[0], "latency_ms": 1.0 + len(have), "provenance": "measured"}}
profile["networks"].append(entry)
profile["author"] = options.get("--author")
write_profile(out, profile)
sys.exit(0 if len(left) == 1 else 137)
"""


@pytest.fixture
def board(tmp_path, monkeypatch):
    home = tmp_path / "board"
    home.mkdir()
    for name, text in (("ssh", SSH), ("scp", SCP)):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("HOME_OF_BOARD", str(home))
    monkeypatch.setenv("BIGLITTLE_SSH", str(tmp_path / "ssh"))
    monkeypatch.setenv("BIGLITTLE_SCP", str(tmp_path / "scp"))
    monkeypatch.setenv("BIGLITTLE_REMOTE_PYTHON", sys.executable)
    return home


def stand_in(tmp_path, monkeypatch):
    from biglittle.bench import get_space

    space = get_space("fbnet")
    document = {
        "format": "biglittle-device-profile-2", "device": "my-board", "description": "a board",
        "space": "fbnet", "space_hash": space.hash, "n_classes": 10, "runtime": "fake",
        "precision": "fp32", "threads": 1, "batch": 1, "source": "a test", "author": None,
        "date": "2026-01-02", "tool_version": None, "networks": [],
    }  # fmt: skip
    script = tmp_path / "board.py"
    script.write_text(BOARD.format(document=repr(document)))
    monkeypatch.setenv("BIGLITTLE_REMOTE_PYTHON", f"{sys.executable} {script}")


def test_a_board_that_goes_away_keeps_what_it_measured_and_goes_on(board, tmp_path, monkeypatch):
    stand_in(tmp_path, monkeypatch)
    out, request = tmp_path / "out.json", ProfileRequest(f"{A},{B}", author="Ann O'Nym; rm -rf x")
    with pytest.raises(ProfileError, match=r"exit code 137; what was measured.*in out.json"):
        profile_on_host(request, "me@board", out)
    assert [n["architecture"] for n in json.loads(out.read_text())["networks"]] == [A]
    (left,) = (board / ".cache" / "biglittle").iterdir()
    got = profile_on_host(request, "me@board", out)
    assert [n["architecture"] for n in got["networks"]] == [A, B]
    assert got["author"] == "Ann O'Nym; rm -rf x"  # quoted for the board's shell
    assert not left.exists()
    assert load_device(out).measured_ms == {A: 1.0, B: 2.0}
    assert set((board / "log").read_text().split()) == {"ssh", "me@board"}


def test_what_was_measured_before_travels_to_the_board(board, tmp_path, monkeypatch):
    stand_in(tmp_path, monkeypatch)
    out = tmp_path / "out.json"
    profile_on_host(ProfileRequest(A), "me@board", out)
    got = profile_on_host(ProfileRequest(f"{A},{B}"), "me@board", out)
    assert [n["architecture"] for n in got["networks"]] == [A, B]


def test_the_real_profiler_runs_from_the_bundle_alone(board, tmp_path):
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnx")
    # Whatever this machine is busy with: one round, and what comes back is a profile.
    out = tmp_path / "out.json"
    request = ProfileRequest(A, reference=A, rounds=1, name="my-board")
    try:
        profile_on_host(request, "me@board", out)
        got = profile_on_host(ProfileRequest(again=A), "me@board", out)
    except ProfileError:
        pytest.skip("the machine is too unsteady to measure even one network")
    assert (got["networks"][0]["architecture"], got["device"]) == (A, "my-board")
    assert got["networks"][0].get("times_measured", 2) == 2  # or the first time failed
    assert not list((board / ".cache" / "biglittle").iterdir())


def test_blocks_are_asked_for_by_a_flag():
    command = remote._command(ProfileRequest(blocks=True, rounds=2))
    assert " --blocks " in command
    assert "True" not in command
    assert "--networks anchors" in command  # no ids: none but those that blocks need
    assert "blocks" not in remote._command(ProfileRequest())


@pytest.mark.parametrize("host", ["-oProxyCommand=x", "me@board; rm", "a b", "", "@x", "x`id`"])
def test_a_host_is_no_option_and_no_command(host, tmp_path):
    with pytest.raises(ProfileError, match="not a host"):
        profile_on_host(ProfileRequest(A), host, tmp_path / "out.json")


def test_a_board_that_cannot_be_reached(board, tmp_path, monkeypatch):
    out = tmp_path / "out.json"
    with pytest.raises(ProfileError, match="exit code 255"):
        profile_on_host(ProfileRequest(A), "me@gone", out)
    monkeypatch.setenv("BIGLITTLE_SSH", str(tmp_path / "nothing"))
    with pytest.raises(ProfileError, match="cannot be started"):
        profile_on_host(ProfileRequest(A), "me@board", out)
    assert not out.exists()


def test_the_bundle_holds_the_profiler_and_nothing_of_the_user(tmp_path):
    import io
    import tarfile

    with tarfile.open(fileobj=io.BytesIO(remote._bundle({"networks.txt": "x"}))) as tar:
        names = tar.getnames()
    assert {"biglittle/__init__.py", "biglittle/edge_profiler/__main__.py", "networks.txt"} <= {
        *names
    }
    assert all(n.startswith(("biglittle/bench/", "biglittle/edge_profiler/")) for n in names[1:-1])
