"""The admission test: every way a contributed profile can be wrong is named."""

from __future__ import annotations

import json

import numpy as np
import pytest

from biglittle.bench import get_space, load_device
from biglittle.bench.device import FORMAT_2, SHIPPED
from biglittle.bench.errors import DeviceError, UnknownNameError
from biglittle.edge_profiler.check import check_document, check_file
from biglittle.edge_profiler.check_figures import held_out_error
from biglittle.edge_profiler.contribute import add_device, remove_device, summary

SPACE = get_space("fbnet")
MACS_PER_S = 4e9


def good(n=40, seed=0, noise=0.02, **changes):
    rng = np.random.default_rng(seed)
    genomes = np.unique(SPACE.sample(rng, n), axis=0)
    ids = SPACE.format(genomes)
    macs = SPACE.macs(genomes, 10)
    ms = 1000 * macs / MACS_PER_S * np.exp(rng.normal(0, noise, len(ids))) + 1.0
    networks = [
        {
            "architecture": a,
            "latency_ms": round(float(t), 6),
            "latency_p90_ms": round(float(t) * 1.05, 6),
            "ratio": round(float(t) / 5, 6),
            "ratio_spread": 0.002,
            "n": 240,
            "provenance": "measured",
        }
        for a, t in zip(ids, ms, strict=True)
    ]
    made = {
        "format": FORMAT_2,
        "device": "my-board",
        "description": "a board",
        "space": SPACE.name,
        "space_hash": SPACE.hash,
        "n_classes": 10,
        "runtime": "onnxruntime 1.20 CPUExecutionProvider",
        "precision": "fp32",
        "threads": 1,
        "batch": 1,
        "source": "measured by a test",
        "author": "somebody",
        "date": "2026-01-02",
        "tool_version": "0.1",
        "networks": networks,
    }
    return made | changes


def with_column(document, **columns):
    for i, entry in enumerate(document["networks"]):
        for name, change in columns.items():
            entry[name] = change(i, entry)
    return document


def codes(document, severity="error"):
    return {f.code for f in check_document(document, "x").findings if f.severity == severity}


def test_a_good_profile_passes_without_a_word():
    admission = check_document(good(), "x.json")
    assert (admission.passed, admission.findings) == (True, ())
    assert admission.text() == "x.json: passes"


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("*.json")), ids=lambda p: p.stem)
def test_what_ships_passes(path):
    admission = check_file(path)
    assert admission.passed, admission.text()


def scaled(factor):
    return with_column(
        good(),
        latency_ms=lambda _, e: e["latency_ms"] * factor,
        latency_p90_ms=lambda _, e: e["latency_p90_ms"] * factor,
    )


def test_swapped_units_are_recognised():
    assert codes(scaled(1e-3)) == {"units"}  # seconds
    assert codes(scaled(1e3)) == {"units"}  # microseconds
    text = check_document(scaled(1e-3), "x").text()
    assert "are they in seconds? The unit is milliseconds" in text


def test_one_network_in_another_unit_is_named():
    document = good()
    entry = document["networks"][7]
    entry["latency_ms"] *= 1000
    entry["latency_p90_ms"] *= 1000
    assert codes(document) == {"mixed-units"}
    assert entry["architecture"] in check_document(document, "x").text()


def test_energies_in_joules_and_without_a_meter():
    meter = {"name": "nvml", "rail": "board"}
    joules = with_column(good(meter=meter), energy_mj=lambda _, e: e["latency_ms"] * 4e-6)
    assert codes(joules) == {"units"}
    fine = with_column(good(meter=meter), energy_mj=lambda _, e: e["latency_ms"] * 4)
    assert codes(fine) == set()
    assert codes(fine | {"meter": None}) == {"meter"}


@pytest.mark.parametrize(
    ("meter", "words"),
    [
        ({"name": "nvml", "rail": "GPU board, host not included"}, "--meter auto"),
        ({"name": "x", "rail": "y", "covers": ["gpu"]}, "ran on the CPU"),
        ({"name": "tegrastats", "rail": "module, VIN_SYS_5V0"}, "is not the module"),
        ({"name": "rapl", "rail": "1 processor package"}, None),
    ],
)
def test_a_rail_that_does_not_carry_what_ran_is_warned_of(meter, words):
    document = with_column(good(meter=meter), energy_mj=lambda _, e: e["latency_ms"] * 4)
    warnings = [f.message for f in check_document(document, "x").findings if f.code == "meter"]
    assert [words in w for w in warnings] == ([True] if words else [])


