"""A front answers for its device and its table, and contradicts who says otherwise."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from biglittle.bench import Benchmark, BigLittleError, load_device
from biglittle.bench.device import shipped_devices
from biglittle.bench.synthetic import synthetic_table
from biglittle.bench.table_writer import write_table
from biglittle.searchers.front_question import (
    OF_FRONT,
    FrontQuestion,
    config_of_cells,
    latency_warning,
    question_cells,
    question_sources,
)

PI, NANO = "raspberry-pi-4", "jetson-nano"
SHIPPED = "fbnet-cifar10"


@pytest.fixture
def mine(tmp_path: Path) -> str:
    """A profile of my own, in a file whose name is not the board's."""
    import biglittle.bench.device as device

    document = json.loads((device.SHIPPED / f"{PI}.json").read_text()) | {"device": "my-board"}
    (tmp_path / "measured.json").write_text(json.dumps(document))
    return str(tmp_path / "measured.json")


@pytest.fixture
def table(tmp_path: Path) -> str:
    path = tmp_path / "table.h5"
    write_table(path, synthetic_table(n_networks=4, seed=2), "test", "2020-01-01")
    return str(path)


def asked(devices: list[str], table: str = SHIPPED) -> FrontQuestion:
    sources = question_sources(devices, Benchmark.load(table), table)
    return FrontQuestion.of({"sources": sources}, "front.json")


def test_names_stay_names_and_files_become_paths(
    mine: str, table: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    question = asked([PI, "measured.json"], "table.h5")
    assert question.devices == {PI: PI, "my-board": mine}
    assert question.table == table
    assert asked([PI]).table == SHIPPED
    cells = question_cells({"sources": question_sources([mine], Benchmark.load(table), table)})
    assert cells == {"device": mine, "table": table}
    again = FrontQuestion.of(config_of_cells(**cells), "front.csv")
    assert (again.devices, again.table) == ({"my-board": mine}, table)


def test_nothing_is_asked_again(mine: str, table: str) -> None:
    assert asked([mine]).profile().name == "my-board"
    assert asked([PI]).profile(PI).name == PI
    assert asked([mine]).device_names(mine) == (mine,)
    assert [p.name for p in asked([PI, NANO]).profiles()] == [PI, NANO]
    question = asked([PI], table)
    assert question.bench(None, SHIPPED).table.path == Path(table)
    assert question.changed(question.bench(table, SHIPPED)) is None
    other = FrontQuestion("front.json", {}, table_name="synthetic", table_sha256="0" * 64)
    assert "has changed since front.json" in str(other.changed(question.bench(None, SHIPPED)))


def test_an_old_front_says_what_to_add() -> None:
    old = FrontQuestion.of({}, "front.csv")
    with pytest.raises(BigLittleError, match=r"does not say which device .* add --device NAME"):
        old.profile()
    assert old.profile(PI).name == PI  # the advice, followed
    assert old.bench(None, SHIPPED).table.name == SHIPPED


def test_a_contradiction_is_said(table: str) -> None:
    with pytest.raises(BigLittleError, match=f"searched for {PI}, but --device is {NANO}"):
        asked([PI]).profile(NANO)
    with pytest.raises(BigLittleError, match=f"searched with table {SHIPPED}, but --table is"):
        asked([PI]).bench(table, SHIPPED)


def test_one_of_several_devices_has_to_be_named() -> None:
    question = asked([PI, NANO])
    with pytest.raises(BigLittleError, match=f"worst of {PI} and {NANO}.*--device {PI}"):
        question.profile()
    assert question.profile(NANO).name == NANO


def test_what_has_gone_is_named_with_the_option_to_give(mine: str, table: str) -> None:
    question = asked([mine], table)
    for path in (mine, table):
        Path(path).unlink()
    with pytest.raises(BigLittleError, match=r"searched for my-board, which cannot .*Add --device"):
        question.profile()
    with pytest.raises(BigLittleError, match=r"which cannot be loaded: .*Add --table"):
        question.bench(None, SHIPPED)
    assert PI in shipped_devices()


def test_a_warning_of_latencies_is_read_from_a_config_of_any_form() -> None:
    beware = {"device": "my-board", "latency_warning": "latencies may be off."}
    assert latency_warning({"sources": beware}) == latency_warning(beware)
    assert latency_warning(beware) == "Warning: on my-board latencies may be off."
    two = {**beware, "device": "a+b", "latency_warning": "a: may be off."}
    assert latency_warning(two) == "Warning: a: may be off."
    assert latency_warning({"sources": {"device": "my-board"}}) == ""


def test_the_table_of_a_front_says_how_many_classes_its_networks_have(table: str) -> None:
    bench, profile = Benchmark.load(table), load_device(PI)
    sources = question_sources([PI], bench, table)
    question = FrontQuestion.of({"sources": sources}, "front.json")
    assert question.classes(profile, None, SHIPPED) == (bench.table.n_classes, OF_FRONT)
    cells = config_of_cells(**question_cells({"sources": sources}))  # a CSV names the table alone
    of_csv = FrontQuestion.of(cells, "front.csv")
    assert of_csv.n_classes is None
    assert of_csv.classes(profile, None, SHIPPED)[0] == bench.table.n_classes
    elsewhere = replace(profile, space="branched", space_hash="other")
    assert of_csv.classes(elsewhere, None, SHIPPED)[0] == elsewhere.n_classes
    with pytest.raises(BigLittleError, match="Leave --table out"):
        question.classes(profile, SHIPPED, SHIPPED)
