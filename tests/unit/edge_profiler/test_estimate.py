"""Roughly how long a measurement takes, said beforehand."""

from __future__ import annotations

from typing import Any

import pytest

from biglittle.bench.errors import BigLittleError

A, B = "8" * 22, "1" + "8" * 21


def test_a_duration_is_estimated_from_a_few_runs() -> None:
    pytest.importorskip("onnx")
    from biglittle.bench import get_space
    from biglittle.edge_profiler.estimate import estimate
    from biglittle.edge_profiler.protocol import Protocol

    class Runtime:
        """Every run of every network takes a millisecond."""

        description, precision, now_ns = "fake", "fp32", 0

        def load(self, model: bytes, threads: int) -> Any:
            def run() -> None:
                self.now_ns += 1_000_000

            return run

    runtime, protocol = Runtime(), Protocol(warm_up=0, rounds=1, runs_per_round=10, idle_gap_s=0.5)

    def seconds(ids: list[str], pairs: list[tuple[str, str]]) -> float:
        return estimate(
            get_space("fbnet"), ids, pairs, 10, protocol, runtime, clock=lambda: runtime.now_ns
        ).total_s

    assert seconds([], []) == 0.0
    assert seconds([A, B], []) == pytest.approx(2 * (0.010 + 0.020 + 0.5))
    assert seconds([], [(A, B)]) == pytest.approx(2 * 0.020 + 3 * 0.020)
    with pytest.raises(BigLittleError):
        seconds(["9"], [])


def test_a_busy_machine_is_told_of_once() -> None:
    from biglittle.edge_profiler.estimate import Estimate, Pace

    networks, pairs = {a: 2.0 for a in "abcd"}, {("a", "b"): 4.0}
    entries = [*({"architecture": a} for a in "abcd"), {"little": "a", "big": "b"}]
    assert Estimate(networks, pairs).total_s == 12.0

    def lines(of_one: float, first: float = 0.0) -> list[str]:
        told: list[str] = []
        now = 0.0
        pace = Pace(Estimate(networks, pairs), told.append, clock=lambda: int(now * 1e9))
        for i, entry in enumerate(entries):
            now += of_one + (first if i == 0 else 0.0)
            pace.measured(entry)
        return told

    assert lines(2.0, first=60.0) == []  # what is loaded before the first is not held against it
    assert lines(0.001) == []
    (line,) = lines(18.0)  # b took 18 s; c, d and the pair are 8 s by the estimate
    assert "took 9 times as long, so the rest takes about 1 minute." in line
