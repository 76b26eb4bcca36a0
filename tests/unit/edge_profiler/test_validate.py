"""Promises of a front against measurements, by hand-made profiles whose answers are known."""

from __future__ import annotations

import json

import numpy as np
import pytest

from biglittle import __main__
from biglittle.bench import Points, get_space
from biglittle.bench.device import parse_profile
from biglittle.bench.errors import DeviceError
from biglittle.bench.points import concatenate
from biglittle.bench.provenance import PROVENANCES, MemberWords
from biglittle.edge_profiler.validate import (
    measuring_commands,
    networks_of,
    pairs_of,
    validate,
)

SPACE = get_space("fbnet")
A, B, C = "8" * 22, "0" * 22, "7" * 22
TIME_MS = {A: 1.0, B: 4.0, C: 10.0}


def profile(name="board", scale=1.0, word="measured", interval=None, **changes):
    networks = []
    for a, ms in TIME_MS.items():
        entry = {"architecture": a, "latency_ms": ms * scale, "provenance": word}
        if interval is not None:
            entry |= {"latency_ms_low": ms * scale * interval[0]}
            entry |= {"latency_ms_high": ms * scale * interval[1]}
        networks.append(entry)
    made = {
        "format": "biglittle-device-profile-2", "device": name, "description": "x",
        "space": "fbnet", "space_hash": SPACE.hash, "n_classes": 10, "runtime": "fake",
        "precision": "fp32", "threads": 1, "batch": 1, "source": "a test", "author": None,
        "date": "2026-01-02", "tool_version": None, "networks": networks,
    }  # fmt: skip
    if interval is not None:
        made["interval"] = {"coverage": 0.9, "method": "conformal"}
    return made | changes


def loaded(**given):
    return parse_profile(profile(**given), "x")


def front():
    rate = np.array([0.0, 0.5, 0.02, 0.0])
    little, big = np.array([A, A, B, C]), np.array([B, C, C, C])
    cost = np.array(
        [TIME_MS[x] + r * TIME_MS[y] for x, y, r in zip(little, big, rate, strict=True)]
    )
    nothing = np.full(4, np.nan)
    words = {"accuracy": "measured", "escalation_rate": "measured", "latency_ms": "modelled"}
    return Points(
        little=little, big=big, gate=np.array(["margin"] * 4), threshold=np.full(4, 0.5),
        accuracy=np.array([0.5, 0.8, 0.6, 0.9]), escalation_rate=rate, latency_ms=cost,
        latency_p95_ms=np.array([1.0, 11.0, 4.0, 10.0]), latency_worst_ms=nothing,
        energy_mj=nothing, macs=nothing, params=nothing,
        peak_memory_mib=nothing, provenance=words, split=None,
    )  # fmt: skip


def test_what_is_measured_is_what_the_front_uses():
    assert networks_of(front()) == [B, C, A]
    assert pairs_of(front()) == {"margin": [(B, C), (A, C)]}
    mixed = Points(
        **{**vars(front()), "gate": np.array(["margin", "learned", "entropy", "margin"])}
    )
    assert pairs_of(mixed) == {"entropy": [(B, C)], "margin": [(A, C)]}


def test_a_kept_promise_has_no_error_and_no_optimism():
    got = validate(front(), loaded(), loaded(), SPACE)
    assert got.kept
    for name in ("latency_ms", "latency_p95_ms"):
        assert got.figures[name].mape == pytest.approx(0, abs=1e-12)
        assert got.figures[name].within_10 == 1.0
    assert got.figures["energy_mj"] is None
    assert got.networks.spearman == 1.0
    words = [p["latency_ms"]["provenance"] for p in got.points]
    assert words == ["measured", "modelled", "modelled", "measured"]
    assert any("from their networks alone" in note for note in got.notes)


