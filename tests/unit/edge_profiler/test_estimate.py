"""Roughly how long a measurement takes, said beforehand."""

from __future__ import annotations

from typing import Any

import pytest

from biglittle.bench.errors import BigLittleError

A, B = "8" * 22, "1" + "8" * 21


def test_a_duration_is_estimated_from_a_few_runs() -> None:
    pytest.importorskip("onnx")
    from biglittle.bench import get_space
    from biglittle.edge_profiler.estimate import measuring_s
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
        return measuring_s(
            get_space("fbnet"), ids, pairs, 10, protocol, runtime, clock=lambda: runtime.now_ns
        )

    assert seconds([], []) == 0.0
    assert seconds([A, B], []) == pytest.approx(2 * (0.010 + 0.020 + 0.5))
    assert seconds([], [(A, B)]) == pytest.approx(2 * 0.020 + 3 * 0.020)
    with pytest.raises(BigLittleError):
        seconds(["9"], [])
