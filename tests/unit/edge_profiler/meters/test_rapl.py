"""The counters of processor packages, on fake sysfs trees."""

from __future__ import annotations

import pytest

from biglittle.bench.errors import ProfileError
from biglittle.edge_profiler.meters import get_meter, nvml


@pytest.fixture(autouse=True)
def _no_cuda(monkeypatch):
    """Whatever this machine has, its driver is not asked."""
    monkeypatch.setattr(nvml, "cuda_bus_id", lambda: None)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


def write(root, **files):
    for name, text in files.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(str(text))


# ---- RAPL --------------------------------------------------------------------------------------
def rapl(root, package, energy_uj, name="package-0", limit_uj=1_000_000):
    base = f"sys__class__powercap__{package}"
    files = {"energy_uj": energy_uj, "max_energy_range_uj": limit_uj, "name": name}
    write(root, **{f"{base}__{k}": v for k, v in files.items()})


def test_rapl_sums_packages_and_wraps_round(tmp_path):
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


def test_rapl_without_counters_and_unreadable(tmp_path):
    with pytest.raises(ProfileError, match="no RAPL counters"):
        get_meter("rapl", tmp_path)
    rapl(tmp_path, "intel-rapl:0", "secret")
    with pytest.raises(ProfileError, match="energy_uj"):
        get_meter("rapl", tmp_path)
