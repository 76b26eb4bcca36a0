"""Logs of other tools become a profile; the texts here are of the form that the tools print."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from biglittle.bench.device import load_device
from biglittle.bench.errors import ProfileError
from biglittle.edge_profiler.log_formats import LOG_FORMATS, log_formats
from biglittle.edge_profiler.log_profile import LogQuestion, log_profile, read_log

ARCH, OTHER = "8" * 22, "0" * 22

#: TensorFlow Lite 2.16 on Linux: percentiles, and "INFO: " before every line.
BENCHMARK_MODEL = """\
INFO: STARTING!
INFO: Log parameter values verbosely: [0]
INFO: Num threads: [4]
INFO: Graph: [/data/local/tmp/{name}.tflite]
INFO: #threads used for CPU inference: [4]
INFO: Use xnnpack: [1]
INFO: Loaded model /data/local/tmp/{name}.tflite
INFO: The input model file size (MB): 9.7
INFO: Initialized session in 5.579ms.
INFO: Running benchmark for at least 1 iterations and at least 0.5 seconds but terminate if \
exceeding 150 seconds.
INFO: count=90 first=6402 curr=5521 min=5490 max=6402 avg=5560.4 std=97 p5=5499 median=5541 \
p95=5722

INFO: Running benchmark for at least 50 iterations and at least 1 seconds but terminate if \
exceeding 150 seconds.
INFO: count=181 first=5530 curr=5501 min=5487 max=6011 avg=5527.2 std=61 p5=5493 median=5512 \
p95=5634

INFO: Inference timings in us: Init: 5579, First inference: 6402, Warmup (avg): 5560.4, \
Inference (avg): 5527.2
INFO: Note: as the benchmark tool itself affects memory footprint, the following is only \
APPROXIMATE to the actual memory footprint of the model at runtime. Take the information at your \
discretion.
INFO: Memory footprint delta from the start of the tool (MB): init=6.36328 overall=21.5
"""
#: TensorFlow Lite 2.4 by adb: no percentiles, large numbers with an exponent.
OLD_BENCHMARK_MODEL = """\
STARTING!
Num threads: [1]
Graph: [./mobilenet_v1_1.0_224.tflite]
Use gpu: [1]
Loaded model ./mobilenet_v1_1.0_224.tflite
count=1 curr=3512391

count=50 first=2990275 curr=2913402 min=2727568 max=3189954 avg=2.95034e+06 std=109798

