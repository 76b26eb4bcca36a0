"""Energy of a profile's runs, on a meter and a runtime that share a fake clock."""

import pytest

from biglittle.bench import get_space, load_device
from biglittle.bench.errors import ProfileError
from biglittle.edge_profiler import (
    Protocol,
)

onnx = pytest.importorskip("onnx")
SPACE = get_space("fbnet")
SMALL = "8" * 22
IDS = [SMALL, "8" * 21 + "0", "8" * 20 + "00"]


def nodes(architecture):
    from biglittle.edge_profiler import onnx_model

    return len(onnx_model(SPACE, architecture, 10).graph.node)


class FakeMeter:
    """3 W above 1 W idle, by the runtime's clock."""

    name, rail, sampling_hz = "fake", "board", None

    def __init__(self, runtime, dead=False, total_mj=None):
        self.runtime, self.dead, self.idle, self.total_mj = runtime, dead, True, total_mj

    def start(self):
        self.began = self.runtime.now_ns

    def stop(self):
        if self.dead or self.total_mj is not None:
            return self.total_mj
        power_mw, self.idle = (1000.0 if self.idle else 4000.0), False
        return (self.runtime.now_ns - self.began) / 1e9 * power_mw


@pytest.fixture
def metered(profile):
    def measured(runtime, meter, **more):
        def sleep(seconds):
            runtime.now_ns += int(seconds * 1e9)

        short = Protocol(warm_up=1, rounds=2, runs_per_round=3, idle_gap_s=0.5, energy_s=0.1)
        return profile(runtime, meter=meter, sleep=sleep, protocol=short, **more)

    return measured


def test_a_meter_that_does_not_see_the_runtime_is_refused_and_its_rail_stays(
    fake_runtime, metered, tmp_path
):
    runtime, out = fake_runtime(), tmp_path / "device.json"
    runtime.runs_on, meter = "cpu", FakeMeter(runtime)
    meter.covers = frozenset({"gpu"})
    with pytest.raises(ProfileError, match="sees the GPU alone"):
        metered(runtime, meter, out=out)
    meter.covers = frozenset({"cpu"})
    assert metered(runtime, meter, out=out)["meter"]["covers"] == ["cpu"]
    meter.rail = "another rail"
    with pytest.raises(ProfileError, match="rail board, this session has rail another rail"):
        metered(runtime, meter, out=out)


def test_energy_and_idle_power_stand_in_columns_of_their_own(
    fake_runtime, profile, metered, tmp_path
):
    runtime, out = fake_runtime(), tmp_path / "device.json"
    got = metered(runtime, FakeMeter(runtime), out=out)
    assert got["meter"]["idle_power_mw"] == pytest.approx(1000)
    for entry in got["networks"]:
        assert entry["energy_mj"] == pytest.approx(entry["latency_ms"] * 4, rel=1e-4)
        assert entry["energy_net_mj"] == pytest.approx(entry["latency_ms"] * 3, rel=1e-4)
        assert entry["cold_start_ms"] == pytest.approx(0.1 * nodes(entry["architecture"]))
    device = load_device(out)
    assert device.provenance["energy_mj"] == "measured"
    energy = device.network_energy_mj(SPACE, SPACE.parse(IDS))
    assert energy.tolist() == [e["energy_mj"] for e in got["networks"]]
    with pytest.raises(ProfileError, match="meter"):
        profile(fake_runtime(), out=out, protocol=None)


def test_a_meter_that_says_nothing_leaves_no_energy(fake_runtime, metered):
    runtime = fake_runtime()
    got = metered(runtime, FakeMeter(runtime, dead=True))
    assert got["meter"]["idle_power_mw"] is None
    assert not any("energy_mj" in e for e in got["networks"])


@pytest.mark.parametrize("total_mj", [float("inf"), float("nan"), -float("inf")])
def test_a_meter_that_stumbles_does_not_end_the_profile(fake_runtime, metered, tmp_path, total_mj):
    runtime, out = fake_runtime(), tmp_path / "profile.json"
    profile = metered(runtime, FakeMeter(runtime, total_mj=total_mj), out=out)
    assert all(entry["latency_ms"] > 0 for entry in profile["networks"])
    assert not any("energy_mj" in entry for entry in profile["networks"])
    assert profile["meter"]["idle_power_mw"] is None
    assert load_device(out).listed_energy_mj == {}
