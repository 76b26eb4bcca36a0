"""Attributes of a table: what they may be, and what is said of others."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from biglittle.bench.class_numbers import class_dtype
from biglittle.bench.gates import stored_metrics
from biglittle.bench.hdf5 import Hdf5Error
from biglittle.bench.table_schema import (
    check_classes,
    classes_in,
    facts_of,
    json_in,
    name_in,
    number_in,
    schema_needed,
)

FACTS = {"gate_ms": "0.0", "provenance": json.dumps({"latency_ms": "measured"})}


def test_what_is_right_comes_back() -> None:
    attributes = {"name": "a table", "n_classes": 10, "choices": '["skip"]', "schema_version": 2}
    assert name_in(attributes, "name") == "a table"
    assert number_in(attributes, "n_classes") == classes_in(attributes) == 10
    assert json_in(attributes, "choices", list) == ["skip"]
    assert json_in(attributes, "reference_points", dict, {}) == {}
    assert facts_of(FACTS, "board")["gate_ms"] == 0.0


@pytest.mark.parametrize("value", [None, 3, "two\nlines", "x" * 1000])
def test_a_name_is_one_short_line(value: Any) -> None:
    with pytest.raises(Hdf5Error, match="'name' is missing or is not one line of text"):
        name_in({"name": value}, "name")


@pytest.mark.parametrize(("value", "text"), [("10", "whole number"), (0, "1 to 256"), (257, "256")])
def test_classes_are_a_number_that_fits_one_byte(value: Any, text: str) -> None:
    with pytest.raises(Hdf5Error, match=text):
        classes_in({"n_classes": value, "schema_version": 2})


def test_more_classes_need_the_schema_that_has_room_for_them() -> None:
    assert classes_in({"n_classes": 70_000, "schema_version": 3}) == 70_000
    with pytest.raises(Hdf5Error, match="expected 1 to 16777216"):
        classes_in({"n_classes": 2**30, "schema_version": 3})
    metrics = stored_metrics()
    assert schema_needed("fbnet", 256, metrics) == 2  # what older code reads, it can go on reading
    assert schema_needed("fbnet", 257, metrics) == 3
    assert schema_needed("given", 10, metrics) == 3
    assert schema_needed("fbnet", 10, ("max_prob",)) == 3


@pytest.mark.parametrize("n_classes", [10, 256, 257, 65_536, 65_537, 1_000_000])
def test_classes_are_stored_in_as_many_bytes_as_they_need(n_classes: int) -> None:
    last = np.array([n_classes - 1], class_dtype(n_classes))
    check_classes("labels", last, n_classes)
    if n_classes <= np.iinfo(last.dtype).max:
        with pytest.raises(Hdf5Error, match=f"has class {n_classes}, expected less"):
            check_classes("labels", last + last.dtype.type(1), n_classes)
    with pytest.raises(Hdf5Error, match="is of type uint64, expected"):
        check_classes("labels", last.astype(np.uint64), n_classes)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"gate_ms": "-1"}, "device board.gate_ms is -1, expected at least 0"),
        ({"gate_ms": '"fast"'}, "gate_ms is 'fast', expected a number"),
        ({"provenance": "[]"}, "provenance is a list"),
        ({"provenance": "{"}, "is not JSON"),
    ],
)
def test_facts_of_a_device_are_possible(change: dict[str, str], text: str) -> None:
    with pytest.raises(Hdf5Error, match=text):
        facts_of(FACTS | change, "board")
