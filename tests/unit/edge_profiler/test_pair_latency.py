"""Pairs end to end against the sum of their parts, on a fake runtime with a fake clock."""

import pytest

from biglittle.bench import get_space, load_device
from biglittle.edge_profiler import (
    Protocol,
    profile_pair,
)

onnx = pytest.importorskip("onnx")
SPACE = get_space("fbnet")
SMALL = "8" * 22
REFERENCE = "8" * 21 + "1"
SHORT = Protocol(warm_up=1, rounds=2, runs_per_round=3, idle_gap_s=0)


def nodes(architecture):
    from biglittle.edge_profiler import onnx_model

    return len(onnx_model(SPACE, architecture, 10).graph.node)


def test_pairs_are_kept_in_the_file_and_failed_ones_tried_again(fake_runtime, profile, tmp_path):
    out, pair = tmp_path / "device.json", (SMALL, REFERENCE)
    got = profile(fake_runtime(refuse=["cascade"]), out=out, pairs=[pair])
    assert "not supported" in got["pairs"][0]["error"]
    runtime = fake_runtime()
    got = profile(runtime, reference=None, out=out, pairs=[pair, pair])
    assert [(p["little"], p["big"]) for p in got["pairs"]] == [pair]
    assert got["pairs"][0]["escalated_ms"] > 0
    assert load_device(out).pairs[0]["gap"] == got["pairs"][0]["gap"]
    runtime = fake_runtime()
    profile(runtime, reference=None, out=out, pairs=[pair])
    assert runtime.loaded == [f"fbnet_{REFERENCE}"]


def test_a_pair_is_compared_with_the_sum_of_its_parts(fake_runtime):
    runtime = fake_runtime()
    got = profile_pair(
        SPACE, SMALL, REFERENCE, 10, protocol=SHORT, runtime=runtime, clock=runtime.clock
    )
    assert got["little_ms"] == pytest.approx(0.1 * nodes(SMALL))
    assert got["big_ms"] == pytest.approx(0.1 * nodes(REFERENCE), rel=1e-5)
    # The fake runtime counts the If as one node and never looks inside of it.
    assert got["kept_ms"] == pytest.approx(got["little_ms"] + got["gate_ms"] + 0.1)
    sums = got["little_ms"] + got["gate_ms"] + got["big_ms"]
    assert got["gap"] == pytest.approx(got["escalated_ms"] / sums - 1, abs=1e-5)
