"""Platforms as files: what is refused, in a line that says what to do."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from biglittle.bench import get_space
from biglittle.bench.device import SHIPPED
from biglittle.bench.errors import DeviceError, UnknownNameError
from biglittle.bench.platform import EXAMPLE, load_platform, parse_platform

GOOD: dict[str, Any] = dict(EXAMPLE)


def changed(place: str, value: Any) -> dict[str, Any]:
    raw = copy.deepcopy(GOOD)
    *above, last = place.split(".")
    inner = raw
    for name in above:
        inner = inner[name]
    inner[last] = value
    return raw


def test_the_example_is_a_platform_that_says_why_it_has_no_energy(tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(GOOD))
    platform = load_platform(path)
    assert [site.name for site in platform.sites] == ["raspberry-pi-4", "jetson-nano"]
    assert "do not add up" in platform.no_energy
    assert platform.record()["space"] == "fbnet"
    same = parse_platform(changed("rail", "wall, both on one meter"), "mine.json")
    assert same.no_energy == ""
    assert same.record()["no_energy"] is None
    assert same.sites[0].idle_power_mw == 3806.5  # the profile's own


def test_what_nobody_said_of_a_device_is_named() -> None:
    silent = changed("second.idle_power_mw", None)
    assert "'jetson-nano' takes while it waits" in parse_platform(silent, "x").no_energy
    without = changed("second", {"device": "jetson-agx-orin-cpu"})
    assert "has no energies" in parse_platform(without, "x").no_energy


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        ("link.bandwidth_mbit_s", 0, "link.bandwidth_mbit_s is 0, expected more than 0"),
        ("link.bandwidth_mbit_s", -3.0, "expected more than 0"),
        ("link.latency_ms", -1.0, "link.latency_ms is -1.0, expected at least 0"),
        ("link.speed", 3, "link has a field 'speed' that this format does not know"),
        ("third", {}, "a field 'third' that this format does not know"),
        ("first", {}, "first has no field 'device'"),
        ("platform", "My Platform", "expected to match"),
        ("format", "biglittle-platform-9", "'biglittle platform FILE --example' writes one"),
        ("second.idle_power_mw", "low", "expected a number"),
    ],
)
def test_a_bad_file_is_refused_in_a_line(place: str, value: Any, message: str) -> None:
    with pytest.raises(DeviceError) as caught:
        parse_platform(changed(place, value), "mine.json")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_profiles_of_two_spaces_are_refused(tmp_path: Path) -> None:
    raw = json.loads((SHIPPED / "raspberry-pi-5.json").read_text())
    cells = get_space("nb201")
    raw |= {"space": "nb201", "space_hash": cells.hash, "networks": [], "model": None}
    raw["networks"] = [{"architecture": "333333", "latency_ms": 1.0, "provenance": "measured"}]
    (tmp_path / "other.json").write_text(json.dumps(raw))
    with pytest.raises(DeviceError, match="expected two profiles of one search space"):
        parse_platform(changed("second", {"device": "other.json"}), "mine.json", tmp_path)


def test_a_device_that_is_not_there_is_named() -> None:
    with pytest.raises(UnknownNameError, match="raspberry-pi-4"):
        parse_platform(changed("first.device", "raspberry-pi-44"), "mine.json")


@pytest.mark.parametrize("content", [None, "{", "[" * 200])
def test_a_file_that_cannot_be_read_is_called_a_platform(tmp_path: Path, content: Any) -> None:
    path = tmp_path / "mine.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(DeviceError, match="cannot be read") as caught:
        load_platform(path)
    assert str(caught.value).startswith("platform ")
    assert "--example" in str(caught.value)
