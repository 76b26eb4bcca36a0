"""What a router is held against in its graph, and what the page says of it."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from biglittle.data_tables.evidence import router_graphs as step
from biglittle.edge_profiler import Protocol
from biglittle.edge_profiler.protocol import Measurement

SMALL = "8" * 22
PROTOCOL = Protocol(rounds=16)


def measured(little: str, coupling: str) -> dict[str, Any]:
    """One ms for little, 1.25 times what is compared with it, whatever it is."""

    def compare(one, other, protocol):  # type: ignore[no-untyped-def]
        one()
        other()
        return Measurement(1.25, 0.04, 1.0, 1.0, 10, 0, 1.0)

    return step.measure_pair((little, SMALL), coupling, PROTOCOL, compare)


@pytest.mark.parametrize(("little", "coupling"), [(f"{SMALL}@12", "prefix"), (SMALL, "sibling")])
def test_sums_are_of_what_runs_before_and_behind_the_gate(little: str, coupling: str) -> None:
    pair = measured(little, coupling)
    big = trunk = stem = 1.25
    took = 0.25
    for row in pair["gates"]:
        assert row["gate_ms"] == took
        assert row["kept"]["sum_ms"] == pytest.approx(1.0 + took)
        ran = {"trunk": trunk, "stem": stem}.get(row["gate"], 1.0)
        shared = 0.0 if coupling == "sibling" else trunk
        assert row["escalated"]["sum_ms"] == pytest.approx(ran + took + big - shared)
        assert row["kept"]["nodes"]["big"] == 0
        assert row["escalated"]["nodes"]["little"] == step._nodes_before(pair, row["gate"])
    assert [row["gate"] for row in pair["gates"]] == list(step.KINDS)
    assert all(0 < row["pi_ms"] < 1 for row in pair["gates"] if row["gate"] != "margin")


def test_the_page_says_what_did_not_run_and_who_measured_nothing() -> None:
    figures = {
        "pairs": [measured(f"{SMALL}@12", "prefix"), measured(SMALL, "sibling")],
        "rounds": 16, "runs": 10, "hidden": 32, "device": "raspberry-pi-4", "runtime": "ort",
        "load_average": 3.0, "real_time_priority": True,
        "conditions": {"cores": 2, "cpu": "here", "python": "3", "numpy": "2"},
    }  # fmt: skip
    text = step.section(figures)
    assert "executed 0 nodes of branches that were not taken" in text
    assert "nobody measured a router" in text
    assert "Load 3.0 when it began, measured at real-time priority" in text
    figures["pairs"][0]["gates"][3]["escalated"]["nodes"]["little"] += 2
    assert "executed 2 nodes" in step.section(figures)
