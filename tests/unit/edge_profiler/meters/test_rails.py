"""Which rails are counted, and what they cover."""

from __future__ import annotations

import pytest

from biglittle.bench.errors import ProfileError
from biglittle.edge_profiler.meters import get_meter
from biglittle.edge_profiler.meters._rails import choose_rails
from biglittle.edge_profiler.meters.tegrastats import power_mw

# ---- Jetson ------------------------------------------------------------------------------------


# Lines as an AGX Orin, a Thor, an AGX Xavier and a TX2 print them, cut to the rails.
AGX_ORIN = (
    "GR3D_FREQ 97%@[1290,1290] APE 174 cpu@51.2C VDD_GPU_SOC 20000mW/19000mW VDD_CPU_CV "
    "6000mW/6000mW VIN_SYS_5V0 5000mW/5000mW NC 0mW/0mW VDDQ_VDD2_1V8AO 1500mW/1500mW NC 0mW/0mW"
)
THOR = (
    "RAM 1/2MB VDD_GPU -392mW/-380mW VDD_CPU_SOC_MSS 8000mW/8000mW VIN_SYS_5V0 7000mW/7000mW "
    "VIN 40000mW/39000mW"
)
XAVIER = "SWAP 0/2MB GPU 1000/900 CPU 300/300 SOC 900/900 CV 0/0 VDDRQ 200/200 SYS5V 1500/1500"
TX2 = (
    "VDD_IN 3000/3000 VDD_CPU 300/300 VDD_GPU 200/200 VDD_SOC 400/400 VDD_MUX 5000/5000 "
    "VDD_5V_IO_SYS 900/900 VDD_3V3_SYS 800/800"
)


@pytest.mark.parametrize(
    ("line", "rail", "mw"),
    [
        (
            AGX_ORIN,
            "sum of VDD_CPU_CV+VDD_GPU_SOC+VIN_SYS_5V0; inside these: VDDQ_VDD2_1V8AO",
            31000.0,
        ),
        (THOR, "board, VIN", 40000.0),
        (XAVIER, "sum of CPU+CV+GPU+SOC+SYS5V+VDDRQ", 3900.0),
        (TX2, "module, VDD_IN", 3000.0),
        ("VDD_GPU 10mW/10mW ODD 7mW/7mW", "sum of VDD_GPU; unknown, not counted: ODD", 10.0),
        ("ODD 7mW/7mW STRANGE 5mW/5mW", "sum of ODD+STRANGE; rails of unknown meaning", 12.0),
        (
            "VDD_IN 900mW/1mW VDD_GPU 700mW/1mW VDD_CPU 400mW/1mW",
            "sum of VDD_CPU+VDD_GPU; VDD_IN refused: less than its parts",
            1100.0,
        ),
    ],
)
def test_the_total_is_taken_where_there_is_one_else_the_named_sum(line, rail, mw):
    assert power_mw(line) == (rail, mw)


def test_rails_out_of_use_are_no_meter_and_long_lists_fit_into_a_profile():
    with pytest.raises(ProfileError, match=r"no rail in use among \['NC'\]"):
        choose_rails({"NC": 0.0}, "tegrastats")
    with pytest.raises(ProfileError, match="none carries the module"):
        choose_rails({"VDD_3V3_SYS": 1.0}, "tegrastats")
    many = choose_rails({f"VDD_GPU_{i}": 1.0 for i in range(40)}, "tegrastats")
    assert (len(many.counted), len(many.description)) == (40, 200)


@pytest.mark.parametrize(
    ("names", "covers"),
    [
        (("VDD_IN",), {"cpu", "gpu"}),
        (("VDD_CPU_GPU_CV", "VDD_SOC"), {"cpu", "gpu"}),
        (("vdd_gpu0",), {"gpu"}),
        (("VDD_CPU", "VDDRQ"), {"cpu"}),
        (("VIN_SYS_5V0",), set()),
        (("ODD",), {"cpu", "gpu"}),
    ],
)
def test_what_rails_cover_follows_from_their_names(hwmon, tmp_path, names, covers):
    assert choose_rails(dict.fromkeys(names, 1.0), "x").covers == covers
    hwmon(tmp_path, **dict.fromkeys(names, (5000, 100)))
    assert get_meter("auto", tmp_path, "cpu").name == ("ina3221" if "cpu" in covers else "none")
    if not covers:
        with pytest.raises(ProfileError, match=r"sees neither of them \(sum of VIN_SYS_5V0\)"):
            get_meter("ina3221", tmp_path, "cpu")


def test_a_sample_without_its_rails_or_with_a_short_total_is_lost():
    rails = choose_rails({"VDD_IN": 9.0, "VDD_GPU": 5.0}, "x")
    assert rails.power_mw({"VDD_IN": 8.0, "VDD_GPU": 5.0}) == 8.0
    with pytest.raises(ValueError, match="no reading of VDD_IN"):
        rails.power_mw({"VDD_GPU": 5.0})
    with pytest.raises(ValueError, match="less than its parts"):
        rails.power_mw({"VDD_IN": 8.0, "VDD_GPU": 50.0})
