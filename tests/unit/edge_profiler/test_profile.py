"""Profiles on a fake runtime with a fake clock; one smoke test on the real thing."""

import json

import pytest

from biglittle.bench import get_space, load_device
from biglittle.bench.errors import ArchitectureError, ProfileError, UnknownNameError
from biglittle.edge_profiler import (
    RUNTIMES,
    Protocol,
    profile_networks,
    profile_pair,
    read_profile,
    write_profile,
)
from biglittle.edge_profiler.profile import default_reference

onnx = pytest.importorskip("onnx")

SPACE = get_space("fbnet")
SMALL = "8" * 22
IDS = [SMALL, "8" * 21 + "0", "8" * 20 + "00"]
REFERENCE = "8" * 21 + "1"
SHORT = Protocol(warm_up=1, rounds=2, runs_per_round=3, idle_gap_s=0)


class FakeRuntime:
    """Takes 0.1 ms per node, counting those of branches; loads are counted by graph."""

    description, precision = "fake 1.0", "fp32"

    def __init__(self, refuse=(), interrupt_at=None):
        self.now_ns, self.refuse, self.interrupt_at = 0, refuse, interrupt_at
        self.loaded = []

    def clock(self):
        return self.now_ns

    def load(self, model, threads):
        graph = onnx.load_from_string(model).graph
        self.loaded.append(graph.name)
        name = graph.name.removeprefix("fbnet_")
        if name in self.refuse:
            raise ProfileError("an operator is not supported")
        cost_ns = 100_000 * len(graph.node)

        def run():
            if name == self.interrupt_at:
                raise KeyboardInterrupt
            self.now_ns += cost_ns

        return run


def nodes(architecture):
    from biglittle.edge_profiler import onnx_model

    return len(onnx_model(SPACE, architecture, 10).graph.node)


def without_conditions(document):
    drop = ("clock_mhz", "temperature_c")
    networks = [{k: v for k, v in e.items() if k not in drop} for e in document["networks"]]
    return document | {"networks": networks}


def profile(runtime, ids=IDS, **more):
    more = {"reference": REFERENCE, "protocol": SHORT, **more}
    return profile_networks(SPACE, ids, 10, runtime=runtime, clock=runtime.clock, **more)


def test_the_fields_are_those_of_a_device_profile(tmp_path):
    out = tmp_path / "device.json"
    got = profile(FakeRuntime(), out=out)
    assert json.loads(out.read_text()) == got
    assert list(tmp_path.iterdir()) == [out]
    assert got["format"] == "biglittle-device-profile-2"
    assert (got["space"], got["space_hash"], got["n_classes"]) == ("fbnet", SPACE.hash, 10)
    assert (got["runtime"], got["precision"]) == ("fake 1.0", "fp32")
    assert (got["threads"], got["batch"], got["protocol"]["rounds"]) == (1, 1, 2)
    assert got["reference"]["architecture"] == REFERENCE
    assert got["reference"]["self_ratio"] == 1.0
    assert got["reference"]["latency_ms"] == pytest.approx(0.1 * nodes(REFERENCE))
    assert got["harness_overhead_ms"] == pytest.approx(0.1)
    # Softmax, TopK, Mul, ReduceSum, comparison, Not.
    assert got["gate_latency_ms"] == pytest.approx(0.6)
    assert got["gate_latency_clipped"] is False
    for key in ("device", "description", "environment", "source", "tool_version", "date"):
        assert got[key]


def test_networks_carry_latency_ratio_and_count():
    got = profile(FakeRuntime())
    assert [e["architecture"] for e in got["networks"]] == IDS
    for entry in got["networks"]:
        expected = 0.1 * nodes(entry["architecture"])
        assert entry["latency_ms"] == pytest.approx(expected, rel=1e-5)
        assert entry["latency_p90_ms"] == pytest.approx(expected, rel=1e-5)
        assert entry["ratio"] == pytest.approx(nodes(entry["architecture"]) / nodes(REFERENCE))
        assert (entry["n"], entry["dropped_rounds"]) == (6, 0)
        assert (entry["ratio_spread"], entry["provenance"]) == (0.0, "measured")


