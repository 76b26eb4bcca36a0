"""A pair of inherited weights as one graph: it answers as the table says."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import onnx
import pytest
from typer.testing import CliRunner

pytest.importorskip("torch")

from biglittle.bench import Benchmark, Gate, Pair, Table
from biglittle.bench.datasets import Dataset
from biglittle.bench.errors import ArchitectureError, GateError
from biglittle.bench.table_writer import write_table
from biglittle.data_tables.building import reproduce
from biglittle.data_tables.building.extract_command import app
from biglittle.data_tables.building.extract_pair import extract_pair
from biglittle.data_tables.building.plan import Plan
from biglittle.edge_profiler.accuracy import rerun

NAMES = ("8" * 22, "0" + "8" * 21)


@pytest.fixture
def bench(
    plan: Plan,
    few: Dataset,
    assembled: Callable[[int], Path],
    monkeypatch: pytest.MonkeyPatch,
) -> Benchmark:
    monkeypatch.setattr(reproduce, "get_dataset", lambda _: few)
    path = assembled(2)
    contents = dataclasses.replace(Table(path).contents(), choices=("k3_e1", "skip"))
    write_table(path, contents, "1", "d")
    return Benchmark.load(path)


@pytest.mark.parametrize("threshold", [0.0, 1.0])  # nothing escalates, and all does
def test_a_pair_answers_as_the_table_says(bench: Benchmark, plan: Plan, threshold: float) -> None:
    gate = Gate("margin", threshold)
    pair = extract_pair(bench.table, NAMES, gate)
    point = bench.query(Pair(*NAMES), gate, "raspberry-pi-4", "test")
    done = rerun(pair.model, plan.images()["test"])
    assert point.escalation_rate == threshold
    assert done.escalated / done.n == threshold
    assert done.right / done.n == pytest.approx(point.accuracy, abs=0.02)  # 100 images
    facts = {p.key: p.value for p in onnx.load_from_string(pair.model).metadata_props}
    assert (facts["little"], facts["big"]) == NAMES
    assert json.loads(facts["threshold"]) == threshold
    assert pair.text(Path("pair.onnx"))[-1].startswith("measure it on the board: biglittle profile")


def test_a_pair_that_cannot_be_written_is_refused(bench: Benchmark, tmp_path: Path) -> None:
    with pytest.raises(ArchitectureError, match="whose weights were never trained"):
        extract_pair(bench.table, (NAMES[0], "6" * 22), Gate("margin", 0.5))
    with pytest.raises(GateError):
        extract_pair(bench.table, NAMES, Gate("random", 0.5))
    common = [*NAMES, "--table", str(bench.table.path), "--out"]
    result = CliRunner().invoke(app, [*common, str(tmp_path / "pair.onnx")])
    assert isinstance(result.exception, GateError)
    assert f"biglittle query {' '.join(NAMES)} --guarantee" in str(result.exception)
    made = tmp_path / "made.onnx"
    assert CliRunner().invoke(app, [*common, str(made), "--threshold", "0.5"]).exit_code == 0
    assert made.stat().st_size > 1000
    assert not (tmp_path / "pair.onnx").exists()