def test_a_slower_device_is_an_optimistic_search():
    got = validate(front(), loaded(), loaded(scale=1.5), SPACE)
    assert not got.kept
    assert got.figures["latency_ms"].optimism == pytest.approx(0.5)
    assert got.figures["latency_ms"].mape == pytest.approx(1 / 3)
    assert got.figures["latency_ms"].spearman == 1.0
    assert "NOT kept" in got.text()
    assert "off by 33.3% of the measured figure on average" in got.text()
    assert "measured is 1.5 times what was promised on average" in got.text()
    assert f"  {A} -> {C}: 6 ms promised, 9 ms now (modelled)" in got.text()
    assert f"  {A} alone: 1 ms promised, 1.5 ms now (measured)" in got.text()
    assert validate(front(), loaded(), loaded(scale=1.5), SPACE, tolerance=0.4).kept


def test_a_pair_measured_end_to_end_wins_over_its_parts():
    pair = {
        "little": A, "big": C, "gate": "margin", "kept_ms": 1.2, "escalated_ms": 14.0,
        "provenance": "measured",
    }  # fmt: skip
    broken = {"little": B, "big": C, "gate": "margin", "provenance": "measured", "error": "x"}
    got = validate(front(), loaded(), loaded(pairs=[pair, broken]), SPACE)
    point = got.points[1]
    assert point["latency_ms"]["measured"] == pytest.approx(0.5 * 1.2 + 0.5 * 14.0)
    assert point["latency_ms"]["provenance"] == "measured"
    assert point["latency_p95_ms"]["measured"] == 14.0
    # At 7.6 ms and 80 % it still beats nothing and is beaten by nothing.
    assert [p["on_front"] for p in got.points] == [True] * 4
    assert any("1, the first because x" in note for note in got.notes)
    entropy = pair | {"gate": "entropy", "kept_ms": 1.3}
    other = validate(front(), loaded(), loaded(pairs=[entropy]), SPACE)
    assert other.points[1]["latency_ms"]["provenance"] == "modelled"
    points = front()
    guessed = Points(
        **{**vars(points), "provenance": points.provenance | {"escalation_rate": "predicted"}}
    )
    mean = validate(guessed, loaded(), loaded(pairs=[pair]), SPACE)
    assert mean.points[1]["branches"] == "measured"
    assert mean.points[1]["latency_ms"]["provenance"] == "modelled"  # weighed by a prediction
    assert mean.points[0]["latency_ms"]["provenance"] == "measured"  # a network alone
    assert any("the escalation rate that weighs the two is predicted" in n for n in mean.notes)
    # Of a search and of the table beside it every point keeps its own words.
    ranks = np.array([PROVENANCES.index(w) for w in ("predicted", "measured", *["predicted"] * 2)])
    own = MemberWords({"escalation_rate": ranks.astype(np.uint8)}, {"accuracy": "measured"})
    mixed = Points(**{**vars(points), "provenance": own})
    kept = validate(mixed, loaded(), loaded(pairs=[pair]), SPACE)
    assert kept.points[1]["latency_ms"]["provenance"] == "measured"
    assert not any("weighs the two" in n for n in kept.notes)
    both = validate(front(), loaded(), loaded(pairs=[entropy, pair]), SPACE)
    assert both.points[1] == got.points[1]  # that of its own gate


def test_a_point_that_turns_out_dear_leaves_the_front():
    pair = {
        "little": A, "big": C, "gate": "margin", "kept_ms": 15.0, "escalated_ms": 30.0,
        "provenance": "measured",
    }  # fmt: skip
    got = validate(front(), loaded(), loaded(pairs=[pair]), SPACE)
    assert [p["on_front"] for p in got.points] == [True, False, True, True]
    assert (got.n_front, got.n_measured) == (3, 4)


@pytest.mark.parametrize(("scale", "kept"), [(1.04, True), (1.3, False)])
def test_a_stated_interval_decides(scale, kept):
    promised = loaded(word="predicted", interval=(0.95, 1.05))
    got = validate(front(), promised, loaded(scale=scale), SPACE)
    assert (got.coverage.n, got.coverage.stated) == (3, 0.9)
    assert got.kept is kept
    assert "inside the stated 90% interval" in got.text()


