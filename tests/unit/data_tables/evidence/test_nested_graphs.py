"""A nested pair with its weights once and twice: they answer alike, and what sharing saves."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from biglittle.bench import get_space
from biglittle.data_tables.evidence import nested_graphs as step
from biglittle.data_tables.evidence._sessions import noise, session
from biglittle.edge_profiler import Protocol
from biglittle.edge_profiler.protocol import Measurement

SMALL, LARGE = "8" * 20 + "00", "8" * 20 + "77"


def test_a_slice_lies_in_the_first_channels_and_the_middle_of_kernels() -> None:
    assert step.slices_of((2, 1, 3, 3), (4, 1, 5, 5)) == (
        slice(0, 2), slice(0, 1), slice(1, 4), slice(1, 4),
    )  # fmt: skip
    assert step.slices_of((5, 1), (4, 1)) is None
    assert step.slices_of((4,), (4, 1)) is None


@pytest.mark.parametrize("escalate", [False, True])
def test_all_ways_answer_alike_and_hold_what_they_say(escalate: bool) -> None:
    image, graphs = noise(get_space("fbnet")), step.graphs_of((SMALL, LARGE), escalate)
    answers = [session(graph).run(None, {"images": image}) for graph in graphs.values()]
    for logits, escalated in answers:
        assert bool(escalated) is escalate
        np.testing.assert_allclose(logits, answers[0][0], rtol=1e-4, atol=1e-5)
    sizes = {way: len(graph.SerializeToString()) for way, graph in graphs.items()}
    assert sizes["once"] < 0.95 * sizes["twice"]
    assert abs(sizes["outside"] - sizes["twice"]) < 0.01 * sizes["twice"]


def test_the_page_says_what_sharing_saves_and_costs() -> None:
    def compare(one, other, protocol):  # type: ignore[no-untyped-def]
        return Measurement(2.0, 0.04, 1.0, 1.0, 10, 0, 1.5)

    pair = step.measure_pair((SMALL, LARGE), Protocol(rounds=16), compare, processes=1)
    memory = {"twice": 80.0, "outside": 41.0, "once": 42.0}
    for way, value in memory.items():
        told = pair["ways"][way]["resident_mib"]
        assert told is None or told > 0
        pair["ways"][way]["resident_mib"] = value
    figures: dict[str, Any] = {
        "pairs": [pair], "rounds": 16, "runs": 10, "processes": 1, "runtime": "ort",
        "load_average": None, "real_time_priority": False,
        "conditions": {"cores": 2, "cpu": "here", "python": "3", "numpy": "2"},
    }  # fmt: skip
    text = step.section(figures)
    assert "saves no memory (1.0 MiB more are taken" in text
    assert "takes 2.0 to 2.0 times" in text
    pair["ways"]["once"]["resident_mib"] = 39.0
    assert "sharing saves 2.0 of the" in step.section(figures)
    pair["ways"]["once"]["resident_mib"] = None
    assert "Nobody says here" in step.section(figures)