def test_the_bench_reads_the_file(tmp_path):
    out = tmp_path / "device.json"
    got = profile(FakeRuntime(), out=out)
    device = load_device(out)
    latency_ms = device.latency_ms(SPACE, SPACE.parse(IDS)).tolist()
    assert latency_ms == [e["latency_ms"] for e in got["networks"]]
    assert device.gate_ms == got["gate_latency_ms"]


def test_an_interrupt_loses_nothing_that_was_measured(tmp_path):
    out = tmp_path / "device.json"
    with pytest.raises(KeyboardInterrupt):
        profile(FakeRuntime(interrupt_at=IDS[2]), out=out)
    assert [e["architecture"] for e in read_profile(out)["networks"]] == IDS[:2]

    runtime, seen = FakeRuntime(), []
    resumed = profile(runtime, reference=None, out=out, on_progress=lambda *step: seen.append(step))
    assert runtime.loaded == [f"fbnet_{REFERENCE}", f"fbnet_{IDS[2]}"]
    assert [(done, total) for done, total, _ in seen] == [(1, 1)]
    now = {k: resumed[k] for k in ("environment", "environment_end")}
    assert without_conditions(resumed) == without_conditions(profile(FakeRuntime()) | now)


def test_a_network_that_cannot_run_is_kept_and_tried_again(tmp_path):
    out = tmp_path / "device.json"
    got = profile(FakeRuntime(refuse=IDS[1:2]), out=out)
    failed = got["networks"][1]
    assert (failed["latency_ms"], failed["latency_p90_ms"]) == (None, None)
    assert "not supported" in failed["error"]
    assert got["networks"][2]["latency_ms"] is not None
    again = profile(FakeRuntime(), out=out)
    assert all(e["latency_ms"] for e in again["networks"])


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"protocol": Protocol(rounds=5)}, "protocol"),
        ({"reference": SMALL}, "reference"),
    ],
)
def test_a_file_of_another_session_is_not_touched(tmp_path, change, word):
    out = tmp_path / "device.json"
    profile(FakeRuntime(), IDS[:1], out=out)
    before = out.read_bytes()
    with pytest.raises(ProfileError, match=word):
        profile(FakeRuntime(), out=out, **change)
    assert out.read_bytes() == before


def test_another_device_is_refused(tmp_path):
    out = tmp_path / "device.json"
    profile(FakeRuntime(), IDS[:1], out=out)
    with pytest.raises(ProfileError, match="device"):
        profile(FakeRuntime(), out=out, root=tmp_path / "another-machine")


def test_a_file_that_is_no_profile_is_refused(tmp_path):
    out = tmp_path / "device.json"
    out.write_text("{}")
    with pytest.raises(ProfileError, match="no device profile"):
        profile(FakeRuntime(), out=out)
    assert out.read_text() == "{}"


def test_a_wrong_architecture_is_found_before_anything_runs():
    runtime = FakeRuntime()
    with pytest.raises(ArchitectureError):
        profile(runtime, [SMALL, "123"])
    assert runtime.loaded == []


def test_a_write_that_fails_leaves_the_old_file(tmp_path):
    out = tmp_path / "device.json"
    write_profile(out, {"format": "biglittle-device-profile-2"})
    with pytest.raises(ValueError, match="JSON compliant"):
        write_profile(out, {"latency_ms": float("nan")})
    assert read_profile(out) == {"format": "biglittle-device-profile-2"}


def test_the_default_reference_belongs_to_the_space():
    assert default_reference(SPACE) == "0" * 22
    assert default_reference(get_space("nb201")) == "1" * 6  # "none" everywhere answers a constant