def test_an_interval_too_wide_is_no_promise():
    promised = loaded(word="predicted", interval=(0.78, 12.56))
    got = validate(front(), promised, loaded(), SPACE)
    assert (got.coverage.inside, got.coverage.n, got.kept) == (3, 3, False)
    assert got.text().splitlines()[-1].startswith("Nothing was promised: 3 of 3 predicted networks")
    assert (
        "-22 % to +1156 % around what was predicted. An interval that wide promises" in got.verdict
    )
    assert got.as_dict()["interval"]["width"] == {"low": -0.22, "high": 11.56}


def test_networks_that_the_profile_had_measured_are_held_to_the_tolerance():
    promised = parse_profile(
        profile() | {"interval": {"coverage": 0.9, "method": "conformal"}}, "x"
    )
    got = validate(front(), promised, loaded(scale=1.04), SPACE)
    assert (got.coverage.n, got.coverage.measured_before, got.kept) == (0, 3, True)
    assert "the profile had measured these networks, so that no interval is theirs" in got.verdict


def test_what_was_searched_with_is_no_measurement_of_it():
    reference = {"architecture": A, "latency_ms": 1.0}
    searched = loaded(reference=reference)
    renamed = loaded(name="my-board", reference=reference, description="another")
    for same in (searched, renamed):
        with pytest.raises(
            DeviceError, match=r"is the measurement that the front .* --measure here"
        ):
            validate(front(), searched, same, SPACE)
    few = profile(reference=reference)
    few["networks"] = few["networks"][:2]
    assert validate(front(), parse_profile(few, "x"), renamed, SPACE).n_measured == 4  # one is new
    anew = loaded(scale=1.001, reference=reference | {"latency_ms": 1.001})
    assert validate(front(), searched, anew, SPACE).kept


def test_how_many_classes_were_measured_is_said_where_figures_differ_in_it():
    def classes_noted(promised, measured, of_front):
        pair = loaded(n_classes=promised), loaded(n_classes=measured)
        return [
            n for n in validate(front(), *pair, SPACE, n_classes=of_front).notes if "class" in n
        ]

    (note,) = classes_noted(100, 10, 10)
    assert "have 10 classes; those measured have 10, and the promise" in note
    assert "networks of 100." in note
    assert "have 5 classes; those measured have 10" in classes_noted(10, 10, 5)[0]
    assert classes_noted(10, 10, 10) == classes_noted(7, 7, None) == []


def test_networks_that_were_not_measured_are_left_out():
    some = profile()
    some["networks"] = [n for n in some["networks"] if n["architecture"] != C]
    got = validate(front(), loaded(), parse_profile(some, "x"), SPACE)
    assert got.n_measured == 1
    assert [p["on_front"] for p in got.points] == [True, None, None, None]
    none = profile()
    none["networks"] = [dict(none["networks"][0], architecture="1" * 22)]
    with pytest.raises(DeviceError, match="no network of this front") as caught:
        validate(front(), loaded(), parse_profile(none, "x"), SPACE)
    advice = str(caught.value)
    assert "--measure here" not in advice  # the board may be elsewhere
    (command,) = measuring_commands(front(), "fbnet", 10)
    assert advice.endswith(f"give the file to --profile: {command}")
    assert all(a in command for a in networks_of(front()))
    with pytest.raises(DeviceError, match="--classes 7 --pairs"):
        validate(front(), loaded(), parse_profile(none, "x"), SPACE, n_classes=7)
    ((gate, pairs),) = pairs_of(front()).items()
    assert (gate, f"--pairs {','.join(':'.join(pair) for pair in pairs)}" in command) == (
        "margin",
        True,
    )


def test_commands_to_measure_many_points_name_a_few_of_each_gate():
    points = concatenate([front()] * 5)
    points = Points(**{**vars(points), "gate": np.where(np.arange(20) % 2, "entropy", "margin")})
    commands = measuring_commands(points, "branched", 100)
    assert all(" --space branched --classes 100 " in command for command in commands)
    gates = [command.partition(" --gate ")[2].split(" ")[0] for command in commands]
    assert gates == ["entropy", ""]


