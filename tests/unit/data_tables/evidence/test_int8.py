"""What int8 does, worked out on a made-up table."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

from biglittle.bench import Benchmark
from biglittle.bench.device import SHIPPED
from biglittle.bench.errors import BigLittleError
from biglittle.bench.synthetic import DEVICE, synthetic_table, with_int8
from biglittle.bench.table_writer import write_table
from biglittle.data_tables.devices import int8_factors
from biglittle.data_tables.evidence import int8, int8_graphs, int8_latency


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("int8") / "table.h5"
    write_table(path, with_int8(synthetic_table(8, n_exits=2)), "1", "2026-01-01")
    return path


@pytest.fixture(scope="module")
def bench(file: Path) -> Benchmark:
    return Benchmark.load(file, precisions=("fp32", "int8"))


def test_figures_of_networks_are_those_of_their_rows(bench: Benchmark) -> None:
    found = int8.networks(bench)
    n, accuracy = len(bench.table) // 2, bench.accuracy()
    assert [row["network"] for row in found["rows"]] == bench.table.names[:n].tolist()
    assert [row["accuracy_int8"] for row in found["rows"]] == accuracy[n:].tolist()
    change = accuracy[n:] - accuracy[:n]
    assert found["accuracy"]["mean"] == pytest.approx(change.mean())
    assert found["accuracy"]["worst"] == change.min()
    assert found["accuracy"]["low"] <= change.mean() <= found["accuracy"]["high"]
    assert 0.97 < found["same_class"]["mean"] < 1


def test_thresholds_that_nothing_moved_are_kept(file: Path, tmp_path: Path) -> None:
    contents = Benchmark.load(file).table.contents()
    n = len(contents.networks["architecture"]) // 2
    for part in contents.predictions.values():
        part.top1[n:] = part.top1[:n]
        for codes in part.codes.values():
            codes[n:] = codes[:n]
    write_table(tmp_path / "same.h5", contents, "1", "2026-01-01")
    found = int8.thresholds(Benchmark.load(tmp_path / "same.h5"), 10)
    for figures in found["gates"].values():
        for name in ("moved", "gain", "auroc"):
            assert figures[name] == {"mean": 0.0, "low": 0.0, "high": 0.0}
        assert figures["drift"] == figures["again"]


def test_fronts_are_compared_at_equal_latency(file: Path) -> None:
    found = int8.fronts(file, DEVICE)
    assert found["rows"]
    for row in found["rows"]:
        for name in ("int8", "both"):
            gain = row[f"{name}_gain"]
            assert gain["mean"] == pytest.approx(row[name] - row["fp32"])
            assert gain["low"] <= gain["mean"] <= gain["high"]
    document = {"fronts": {DEVICE: found}, "whole": 8, "cut": 12}
    assert int8.fronts_section(document).count("\n| ") == len(found["rows"]) + 1


def test_a_folder_without_evaluations_says_how_to_make_some(bench: Benchmark, tmp_path) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(BigLittleError, match=r"0 int8 evaluations.*table build --stage int8"):
        int8.evaluated(tmp_path, bench.table)


def test_graphs_are_of_three_kinds(bench: Benchmark) -> None:
    both, mixed, shared = int8_graphs.chosen_pairs(bench)
    assert both[0] == mixed[0]
    assert both[1] == f"{mixed[1]}:int8"
    assert shared[0].partition("@")[0] == shared[1].partition(":")[0]


def test_things_run_in_turn_are_timed_apart() -> None:
    order: list[str] = []
    took = int8_latency.in_turn(lambda: order.append("a"), lambda: order.append("b"), 3, 1)
    assert order == ["a", "b"] * 4
    assert took.shape == (3, 2)
    assert int8_latency.quick_ratio(np.array([[1.0, 2.0], [1.0, 2.0], [9.0, 3.0]])) == 2.0
    rows = [{"ratio": k / 100} for k in range(101)]
    assert int8_latency.summary(rows, "ratio") == {"median": 0.5, "low": 0.05, "high": 0.95}


def test_each_machine_keeps_its_own_ratios(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was measured on one machine never becomes the figure of another."""
    ran = {"conditions": {"cpu": "other"}, "ratio": {"median": 0.5}}
    monkeypatch.setattr(int8_latency, "load", lambda _: {"machines": {"other": ran}})
    monkeypatch.setattr(int8_latency, "device_name", lambda: "this-one")
    figures = int8_latency.measure(1, 2)
    assert figures["machines"]["other"] == ran
    assert figures["machines"]["this-one"]["ratio"]["median"] > 0
    shipped = json.loads(int8_factors.MEASURED.read_text(encoding="utf-8"))["machines"]
    for name, own in shipped.items():
        assert own["conditions"]["cpu"] == name
    (factor,) = int8_factors.other_precisions(int8_factors.MACHINE, Path("unused"))
    assert factor["latency_factor"] == shipped[int8_factors.MACHINE]["ratio"]["median"]
    profile = json.loads((SHIPPED / f"{int8_factors.MACHINE}.json").read_text(encoding="utf-8"))
    assert profile["other_precisions"] == [factor]
