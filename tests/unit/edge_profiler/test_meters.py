"""Energy meters on fake sysfs trees, captured lines, stand-in programs and a fake module."""

from __future__ import annotations

import itertools
import sys
import threading
import time
import types

import numpy as np
import pytest

from biglittle.bench.errors import ProfileError, UnknownNameError
from biglittle.edge_profiler.meters import AUTOMATIC, METERS, get_meter, nvml
from biglittle.edge_profiler.meters._power import SampledMeter, energy_mj, put_energy
from biglittle.edge_profiler.meters._rails import choose_rails
from biglittle.edge_profiler.meters.pmic import PmicKind
from biglittle.edge_profiler.meters.pmic import power_mw as pmic_power_mw
from biglittle.edge_profiler.meters.tegrastats import TegrastatsKind, power_mw
from biglittle.edge_profiler.meters.trace import TraceMeter, fill, read_trace
from biglittle.edge_profiler.runtimes import RUNTIMES, get_runtime

# As printed by JetPack 5 on an Orin and by JetPack 4 on a Nano.
ORIN = (
    "11-21-2026 10:00:00 RAM 2465/30588MB (lfb 6x4MB) SWAP 0/15294MB CPU [1%@1190,0%@1190] "
    "cpu@45.8C VDD_IN 5226mW/5105mW VDD_CPU_GPU_CV 1064mW/1064mW VDD_SOC 1462mW/1460mW"
)
NANO = "RAM 1/3964MB CPU [2%@102] POM_5V_IN 2532/2488 POM_5V_GPU 40/40 POM_5V_CPU 485/450"
AGX = "RAM 1/2MB VDD_GPU_SOC 3000mW/3000mW VDD_CPU_CV 800mW/800mW"
PI5 = """     3V7_WL_SW_A current(0)=0.05000000A
   3V3_SYS_A current(1)=0.20000000A
      EXT5V_V volt(24)=5.15000000V
   3V7_WL_SW_V volt(8)=3.70000000V
     3V3_SYS_V volt(9)=3.30000000V
        BATT_V volt(25)=0.00000000V
"""


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


def test_trapezoids():
    assert energy_mj([0, 1], [5, 5]) is None
    assert energy_mj([0, 0.5, 1], [1000, 1000, 1000]) == pytest.approx(1000)
    entry = {}
    put_energy(entry, 1000.0, 2.0, 10, 100.0)
    assert entry == {"energy_mj": 100.0, "energy_net_mj": 80.0, "energy_runs": 10}
    put_energy(entry, 1000.0, 2.0, 10, None)
    assert entry["energy_net_mj"] is None


def test_a_sampled_meter_loses_a_bad_sample_and_not_the_run():
    readings = iter([1000.0, ValueError("busy"), *[1000.0] * 1_000_000])
    enough, count = threading.Event(), itertools.count()

    def read():
        value = next(readings)
        if next(count) == 5:
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


# ---- Jetson ------------------------------------------------------------------------------------
def hwmon(root, **channels):
    write(root, **{"sys__class__hwmon__hwmon0__name": "other"})
    base = "sys__class__hwmon__hwmon3__"
    write(root, **{base + "name": "ina3221"})
    for i, (label, (mv, ma)) in enumerate(channels.items(), start=1):
        labelled = {f"in{i}_label": label, f"in{i}_input": mv, f"curr{i}_input": ma}
        write(root, **{base + k: v for k, v in labelled.items()})


def test_ina3221_reads_the_whole_module_where_it_can(tmp_path):
    hwmon(tmp_path, VDD_IN=(5000, 1000), VDD_CPU=(5000, 400), NC=(0, 0))
    meter = get_meter("ina3221", tmp_path)
    assert meter.rail == "module, VDD_IN"
    assert meter._read() == pytest.approx(5000.0)


def test_ina3221_sums_parts_and_names_them(tmp_path):
    hwmon(tmp_path, VDD_GPU_SOC=(5000, 400), VDD_CPU_CV=(5000, 100))
    meter = get_meter("ina3221", tmp_path)
    assert meter.rail == "sum of VDD_CPU_CV+VDD_GPU_SOC"
    assert meter._read() == pytest.approx(2500.0)


def test_ina3221_of_jetpack_4(tmp_path):
    base = "sys__bus__i2c__drivers__ina3221x__6-0040__iio:device0__"
    write(tmp_path, **{base + "rail_name_0": "POM_5V_IN", base + "in_power0_input": 2500})
    meter = get_meter("ina3221", tmp_path)
    assert (meter.rail, meter._read()) == ("module, POM_5V_IN", 2500.0)