Inference timings in us: Init: 17187, First inference: 3512391, Warmup (avg): 3.51239e+06, \
Inference (avg): 2.95034e+06
Peak memory footprint (MB): init=4.92969 overall=138.809
"""
TRTEXEC = """\
&&&& RUNNING TensorRT.trtexec [TensorRT v8601] # trtexec --onnx={name}.onnx --fp16
[05/27/2023-12:05:20] [I] === Model Options ===
[05/27/2023-12:05:20] [I] Format: ONNX
[05/27/2023-12:05:20] [I] Model: models/{name}.onnx
[05/27/2023-12:05:20] [I] Precision: FP32+FP16
[05/27/2023-12:05:28] [I] Warmup completed 113 queries over 200 ms
[05/27/2023-12:05:31] [I] Timing trace has 365 queries over 3.02405 s
[05/27/2023-12:05:31] [I] === Performance summary ===
[05/27/2023-12:05:31] [I] Throughput: 120.699 qps
[05/27/2023-12:05:31] [I] Latency: min = 9.11414 ms, max = 11.7442 ms, mean = 9.81005 ms, median = \
9.76404 ms, percentile(90%) = 10.1075 ms, percentile(95%) = 10.1624 ms, percentile(99%) = 11.4742 ms
[05/27/2023-12:05:31] [I] Enqueue Time: min = 0.516296 ms, max = 0.598633 ms, mean = 0.531443 ms, \
median = 0.5271 ms, percentile(90%) = 0.546875 ms
[05/27/2023-12:05:31] [I] H2D Latency: min = 1.55066 ms, max = 1.57336 ms, mean = 1.55492 ms, \
median = 1.55444 ms, percentile(90%) = 1.55664 ms
[05/27/2023-12:05:31] [I] GPU Compute Time: min = 7.54407 ms, max = 10.1723 ms, mean = 8.23978 ms, \
median = 8.19409 ms, percentile(90%) = 8.5354 ms
[05/27/2023-12:05:31] [I] Total Host Walltime: 3.02405 s
&&&& PASSED TensorRT.trtexec [TensorRT v8601] # trtexec --onnx={name}.onnx --fp16
"""
PERF_TEST = """\
Setting intra_op_num_threads to 1
Disabling intra-op thread spinning between runs
Session creation time cost: 0.0102016 s
First inference time cost: 2 ms
Total inference time cost: 0.185739 s
Total inference requests: 100
Average inference time cost: 1.85739 ms
Total inference run time: 0.18581 s
Number of inferences per second: 538.184
Avg CPU usage: 96 %
Peak working set size: 36696064 bytes
Avg CPU usage:96
Peak working set size:36696064
Runs:100
Min Latency: 0.00183404 s
Max Latency: 0.00190312 s
P50 Latency: 0.00185674 s
P90 Latency: 0.00187215 s
P95 Latency: 0.00187393 s
P99 Latency: 0.00190312 s
P999 Latency: 0.00190312 s
"""
LOGS = {"benchmark_model": BENCHMARK_MODEL, "trtexec": TRTEXEC, "onnxruntime_perf_test": PERF_TEST}


def write(folder: Path, text: str, name: str = ARCH, encoding: str = "utf-8") -> str:
    path = folder / f"{name}.log"
    path.write_text(text.replace("{name}", name), encoding=encoding)
    return str(path)


def test_every_format_has_its_log_here() -> None:
    assert sorted(LOG_FORMATS.names()) == sorted(LOGS)
    for one in log_formats():
        assert any(mark in LOGS[one.name] for mark in one.marks)
        others = "".join(text for name, text in LOGS.items() if name != one.name)
        assert not any(mark in others for mark in one.marks)


def test_benchmark_model_prints_microseconds(tmp_path: Path) -> None:
    tool, figures = read_log(Path(write(tmp_path, BENCHMARK_MODEL)))
    assert tool.name == "benchmark_model"
    assert (figures.latency_ms, figures.statistic) == (5.512, "median")
    assert (figures.n, figures.warm_up, figures.threads) == (181, 90, 4)
    assert figures.model == f"{ARCH}.tflite"
    assert figures.runtime == "TensorFlow Lite benchmark_model, XNNPACK"
    assert figures.peak_memory_mib == 21.5


def test_an_older_one_prints_no_median(tmp_path: Path) -> None:
    _, figures = read_log(Path(write(tmp_path, OLD_BENCHMARK_MODEL)))
    assert (figures.latency_ms, figures.statistic) == (2950.34, "mean")
    assert (figures.n, figures.warm_up, figures.threads) == (50, 1, 1)
    assert "GPU delegate" in figures.runtime
    assert figures.peak_memory_mib == 138.809
    profile = log_profile([write(tmp_path, OLD_BENCHMARK_MODEL)], LogQuestion("phone"))
    assert "latencies are means: these logs of benchmark_model hold no median" in profile["notes"]


def test_lines_of_logcat_are_read(tmp_path: Path) -> None:
    lines = [f"08-01 12:00:00.000  42  42 I tflite  : {x}" for x in BENCHMARK_MODEL.splitlines()]
    _, figures = read_log(Path(write(tmp_path, "\r\n".join(lines), encoding="utf-16")))
    assert (figures.latency_ms, figures.n) == (5.512, 181)


def test_trtexec_prints_the_latency_with_its_transfers(tmp_path: Path) -> None:
    _, figures = read_log(Path(write(tmp_path, TRTEXEC)))
    assert (figures.latency_ms, figures.latency_p90_ms) == (9.76404, 10.1075)
    assert (figures.n, figures.warm_up, figures.precision) == (365, 113, "fp16")
    assert figures.runtime == "TensorRT 8601 trtexec"
    assert figures.model == f"{ARCH}.onnx"
    assert "precision FP32+FP16, as asked" in figures.notes


def test_perf_test_prints_seconds(tmp_path: Path) -> None:
    _, figures = read_log(Path(write(tmp_path, PERF_TEST)))
    assert figures.latency_ms == pytest.approx(1.85674)
    assert figures.latency_p90_ms == pytest.approx(1.87215)
    assert (figures.n, figures.threads, figures.statistic) == (100, 1, "median")
    assert figures.peak_memory_mib == pytest.approx(36696064 / 2**20)
    short = PERF_TEST.partition("Min Latency")[0]
    assert read_log(Path(write(tmp_path, short)))[1].statistic == "mean"
    assert read_log(Path(write(tmp_path, short)))[1].latency_ms == 1.85739


@pytest.mark.parametrize("tool", sorted(LOGS))
def test_logs_become_a_profile_that_is_read(tool: str, tmp_path: Path) -> None:
    logs = [
        write(tmp_path, LOGS[tool], ARCH),
        write(tmp_path, LOGS[tool], f"{OTHER}@12s"),
    ]
    profile = log_profile(logs, LogQuestion("my-phone", n_classes=7, author="Me"))
    (tmp_path / "my-phone.json").write_text(json.dumps(profile))
    device = load_device(str(tmp_path / "my-phone.json"))
    assert (device.name, device.n_classes, device.space) == ("my-phone", 7, "fbnet")
    assert {n["architecture"] for n in profile["networks"]} == {ARCH, f"{OTHER}@12s"}
    assert {n["provenance"] for n in profile["networks"]} == {"measured"}


def test_a_log_may_be_named_and_must_say_its_network(tmp_path: Path) -> None:
    path = write(tmp_path, PERF_TEST, "run-1")
    with pytest.raises(ProfileError, match=rf"'run-1' is none\); give it as ARCH={path}"):
        log_profile([path], LogQuestion("phone"))
    profile = log_profile([f"{ARCH}={path}"], LogQuestion("phone"))  # what the error says
    assert profile["networks"][0]["architecture"] == ARCH


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is of no tool that is known"),
        ("a text", "benchmark_model, onnxruntime_perf_test, trtexec"),
        (TRTEXEC.partition("[05/27/2023-12:05:31] [I] Lat")[0], "run trtexec to its end"),
        (TRTEXEC.replace("PASSED", "FAILED"), "trtexec failed"),
        (PERF_TEST.partition("Average")[0], "run onnxruntime_perf_test to its end"),
        (BENCHMARK_MODEL.partition("INFO: Inference timings")[0], "ended before the runs did"),
        (BENCHMARK_MODEL * 2, "it holds 2 runs"),
        (PERF_TEST.replace("0.00185674", "0").replace("1.85739", "0"), "has no line 'Average"),
    ],
)
def test_logs_that_are_not_usable_are_one_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ProfileError, match=said) as error:
        read_log(Path(write(tmp_path, text)))
    assert "\n" not in str(error.value)


def test_files_that_are_not_text_are_named(tmp_path: Path) -> None:
    (tmp_path / "x.log").write_bytes(b"\xff\x00\xfe")
    for path, said in (
        (tmp_path / "x.log", "UTF-8"),
        (tmp_path, "folder"),
        (tmp_path / "y", "such"),
    ):
        with pytest.raises(ProfileError, match=said):
            read_log(path)


def test_logs_that_do_not_belong_together_are_refused(tmp_path: Path) -> None:
    one = write(tmp_path, PERF_TEST)
    for text, said in (
        (TRTEXEC, "are of onnxruntime_perf_test and trtexec"),
        (PERF_TEST.replace("threads to 1", "threads to 2"), r"differ in threads \(1 and 2\)"),
        (PERF_TEST.partition("Min Latency")[0], r"differ in statistic \(mean and median\)"),
    ):
        with pytest.raises(ProfileError, match=said):
            log_profile([one, write(tmp_path, text, OTHER)], LogQuestion("phone"))
    with pytest.raises(ProfileError, match="two logs are of network"):
        log_profile([one, f"{ARCH}={one}"], LogQuestion("phone"))


def test_the_verb_writes_a_profile_and_says_what_is_next(tmp_path: Path, command_line) -> None:  # type: ignore[no-untyped-def]
    log, out = write(tmp_path, BENCHMARK_MODEL), tmp_path / "my phone.json"
    words = ("device", "import", log, "--out", str(out))
    code, _, err = command_line(*words)
    assert code == 1
    assert "add --name, such as my-phone" in err
    code, text, _ = command_line(*words, "--name", "my-phone")
    assert code == 0
    assert f"{out}: 1 network, " in text
    command = text.partition("Next: biglittle ")[2].strip()
    assert shlex.split(command) == ["device", "check", str(out)]
    code, _, err = command_line(*words, "--name", "my-phone")
    assert code == 1
    assert "add --replace" in err
    assert command_line(*words, "--name", "My Phone", "--replace")[0] == 1
    code, text, _ = command_line("device", "check", str(out))
    assert "phone" in text
    code, _, err = command_line("device", "import", "hw-nas-bench")
    assert code == 1
    assert "expected its one file" in err
