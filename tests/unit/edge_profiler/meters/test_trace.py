"""The trace of an external meter, aligned with the windows of a run."""

from __future__ import annotations

import numpy as np
import pytest

from biglittle.bench.errors import ProfileError
from biglittle.edge_profiler.meters.trace import TraceMeter, fill, read_trace


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


def test_a_product_that_is_no_power_is_named(tmp_path):
    (tmp_path / "t.csv").write_text("time_s,voltage_v,current_a\n0,5,1\n1,1e200,1e200\n2,5,1\n")
    with pytest.raises(ProfileError, match=r"line 3, column 'voltage_v': .* no finite power"):
        read_trace(tmp_path / "t.csv")


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
