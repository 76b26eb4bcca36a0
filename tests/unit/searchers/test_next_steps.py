"""The commands to go on with repeat what was asked and name pairs that escalate."""

from __future__ import annotations

import json
import tomllib
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from biglittle.bench import Benchmark, Gate, Pair
from biglittle.bench.recommend import Budget, Recommendation
from biglittle.bench.synthetic import DEVICE
from biglittle.edge_profiler.session import ProfileRequest
from biglittle.searchers import next_steps as module
from biglittle.searchers.front_files import front_json
from biglittle.searchers.front_question import question_sources
from biglittle.searchers.judge import judge_called
from biglittle.searchers.next_steps import missing_extras, next_steps
from biglittle.searchers.profile_requests import requests_for

ROOT = Path(__file__).resolve().parents[3]


def test_next_steps_repeat_what_was_asked(table: str) -> None:
    judge = judge_called("table", (DEVICE,), table)
    judge = replace(judge, devices=("one", "two"), given=("my one.json", "two"))
    points = Benchmark.load(table).front(DEVICE).points
    steps = next_steps(judge, points, None, ["search", "--soft", "accuracy - macs"])
    assert steps[0].startswith("biglittle search --soft 'accuracy - macs' --out out/search")
    assert len(steps) == 6
    assert "--device" not in steps[1]  # the front remembers it, and the table
    assert "--table" not in steps[1]
    assert not any("--table" in step for step in steps)  # profile names networks or the front
    for step, device, file in ((3, "'my one.json'", "-one"), (5, "two", "-two")):
        assert f"--device {device} --profile out/search/profile{file}.json" in steps[step]


def test_next_steps_name_pairs_that_escalate(table: str, tmp_path: Path) -> None:
    judge = judge_called("table", (DEVICE,), table)
    points = Benchmark.load(table).front(DEVICE).points
    steps = next_steps(judge, points, tmp_path)
    used = points.take(points.escalation_rate >= 0.01)
    pairs = {f"{a}:{b}" for a, b in zip(used.little, used.big, strict=True)}
    assert set(steps[1].split("--pairs ")[1].split()[0].split(",")) <= pairs


def test_next_steps_without_a_pair_measure_networks_and_train_nothing(
    table: str, tmp_path: Path
) -> None:
    bench, judge = Benchmark.load(table), judge_called("table", (DEVICE,), table)
    ids = list(bench.architectures[:2])
    points = bench.query_many(ids, ids, ["margin"] * 2, [0.2] * 2, DEVICE, "val")
    steps = next_steps(judge, points, tmp_path)
    assert [step.split()[1] for step in steps] == ["profile", "validate"]
    assert "--pairs" not in " ".join(steps)
    assert set(steps[0].split("--networks ")[1].split()[0].split(",")) == set(ids)


def test_next_steps_measure_what_is_recommended_and_not_on_the_front(
    table: str, tmp_path: Path
) -> None:
    """A pair of the table alone that beats the search: every command has to reach it."""
    bench, judge = Benchmark.load(table), judge_called("table", (DEVICE,), table)
    points = bench.front(DEVICE).points
    little, big = bench.architectures[0], bench.architectures[1]
    pair = bench.query(Pair(little, big), Gate("margin", 0.4), DEVICE)
    limits = Budget("within the limits", {"latency_ms": 1e3})
    answer = Recommendation(limits, "table", None, pair, None, None, decided="pair")
    steps = next_steps(judge, points, tmp_path, recommended=[answer])
    for step in (steps[0], steps[2]):  # the CSV holds the front alone
        assert f"{tmp_path}/front.json " in step
    front = tmp_path / "front.json"
    measured = f"biglittle profile --networks {front} --top 1 --out {tmp_path}/profile.json"
    assert steps[1] == f"{measured}    # on {DEVICE}"
    config = {"sources": question_sources([DEVICE], bench, table)}
    front.write_text(json.dumps(front_json(config, points, recommended=[answer])))
    (request,) = requests_for(ProfileRequest(networks=str(front)), table, str, top=1)
    assert (request.networks, request.pairs) == (",".join(sorted((little, big))), f"{little}:{big}")
    nothing = Recommendation(limits, "search", None, None, None, None)
    assert next_steps(judge, points, tmp_path, recommended=[nothing]) == next_steps(
        judge, points, tmp_path
    )


