"""The rules of a JSON Schema, and how a break of one is told."""

from __future__ import annotations

from typing import Any

import pytest

from biglittle.bench.schema import problems


@pytest.mark.parametrize(
    ("value", "rule", "n"),
    [
        (3.0, {"type": "integer"}, 0),
        (True, {"type": "number"}, 1),
        (float("inf"), {"type": "number"}, 1),
        ("ab", {"pattern": "^a$"}, 1),
        ("a\n", {"pattern": "^a$"}, 1),
        ([1, "x"], {"items": {"type": "integer"}}, 1),
        ([], {"minItems": 1}, 1),
        ({"a": 1, "b": 2}, {"properties": {"a": {}}, "additionalProperties": False}, 1),
        ({"a": 1}, {"additionalProperties": {"enum": ["x"]}}, 1),
        (5, {"minimum": 5, "maximum": 5}, 0),
        (5, {"exclusiveMinimum": 5}, 1),
    ],
)
def test_rules_of_a_schema(value: Any, rule: dict[str, Any], n: int) -> None:
    assert len(list(problems(value, rule))) == n
