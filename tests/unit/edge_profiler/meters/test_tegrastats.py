"""Lines that tegrastats printed, and a program that stands in for it."""

from __future__ import annotations

import sys
import time

import pytest

from biglittle.bench.errors import ProfileError
from biglittle.edge_profiler.meters.tegrastats import TegrastatsKind, power_mw

# As printed by JetPack 5 on an Orin and by JetPack 4 on a Nano.
ORIN = (
    "11-21-2026 10:00:00 RAM 2465/30588MB (lfb 6x4MB) SWAP 0/15294MB CPU [1%@1190,0%@1190] "
    "cpu@45.8C VDD_IN 5226mW/5105mW VDD_CPU_GPU_CV 1064mW/1064mW VDD_SOC 1462mW/1460mW"
)
NANO = "RAM 1/3964MB CPU [2%@102] POM_5V_IN 2532/2488 POM_5V_GPU 40/40 POM_5V_CPU 485/450"
AGX = "RAM 1/2MB VDD_GPU_SOC 3000mW/3000mW VDD_CPU_CV 800mW/800mW"


def test_lines_of_tegrastats():
    assert power_mw(ORIN) == ("module, VDD_IN", 5226.0)
    assert power_mw(NANO) == ("module, POM_5V_IN", 2532.0)
    assert power_mw(AGX) == ("sum of VDD_CPU_CV+VDD_GPU_SOC", 3800.0)
    assert power_mw("RAM 1/2MB") is None


def program(folder, name, body):
    path = folder / name
    path.write_text(f"#!{sys.executable}\n{body}")
    path.chmod(0o755)
    return str(path)


def test_tegrastats_is_run_and_ended(tmp_path):
    body = "import time\nwhile True:\n    print({!r}, flush=True)\n    time.sleep(0.01)\n"
    command = program(tmp_path, "tegrastats", body.format(ORIN))
    meter = TegrastatsKind(command).open()
    assert meter.rail == "module, VDD_IN"
    meter.start()
    process = meter._process
    for _ in range(6000):  # a machine with much to do takes longer to get there
        if len(meter._samples) >= 3:
            break
        time.sleep(0.01)
    began = meter._samples[0][0]
    got = meter.stop()
    assert process.poll() is not None
    assert 0 < got <= 5226 * (time.monotonic() - began) * 1.001
    silent = program(tmp_path, "silent", "print('RAM 1/2MB')\n")
    with pytest.raises(ProfileError, match="no rail"):
        TegrastatsKind(silent).open()
