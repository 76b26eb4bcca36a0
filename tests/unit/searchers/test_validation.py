"""What is recommended is measured, and how much is measured is said beforehand."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from biglittle.bench import Benchmark, load_device
from biglittle.bench.provenance import MemberWords
from biglittle.bench.recommend import Budget, Recommendation
from biglittle.bench.synthetic import DEVICE, synthetic_table
from biglittle.bench.table_writer import write_table
from biglittle.searchers.front_files import FrontFile, front_json
from biglittle.searchers.validation import proposed


@pytest.fixture
def measured_in_no_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One run of each network is a measurement, and the current folder is the test's own."""
    pytest.importorskip("onnxruntime")
    from biglittle.edge_profiler.protocol import Protocol

    tiny = Protocol(warm_up=1, rounds=1, runs_per_round=1, idle_gap_s=0, max_drift=2.0)
    monkeypatch.setattr("biglittle.edge_profiler.session.Protocol", lambda **given: tiny)
    monkeypatch.chdir(tmp_path)


def test_the_points_to_measure_are_few_and_told_beforehand(  # type: ignore[no-untyped-def]
    command_line, measured_in_no_time: None
) -> None:
    asked = ("front", "--gate", "margin", "--latency-ms-max", "12")
    assert command_line(*asked, "--out", "new/front.json")[0] == 0
    code, text, err = command_line(
        "validate", "new/front.json", "--measure", "here", "--top", "2", "--json"
    )
    assert code in (0, 1), err
    words = " ".join(err.split())
    assert "Measuring 2 of " in words
    assert "seconds on this machine if nothing else runs on it. --all measures the rest." in words
    report = json.loads(text)
    assert len(report["points"]) == 2
    # The block sums of a Pi 4 come from networks of 100 classes, the networks of the table have 10.
    own = Benchmark.load("fbnet-cifar10").table.n_classes
    promised = load_device("raspberry-pi-4").n_classes
    assert own != promised
    assert json.loads(Path("new/validated/measured.json").read_text())["n_classes"] == own
    assert f"with {own} classes (as the front says)" in words
    assert any(
        f"networks have {own} classes; those measured have {own}" in n for n in report["notes"]
    )


def test_what_is_recommended_is_measured(tmp_path: Path) -> None:
    write_table(tmp_path / "table.h5", synthetic_table(n_networks=12, seed=2), "1", "2020-01-01")
    points = Benchmark.load(tmp_path / "table.h5").front(DEVICE).points
    assert len(points) > 8
    marked = FrontFile({}, points, None, marked=(3, 6))
    for top in (2, 3, 5):
        measured = list(proposed(marked, top))
        assert len(measured) == top
        assert points[3] in measured
        assert points[6] in measured
    assert len(proposed(marked, None)) == len(proposed(marked, 1000)) == len(points)
    better = Recommendation(Budget("at the knee", {}), "table", None, points[0], None, None)
    elsewhere = FrontFile({}, points.take(np.arange(4, 8)), None, recommended=(better,))
    for top in (1, 2):
        measured = list(proposed(elsewhere, top))
        assert len(measured) == top
        assert measured[-1] == points[0]
    assert list(proposed(elsewhere, None)) == [*points[4:8], points[0]]
    # each point keeps its own provenance, that from elsewhere too
    words = MemberWords(
        {"latency_ms": np.array([1, 2, 1, 2], np.uint8)},
        {n: w for n, w in points.provenance.items() if n != "latency_ms"},
    )
    differing = replace(elsewhere, points=replace(elsewhere.points, provenance=words))
    for top, latencies in ((1, ["simulated"]), (2, ["block-sum", "simulated"])):
        measured = list(proposed(differing, top))
        assert [p.provenance["latency_ms"] for p in measured] == latencies


def test_what_a_search_says_next_holds_for_a_pair_that_is_not_on_its_front(  # type: ignore[no-untyped-def]
    command_line, measured_in_no_time: None
) -> None:
    table, device = Benchmark.load("fbnet-cifar10"), "raspberry-pi-4"
    names = table.architectures[:6]
    cuts = [0.9, 0.1, 0.5]
    points = table.query_many(names[:3], names[3:], ["margin"] * 3, cuts, device, "test")
    assert min(points.escalation_rate) > 0
    budget = Budget("within the limits", {"latency_ms": 99.0})
    better = Recommendation(budget, "table", None, points[1], None, None, decided="pair")
    document = front_json({"device": device}, points.take(np.array([0, 2])), recommended=[better])
    Path("front.json").write_text(json.dumps(document))
    profile = ("profile", "--networks", "front.json", "--top", "1", "--out", "profile.json")
    assert command_line(*profile)[0] == 0
    measured = json.loads(Path("profile.json").read_text())["networks"]
    assert {n["architecture"] for n in measured} == {names[1], names[4]}
    validate = ("validate", "front.json", "--profile", "profile.json", "--out", "kept", "--json")
    code, text, err = command_line(*validate)
    assert code in (0, 1), err
    report = json.loads(text)["points"]
    latencies = {p["little"]: p["latency_ms"]["measured"] for p in report}
    assert latencies[names[0]] is None
    assert latencies[names[1]] > 0


def test_a_front_with_exits_is_validated_from_its_file_to_the_report(  # type: ignore[no-untyped-def]
    command_line, measured_in_no_time: None
) -> None:
    contents = synthetic_table(n_networks=6, n_val=120, n_test=120, seed=3, n_exits=2)
    write_table(Path("table.h5"), contents, "1", "2020-01-01")
    table, device = Benchmark.load("table.h5"), "raspberry-pi-4"
    names = [str(n) for n in table.table.names]
    cut = next(n for n in names if "@" in n)
    whole = cut.partition("@")[0]
    points = table.query_many([cut, cut, whole], [whole, names[0], whole], ["margin"] * 3,
                              [0.4, 0.4, 0.0], device, "val")  # fmt: skip
    assert min(points.escalation_rate[:2]) > 0
    Path("front.json").write_text(json.dumps(front_json({"device": device}, points)))
    code, text, err = command_line(
        "validate", "front.json", "--measure", "here", "--all", "--out", "report", "--json"
    )
    assert code in (0, 1), err
    prefix, sibling, alone = json.loads(text)["points"]
    assert (prefix["little"], prefix["big"], prefix["branches"]) == (cut, whole, "measured")
    assert prefix["latency_ms"]["measured"] > 0
    assert sibling["branches"] == "measured"
    assert alone["latency_ms"]["measured"] > 0
    pairs = json.loads(Path("report/measured.json").read_text())["pairs"]
    couplings = {(p["little"], p["big"]): p["coupling"] for p in pairs}
    assert couplings == {(cut, whole): "prefix", (cut, names[0]): "sibling"}
