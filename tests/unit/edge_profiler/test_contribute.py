"""The user's own device profiles: what joins them, by force too, and what leaves them."""

from __future__ import annotations

import json

import pytest

from biglittle.bench import load_device
from biglittle.bench.errors import DeviceError, UnknownNameError
from biglittle.edge_profiler.check import check_file
from biglittle.edge_profiler.contribute import add_device, remove_device, summary


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
    noisy = good()
    for entry in noisy["networks"]:
        entry["ratio_spread"] = 0.9
    path.write_text(json.dumps(noisy))
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