def test_lines_of_tegrastats():
    assert power_mw(ORIN) == ("module, VDD_IN", 5226.0)
    assert power_mw(NANO) == ("module, POM_5V_IN", 2532.0)
    assert power_mw(AGX) == ("sum of VDD_CPU_CV+VDD_GPU_SOC", 3800.0)
    assert power_mw("RAM 1/2MB") is None


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
def test_what_rails_cover_follows_from_their_names(tmp_path, names, covers):
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


def test_ina3221_adds_the_rails_of_all_chips_of_an_agx_orin(tmp_path):
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


# ---- what a meter covers -----------------------------------------------------------------------
def test_automatic_takes_the_meter_that_sees_what_runs(tmp_path, monkeypatch):
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


def test_a_meter_asked_for_by_name_that_sees_something_else_is_refused(tmp_path, monkeypatch):
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


@pytest.mark.parametrize(
    ("visible", "taken"),
    [(None, 0), ("1", 1), ("1,0", 1), ("GPU-bb", 1), ("GPU-aa11", 0)],
)
def test_nvml_takes_the_gpu_that_cuda_takes(monkeypatch, visible, taken):
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
def test_nvml_without_a_visible_gpu_says_so(monkeypatch, visible, words):
    monkeypatch.setitem(sys.modules, "pynvml", fake_nvml(power_mw=1, gpus=2))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    with pytest.raises(ProfileError, match=words):
        get_meter("nvml")


def test_nvml_does_not_take_a_divided_gpu_for_what_runs_on_a_part_of_it(monkeypatch):
    module = fake_nvml(power_mw=1)
    module.nvmlDeviceGetMigMode = lambda handle: (1, 1)
    monkeypatch.setitem(sys.modules, "pynvml", module)
    with pytest.raises(ProfileError, match=r"divided \(MIG\).*as a whole"):
        get_meter("nvml")
    module.nvmlDeviceGetMigMode = lambda handle: (0, 0)
    assert get_meter("nvml").name == "nvml"


def test_nvml_believes_the_driver_before_the_environment(monkeypatch):
    module = fake_nvml(power_mw=1, gpus=2)
    buses = []
    module.nvmlDeviceGetHandleByPciBusId = lambda bus: buses.append(bus) or 1
    monkeypatch.setitem(sys.modules, "pynvml", module)
    monkeypatch.setattr(nvml, "cuda_bus_id", lambda: "0000:65:00.0")
    get_meter("nvml")
    assert buses == [b"0000:65:00.0"]


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


# ---- Raspberry Pi 5 ----------------------------------------------------------------------------
def test_pmic_multiplies_pairs_of_readings(tmp_path):
    assert pmic_power_mw(PI5) == pytest.approx(1000 * (0.05 * 3.7 + 0.2 * 3.3))
    meter = PmicKind(program(tmp_path, "vcgencmd", f"print({PI5!r})")).open()
    assert meter._read() == pytest.approx(845.0)
    old = program(tmp_path, "old", "print('error=1 error_msg=\"Command not registered\"')")
    with pytest.raises(ProfileError, match="gives no readings"):
        PmicKind(old).open()


# ---- NVML --------------------------------------------------------------------------------------
class NVMLError(Exception):
    pass


def fake_nvml(counter=None, power_mw=None, gpus=1):
    def energy(handle):
        if counter is None:
            raise NVMLError("Not Supported")
        return next(counter)

    def power(handle):
        if power_mw is None:
            raise NVMLError("Not Supported")
        return power_mw

    def handle(index):
        if index >= gpus:
            raise NVMLError("Not Found")
        return index

    return types.SimpleNamespace(
        NVMLError=NVMLError,
        nvmlInit=lambda: None,
        nvmlDeviceGetHandleByIndex=handle,
        nvmlDeviceGetCount=lambda: gpus,
        nvmlDeviceGetUUID=lambda handle: ["GPU-aa11", b"GPU-bb22"][handle],
        nvmlDeviceGetTotalEnergyConsumption=energy,
        nvmlDeviceGetPowerUsage=power,
    )


def test_nvml_counts_or_samples_or_says_why_not(monkeypatch):
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


# ---- external meters ---------------------------------------------------------------------------
def trace(path, windows, offset=0.0, high=3000.0, low=1000.0, marker=True, end=14.0):
    lines = ["time_s,power_mw" + (",marker" if marker else "")]
    for t in np.arange(0, end, 0.01):
        on = [h for (a, b), h in windows.items() if a <= t <= b]
        power = on[0] if on else low
        lines.append(f"{t + offset:.3f},{power}" + (f",{int(bool(on))}" if marker else ""))
    path.write_text("\n".join(lines))
    return path


