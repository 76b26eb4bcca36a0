"""NVIDIA's library, as a fake module."""

from __future__ import annotations

import sys

import pytest

from biglittle.bench.errors import ProfileError
from biglittle.edge_profiler.meters import get_meter, nvml


@pytest.mark.parametrize(
    ("visible", "taken"),
    [(None, 0), ("1", 1), ("1,0", 1), ("GPU-bb", 1), ("GPU-aa11", 0)],
)
def test_nvml_takes_the_gpu_that_cuda_takes(fake_nvml, monkeypatch, visible, taken):
    module = fake_nvml(power_mw=70_000, gpus=2)
    asked = []
    module.nvmlDeviceGetPowerUsage = lambda handle: asked.append(handle) or 1
    monkeypatch.setitem(sys.modules, "pynvml", module)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    get_meter("nvml")
    assert set(asked) == {taken}


@pytest.mark.parametrize(
    ("visible", "words"),
    [("", "sees no GPU"), ("-1", "sees no GPU"), ("GPU-ff", "sees no GPU"), ("MIG-1", "a part of")],
)
def test_nvml_without_a_visible_gpu_says_so(fake_nvml, monkeypatch, visible, words):
    monkeypatch.setitem(sys.modules, "pynvml", fake_nvml(power_mw=1, gpus=2))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    with pytest.raises(ProfileError, match=words):
        get_meter("nvml")


def test_nvml_does_not_take_a_divided_gpu_for_what_runs_on_a_part_of_it(fake_nvml, monkeypatch):
    module = fake_nvml(power_mw=1)
    module.nvmlDeviceGetMigMode = lambda handle: (1, 1)
    monkeypatch.setitem(sys.modules, "pynvml", module)
    with pytest.raises(ProfileError, match=r"divided \(MIG\).*as a whole"):
        get_meter("nvml")
    module.nvmlDeviceGetMigMode = lambda handle: (0, 0)
    assert get_meter("nvml").name == "nvml"


def test_nvml_believes_the_driver_before_the_environment(fake_nvml, monkeypatch):
    module = fake_nvml(power_mw=1, gpus=2)
    buses = []
    module.nvmlDeviceGetHandleByPciBusId = lambda bus: buses.append(bus) or 1
    monkeypatch.setitem(sys.modules, "pynvml", module)
    monkeypatch.setattr(nvml, "cuda_bus_id", lambda: "0000:65:00.0")
    get_meter("nvml")
    assert buses == [b"0000:65:00.0"]


# ---- NVML --------------------------------------------------------------------------------------


def test_nvml_counts_or_samples_or_says_why_not(fake_nvml, monkeypatch):
    monkeypatch.setitem(sys.modules, "pynvml", fake_nvml(iter([1, 1000, 1250, 5, 5])))
    meter = get_meter("nvml")
    meter.start()
    assert meter.stop() == 250.0
    meter.start()
    assert meter.stop() is None  # too short for the counter to move
    monkeypatch.setitem(sys.modules, "pynvml", fake_nvml(power_mw=70_000))
    assert get_meter("nvml").sampling_hz == 20.0
    monkeypatch.setitem(sys.modules, "pynvml", fake_nvml())
    with pytest.raises(ProfileError, match="gives no power"):
        get_meter("nvml")
    monkeypatch.setitem(sys.modules, "pynvml", fake_nvml(gpus=0))
    with pytest.raises(ProfileError, match="no GPU answers"):
        get_meter("nvml")
