"""A pair of inherited weights as one graph: it answers as the table says."""

from __future__ import annotations

import dataclasses
import json
import shlex
from collections.abc import Callable
from pathlib import Path

import onnx
import pytest
from typer.testing import CliRunner

pytest.importorskip("torch")

from biglittle.bench import Benchmark, Gate, Pair, Table
from biglittle.bench.datasets import Dataset
from biglittle.bench.errors import ArchitectureError, ConstraintError, GateError
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


def test_a_checked_pair_says_its_accuracy_on_val_as_it_is_deployed(
    bench: Benchmark, plan: Plan, tmp_path: Path
) -> None:
    made = tmp_path / "made.onnx"
    common = [*NAMES, "--table", str(bench.table.path), "--out", str(made), "--threshold", "0.3"]
    plain = CliRunner().invoke(app, common)
    assert "accuracy on val" not in plain.stderr
    assert "--split" not in plain.stderr
    checked = CliRunner().invoke(app, [*common, "--check"])
    assert checked.exit_code == 0
    done = rerun(made.read_bytes(), plan.images()["val"])
    expected = f"accuracy on val: {100 * done.right / done.n:.2f} %, "
    assert f"{expected}{100 * done.escalated / done.n:.1f} % escalated (measured" in checked.stderr
    assert "--threshold 0.3 --split val\n" in checked.stderr
    point = bench.query(Pair(*NAMES), Gate("margin", 0.3), "raspberry-pi-4", "val")
    assert done.right / done.n == pytest.approx(point.accuracy, abs=0.05)


def test_the_query_beside_a_pair_repeats_its_point_to_the_last_digit(bench: Benchmark) -> None:
    pair = extract_pair(bench.table, NAMES, Gate("margin", threshold := 1 / 3 + 1e-9))
    words = shlex.split(pair.text(Path("pair.onnx"))[1].partition("biglittle query ")[2])
    assert words[:2] == [*NAMES]
    assert float(words[words.index("--threshold") + 1]) == threshold


@pytest.mark.parametrize(
    ("name", "options", "refused"),
    [
        (NAMES[0], ("--threshold", "0.5"), "--threshold ("),
        (NAMES[0], ("--gate", "entropy"), "--gate ("),
        (NAMES[0], ("--gate", "margin", "--threshold", "0"), "--gate and --threshold ("),
        ("pi4-5ms", ("--threshold", "0.5"), "--threshold (pi4-5ms is a cascade that ships"),
        ("pi4-5ms", ("--check", "--data", "."), "--check and --data (pi4-5ms"),
        ("pi4-5ms", ("--threads", "1"), "--threads (pi4-5ms"),
    ],
)
def test_an_option_that_says_nothing_of_what_is_extracted_is_refused(
    tmp_path: Path, name: str, options: tuple[str, ...], refused: str
) -> None:
    out = tmp_path / "out.onnx"
    result = CliRunner().invoke(app, [name, *options, "--out", str(out)])
    assert isinstance(result.exception, ConstraintError)
    assert f"that would change nothing: {refused}" in str(result.exception)
    assert "or name a pair: biglittle table extract LITTLE BIG" in str(result.exception)
    assert not out.exists()
