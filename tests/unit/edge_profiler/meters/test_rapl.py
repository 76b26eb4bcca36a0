"""The counters of processor packages, on fake sysfs trees."""

from __future__ import annotations

import pytest

from biglittle.bench.errors import ProfileError
from biglittle.edge_profiler.meters import get_meter

# ---- RAPL --------------------------------------------------------------------------------------


def test_rapl_sums_packages_and_wraps_round(rapl, tmp_path):
    rapl(tmp_path, "intel-rapl:0", 900_000)
    rapl(tmp_path, "intel-rapl:1", 100)
    rapl(tmp_path, "intel-rapl:0:0", 7, name="core")
    rapl(tmp_path, "intel-rapl:2", 7, name="psys")
    meter = get_meter("auto", tmp_path)
    assert (meter.name, "2 processor packages" in meter.rail) == ("rapl", True)
    meter.start()
    rapl(tmp_path, "intel-rapl:0", 100_000)  # over its end: 200,000 microjoules
    rapl(tmp_path, "intel-rapl:1", 50_100)
    assert meter.stop() == pytest.approx(250.0)
    assert meter.stop() is None


def test_rapl_without_counters_and_unreadable(rapl, tmp_path):
    with pytest.raises(ProfileError, match="no RAPL counters"):
        get_meter("rapl", tmp_path)
    rapl(tmp_path, "intel-rapl:0", "secret")
    with pytest.raises(ProfileError, match="energy_uj"):
        get_meter("rapl", tmp_path)
