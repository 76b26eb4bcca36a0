"""Limits: at most, or at least for accuracy; and what is said where nothing meets them."""

from __future__ import annotations

from biglittle.bench import Benchmark, Front
from biglittle.bench.limits import lacking, unreachable, within
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


def test_what_a_device_lacks_is_told_with_what_it_has_and_what_to_do() -> None:
    def told(missing: set[str], device: str, given: bool = False) -> str:
        asked = ("error", *missing)
        return str(lacking(asked, lambda name: name in missing, "the table", device, given))

    assert told({"energy_mj"}, "my-board") == (
        "the table has no energy_mj on my-board; expected limits and objectives that the device "
        "has, such as latency_ms, or other networks."
    )
    small = told({"latency_ms", "energy_mj"}, "a b/few.json")
    assert "has no energy_mj and no latency_ms on a b/few.json" in small
    assert small.endswith("biglittle profile --networks anchors:10 --out 'a b/few.json'.")
    assert "anchors" not in told({"latency_ms"}, "jetson-nano")
    assert "--costs FILE" in told({"latency_ms"}, "given.json", given=True)
