"""The rails of a Jetson, on fake sysfs trees."""

from __future__ import annotations

import pytest

from biglittle.edge_profiler.meters import get_meter

# ---- Jetson ------------------------------------------------------------------------------------


def test_ina3221_reads_the_whole_module_where_it_can(hwmon, tmp_path):
    hwmon(tmp_path, VDD_IN=(5000, 1000), VDD_CPU=(5000, 400), NC=(0, 0))
    meter = get_meter("ina3221", tmp_path)
    assert meter.rail == "module, VDD_IN"
    assert meter._read() == pytest.approx(5000.0)


def test_ina3221_sums_parts_and_names_them(hwmon, tmp_path):
    hwmon(tmp_path, VDD_GPU_SOC=(5000, 400), VDD_CPU_CV=(5000, 100))
    meter = get_meter("ina3221", tmp_path)
    assert meter.rail == "sum of VDD_CPU_CV+VDD_GPU_SOC"
    assert meter._read() == pytest.approx(2500.0)


def test_ina3221_of_jetpack_4(write, tmp_path):
    base = "sys__bus__i2c__drivers__ina3221x__6-0040__iio:device0__"
    write(tmp_path, **{base + "rail_name_0": "POM_5V_IN", base + "in_power0_input": 2500})
    meter = get_meter("ina3221", tmp_path)
    assert (meter.rail, meter._read()) == ("module, POM_5V_IN", 2500.0)


def test_ina3221_adds_the_rails_of_all_chips_of_an_agx_orin(write, hwmon, tmp_path):
    hwmon(tmp_path, VDD_GPU_SOC=(20000, 1000), VDD_CPU_CV=(20000, 300), VIN_SYS_5V0=(5000, 1000))
    second = "sys__class__hwmon__hwmon4__"
    files = {"name": "ina3221", "in1_label": "NC", "in2_label": "VDDQ_VDD2_1V8AO"}
    files |= {"in2_input": 5000, "curr2_input": 300}
    write(tmp_path, **{second + name: text for name, text in files.items()})
    meter = get_meter("ina3221", tmp_path)
    assert meter._read() == pytest.approx(31000.0)
    assert meter.rail.endswith("inside these: VDDQ_VDD2_1V8AO")
    # The carrier of a Thor measures its input with another chip of the family, in microwatts.
    third = "sys__class__hwmon__hwmon5__"
    files = {"name": "ina238", "label": "VIN", "power1_input": 60_000_000}
    write(tmp_path, **{third + name: text for name, text in files.items()})
    meter = get_meter("ina3221", tmp_path)
    assert (meter.rail, meter._read()) == ("board, VIN", 60_000.0)