def test_memory_in_gibibytes_and_swapped_percentiles():
    assert codes(with_column(good(), peak_memory_mib=lambda *_: 0.02)) == {"units"}
    assert codes(with_column(good(), peak_memory_mib=lambda *_: 30.0)) == set()
    swapped = with_column(good(), latency_p90_ms=lambda _, e: e["latency_ms"] * 0.9)
    assert codes(swapped) == {"percentile"}


def test_shuffled_rows_and_constant_columns():
    document = good()
    ms = [e["latency_ms"] for e in document["networks"]]
    order = np.random.default_rng(1).permutation(len(ms))
    shuffled = with_column(
        document,
        latency_ms=lambda i, _: ms[order[i]],
        latency_p90_ms=lambda i, _: ms[order[i]] * 1.1,
    )
    assert codes(shuffled) == {"order"}
    flat = with_column(good(), latency_ms=lambda *_: 9.0, latency_p90_ms=lambda *_: 9.5)
    assert {"order", "clock"} <= codes(flat)


def test_noise_few_runs_and_no_count():
    assert codes(with_column(good(), ratio_spread=lambda *_: 0.9)) == {"noise"}
    tail = with_column(good(), latency_p90_ms=lambda _, e: e["latency_ms"] * 2)
    assert codes(tail) == {"noise"}
    assert codes(with_column(good(), n=lambda *_: None)) == {"repeats"}
    assert codes(with_column(good(), n=lambda *_: 5), "warning") == {"repeats"}


def test_a_sum_of_parts_is_found_and_a_noisy_measurement_is_not():
    rng = np.random.default_rng(0)
    parts = rng.uniform(0.5, 3, (SPACE.n_layers, len(SPACE.choices)))

    def sums(noise):
        document = good(n=260)
        ids = [e["architecture"] for e in document["networks"]]
        genomes = SPACE.parse(ids)
        ms = 5 + parts[np.arange(SPACE.n_layers), genomes].sum(axis=1)
        ms = np.round(ms * np.exp(rng.normal(0, noise, len(ms))), 4)
        return with_column(
            document,
            latency_ms=lambda i, _: float(ms[i]),
            latency_p90_ms=lambda i, _: float(ms[i]) * 1.1,
        )

    assert "sum-of-parts" in codes(sums(0.0))
    assert "sum-of-parts" not in codes(sums(0.005))
    # Called by its name, a sum is welcome.
    honest = with_column(sums(0.0), provenance=lambda *_: "block-sum")
    assert "sum-of-parts" not in codes(honest)


def test_a_sum_over_operators_is_found_with_fewer_rows_than_blocks():
    per_op = np.random.default_rng(2)
    known = {}

    def ms(architecture):
        ops = SPACE.operators(architecture, 10)
        return 2 + sum(known.setdefault(op, per_op.uniform(0.05, 0.4)) for op in ops)

    document = with_column(
        good(n=150),
        latency_ms=lambda _, e: ms(e["architecture"]),
        latency_p90_ms=lambda _, e: ms(e["architecture"]) * 1.1,
    )
    assert "sum-of-parts" in codes(document)


def test_rows_that_nothing_determines_are_no_evidence():
    assert held_out_error(np.eye(6), np.arange(6) + 1.0) is None


def test_too_few_networks_and_failed_ones():
    few = good()
    few["networks"] = few["networks"][:10]
    assert (codes(few), codes(few, "warning")) == (set(), {"few"})  # enough to search with
    few["networks"] = few["networks"][:4]
    assert codes(few) == {"too-few"}
    assert "profile --networks anchors:10 --out x" in check_document(few, "x").text()
    failed = good()
    failed["networks"][0] |= {"latency_ms": None, "latency_p90_ms": None, "error": "no kernel"}
    assert codes(failed) == set()
    assert "no kernel" in check_document(failed, "x").text()
    assert codes(failed, "warning") == {"failed-networks"}


def test_another_space_and_another_definition_of_it():
    assert codes(good(space_hash="0" * 64)) == {"other-space"}
    assert codes(good(space="fbnot")) == {"other-space"}
    foreign = good()
    foreign["networks"][3]["architecture"] = "9" * 22
    assert codes(foreign) == {"other-space"}


def test_duplicates_and_foreign_provenance():
    document = good()
    document["networks"].append(dict(document["networks"][0], latency_ms=99.0))
    assert codes(document) == {"document"}
    assert "two claims" in check_document(document, "x").text()


@pytest.mark.parametrize(
    "text",
    ["/home/joe/run.log", "see ../../etc/passwd", "C:\\Users\\joe", "file:///etc/hosts", "~/x"],
)
def test_paths_are_found_in_any_field(text):
    assert "path" in codes(good(notes=[f"{text}"]))
    assert "path" in codes(good(environment={"deep": [{"x": text}]}))


