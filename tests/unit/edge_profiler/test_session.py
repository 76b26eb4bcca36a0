"""What a user asks of the profiler, and the light command line that boards run."""

from __future__ import annotations

import numpy as np
import pytest

from biglittle.bench import get_space
from biglittle.bench.errors import ArchitectureError, UnknownNameError
from biglittle.edge_profiler.anchors import anchor_networks
from biglittle.edge_profiler.session import (
    ProfileRequest,
    architectures,
    progress_line,
    run_request,
    summary,
)

SPACE = get_space("fbnet")
A, B = "8" * 22, "0" * 22


def test_anchors_are_few_spread_and_the_same_every_time():
    ids = anchor_networks(SPACE)
    assert (len(set(ids)), ids) == (40, anchor_networks(SPACE))
    genomes = SPACE.parse(ids)
    macs = SPACE.macs(genomes, 10)
    drawn = SPACE.macs(SPACE.sample(np.random.default_rng(0), 1000), 10)
    # Smaller than any of a thousand random ones, and larger.
    assert macs.min() < drawn.min()
    assert macs.max() > drawn.max()
    assert all((genomes == c).any(axis=0).sum() >= 11 for c in range(len(SPACE.choices)))


def test_networks_come_from_a_file_or_the_line(tmp_path):
    path = tmp_path / "ids.txt"
    path.write_text(f"# mine\n{A}\n\n{B} # the largest but one\n{A}\n")
    assert architectures(str(path), SPACE, 10) == [A, B]
    assert architectures(f"{A},{B}", SPACE, 10) == [A, B]
    assert len(architectures("anchors", SPACE, 10)) == 40
    assert architectures("anchors:7", SPACE, 10) == architectures("anchors", SPACE, 10)[:7]
    with pytest.raises(ArchitectureError):
        architectures("nothing.txt", SPACE, 10)


def test_a_request_reaches_the_profiler():
    def measure(space, wanted, n_classes, protocol, runtime, **more):
        asked.update(more, wanted=wanted, classes=n_classes, protocol=protocol, runtime=runtime)
        return {"networks": []}

    asked = {}
    request = ProfileRequest(f"{A},{B}", f"{A}:{B}", n_classes=7, threads=3, rounds=2, meter="none")
    run_request(request, None, measure=measure)
    assert (asked["wanted"], asked["pairs"], asked["classes"]) == ([A, B], [(A, B)], 7)
    assert (asked["protocol"].threads, asked["protocol"].rounds) == (3, 2)
    assert asked["runtime"].precision == "fp32"
    with pytest.raises(UnknownNameError, match="'ort-cpu'"):
        run_request(ProfileRequest(A, runtime="ort-cpux"), None, measure=measure)


def test_the_summary_names_failures_energy_and_gaps(tmp_path):
    document = {
        "device": "x", "runtime": "fake", "precision": "fp32", "threads": 1, "batch": 1,
        "reference": {"self_ratio": 1.001}, "harness_overhead_ms": 0.004,
        "networks": [
            {"architecture": A, "latency_ms": 1.0, "energy_mj": 2.0},
            {"architecture": B, "latency_ms": None, "error": "no kernel"},
        ],
        "meter": {"name": "rapl", "rail": "core", "idle_power_mw": 800.0},
        "pairs": [
            {"little": A, "big": B, "kept_ms": 1.0, "escalated_ms": 2.0, "gap": 0.02},
            {"little": B, "big": A, "error": "too unsteady"},
        ],
    }  # fmt: skip
    text = "\n".join(summary(document, tmp_path / "p.json"))
    words = ("1 of 2", "no kernel", "4.0 us", "1.0010", "800 mW", "+2.0%", "too unsteady")
    assert all(word in text for word in words)


def test_a_line_of_progress_says_what_was_measured_or_why_not():
    names = {"file": "cascade.onnx", "branch": "kept"}
    assert progress_line({**names, "latency_ms": 0.012345}) == "cascade.onnx kept 0.012345 ms"
    pair = {"little": A, "big": B}
    assert progress_line(pair | {"escalated_ms": 2.5}) == f"{A} -> {B} 2.5 ms"
    assert progress_line(pair | {"error": "too unsteady"}) == f"{A} -> {B} failed: too unsteady"


def test_another_space_is_profiled_by_its_name(tmp_path):
    pytest.importorskip("onnx")
    from biglittle.bench import load_device
    from biglittle.bench.errors import ArchitectureError
    from biglittle.edge_profiler import Protocol, profile_networks

    class Runtime:
        description, precision, now_ns = "fake", "fp32", 0

        def load(self, model, threads):
            def run():
                self.now_ns += len(model)

            return run

    runtime, space, out = Runtime(), get_space("nb201"), tmp_path / "cells.json"
    short = Protocol(warm_up=1, rounds=1, runs_per_round=2, idle_gap_s=0)
    ids = architectures("333333,123432", space, 10)
    got = profile_networks(space, ids, 10, short, runtime, clock=lambda: runtime.now_ns, out=out)
    assert (got["space"], got["reference"]["architecture"]) == ("nb201", "111111")
    assert load_device(out).measured_ms.keys() == {"333333", "123432"}
    with pytest.raises(ArchitectureError):
        architectures(A, space, 10)
