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


def test_a_prefix_pair_is_compared_with_parts_that_share_their_trunk(fake_runtime):
    from biglittle.edge_profiler import onnx_model
    from biglittle.edge_profiler.onnx_trunk import trunk_model

    runtime, little = fake_runtime(), f"{REFERENCE}@12"
    got = profile_pair(
        SPACE, little, REFERENCE, 10, protocol=SHORT, runtime=runtime, clock=runtime.clock
    )
    assert (got["little"], got["coupling"]) == (little, "prefix")
    trunk = 0.1 * len(trunk_model(onnx_model(SPACE, little, 10)).graph.node)
    assert got["trunk_ms"] == pytest.approx(trunk, rel=1e-5)
    sums = got["little_ms"] + got["gate_ms"] + got["big_ms"] - got["trunk_ms"]
    assert got["gap"] == pytest.approx(got["escalated_ms"] / sums - 1, abs=1e-5)
    sibling = profile_pair(
        SPACE, f"{SMALL}@12", REFERENCE, 10, protocol=SHORT, runtime=runtime, clock=runtime.clock
    )
    assert sibling["coupling"] == "sibling"
    assert "trunk_ms" not in sibling


def test_profiles_hold_networks_and_pairs_that_are_cut(fake_runtime, profile, tmp_path):
    out, pair = tmp_path / "device.json", (f"{REFERENCE}@12", REFERENCE)
    profile(fake_runtime(), ids=[SMALL, pair[0], REFERENCE], out=out, pairs=[pair])
    device = load_device(out)
    assert (device.pairs[0]["little"], device.pairs[0]["big"]) == pair
    assert device.measured_ms[pair[0]] > 0
    exits = SPACE.exit_numbers(["12"])
    assert device.latency_ms(SPACE, SPACE.parse(REFERENCE), exits)[0] == device.measured_ms[pair[0]]
    runtime = fake_runtime()
    profile(runtime, ids=[pair[0]], reference=None, out=out, pairs=[pair])  # nothing is left to do
    assert runtime.loaded == [f"fbnet_{REFERENCE}"]
