"""Energy meters on fake sysfs trees, captured lines, stand-in programs and a fake module."""

from __future__ import annotations

import sys

import pytest

from biglittle.bench.errors import ProfileError, UnknownNameError
from biglittle.edge_profiler.meters import AUTOMATIC, METERS, get_meter
from biglittle.edge_profiler.runtimes import RUNTIMES, get_runtime


def test_every_meter_opens_or_says_why_not(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "pynvml", None)
    here = [n for n in METERS.names() if n in ("none", "trace")]
    for name in here:
        meter = get_meter(name, tmp_path)
        assert meter.name == name
        meter.start()
        assert meter.stop() is None
    for name in sorted({*METERS.names()} - {*here}):
        with pytest.raises(ProfileError, match=f"'{name}'.*"):
            get_meter(name, tmp_path)


def test_automatic_is_silent_where_nothing_is_there(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert get_meter("auto", tmp_path).name == "none"
    assert capsys.readouterr() == ("", "")
    assert set(AUTOMATIC) <= set(METERS.names())
    with pytest.raises(UnknownNameError, match="rapl"):
        get_meter("rappl")


# ---- what a meter covers -----------------------------------------------------------------------
def test_automatic_takes_the_meter_that_sees_what_runs(
    rapl, hwmon, fake_nvml, tmp_path, monkeypatch
):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "pynvml", fake_nvml(power_mw=70_000))
    assert get_meter("auto", tmp_path, "cpu").name == "none"  # and not an idle GPU's board
    assert get_meter("auto", tmp_path, "gpu").name == "nvml"
    rapl(tmp_path, "intel-rapl:0", 100)
    assert get_meter("auto", tmp_path, "cpu").name == "rapl"
    assert get_meter("auto", tmp_path, "gpu").name == "nvml"
    hwmon(tmp_path, VDD_CPU=(5000, 400))  # no GPU in it
    assert get_meter("auto", tmp_path, "gpu").name == "nvml"
    assert get_meter("auto", tmp_path, "cpu").name == "ina3221"
    hwmon(tmp_path, VDD_IN=(5000, 1000))
    assert {get_meter("auto", tmp_path, where).name for where in ("cpu", "gpu")} == {"ina3221"}


def test_a_meter_asked_for_by_name_that_sees_something_else_is_refused(
    rapl, fake_nvml, tmp_path, monkeypatch
):
    monkeypatch.setitem(sys.modules, "pynvml", fake_nvml(power_mw=70_000))
    with pytest.raises(ProfileError, match=r"sees the GPU alone .* runs on the CPU.*'auto'"):
        get_meter("nvml", tmp_path, "cpu")
    rapl(tmp_path, "intel-rapl:0", 100)
    with pytest.raises(ProfileError, match="sees the CPU alone"):
        get_meter("rapl", tmp_path, "gpu")
    for name in ("none", "trace"):
        for where in ("cpu", "gpu"):
            assert get_meter(name, tmp_path, where).name == name


def test_every_runtime_says_where_it_runs():
    for name in RUNTIMES.names():
        assert get_runtime(name).runs_on == ("cpu" if name == "ort_cpu" else "gpu")
