"""Factors of int8 from published pairs of the same network, on made-up publications."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from biglittle.bench.device import SHIPPED, load_device
from biglittle.data_tables.devices import int8_factors
from biglittle.data_tables.devices.int8_factors import by_family, mlperf_ratios, other_precisions


@pytest.fixture
def published(tmp_path: Path) -> Path:
    lines = ["system,model,mean_ms"]
    for system, gain in (("rpi4-tflite-v2.7.1-ruy", 0.4), ("rpi4coral-armnn-v22", 0.9)):
        for k in range(8):
            lines.append(f"{system},mobilenet-v2-{k}-non-quantized,{10 + k}")
            lines.append(f"{system},mobilenet-v2-{k}-quantized,{gain * (10 + k)}")
            lines.append(f"{system},mobilenet-v1-{k}-quantized,{k + 1}")  # without a pair
    lines.append("rpi4000-other,mobilenet-v2-9-quantized,1")
    (tmp_path / "mlperf").mkdir()
    (tmp_path / "ncnn").mkdir()
    with gzip.open(tmp_path / "mlperf" / "edge_single_stream.csv.gz", "wt") as file:
        file.write("\n".join(lines))
    board = '"Raspberry Pi 5 Broadcom BCM2712, Cortex-A76"'
    rows = [("mobilenet", 10), ("mobilenet_int8", 5), ("vgg16", 10), ("vgg16_int8", 12)]
    text = "device,threads,gpu,model,avg_ms\n"
    text += "".join(f"{board},1,-1,{name},{ms}\n{board},4,-1,{name},1\n" for name, ms in rows)
    with gzip.open(tmp_path / "ncnn" / "benchncnn.csv.gz", "wt") as file:
        file.write(text)
    return tmp_path


def test_ratios_are_of_the_same_network_and_system(published: Path) -> None:
    ratios = mlperf_ratios("rpi4", published)
    assert set(ratios) == {"rpi4-tflite-v2.7.1-ruy", "rpi4coral-armnn-v22"}
    medians = by_family(ratios)
    assert medians["rpi4-tflite-v2.7.1-ruy"] == {"mobilenet-v2": 0.4}


def test_a_factor_is_the_mean_of_runtimes_within_its_interval(published: Path) -> None:
    (said,) = other_precisions("raspberry-pi-4", published)
    assert said["latency_factor"] == pytest.approx(np.sqrt(0.4 * 0.9), abs=1e-4)
    assert (said["latency_factor_low"], said["latency_factor_high"]) == (0.4, 0.9)
    assert "16 pairs" in said["source"]
    (said,) = other_precisions("raspberry-pi-5", published)
    assert (said["latency_factor"], said["latency_factor_high"]) == (0.5, 1.2)
    assert other_precisions("jetson-nano", published) == []


def test_profiles_that_ship_have_the_factors_that_were_published() -> None:
    with_factor = {n.stem for n in SHIPPED.glob("*.json") if load_device(n.stem).factors}
    assert with_factor == {*int8_factors.MLPERF, *int8_factors.NCNN, int8_factors.MACHINE}