def test_control_characters_are_found_and_links_are_fine():
    assert "control-characters" in codes(good(source="a\u202eb"))
    assert codes(good(source="see https://example.org/a/b and 1/2 and/or <1 ms")) == set()


@pytest.mark.parametrize("raw", [None, [], 3, "x", {}, {"format": FORMAT_2}])
def test_what_is_no_profile_at_all(raw):
    assert not check_document(raw, "x").passed


def test_a_file_is_checked_without_reading_a_gibibyte(tmp_path):
    path = tmp_path / "huge.json"
    with path.open("wb") as file:
        file.truncate(2**30)
    (finding,) = check_file(path).findings
    assert (finding.code, "was not read" in finding.message) == ("unreadable", True)
    path = tmp_path / "half.json"
    path.write_text(json.dumps(good())[:3000])
    assert check_file(path).findings[0].code == "unreadable"


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity"])
def test_what_is_no_number_in_json_is_refused_unread(tmp_path, word):
    path = tmp_path / "x.json"
    document = good()
    document["networks"][0]["latency_ms"] = 12345.5
    path.write_text(json.dumps(document).replace("12345.5", word))
    (finding,) = check_file(path).findings
    assert (finding.code, word in finding.message) == ("unreadable", True)
    assert "write null" in finding.message
    with pytest.raises(DeviceError, match="no number"):
        load_device(path)


@pytest.mark.parametrize(
    "column", ["latency_ms", "latency_p90_ms", "energy_mj", "peak_memory_mib", "cold_start_ms"]
)
@pytest.mark.parametrize("value", [-1.0, 0.0, float("nan"), float("inf"), "12", True])
def test_impossible_figures_are_named_with_their_row(column, value):
    document = good()
    document["networks"][4][column] = value
    admission = check_document(document, "x")
    assert not admission.passed
    assert f"networks[4].{column}" in admission.text()


def test_a_profile_joins_and_leaves_the_users_own(tmp_path, monkeypatch):
    monkeypatch.setenv("BIGLITTLE_DATA", str(tmp_path / "data"))
    path = tmp_path / "anything.json"
    path.write_text(json.dumps(good()))
    target, admission = add_device(path)
    assert admission.passed
    assert target == tmp_path / "data" / "devices" / "my-board.json"
    assert load_device("my-board").name == "my-board"
    with pytest.raises(DeviceError, match="already"):
        add_device(path)
    assert add_device(path, replace=True)[0] == target
    assert remove_device("my-board") == target
    with pytest.raises(UnknownNameError):
        remove_device("my-board")


def test_a_noisy_profile_joins_by_force_and_says_so_from_then_on(tmp_path, monkeypatch):
    monkeypatch.setenv("BIGLITTLE_DATA", str(tmp_path / "data"))
    path = tmp_path / "anything.json"
    path.write_text(json.dumps(with_column(good(), ratio_spread=lambda *_: 0.9)))
    with pytest.raises(DeviceError, match=r"add --force .*anything.json"):
        add_device(path)
    with pytest.raises(DeviceError, match="add --force"):
        add_device(path, reason="it is shared")
    target, admission = add_device(path, force=True, reason="it is shared")
    assert not admission.passed
    profile = load_device("my-board")
    assert profile.facts["forced"]["codes"] == ["noise"]
    assert "did not pass for noise: it is shared" in profile.summary
    again = check_file(target)
    assert {f.code for f in again.findings} == {"noise", "forced"}
    assert any("it is shared" in line for line in summary(target))
    path.write_text("{")
    with pytest.raises(DeviceError, match="cannot be read"):  # what is not a profile stays out
        add_device(path, force=True)


def test_a_profile_that_passes_gets_another_name_and_nothing_else(tmp_path, monkeypatch):
    monkeypatch.setenv("BIGLITTLE_DATA", str(tmp_path / "data"))
    path = tmp_path / "x.json"
    path.write_text(json.dumps(good(device="raspberry-pi-4")))
    target, _ = add_device(path, name="my-pi", force=True)
    assert json.loads(target.read_text()) == good(device="my-pi")
    with pytest.raises(DeviceError, match="--name my-board"):
        add_device(path, name="My Pi")


def test_a_shipped_name_a_bad_file_and_a_shipped_profile_are_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("BIGLITTLE_DATA", str(tmp_path / "data"))
    path = tmp_path / "x.json"
    path.write_text(json.dumps(good(device="raspberry-pi-4")))
    with pytest.raises(DeviceError, match="ships with biglittle"):
        add_device(path)
    path.write_text(json.dumps(good(device="../../evil")))
    with pytest.raises(DeviceError, match="does not pass"):
        add_device(path)
    with pytest.raises(DeviceError, match="not yours"):
        remove_device("raspberry-pi-4")
    assert not (tmp_path / "data").exists()
