"""The device profiles that can be named: a broken one does not hide the others."""

from __future__ import annotations

from pathlib import Path

import pytest

from biglittle.bench import load_device, shipped_devices
from biglittle.bench.device import SHIPPED
from biglittle.bench.device_list import device_facts, devices_text, listed_devices


def test_shipped_and_own_profiles_are_listed_and_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BIGLITTLE_DATA", str(tmp_path))
    own = tmp_path / "devices"
    own.mkdir()
    text = (SHIPPED / "raspberry-pi-4.json").read_text()
    (own / "my-pi.json").write_text(text.replace('"raspberry-pi-4"', '"my-pi"'))
    (own / "broken.json").write_text("{")
    listed = listed_devices()
    assert set(listed) == {*shipped_devices(), "my-pi", "broken"}
    assert listed["raspberry-pi-4"] == {
        "where": "shipped", **device_facts(load_device("raspberry-pi-4"))
    }  # fmt: skip
    assert listed["my-pi"]["where"] == "yours"
    assert listed["my-pi"]["provenance"]["latency_ms"] == "block-sum"
    assert set(listed["broken"]) == {"where", "problem"}
    lines = {line.partition(":")[0]: line for line in devices_text()}
    assert "cannot be read" in lines["broken (yours)"]
    assert "block-sum" in lines["raspberry-pi-4"]