def test_an_unknown_runtime_names_the_known_ones():
    assert "ort_cpu" in RUNTIMES.names()
    with pytest.raises(UnknownNameError, match="ort_cpu"):
        profile_networks(SPACE, IDS, 10, runtime="ort-cpux")


def test_the_file_keeps_to_the_published_schema(tmp_path):
    from biglittle.bench.device import schema
    from biglittle.bench.schema import problems

    out = tmp_path / "device.json"
    profile(FakeRuntime(refuse=IDS[1:2]), out=out, pairs=[(SMALL, REFERENCE)])
    assert list(problems(json.loads(out.read_text()), schema())) == []


def test_the_first_format_is_not_gone_on_with(tmp_path):
    out = tmp_path / "device.json"
    out.write_text('{"format": "biglittle-device-profile-1"}')
    with pytest.raises(ProfileError, match="first format"):
        profile(FakeRuntime(), out=out)


def test_an_error_of_the_runtime_marks_the_network_and_no_zero_is_written():
    class Breaks(FakeRuntime):
        def load(self, model, threads):
            run = super().load(model, threads)
            if not self.loaded[-1].endswith(IDS[1]):
                return run

            def fail():
                raise RuntimeError("CUDA error 700")

            return fail

    got = profile(Breaks())
    assert got["networks"][1]["latency_ms"] is None
    assert "CUDA error 700" in got["networks"][1]["error"]
    assert all(got["networks"][i]["latency_ms"] > 0 for i in (0, 2))


class FakeMeter:
    """3 W above 1 W idle, by the runtime's clock."""

    name, rail, sampling_hz = "fake", "board", None

    def __init__(self, runtime, dead=False):
        self.runtime, self.dead, self.idle = runtime, dead, True

    def start(self):
        self.began = self.runtime.now_ns

    def stop(self):
        if self.dead:
            return None
        power_mw, self.idle = (1000.0 if self.idle else 4000.0), False
        return (self.runtime.now_ns - self.began) / 1e9 * power_mw


def metered(runtime, meter, **more):
    def sleep(seconds):
        runtime.now_ns += int(seconds * 1e9)

    short = Protocol(warm_up=1, rounds=2, runs_per_round=3, idle_gap_s=0.5, energy_s=0.1)
    return profile(runtime, meter=meter, sleep=sleep, protocol=short, **more)


def test_a_meter_that_does_not_see_the_runtime_is_refused_and_its_rail_stays(tmp_path):
    runtime, out = FakeRuntime(), tmp_path / "device.json"
    runtime.runs_on, meter = "cpu", FakeMeter(runtime)
    meter.covers = frozenset({"gpu"})
    with pytest.raises(ProfileError, match="sees the GPU alone"):
        metered(runtime, meter, out=out)
    meter.covers = frozenset({"cpu"})
    assert metered(runtime, meter, out=out)["meter"]["covers"] == ["cpu"]
    meter.rail = "another rail"
    with pytest.raises(ProfileError, match="'rail': 'board'"):
        metered(runtime, meter, out=out)


def test_energy_and_idle_power_stand_in_columns_of_their_own(tmp_path):
    runtime, out = FakeRuntime(), tmp_path / "device.json"
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
        profile(FakeRuntime(), out=out, protocol=None)


def test_a_meter_that_says_nothing_leaves_no_energy():
    runtime = FakeRuntime()
    got = metered(runtime, FakeMeter(runtime, dead=True))
    assert got["meter"]["idle_power_mw"] is None
    assert not any("energy_mj" in e for e in got["networks"])


