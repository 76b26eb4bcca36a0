"""Limits: at most, or at least for accuracy; and what is said where nothing meets them."""

from __future__ import annotations

from biglittle.bench import Benchmark, Front
from biglittle.bench.limits import unreachable, within
from biglittle.bench.synthetic import DEVICE


def test_a_limit_holds_at_its_own_value(front: Front, bench: Benchmark) -> None:
    points = bench.reported(front.points, DEVICE)
    middle = len(points) // 2
    latency, accuracy = float(points.latency_ms[middle]), float(points.accuracy[middle])
    respected = within(points, {"latency_ms": latency, "accuracy": accuracy})
    expected = (points.latency_ms <= latency) & (points.accuracy >= accuracy)
    assert respected.tolist() == expected.tolist()
    assert respected[middle]
    assert within(points, {}).all()


def test_what_nothing_meets_is_told_with_what_can_be_reached() -> None:
    error = unreachable({"latency_ms": 1.0}, {"latency_ms": 7.25}, "on the board")
    assert str(error) == (
        "no operating point on the board meets the limits (latency_ms 1). The best reachable, each "
        "by itself: latency_ms 7.25. Loosen the limits."
    )
