"""Device profiles: those that ship, and every way a file can be wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from biglittle.bench import get_space, load_device, shipped_devices
from biglittle.bench.device import SHIPPED
from biglittle.bench.errors import DeviceError, UnknownNameError
from biglittle.bench.provenance import PROVENANCES


@pytest.mark.parametrize("name", shipped_devices())
def test_shipped_profiles_load_and_name_their_provenance(name: str) -> None:
    profile = load_device(name)
    assert profile.name == name
    assert set(profile.provenance.values()) <= set(PROVENANCES)
    assert profile.source


def test_raspberry_pi_4_is_a_block_sum_within_the_published_range() -> None:
    profile, space = load_device("raspberry-pi-4"), get_space("fbnet")
    latency = profile.latency_ms(space, space.parse(["8" * 22, "7" * 22]))
    assert latency == pytest.approx([7.798, 79.22], abs=0.01)
    assert profile.provenance == {"latency_ms": "block-sum", "energy_mj": "modelled"}
    energy = profile.network_energy_mj(space, space.parse(["8" * 22, "7" * 22]))
    assert energy == pytest.approx(latency * profile.load_power_mw / 1000)


def test_a_measured_profile_gives_what_was_run_and_predicts_the_rest() -> None:
    profile, space = load_device("amd-epyc-f25-m17"), get_space("fbnet")
    known, other = space.parse(next(iter(profile.measured_ms))), space.parse("1" * 22)
    assert profile.provenance["latency_ms"] == "measured"
    assert profile.latency_ms(space, known)[0] == next(iter(profile.measured_ms.values()))
    assert profile.latency.provenance(known)["latency_ms"] == "measured"
    assert profile.latency.provenance(other)["latency_ms"] == "predicted"
    low, high = profile.latency_interval_ms(space, other)
    assert low[0] < profile.latency_ms(space, other)[0] < high[0]
    assert len(profile.measured_ms) >= 60


def test_unknown_device_names_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'raspberry-pi-4'"):
        load_device("rasberry-pi4")


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"format": "other"}, "expected 'biglittle-device-profile-1'"),
        ({"block_table": {"constant_ms": 1.0, "latency_ms": [[-1.0]]}}, "expected at least 0"),
        ({"block_table": None}, "has no latencies"),
        ({"block_table": {"constant_ms": -1e6, "latency_ms": [[1.0]]}}, "constant_ms is -1000000"),
        ({"space": 5}, "space is 5, expected a text"),
        ({"space_hash": None}, "space_hash is null, expected a text"),
        ({"n_classes": "ten"}, "n_classes is 'ten', expected a whole number"),
        ({"load_power": {"power_mw": "5834", "source": "x"}}, "expected a number"),
        ({"source": ...}, "not a complete device profile"),
        ({"networks": [{"architecture": "8", "latency_ms": 1.0, "latency_p90_ms": 1.0,
                        "provenance": "guessed"}]}, "provenance is 'guessed'"),
    ],
)  # fmt: skip
def test_bad_profiles_are_refused(tmp_path: Path, change: dict[str, object], text: str) -> None:
    raw = json.loads((SHIPPED / "raspberry-pi-4.json").read_text()) | change
    raw = {k: v for k, v in raw.items() if v is not ...}
    (tmp_path / "bad.json").write_text(json.dumps(raw))
    with pytest.raises(DeviceError, match=text):
        load_device(tmp_path / "bad.json")


def test_unreadable_profile_and_other_space_are_refused(tmp_path: Path) -> None:
    (tmp_path / "half.json").write_text('{"format": ')
    with pytest.raises(DeviceError, match="cannot be read"):
        load_device(tmp_path / "half.json")
    raw = json.loads((SHIPPED / "raspberry-pi-4.json").read_text())
    (tmp_path / "other.json").write_text(json.dumps(raw | {"space_hash": "0" * 64}))
    space = get_space("fbnet")
    with pytest.raises(DeviceError, match="is of space"):
        load_device(tmp_path / "other.json").latency_ms(space, space.parse("8" * 22))