def test_pairs_are_kept_in_the_file_and_failed_ones_tried_again(tmp_path):
    out, pair = tmp_path / "device.json", (SMALL, REFERENCE)
    got = profile(FakeRuntime(refuse=["cascade"]), out=out, pairs=[pair])
    assert "not supported" in got["pairs"][0]["error"]
    runtime = FakeRuntime()
    got = profile(runtime, reference=None, out=out, pairs=[pair, pair])
    assert [(p["little"], p["big"]) for p in got["pairs"]] == [pair]
    assert got["pairs"][0]["escalated_ms"] > 0
    assert load_device(out).pairs[0]["gap"] == got["pairs"][0]["gap"]
    runtime = FakeRuntime()
    profile(runtime, reference=None, out=out, pairs=[pair])
    assert runtime.loaded == [f"fbnet_{REFERENCE}"]


def test_a_pair_is_compared_with_the_sum_of_its_parts():
    runtime = FakeRuntime()
    got = profile_pair(
        SPACE, SMALL, REFERENCE, 10, protocol=SHORT, runtime=runtime, clock=runtime.clock
    )
    assert got["little_ms"] == pytest.approx(0.1 * nodes(SMALL))
    assert got["big_ms"] == pytest.approx(0.1 * nodes(REFERENCE), rel=1e-5)
    # The fake runtime counts the If as one node and never looks inside of it.
    assert got["kept_ms"] == pytest.approx(got["little_ms"] + got["gate_ms"] + 0.1)
    sums = got["little_ms"] + got["gate_ms"] + got["big_ms"]
    assert got["gap"] == pytest.approx(got["escalated_ms"] / sums - 1, abs=1e-5)


def test_onnxruntime_measures_two_networks_and_a_pair(tmp_path):
    pytest.importorskip("onnxruntime")
    # A busy test machine may drift as it likes: what is tested is that figures come out.
    tiny = Protocol(warm_up=1, rounds=2, runs_per_round=2, max_drift=2.0, idle_gap_s=0.01)
    out = tmp_path / "device.json"
    got = profile_networks(SPACE, IDS[:2], 10, tiny, reference=SMALL, out=out)
    assert got["runtime"].startswith("onnxruntime ")
    assert all(e["latency_ms"] > 0 for e in got["networks"])
    assert load_device(out).measured_ms.keys() == set(IDS[:2])
    pair = profile_pair(SPACE, SMALL, IDS[1], 10, tiny)
    assert all(pair[key] > 0 for key in ("little_ms", "big_ms", "kept_ms", "escalated_ms"))


def test_measuring_again_keeps_the_steadier_and_leaves_the_rest_alone(tmp_path):
    out, runtime = tmp_path / "device.json", FakeRuntime()
    before = profile(runtime, out=out)
    noisy = read_profile(out)
    noisy["networks"][1] |= {"ratio_spread": 1.0, "ratio": 9.0, "raw_median_ms": 5.0}
    write_profile(out, noisy)
    runtime.loaded.clear()
    got = profile(runtime, [], out=out, again=[IDS[1]])
    assert [n for n in runtime.loaded if n.endswith(tuple(IDS))] == [f"fbnet_{IDS[1]}"]
    again = got["networks"][1]
    assert (again["times_measured"], again["ratio_spread"]) == (2, 0.0)
    assert again["latency_ms"] == before["networks"][1]["latency_ms"]
    assert [n["latency_ms"] for n in got["networks"]] == [
        n["latency_ms"] for n in before["networks"]
    ]


def test_a_board_with_a_name_of_its_own_is_gone_on_with(tmp_path):
    out = tmp_path / "device.json"
    got = profile(FakeRuntime(), IDS[:1], out=out, name="my-board")
    assert (got["device"], load_device(out).name) == ("my-board", "my-board")
    assert profile(FakeRuntime(), IDS[:2], out=out)["device"] == "my-board"
    other = read_profile(out)
    other["environment"]["cpu_model"] = "another processor"
    write_profile(out, other)
    with pytest.raises(ProfileError, match="another file"):
        profile(FakeRuntime(), out=out)
    with pytest.raises(ProfileError, match="cannot be the name"):
        profile(FakeRuntime(), name="My Board")
