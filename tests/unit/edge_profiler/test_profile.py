"""Profiles on a fake runtime with a fake clock; one smoke test on the real thing."""

import json

import pytest

from biglittle.bench import get_space, load_device
from biglittle.bench.errors import ArchitectureError, UnknownNameError
from biglittle.edge_profiler import (
    RUNTIMES,
    Protocol,
    profile_networks,
    profile_pair,
    read_profile,
    write_profile,
)
from biglittle.edge_profiler.profile_start import default_reference
from biglittle.edge_profiler.session import progress_line, summary

onnx = pytest.importorskip("onnx")
SPACE = get_space("fbnet")
SMALL = "8" * 22
IDS = [SMALL, "8" * 21 + "0", "8" * 20 + "00"]
REFERENCE = "8" * 21 + "1"


def nodes(architecture):
    from biglittle.edge_profiler import onnx_model

    return len(onnx_model(SPACE, architecture, 10).graph.node)


def without_conditions(document):
    drop = ("clock_mhz", "temperature_c")
    networks = [{k: v for k, v in e.items() if k not in drop} for e in document["networks"]]
    return document | {"networks": networks}


def test_the_fields_are_those_of_a_device_profile(fake_runtime, profile, tmp_path):
    out = tmp_path / "device.json"
    got = profile(fake_runtime(), out=out)
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


def test_networks_carry_latency_ratio_and_count(fake_runtime, profile):
    got = profile(fake_runtime())
    assert [e["architecture"] for e in got["networks"]] == IDS
    for entry in got["networks"]:
        expected = 0.1 * nodes(entry["architecture"])
        assert entry["latency_ms"] == pytest.approx(expected, rel=1e-5)
        assert entry["latency_p90_ms"] == pytest.approx(expected, rel=1e-5)
        assert entry["ratio"] == pytest.approx(nodes(entry["architecture"]) / nodes(REFERENCE))
        assert (entry["n"], entry["dropped_rounds"]) == (6, 0)
        assert (entry["ratio_spread"], entry["provenance"]) == (0.0, "measured")


def test_the_bench_reads_the_file(fake_runtime, profile, tmp_path):
    out = tmp_path / "device.json"
    got = profile(fake_runtime(), out=out)
    device = load_device(out)
    latency_ms = device.latency_ms(SPACE, SPACE.parse(IDS)).tolist()
    assert latency_ms == [e["latency_ms"] for e in got["networks"]]
    assert device.gate_ms == got["gate_latency_ms"]


def test_an_interrupt_loses_nothing_that_was_measured(fake_runtime, profile, tmp_path):
    out = tmp_path / "device.json"
    with pytest.raises(KeyboardInterrupt):
        profile(fake_runtime(interrupt_at=IDS[2]), out=out)
    assert [e["architecture"] for e in read_profile(out)["networks"]] == IDS[:2]

    runtime, seen = fake_runtime(), []
    resumed = profile(runtime, reference=None, out=out, on_progress=lambda *step: seen.append(step))
    assert runtime.loaded == [f"fbnet_{REFERENCE}", f"fbnet_{IDS[2]}"]
    assert [(done, total) for done, total, _ in seen] == [(1, 1)]
    now = {k: resumed[k] for k in ("environment", "environment_end")}
    assert without_conditions(resumed) == without_conditions(profile(fake_runtime()) | now)


def test_progress_says_the_latency_that_stands_in_the_profile(fake_runtime, profile, tmp_path):
    out, told = tmp_path / "device.json", []

    def tell(done, total, entry):
        told.append((progress_line(entry), dict(entry)))

    got = profile(fake_runtime(refuse=IDS[1:2]), out=out, on_progress=tell)
    by_id = {e["architecture"]: e for e in got["networks"]}
    for line, entry in told:
        stands = by_id[entry["architecture"]]
        assert entry["latency_ms"] == stands["latency_ms"]
        if stands["latency_ms"] is None:
            assert line == f"{IDS[1]} failed: {stands['error']}"
        else:
            assert line == f"{entry['architecture']} {stands['latency_ms']} ms"
    assert len(told) == 3
    again = profile(fake_runtime(), out=out, again=(SMALL,), reference=None, on_progress=tell)
    assert told[3][1]["latency_ms"] == again["networks"][0]["latency_ms"] > 0


def test_a_network_that_cannot_run_is_kept_and_tried_again(fake_runtime, profile, tmp_path):
    out = tmp_path / "device.json"
    got = profile(fake_runtime(refuse=IDS[1:2]), out=out)
    failed = got["networks"][1]
    assert (failed["latency_ms"], failed["latency_p90_ms"]) == (None, None)
    assert "not supported" in failed["error"]
    assert got["networks"][2]["latency_ms"] is not None
    again = profile(fake_runtime(), out=out)
    assert all(e["latency_ms"] for e in again["networks"])


def test_a_wrong_architecture_is_found_before_anything_runs(fake_runtime, profile):
    runtime = fake_runtime()
    with pytest.raises(ArchitectureError):
        profile(runtime, [SMALL, "123"])
    assert runtime.loaded == []


def test_the_default_reference_belongs_to_the_space():
    assert default_reference(SPACE) == "0" * 22
    assert default_reference(get_space("nb201")) == "1" * 6  # "none" everywhere answers a constant


def test_an_unknown_runtime_names_the_known_ones():
    assert "ort_cpu" in RUNTIMES.names()
    with pytest.raises(UnknownNameError, match="'ort-cpu'"):
        profile_networks(SPACE, IDS, 10, runtime="ort-cpux")


def test_an_error_of_the_runtime_marks_the_network_and_no_zero_is_written(fake_runtime, profile):
    class Breaks(fake_runtime):
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


def test_measuring_again_keeps_the_steadier_and_leaves_the_rest_alone(
    fake_runtime, profile, tmp_path
):
    out, runtime = tmp_path / "device.json", fake_runtime()
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


def test_a_new_name_and_author_are_written_where_nothing_is_left_to_measure(
    fake_runtime, profile, tmp_path
):
    out = tmp_path / "device.json"
    before = profile(fake_runtime(), out=out, name="my-board")
    profile(fake_runtime(), out=out)
    assert json.loads(out.read_text()) == before  # nothing was asked for
    profile(fake_runtime(), out=out, name="other", author="Ada")
    after = json.loads(out.read_text())
    assert after == before | {"device": "other", "author": "Ada"}
    text = summary(after, out, before)
    assert text[:3] == [
        f"Nothing was measured: {out} has all of these already.",
        "The device is other now, and was my-board before.",
        "The author is Ada now, and was not given before.",
    ]
    assert text[-1].startswith(f"Written: {out}.")
    assert summary(before, out, before)[-1].startswith(f"{out} is as it was.")
    more = profile(fake_runtime(), ids=("8" * 22, "0" * 22), out=out)
    assert not any("Nothing was measured" in line for line in summary(more, out, after))
    assert summary(more, out, after)[0].startswith("4 of 4 networks measured on other")
