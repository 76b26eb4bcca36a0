"""Readings of a Raspberry Pi 5, and a program that stands in for its own."""

from __future__ import annotations

import sys

import pytest

from biglittle.bench.errors import ProfileError
from biglittle.edge_profiler.meters.pmic import PmicKind
from biglittle.edge_profiler.meters.pmic import power_mw as pmic_power_mw

PI5 = """     3V7_WL_SW_A current(0)=0.05000000A
   3V3_SYS_A current(1)=0.20000000A
      EXT5V_V volt(24)=5.15000000V
   3V7_WL_SW_V volt(8)=3.70000000V
     3V3_SYS_V volt(9)=3.30000000V
        BATT_V volt(25)=0.00000000V
"""


def program(folder, name, body):
    path = folder / name
    path.write_text(f"#!{sys.executable}\n{body}")
    path.chmod(0o755)
    return str(path)


# ---- Raspberry Pi 5 ----------------------------------------------------------------------------
def test_pmic_multiplies_pairs_of_readings(tmp_path):
    assert pmic_power_mw(PI5) == pytest.approx(1000 * (0.05 * 3.7 + 0.2 * 3.3))
    meter = PmicKind(program(tmp_path, "vcgencmd", f"print({PI5!r})")).open()
    assert meter._read() == pytest.approx(845.0)
    old = program(tmp_path, "old", "print('error=1 error_msg=\"Command not registered\"')")
    with pytest.raises(ProfileError, match="gives no readings"):
        PmicKind(old).open()