def test_energy_and_memory_are_compared_where_both_know_them():
    document = profile()
    for entry in document["networks"]:
        entry |= {"energy_mj": 2.0 * entry["latency_ms"], "peak_memory_mib": 3.0}
    points = front()
    points = Points(**{**vars(points), "energy_mj": 2.0 * points.latency_ms})
    got = validate(points, loaded(), parse_profile(document, "x"), SPACE)
    assert got.figures["energy_mj"].mape == pytest.approx(0, abs=1e-12)
    assert got.points[1]["peak_memory_mib"]["measured"] == 6.0
    assert got.figures["peak_memory_mib"] is None  # nothing was promised


def test_a_prediction_is_no_measurement_and_another_space_none_either():
    with pytest.raises(DeviceError, match="is predicted, not measured"):
        validate(front(), loaded(), loaded(word="predicted"), SPACE)
    with pytest.raises(DeviceError, match="of space"):
        validate(front(), loaded(), loaded(space_hash="0" * 64), SPACE)


def test_two_devices_are_called_two():
    got = validate(front(), loaded(name="a"), loaded(name="b"), SPACE)
    assert any("two devices" in n for n in got.notes)
    assert got.kept is None
    assert "Not judged: another device than a measured" in got.text()
    slow = validate(front(), loaded(name="a"), loaded(name="b", scale=40.0), SPACE)
    assert "latency_ms: 40 times what was promised on average, Spearman 1.000" in slow.text()
    same = {"environment": {"cpu_model": "one chip"}}
    got = validate(front(), loaded(name="a", **same), loaded(name="b", **same), SPACE)
    assert not any("two devices" in n for n in got.notes)  # one of them was given a name


def test_the_command_writes_a_page_and_tells_by_its_exit_code(tmp_path, monkeypatch, capsys):
    (tmp_path / "front.json").write_text(json.dumps({"config": {}, "front": front().records()}))
    for name, scale in (("promised", 1.0), ("measured", 1.0), ("slow", 1.5)):
        (tmp_path / f"{name}.json").write_text(json.dumps(profile(scale=scale)))

    def run(*more):
        words = ["validate", "front.json", "--device", "promised.json", "--out", "out", *more]
        monkeypatch.setattr("sys.argv", ["biglittle", *words])
        try:
            __main__.main()
            code = 0
        except SystemExit as stop:
            code = int(stop.code or 0)
        return code, *capsys.readouterr()

    monkeypatch.chdir(tmp_path)
    code, out, _ = run("--profile", "measured.json")
    assert (code, "Kept: " in out) == (0, True)
    page = (tmp_path / "out" / "validation.html").read_text()
    assert page.count("<h2>") == 5
    assert A in page
    code, out, _ = run("--profile", "slow.json", "--json")
    assert (code, json.loads(out)["kept"]) == (1, False)
    code, _, err = run()
    assert (code, "one of --measure here and --profile" in err) == (1, True)
    code, _, err = run("--profile", "measured.json", "--measure", "there")
    assert (code, "expected 'here'" in err) == (1, True)


def test_a_prefix_pair_counts_only_if_it_was_measured_end_to_end():
    # Points 1 and 3 of the front: the exit of C before C, and C alone.
    cut = f"{C}@12"
    points = Points(**{**vars(front()), "little": np.array([A, cut, A, C])})
    networks = [
        *profile()["networks"],
        {"architecture": cut, "latency_ms": 6.0, "provenance": "measured"},
    ]
    apart = validate(points, loaded(), loaded(networks=networks), SPACE)
    assert apart.points[1]["latency_ms"]["measured"] is None
    assert apart.n_measured == 3
    pair = {
        "little": cut, "big": C, "gate": "margin", "coupling": "prefix", "trunk_ms": 5.5,
        "kept_ms": 6.2, "escalated_ms": 11.0, "provenance": "measured",
    }  # fmt: skip
    whole = validate(points, loaded(), loaded(networks=networks, pairs=[pair]), SPACE)
    latency = whole.points[1]["latency_ms"]
    assert latency["measured"] == pytest.approx((6.2 + 11.0) / 2)
    assert (latency["provenance"], whole.points[1]["branches"]) == ("measured", "measured")
    assert cut in [single["architecture"] for single in whole.singles]
