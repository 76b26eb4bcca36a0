"""The user's own device profiles: what joins them, by force too, and what leaves them."""

from __future__ import annotations

import json
import shlex

import pytest
from typer.testing import CliRunner

from biglittle.bench import load_device
from biglittle.bench.errors import DeviceError, UnknownNameError
from biglittle.cli import app
from biglittle.edge_profiler.check import check_document, check_file
from biglittle.edge_profiler.contribute import add_device, remove_device, summary


def noisy(document, **columns):
    """The document with networks that all spread by 90 %, and more columns of one value each."""
    for entry in document["networks"]:
        entry |= {"ratio_spread": 0.9, **columns}
    return document


def test_a_profile_joins_and_leaves_the_users_own(good, tmp_path, monkeypatch):
    monkeypatch.setenv("BIGLITTLE_DATA", str(tmp_path / "data"))
    path = tmp_path / "anything.json"
    path.write_text(json.dumps(good()))
    target, admission = add_device(path)
    assert admission.passed
    assert target == tmp_path / "data" / "devices" / "my-board.json"
    assert load_device("my-board").name == "my-board"
    with pytest.raises(DeviceError, match="already"):
        add_device(path)
    assert add_device(path, replace=True)[0] == target
    assert remove_device("my-board") == target
    with pytest.raises(UnknownNameError):
        remove_device("my-board")


def test_a_noisy_profile_joins_by_force_and_says_so_from_then_on(good, tmp_path, monkeypatch):
    monkeypatch.setenv("BIGLITTLE_DATA", str(tmp_path / "data"))
    path = tmp_path / "anything.json"
    path.write_text(json.dumps(noisy(good())))
    with pytest.raises(DeviceError, match=r"add --force .*anything.json"):
        add_device(path)
    with pytest.raises(DeviceError, match="add --force"):
        add_device(path, reason="it is shared")
    target, admission = add_device(path, force=True, reason="it is shared")
    assert not admission.passed
    profile = load_device("my-board")
    assert profile.facts["forced"]["codes"] == ["noise"]
    assert "did not pass for noise: it is shared" in profile.summary
    again = check_file(target)
    assert {f.code for f in again.findings} == {"noise", "forced"}
    assert any("it is shared" in line for line in summary(target))
    path.write_text("{")
    with pytest.raises(DeviceError, match="cannot be read"):  # what is not a profile stays out
        add_device(path, force=True)


def advised(text):
    """The first command of a message that adds a profile, as the words of a shell."""
    return shlex.split(text[text.index("biglittle device add") :].splitlines()[0])


def follow(words):
    """What the command line does on such words."""
    result = CliRunner().invoke(app, words[1:], catch_exceptions=True)
    return result.exit_code, result.exception


def test_what_keeps_a_noisy_profile_is_advised_whole_and_works(good, tmp_path, monkeypatch):
    monkeypatch.setenv("BIGLITTLE_DATA", str(tmp_path / "data"))
    path = tmp_path / "my own.json"
    path.write_text(json.dumps(noisy(good())))
    with pytest.raises(DeviceError, match="only with your reason") as no_reason:
        add_device(path, force=True)
    for text in (check_file(path).text(), str(no_reason.value)):
        words = advised(text)
        assert {"--force", "--reason", str(path)} < {*words}
        assert follow(words)[0] == 0
        remove_device("my-board")
    assert follow(words)[0] == 0
    code, error = follow(words)  # it is there by now
    assert (code, "--replace" in str(error)) == (1, True)
    assert follow(advised(str(error)))[0] == 0
    words = advised(check_file(path).text())  # the test knows that too
    assert ("--replace" in words, follow(words)[0]) == (True, 0)
    kept = check_file(tmp_path / "data" / "devices" / "my-board.json")
    assert "device add" not in kept.text()  # it is forced already


def test_repeating_that_did_not_help_is_noticed(good, tmp_path):
    def measured(times):
        return check_document(noisy(good(), times_measured=times), "x.json").text()

    assert "repeating alone does not help" in measured(2)
    assert "Stop what else runs" in measured(2)
    assert "repeating" not in measured(1)


def test_a_wide_interval_is_warned_of_when_a_board_joins(good, tmp_path, monkeypatch):
    monkeypatch.setenv("BIGLITTLE_DATA", str(tmp_path / "data"))
    path = tmp_path / "x.json"
    path.write_text(json.dumps(good()))
    target, _ = add_device(path)
    warned = any(line.startswith("Warning") for line in summary(target))
    assert warned == bool(load_device(target).latency.warning)


def test_a_profile_that_passes_gets_another_name_and_nothing_else(good, tmp_path, monkeypatch):
    monkeypatch.setenv("BIGLITTLE_DATA", str(tmp_path / "data"))
    path = tmp_path / "x.json"
    path.write_text(json.dumps(good(device="raspberry-pi-4")))
    target, _ = add_device(path, name="my-pi", force=True)
    assert json.loads(target.read_text()) == good(device="my-pi")
    with pytest.raises(DeviceError, match="--name my-board"):
        add_device(path, name="My Pi")


def test_a_shipped_name_a_bad_file_and_a_shipped_profile_are_refused(good, tmp_path, monkeypatch):
    monkeypatch.setenv("BIGLITTLE_DATA", str(tmp_path / "data"))
    path = tmp_path / "x.json"
    path.write_text(json.dumps(good(device="raspberry-pi-4")))
    with pytest.raises(DeviceError, match="ships with biglittle"):
        add_device(path)
    path.write_text(json.dumps(good(device="../../evil")))
    with pytest.raises(DeviceError, match="does not pass"):
        add_device(path)
    with pytest.raises(DeviceError, match="not yours"):
        remove_device("raspberry-pi-4")
    assert not (tmp_path / "data").exists()
