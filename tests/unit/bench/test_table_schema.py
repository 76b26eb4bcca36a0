"""Attributes of a table: what they may be, and what is said of others."""

from __future__ import annotations

import json
from typing import Any

import pytest

from biglittle.bench.hdf5 import Hdf5Error
from biglittle.bench.table_schema import classes_in, facts_of, json_in, name_in, number_in

FACTS = {"gate_ms": "0.0", "provenance": json.dumps({"latency_ms": "measured"})}


def test_what_is_right_comes_back() -> None:
    attributes = {"name": "a table", "n_classes": 10, "choices": '["skip"]'}
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
        classes_in({"n_classes": value})


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"gate_ms": "-1"}, "the gate takes -1 ms, expected at least 0"),
        ({"gate_ms": '"fast"'}, "the gate takes"),
        ({"provenance": "[]"}, "how its figures came about"),
        ({"provenance": "{"}, "is not JSON"),
    ],
)
def test_facts_of_a_device_are_possible(change: dict[str, str], text: str) -> None:
    with pytest.raises(Hdf5Error, match=text):
        facts_of(FACTS | change, "board")
