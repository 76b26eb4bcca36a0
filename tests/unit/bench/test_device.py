"""The format of device profiles: what loads, and how everything else is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs
import pytest

from biglittle.bench import get_space, load_device
from biglittle.bench.device import (
    find_device,
    parse_profile,
    read_document,
    user_devices,
    user_folder,
)
from biglittle.bench.device_document import (
    FORMAT,
    FORMAT_2,
    SCHEMA,
    Profile,
    schema,
    schema_text,
)
from biglittle.bench.document_problems import problems
from biglittle.bench.documents import MAX_BYTES
from biglittle.bench.errors import DeviceError, UnknownNameError

SPACE = get_space("fbnet")


A, B = "8" * 22, "0" * 22


def document(**changes: Any) -> dict[str, Any]:
    made = {
        "format": FORMAT_2,
        "device": "my-board",
        "description": "a board",
        "soc": None,
        "space": SPACE.name,
        "space_hash": SPACE.hash,
        "n_classes": 10,
        "runtime": "fake 1.0",
        "precision": "fp32",
        "threads": 1,
        "batch": 1,
        "source": "measured by a test",
        "author": None,
        "date": "2026-01-02",
        "tool_version": None,
        "networks": [
            {"architecture": A, "latency_ms": 1.0, "provenance": "measured"},
            {"architecture": B, "latency_ms": 5.0, "latency_p90_ms": 6.0, "provenance": "measured"},
        ],
    }
    return {k: v for k, v in (made | changes).items() if v is not ...}


def network(**changes: Any) -> list[dict[str, Any]]:
    return [{"architecture": A, "latency_ms": 1.0, "provenance": "measured"} | changes]


def test_a_profile_gives_latency_and_where_it_is_from() -> None:
    profile = parse_profile(document(), "x")
    genomes = SPACE.parse([B, A, "1" * 22])
    assert profile.latency_ms(SPACE, genomes).tolist()[:2] == [5.0, 1.0]
    assert np.isnan(profile.latency_ms(SPACE, genomes)[2])
    assert profile.provenance == {"latency_ms": "measured"}  # no energy, no word for it
    assert "energy" not in profile.summary
    assert np.isnan(profile.network_energy_mj(SPACE, genomes)).all()
    assert dict(profile.measured_p90_ms) == {B: 6.0}


def test_a_profile_that_ships_is_read_once_and_a_file_each_time(tmp_path: Path) -> None:
    shipped = load_device("raspberry-pi-4")
    assert load_device("raspberry-pi-4") is shipped
    own, document = tmp_path / "mine.json", read_document(find_device("raspberry-pi-4"))
    for description in ("before", "after"):
        own.write_text(json.dumps({**document, "description": description}), encoding="utf-8")
        assert load_device(own).description == description


def test_energies_memory_and_intervals_are_kept_with_their_own_provenance() -> None:
    words = {"latency_ms": "measured", "energy_mj": "predicted", "peak_memory_mib": "modelled"}
    entry = network(
        energy_mj=3.0, peak_memory_mib=2.0, latency_ms_low=0.9, latency_ms_high=1.2,
        provenance=words,
    )  # fmt: skip
    profile = parse_profile(document(networks=entry), "x")
    assert profile.provenance == {"latency_ms": "measured", "energy_mj": "predicted"}
    assert profile.network_energy_mj(SPACE, SPACE.parse(A)).tolist() == [3.0]
    low, high = profile.latency_interval_ms(SPACE, SPACE.parse([A, B]))
    assert (low[0], high[0], np.isnan(low[1])) == (0.9, 1.2, True)


def test_the_least_founded_figure_names_the_column() -> None:
    mixed = [*network(), *network(architecture=B, provenance="predicted")]
    assert parse_profile(document(networks=mixed), "x").provenance["latency_ms"] == "predicted"


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"format": "biglittle-device-profile-9"}, "has format"),
        ({"author": ...}, "no field 'author'"),
        ({"devcie": "x"}, "'devcie' that this format does not know"),
        ({"device": "../../etc/passwd"}, r"device is '../../etc/passwd'"),
        ({"device": "a\n"}, "expected to match"),
        ({"threads": 1.5}, "threads is 1.5"),
        ({"threads": True}, "threads is True"),
        ({"batch": 0}, "batch is 0, expected at least 1"),
        ({"date": "2.1.2026"}, "date is"),
        ({"precision": "float"}, "expected one of fp32"),
        ({"networks": []}, "has no latencies"),
        ({"networks": network(latency_ms=-1.0)}, r"networks\[0\].latency_ms is -1.0"),
        ({"networks": network(latency_ms=0)}, "expected more than 0"),
        ({"networks": network(latency_ms=float("nan"))}, "is nan"),
        ({"networks": network(latency_ms="3 ms")}, "expected a number or null"),
        ({"networks": network(latency_ms=None)}, "has no latencies"),
        ({"networks": network(architecture="../8")}, "architecture"),
        ({"networks": network(provenance="guessed")}, "provenance is 'guessed'"),
        ({"networks": network(energy_mj=1.0, provenance={"latency_ms": "measured"})}, "energy_mj"),
        ({"networks": network() + network(latency_ms=2.0)}, "two claims"),
        ({"networks": network(latency_ms_low=1.1, latency_ms_high=2.0)}, "interval"),
        ({"networks": network(latency_ms_low=0.5)}, "interval"),
        (
            {"networks": network(energy_mj=1.0), "load_power": {"power_mw": 1, "source": "x"}},
            "load power too",
        ),
        ({"block_table": {"constant_ms": 1, "latency_ms": [[1], [-2]]}}, "is -2"),
    ],
)
def test_what_is_wrong_is_said(change: dict[str, Any], text: str) -> None:
    with pytest.raises(DeviceError, match=text):
        parse_profile(document(**change), "x.json")


def test_nan_in_a_file_is_refused_and_so_are_huge_and_truncated_files(tmp_path: Path) -> None:
    text = json.dumps(document())
    for name, content, words in (
        ("nan", text.replace("5.0", "NaN"), "NaN is not a number"),
        ("infinite", text.replace("5.0", "-Infinity"), "not a number"),
        ("half", text[: len(text) // 2], "cannot be read"),
        ("deep", "[" * 100_000, "cannot be read"),
    ):
        (tmp_path / f"{name}.json").write_text(content)
        with pytest.raises(DeviceError, match=words):
            load_device(tmp_path / f"{name}.json")
    with (tmp_path / "huge.json").open("wb") as file:
        file.truncate(2**30)  # sparse: a gibibyte of nothing
    with pytest.raises(DeviceError, match=f"1,024 MiB and was not read.*{MAX_BYTES // 2**20} MiB"):
        load_device(tmp_path / "huge.json")
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DeviceError, match="cannot be read"):
        load_device(tmp_path / "binary.json")


def test_the_users_profiles_are_found_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BIGLITTLE_DATA", str(tmp_path))
    assert user_devices() == ()
    (tmp_path / "devices").mkdir()
    path = tmp_path / "devices" / "my-board.json"
    path.write_text(json.dumps(document()))
    assert user_devices() == ("my-board",)
    assert find_device("my-board") == path
    assert load_device("my-board").name == "my-board"
    with pytest.raises(UnknownNameError, match="Did you mean 'my-board'"):
        load_device("my-bord")


def test_own_profiles_are_kept_with_the_users_data_and_older_ones_are_still_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BIGLITTLE_DATA", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    assert user_folder() == platformdirs.user_data_path("biglittle", appauthor=False) / "devices"
    assert ".cache" not in user_folder().parts
    older = tmp_path / ".cache" / "biglittle" / "devices" / "my-board.json"
    older.parent.mkdir(parents=True)
    older.write_text(json.dumps(document()))
    assert user_devices() == ("my-board",)
    assert find_device("my-board") == older
    newer = user_folder() / "my-board.json"
    newer.parent.mkdir(parents=True)
    newer.write_text(json.dumps(document()))
    assert user_devices() == ("my-board",)
    assert find_device("my-board") == newer


def test_a_file_that_is_not_a_profile_is_called_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "README.md"
    page.write_text("# A page")
    with pytest.raises(DeviceError, match=r"README.md is not a device profile; expected .* \.json"):
        load_device(page)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DeviceError, match="is not a device profile"):
        load_device("README.md")


@pytest.mark.parametrize("name", ["../my-board", "/no/passwd", "", "My", "a/b"])
def test_a_name_is_no_path(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BIGLITTLE_DATA", str(tmp_path))
    with pytest.raises(UnknownNameError):
        load_device(name)


def test_the_published_schema_is_that_of_the_types() -> None:
    """Write it anew: python -m biglittle.bench.device_document."""
    assert SCHEMA.read_text(encoding="utf-8") == schema_text()
    assert schema()["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema()["additionalProperties"] is False
    assert list(problems(document(), Profile)) == []


def test_the_first_format_is_held_to_the_same_types() -> None:
    first = document(format=FORMAT, author=..., precision=..., threads=..., anything="else")
    assert parse_profile(first, "x").measured_ms == {A: 1.0, B: 5.0}
    for change, text in (
        ({"networks": network(latency_ms=-999974.0)}, "expected more than 0"),
        ({"space": 5}, "space is 5"),
        ({"space_hash": None}, "space_hash is null"),
        ({"load_power": {"power_mw": [1], "source": "x"}}, "power_mw is a list"),
        ({"description": "two\nlines"}, "description is"),
        ({"description": "\x1b[2J"}, "control characters"),
    ):
        with pytest.raises(DeviceError, match=text):
            parse_profile(first | change, "x")
