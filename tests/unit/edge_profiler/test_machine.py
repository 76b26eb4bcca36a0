"""Facts about a machine, read from a made-up /proc and /sys."""

import platform

import pytest

from biglittle.edge_profiler import device_name, environment


def tree(root, files):
    for path, text in files.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    return root


def cpuinfo(model, family=25, number=17):
    block = (
        f"model name\t: {model}\ncpu family\t: {family}\nmodel\t\t: {number}\ncpu MHz\t: 2596.1\n"
    )
    return {"proc/cpuinfo": f"processor\t: 0\n{block}\nprocessor\t: 1\n{block}"}


@pytest.mark.parametrize(
    ("model", "slug"),
    [
        ("AMD EPYC", "amd-epyc-f25-m17"),
        ("AMD EPYC-Milan Processor", "amd-epyc-milan-f25-m17"),
        ("AMD EPYC 7B13", "amd-epyc-7b13"),
        ("AMD Ryzen 7 5800X 8-Core Processor", "amd-ryzen-7-5800x"),
        ("Intel(R) Xeon(R) CPU E5-2676 v3 @ 2.40GHz", "intel-xeon-e5-2676-v3"),
        ("Intel(R) Core(TM) i7-8550U CPU @ 1.80GHz", "intel-core-i7-8550u"),
    ],
)
def test_the_device_is_named_after_its_processor(tmp_path, model, slug):
    assert device_name(tree(tmp_path, cpuinfo(model))) == slug


def test_a_board_is_named_after_its_device_tree(tmp_path):
    tree(tmp_path, {"proc/device-tree/model": "Raspberry Pi 4 Model B Rev 1.4\0"})
    tree(tmp_path, {"proc/cpuinfo": "processor\t: 0\nCPU part\t: 0xd08\n"})
    assert device_name(tmp_path) == "raspberry-pi-4-model-b"


def test_an_arm_server_is_named_after_its_part(tmp_path):
    tree(tmp_path, {"proc/cpuinfo": "processor: 0\nCPU implementer: 0x41\nCPU part: 0xd0c\n"})
    assert device_name(tmp_path) == "arm-i0x41-p0xd0c"


def test_the_hosts_name_is_never_used(tmp_path, monkeypatch):
    monkeypatch.setattr(platform, "node", lambda: "kitchen")
    assert device_name(tmp_path).startswith("unknown-")
    assert "kitchen" not in str(environment(tmp_path))


def test_the_environment_has_what_the_system_gives(tmp_path):
    frequency = "sys/devices/system/cpu/cpu0/cpufreq"
    tree(tmp_path, cpuinfo("AMD EPYC"))
    tree(
        tmp_path,
        {
            f"{frequency}/scaling_governor": "performance\n",
            f"{frequency}/scaling_cur_freq": "1500000\n",
            f"{frequency}/cpuinfo_max_freq": "1800000\n",
            "sys/class/thermal/thermal_zone0/type": "gpu-thermal\n",
            "sys/class/thermal/thermal_zone0/temp": "70000\n",
            "sys/class/thermal/thermal_zone1/type": "cpu-thermal\n",
            "sys/class/thermal/thermal_zone1/temp": "48312\n",
            "proc/loadavg": "0.25 0.1 0.0 1/100 99\n",
        },
    )
    got = environment(tmp_path)
    assert (got["cpu_model"], got["cpu_cores"]) == ("AMD EPYC", 2)
    assert (got["governor"], got["clock_mhz"], got["clock_max_mhz"]) == ("performance", 1500, 1800)
    assert (got["temperature_c"], got["load_average"]) == (48.312, 0.25)
    assert got["numpy"]


def test_what_the_system_does_not_give_is_none(tmp_path):
    got = environment(tree(tmp_path, cpuinfo("AMD EPYC")))
    assert got["clock_mhz"] == 2596.1
    for key in ("governor", "clock_max_mhz", "temperature_c", "load_average"):
        assert got[key] is None