def traced(offset=0.0):
    return {
        "meter": {"name": "trace", "rail": "wall", "idle_window_s": [1.0 + offset, 3.0 + offset]},
        "networks": [
            {"architecture": "b", "energy_window_s": [7 + offset, 9 + offset], "energy_runs": 100},
            {"architecture": "a", "energy_window_s": [4 + offset, 6 + offset], "energy_runs": 50},
            {"architecture": "c", "latency_ms": None},
        ],
    }


WINDOWS = {(1, 3): 1000.0, (4, 6): 3000.0, (7, 9): 5000.0}


@pytest.mark.parametrize(("marker", "board"), [(True, 1e9), (False, 0.0)])
def test_a_trace_is_aligned_by_pulses_or_by_the_clock(tmp_path, marker, board):
    profile = traced(board)
    assert fill(profile, trace(tmp_path / "t.csv", WINDOWS, marker=marker)) == 2
    later, first, failed = profile["networks"]
    assert first["energy_mj"] == pytest.approx(2 * 3000 / 50, rel=0.02)
    assert first["energy_net_mj"] == pytest.approx(2 * 2000 / 50, rel=0.02)
    assert later["energy_mj"] == pytest.approx(2 * 5000 / 100, rel=0.02)
    assert "energy_mj" not in failed
    assert profile["meter"]["idle_power_mw"] == pytest.approx(1000, rel=0.01)
    assert profile["meter"]["sampling_hz"] == pytest.approx(100)


def test_a_trace_of_another_run_is_refused(tmp_path):
    path = tmp_path / "t.csv"
    with pytest.raises(ProfileError, match="2 marker pulses for 3 windows"):
        fill(traced(), trace(path, {(1, 3): 1, (4, 6): 2}))
    with pytest.raises(ProfileError, match="of another run"):
        fill(traced(), trace(path, {(1, 3): 1, (4, 4.5): 2, (7, 9): 3}))
    with pytest.raises(ProfileError, match="both clocks must agree"):
        fill(traced(1e9), trace(path, WINDOWS, marker=False))
    with pytest.raises(ProfileError, match="no windows"):
        fill({"networks": []}, path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("t,p\n1,2", "has columns"),
        ("time_s,power_mw\n1,x", "cannot be read"),
        ("time_s,power_mw\n1,nan\n2,3", "all finite"),
        ("time_s,power_mw\n2,1\n1,3", "in order of time"),
        ("time_s,power_mw\n1,1", "at least two"),
        ("time_s,power_mw\n1\n", "cannot be read"),
    ],
)
def test_bad_traces(tmp_path, text, words):
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(ProfileError, match=words):
        read_trace(tmp_path / "t.csv")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("decimal_comma", [False, True])
def test_a_trace_in_the_dialect_of_a_meter(tmp_path, encoding, decimal_comma):
    path = trace(tmp_path / "t.csv", WINDOWS)
    text = path.read_text().replace("\n", "\r\n")
    if decimal_comma:
        text = text.replace(",", ";").replace(".", ",")
    path.write_bytes(text.encode(encoding))
    profile = traced()
    assert fill(profile, path) == 2
    assert profile["meter"]["idle_power_mw"] == pytest.approx(1000, rel=0.01)


def test_samples_of_one_moment_are_one_with_their_mean(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("time_s, power_mw, marker\n1, 10, 0\n1, 30, 0\n2, 5, 1\n3, 6, 0\n")
    times, power, marker = read_trace(path)
    assert (times.tolist(), power.tolist()) == ([1, 2, 3], [20, 5, 6])
    assert marker.tolist() == [False, True, False]
    path.write_text("time_s,power_mw\n1,10\n1,30\n")
    with pytest.raises(ProfileError, match="1 moments; expected at least two"):
        read_trace(path)
    path.write_text("time_s,power_mw\n1,10\n3,30\n2,30\n")
    with pytest.raises(ProfileError, match=r"line 4, column 'time_s': got 2.0 after 3.0"):
        read_trace(path)


def test_volts_and_amperes_do_too(tmp_path):
    (tmp_path / "t.csv").write_text("time_s,voltage_v,current_a\n0,5,1\n1,5,2\n")
    assert read_trace(tmp_path / "t.csv")[1].tolist() == [5000.0, 10000.0]


def test_a_trace_meter_notes_windows_and_marks_them():
    now, marks = iter([1.0, 2.0]), []
    meter = TraceMeter(lambda: next(now), marks.append)
    meter.start()
    assert meter.stop() is None
    assert (meter.windows, marks) == ([(1.0, 2.0)], [True, False])
