"""The admission test: every way a contributed profile can be wrong is named."""

from __future__ import annotations

import json

import pytest

from biglittle.bench import load_device
from biglittle.bench.device import SHIPPED
from biglittle.bench.device_document import FORMAT_2
from biglittle.bench.errors import DeviceError
from biglittle.edge_profiler.check import check_document, check_file


def codes(document, severity="error"):
    return {f.code for f in check_document(document, "x").findings if f.severity == severity}


def test_a_good_profile_passes_without_a_word(good):
    admission = check_document(good(), "x.json")
    assert (admission.passed, admission.findings) == (True, ())
    assert admission.text() == "x.json: passes"


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("*.json")), ids=lambda p: p.stem)
def test_what_ships_passes(path):
    admission = check_file(path)
    assert admission.passed, admission.text()


def test_duplicates_and_foreign_provenance(good):
    document = good()
    document["networks"].append(dict(document["networks"][0], latency_ms=99.0))
    assert codes(document) == {"document"}
    assert "two claims" in check_document(document, "x").text()


@pytest.mark.parametrize(
    "text",
    ["/home/joe/run.log", "see ../../etc/passwd", "C:\\Users\\joe", "file:///etc/hosts", "~/x"],
)
def test_paths_are_found_in_any_field(good, text):
    assert "path" in codes(good(notes=[f"{text}"]))
    assert "path" in codes(good(environment={"deep": [{"x": text}]}))


def test_control_characters_are_found_and_links_are_fine(good):
    assert "control-characters" in codes(good(source="a\u202eb"))
    assert codes(good(source="see https://example.org/a/b and 1/2 and/or <1 ms")) == set()


@pytest.mark.parametrize("raw", [None, [], 3, "x", {}, {"format": FORMAT_2}])
def test_what_is_no_profile_at_all(raw):
    assert not check_document(raw, "x").passed


def test_a_file_is_checked_without_reading_a_gibibyte(good, tmp_path):
    path = tmp_path / "huge.json"
    with path.open("wb") as file:
        file.truncate(2**30)
    (finding,) = check_file(path).findings
    assert (finding.code, "was not read" in finding.message) == ("unreadable", True)
    path = tmp_path / "half.json"
    path.write_text(json.dumps(good())[:3000])
    assert check_file(path).findings[0].code == "unreadable"


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity"])
def test_what_is_no_number_in_json_is_refused_unread(good, tmp_path, word):
    path = tmp_path / "x.json"
    document = good()
    document["networks"][0]["latency_ms"] = 12345.5
    path.write_text(json.dumps(document).replace("12345.5", word))
    (finding,) = check_file(path).findings
    assert (finding.code, word in finding.message) == ("unreadable", True)
    assert "write null" in finding.message
    with pytest.raises(DeviceError, match="not a number"):
        load_device(path)


@pytest.mark.parametrize(
    "column", ["latency_ms", "latency_p90_ms", "energy_mj", "peak_memory_mib", "cold_start_ms"]
)
@pytest.mark.parametrize("value", [-1.0, 0.0, float("nan"), float("inf"), "12", True])
def test_impossible_figures_are_named_with_their_row(good, column, value):
    document = good()
    document["networks"][4][column] = value
    admission = check_document(document, "x")
    assert not admission.passed
    assert f"networks[4].{column}" in admission.text()


def test_a_document_of_another_kind_is_called_that_and_nothing_else():
    (finding,) = check_document({"config": {}, "front": []}, "front.json").findings
    assert "not a device profile" in finding.message
    assert "biglittle profile" in finding.message
