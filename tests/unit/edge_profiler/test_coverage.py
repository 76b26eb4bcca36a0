"""Single networks against an interval: chance, a width that says nothing, networks without one."""

from __future__ import annotations

from biglittle.bench.device_profile import DeviceProfile
from biglittle.bench.intervals import Width
from biglittle.bench.spaces import get_space
from biglittle.edge_profiler.coverage import Coverage, coverage

A, B = "8" * 22, "0" * 22


def test_chance_is_not_held_against_an_interval() -> None:
    assert Coverage(0.9, 17, 20).kept  # as few happens 13 times in 100
    assert not Coverage(0.9, 14, 20).kept  # 1 in 100
    assert Coverage(0.9, 0, 0).kept


def test_a_wide_interval_keeps_nothing() -> None:
    assert Coverage(0.9, 20, 20, width=Width(-0.2, 0.3)).kept
    wide = Coverage(0.9, 20, 20, width=Width(-0.2, 1.3))
    assert (wide.empty, wide.kept) == (True, False)
    assert "-20 % to +130 %" in wide.text()


def test_networks_that_the_profile_had_measured_are_counted_apart() -> None:
    space = get_space("fbnet")
    listed = {"low": 0.9, "high": 1.2, "predicted": 1.0, "measured": 1.1}
    records = [
        {"architecture": B, **listed},
        {"architecture": A, **listed, "low": None, "high": None},
    ]
    promised = DeviceProfile(
        name="x", description="", space="fbnet", space_hash=space.hash, n_classes=10, runtime="",
        source="", measured_ms={A: 1.0, B: 1.0}, latency_low_ms={B: 0.9},
        latency_high_ms={B: 1.2}, facts={"interval": {"coverage": 0.82}},
    )  # fmt: skip
    counted = coverage(promised, space, records)
    assert counted is not None
    assert (counted.inside, counted.n, counted.measured_before) == (1, 1, 1)
    assert "1 more was measured for the profile that was searched with" in counted.text()
