"""Energies of an external meter, put into the file of a profile."""

from __future__ import annotations

import pytest

from biglittle.bench.errors import ProfileError
from biglittle.edge_profiler.profile_file import read_profile, write_profile
from biglittle.edge_profiler.trace_energy import fill_file


@pytest.fixture
def profile(good):  # type: ignore[no-untyped-def]
    """Makes a profile of one network that ran for two seconds, fifty times."""

    def made(window):  # type: ignore[no-untyped-def]
        network = good()["networks"][0] | {"energy_window_s": window, "energy_runs": 50}
        meter = {"name": "trace", "rail": "wall", "idle_window_s": [1.0, 3.0]}
        return good(meter=meter, networks=[network])

    return made


def test_a_profile_in_a_file_is_filled_and_written_whole(  # type: ignore[no-untyped-def]
    tmp_path, profile
):
    path, trace = tmp_path / "profile.json", tmp_path / "t.csv"
    write_profile(path, profile([4.0, 6.0]))
    rows = [f"{t / 10},{3000 if 40 <= t <= 60 else 1000}" for t in range(80)]
    trace.write_text("\n".join(["time_s,power_mw", *rows]))
    assert fill_file(path, trace) == 1
    filled = read_profile(path)
    assert filled["author"] == "somebody"
    assert filled["meter"]["idle_power_mw"] == 1000
    assert filled["networks"][0]["energy_mj"] == pytest.approx(2 * 3000 / 50)
    assert [p.name for p in tmp_path.iterdir() if "profile" in p.name] == ["profile.json"]


def test_a_trace_of_another_run_leaves_the_file_as_it_was(  # type: ignore[no-untyped-def]
    tmp_path, profile
):
    path, trace = tmp_path / "profile.json", tmp_path / "t.csv"
    write_profile(path, profile([104.0, 106.0]))
    before = path.read_bytes()
    trace.write_text("time_s,power_mw\n0,1000\n8,1000\n")
    with pytest.raises(ProfileError, match="the trace covers"):
        fill_file(path, trace)
    assert path.read_bytes() == before
