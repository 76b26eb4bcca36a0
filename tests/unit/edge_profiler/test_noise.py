"""Noisy networks are named, and measured again alone; the steadier measurement stands."""

import json
from pathlib import Path

import pytest

from biglittle.bench import get_space
from biglittle.bench.errors import ProfileError
from biglittle.edge_profiler import __main__ as light
from biglittle.edge_profiler import read_profile
from biglittle.edge_profiler.check import check_file
from biglittle.edge_profiler.noise import in_vain, noisy_networks, steadier, unsteadiness
from biglittle.edge_profiler.session import ProfileRequest, once_more, run_request, summary

A, B, C = "8" * 22, "8" * 21 + "0", "8" * 20 + "00"


def entry(architecture=A, spread=0.01, tail=1.1, ms=2.0):
    return {
        "architecture": architecture,
        "latency_ms": ms,
        "latency_p90_ms": None if ms is None else ms * tail,
        "ratio": 1.0,
        "ratio_spread": spread,
        "n": 240,
        "provenance": "measured",
    }


def test_what_is_noisy_and_in_which_order():
    networks = [entry(A, 0.04), entry(B, 0.2), entry(C, tail=1.8), entry("0" * 22, ms=None)]
    assert noisy_networks(networks) == [B, C]
    assert unsteadiness({"latency_ms": 1.0}) == 0.0


def test_the_steadier_measurement_stands_and_says_how_many_there_were():
    first, second, failed = entry(spread=0.2, ms=2.0), entry(spread=0.1, ms=3.0), entry(ms=None)
    assert steadier(None, first) == first
    assert steadier(first, second)["latency_ms"] == 3.0
    assert steadier(second, first)["latency_ms"] == 3.0
    assert steadier(steadier(first, second), failed) == {**second, "times_measured": 3}
    assert steadier(failed, second) == second


def written(tmp_path: Path, networks) -> Path:
    space = get_space("fbnet")
    path = tmp_path / "my profile.json"
    document = {
        "format": "biglittle-device-profile-2", "device": "my-board", "description": "a board",
        "soc": "a chip", "space": space.name, "space_hash": space.hash, "n_classes": 7,
        "runtime": "fake", "precision": "fp32", "threads": 3, "batch": 1, "source": "a test",
        "author": None, "date": "2026-01-02", "tool_version": None, "networks": networks,
        "protocol": {"name": "bracketed-ratio", "rounds": 9},
    }  # fmt: skip
    path.write_text(json.dumps(document))
    return path


def test_what_to_measure_again_is_taken_from_the_file_and_so_is_how(tmp_path):
    path = written(tmp_path, [entry(A), entry(B, 0.2), entry(C, 0.3)])
    request, ids = once_more(ProfileRequest(again="noisy"), path)
    assert ids == [C, B]
    assert (request.n_classes, request.threads, request.rounds, request.meter) == (7, 3, 9, "none")
    assert once_more(ProfileRequest(again=A), path)[1] == [A]

    def measure(space, wanted, n_classes, protocol, runtime, **more):
        return {"wanted": wanted, "again": more["again"], "rounds": protocol.rounds}

    got = run_request(ProfileRequest(again="noisy"), path, measure=measure)
    assert got == {"wanted": [C, B], "again": [C, B], "rounds": 9}  # and no anchor


def test_what_cannot_be_measured_again_says_why(tmp_path):
    with pytest.raises(ProfileError, match="there is no profile"):
        once_more(ProfileRequest(again="noisy"), tmp_path / "none.json")
    path = written(tmp_path, [entry(A)])
    with pytest.raises(ProfileError, match=r"no network of .* is noisy"):
        once_more(ProfileRequest(again="noisy"), path)
    with pytest.raises(ProfileError, match=f"network {B} is not in"):
        once_more(ProfileRequest(again=B), path)


def test_the_advice_of_check_and_summary_can_be_followed(tmp_path):
    """What they print parses as a command that measures the noisy networks of that very file."""
    import shlex

    path = written(tmp_path, [entry(a, 0.2) for a in (A, B, C, "0" * 22, "1" * 22)])
    text = check_file(path).text()
    assert "5 of 5 networks are noisy: " in text
    (line,) = [ln for ln in text.splitlines() if "--again noisy" in ln]
    command = line.partition("biglittle profile ")[2].partition(";")[0]
    given = light.parser().parse_args(shlex.split(command))
    assert (given.again, given.out) == ("noisy", path)
    assert len(once_more(ProfileRequest(again=given.again), given.out)[1]) == 5
    session = {
        **read_profile(path),
        "reference": {"self_ratio": 1.0},
        "harness_overhead_ms": 0.0,
    }
    (said,) = [ln for ln in summary(session, path) if "--again noisy" in ln]
    command = said.partition("biglittle profile ")[2]
    assert light.parser().parse_args(shlex.split(command)).out == path


def test_a_few_noisy_networks_are_a_warning_that_names_them(tmp_path):
    path = written(tmp_path, [entry(a) for a in (A, C, "0" * 22, "1" * 22)] + [entry(B, 0.2)])
    (found,) = [f for f in check_file(path).findings if f.code == "noisy-networks"]
    assert (found.severity, B in found.message) == ("warning", True)


def test_repeating_is_in_vain_where_most_of_the_noisy_were_repeated() -> None:
    noisy = {"latency_ms": 1.0, "latency_p90_ms": 9.0}
    once = [{**noisy, "architecture": str(i)} for i in range(4)]
    assert in_vain(once) == ""
    assert in_vain([{**once[0], "times_measured": 2}, *once[1:]]) == ""
    again = [{**n, "times_measured": 3} for n in once[:3]]
    assert in_vain([*again, once[3]]).startswith("3 of the 4 noisy networks were measured 3 times")
    calm = [{**n, "latency_p90_ms": 1.0} for n in again]
    assert in_vain([*calm, once[3]]) == ""