def test_a_recommended_pair_of_a_shipped_table_is_written_as_it_is(
    table: str, tmp_path: Path
) -> None:
    bench, judge = Benchmark.load(table), judge_called("table", (DEVICE,), table)
    points = bench.front(DEVICE).points
    row = int(np.flatnonzero(points.escalation_rate > 0.05)[0])
    limits = Budget("within the limits", {"latency_ms": 1e3})
    answer = Recommendation(limits, "search", row, points[row], None, None, decided="pair")
    assert "table extract" not in " ".join(next_steps(judge, points, tmp_path, (), [answer]))
    shipped = replace(judge, table="fbnet-fashion-mnist")  # whose weights lie beside it
    command = next_steps(shipped, points, tmp_path, (), [answer])[-1].partition("    #")[0].split()
    assert command[:5] == ["biglittle", "table", "extract", points[row].little, points[row].big]
    options = dict(zip(command[5::2], command[6::2], strict=True))
    assert options["--gate"] == points[row].gate
    assert float(options["--threshold"]) == points[row].threshold  # to the last bit
    assert options["--table"] == "fbnet-fashion-mnist"
    assert options["--out"] == f"{tmp_path}/pair.onnx"


def test_next_steps_name_networks_with_their_space_and_classes(
    table: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge = judge_called("table", (DEVICE,), table)
    points = Benchmark.load(table).front(DEVICE).points
    usual = next_steps(judge, points, tmp_path)[1]
    assert "--classes" not in usual
    assert "--space" not in usual
    of_others = SimpleNamespace(space=SimpleNamespace(name="other"), n_classes=7)
    steps = next_steps(replace(judge, evaluator=of_others), points, tmp_path)
    assert " --space other --classes 7 --pairs " in steps[1]


def test_the_front_is_named_where_it_proposes_just_what_is_recommended(
    table: str, tmp_path: Path
) -> None:
    bench, judge = Benchmark.load(table), judge_called("table", (DEVICE,), table)
    points = bench.front(DEVICE).points
    rows = np.flatnonzero(points.escalation_rate > 0.05)[[0, -1]].tolist()
    limits = Budget("within the limits", {"latency_ms": 1e3})
    answers = [
        Recommendation(limits, "search", row, points[row], None, None, decided="pair")
        for row in rows
    ]
    profile = next_steps(judge, points, tmp_path, recommended=answers)[1]
    top = len({*rows})
    assert f"--networks {tmp_path}/front.json --top {top} --out" in profile
    # Of a front that never escalates there, the file would not propose the pair.
    never = replace(points, escalation_rate=np.zeros(len(points)))
    named = next_steps(judge, never, tmp_path, recommended=answers)[1]
    assert f"--pairs {points[rows[0]].little}:{points[rows[0]].big}" in named


def test_what_is_not_installed_is_named_with_the_extra_that_brings_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    away: set[str] = set()
    monkeypatch.setattr(module, "find_spec", lambda name: None if name in away else name)
    assert missing_extras() == ""
    away.add("torch")
    assert "cotrain needs the extra train" in missing_extras()
    assert missing_extras().endswith("pip install --constraint constraints.txt '.[train]'")
    away.add("onnx")
    assert "profile needs the extra profiler" in missing_extras()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = missing_extras().split(".[")[1].split("]")[0].split(",")
    for extra, name in zip(extras, ("torch", "onnx"), strict=True):
        brought = project["optional-dependencies"][extra]
        assert any(line.startswith(name) for line in brought)


def test_the_page_says_how_the_light_set_up_becomes_a_command() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    light = next(s.split()[-1] for s in makefile.splitlines() if s.startswith("LIGHT"))
    assert f". {light}/bin/activate" in (ROOT / "README.md").read_text(encoding="utf-8")
