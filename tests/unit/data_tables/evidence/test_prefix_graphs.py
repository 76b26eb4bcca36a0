"""What one graph of an exit and its network is held against, and what the page says of it."""

from __future__ import annotations

import pytest

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from biglittle.data_tables.evidence import prefix_graphs as step  # noqa: E402
from biglittle.edge_profiler import Protocol  # noqa: E402
from biglittle.edge_profiler.protocol import Measurement  # noqa: E402

PROTOCOL = Protocol(rounds=16)
ARCHITECTURE = "0" * 4 + "8" * 18
#: Ratios in the order in which the ways are compared: the exit against the whole network of 2 ms,
#: trunk and kept against the exit, escalated against the whole one, both graphs against sessions.
RATIOS = (0.5, 0.8, 1.02, 1.2, 1.0, 0.99, 0.8, 1.02)


def measured() -> dict[str, object]:
    ratios = iter(RATIOS)

    def compare(one, other, protocol):  # type: ignore[no-untyped-def]
        one()
        other()
        return Measurement(next(ratios), 0.04, 1.0, 1.0, 10, 0, 2.0)

    return step.measure_pair(ARCHITECTURE, "4", 0.01, PROTOCOL, compare)


def test_a_graph_is_held_against_the_sum_of_its_parts_and_against_sessions() -> None:
    pair = measured()
    assert pair["whole_ms"] == 2.0
    assert (pair["little_ms"], pair["trunk_ms"], pair["escalated_ms"]) == (1.0, 0.8, 2.4)
    assert pair["sums_ms"]["kept"] == pytest.approx(1.01)
    assert pair["sums_ms"]["escalated"] == pytest.approx(1.01 + 2.0 - 0.8)
    error = pair["sum_error"]["escalated"]
    assert error["value"] == pytest.approx(2.4 / 2.21 - 1)
    half = step.HALF_WIDTH * 0.04 / 4
    assert error["half_width"] == pytest.approx(half / 1.2)
    by_hand = pair["against"]["escalated_by_hand"]
    assert by_hand["value"] == pytest.approx(0.04)
    assert by_hand["half_width"] == pytest.approx(2 * half)
    assert pair["against"]["escalated_two_sessions"]["ratio"] == 0.8
    assert pair["idle_nodes_run"] == 0
    assert pair["branch_nodes"] > 0


def test_the_page_states_prices_intervals_and_what_did_not_run() -> None:
    pair = measured()
    figures = {
        "pairs": [pair], "rounds": 16, "runs": 10, "gate": "margin", "gate_ms": 0.01,
        "runtime": "ort", "load_average": 3.0, "real_time_priority": True,
        "conditions": {"cores": 2, "cpu": "here", "python": "3", "numpy": "2"},
    }  # fmt: skip
    text = step.prefix_graphs_section(figures)
    assert f"`@4` of `{ARCHITECTURE}`" in text
    assert "+0.040 ± 0.049" in text
    assert "takes 20 to 20 % less in one graph than in two sessions" in text
    assert f"executed 0 of the {pair['branch_nodes']} nodes" in text
    assert "Load 3.0 when it began, measured at real-time priority" in text
    assert "real-time" not in step.prefix_graphs_section({**figures, "real_time_priority": False})
