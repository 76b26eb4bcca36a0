"""Energy from samples of power."""

from __future__ import annotations

import itertools
import threading
import time

import pytest

from biglittle.edge_profiler.meters._power import SampledMeter, energy_mj, put_energy


def test_trapezoids():
    assert energy_mj([0, 1], [5, 5]) is None
    assert energy_mj([0, 0.5, 1], [1000, 1000, 1000]) == pytest.approx(1000)
    entry = {}
    put_energy(entry, 1000.0, 2.0, 10, 100.0)
    assert entry == {"energy_mj": 100.0, "energy_net_mj": 80.0, "energy_runs": 10}
    put_energy(entry, 1000.0, 2.0, 10, None)
    assert entry["energy_net_mj"] is None


def test_a_sampled_meter_loses_a_bad_sample_and_not_the_run():
    bad = [ValueError("busy"), float("inf"), float("nan"), -1.0, 1e300]
    readings = iter([1000.0, *bad, *[1000.0] * 1_000_000])
    enough, count = threading.Event(), itertools.count()

    def read():
        value = next(readings)
        if next(count) == 10:
            enough.set()
        if isinstance(value, Exception):
            raise value
        return value

    meter = SampledMeter("x", "rail", read, 500.0)
    assert meter.stop() is None  # never started
    began = time.monotonic()
    meter.start()
    assert enough.wait(60)
    got = meter.stop()
    took = time.monotonic() - began
    assert 0 < got <= 1000 * took * 1.001
    assert meter.stop() is None
