"""Searches and fronts of networks in int8, by the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from biglittle.bench import Benchmark
from biglittle.bench.synthetic import synthetic_table, with_int8
from biglittle.bench.table_writer import write_table

DEVICE = ("--device", "raspberry-pi-4")


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("int8") / "table.h5"
    write_table(path, with_int8(synthetic_table(8, n_exits=2)), "1", "2026-01-01")
    return str(path)


def _names(front: list[dict[str, str]]) -> set[str]:
    return {point[side] for point in front for side in ("little", "big")}


def test_a_front_of_both_precisions(command_line, table: str, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    out = tmp_path / "front.json"
    asked = ("front", "--table", table, *DEVICE, "--json")
    code, said, _ = command_line(*asked, "--precision", "fp32,int8", "--out", str(out))
    document = json.loads(said)
    assert code == 0
    assert document["config"]["precisions"] == ["fp32", "int8"]
    assert json.loads(out.read_text()) == document
    assert any(name.endswith(":int8") for name in _names(document["front"]))
    code, said, _ = command_line(*asked)
    assert "precisions" not in json.loads(said)["config"]
    assert not any(":" in name for name in _names(json.loads(said)["front"]))


def test_a_search_in_int8_is_repeated_and_goes_on(  # type: ignore[no-untyped-def]
    command_line, table: str, tmp_path: Path
) -> None:
    out = tmp_path / "search"
    asked = ("search", "--on", "table", "--table", table, *DEVICE, "--budget", "60")
    coupled = ("--coupling", "prefix,sibling", "--precision", "int8")
    code, said, _ = command_line(*asked, *coupled, "--out", str(out))
    assert code == 0
    assert ":int8" in said.partition("Front:")[0]  # what is recommended
    assert "biglittle cotrain" not in said
    front = json.loads((out / "front.json").read_text())["front"]
    assert all(name.endswith(":int8") for name in _names(front))
    bench = Benchmark.load(table)
    for point in front[:5]:
        pair, gate = (point["little"], point["big"]), (point["gate"], point["threshold"])
        again = bench.query(pair, gate, "raspberry-pi-4")
        assert again.accuracy == point["accuracy"]
        assert again.latency_ms == pytest.approx(point["latency_ms"])
        assert again.coupling == point["coupling"] != "nested"
    code, said, _ = command_line("search", "--config", str(out), "--json")
    assert json.loads(said)["front"] == front
    code, _, error = command_line("cotrain", str(out / "front.json"), "--out", str(tmp_path / "t"))
    assert code == 1
    assert "cannot be trained in int8: pairs are trained in fp32" in error


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("search", "--precision", "int8"), "is for --on table"),
        (("search", "--on", "table", "--precision", "int8,fp32"), "of one precision"),
        (("search", "--on", "table", "--precision", "int4"), "unknown precision 'int4'"),
        (("front", "--precision", "bf16"), "unknown precision 'bf16'"),
        (("query", "8" * 22 + ":int4", "0" * 22), "one of fp32, int8"),
        (("show", "8" * 22 + ":int2"), "unknown precision 'int2'"),
        (("profile", "--precision", "int4"), "in fp32, int8, not in 'int4'"),
    ],
)
def test_a_wrong_precision_is_one_line(  # type: ignore[no-untyped-def]
    command_line, table: str, tmp_path: Path, monkeypatch, arguments: tuple[str, ...], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    asked = arguments if arguments[0] in ("show", "profile") else (*arguments, "--table", table)
    code, _, error = command_line(*asked)
    assert code == 1
    assert message in error
    assert error.count("\n") == 1


def test_show_says_memory_by_precision(command_line) -> None:  # type: ignore[no-untyped-def]
    facts = [json.loads(command_line("show", "0" * 22 + end, "--json")[1]) for end in ("", ":int8")]
    assert facts[0]["weights_mib"] == 4 * facts[1]["weights_mib"]
    assert facts[0]["activation_mib"] == 4 * facts[1]["activation_mib"]
    assert facts[0]["macs"] == facts[1]["macs"]
    assert facts[1]["provenance"] == facts[1]["layer_provenance"] == "predicted"
    assert facts[1]["latency_ms"] < facts[0]["latency_ms"]
