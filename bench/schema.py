"""What is wrong with a JSON document, by the part of JSON Schema that our own schemas use."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "boolean": (bool,),
    "null": (type(None),),
    "integer": (int,),
    "number": (int, float),
}
_RANGES: dict[str, tuple[Callable[[float, float], bool], str]] = {
    "minimum": (operator.ge, "at least"),
    "exclusiveMinimum": (operator.gt, "more than"),
    "maximum": (operator.le, "at most"),
    "exclusiveMaximum": (operator.lt, "less than"),
}
_SAID_ELSEWHERE = ("$schema", "$id", "$defs", "$comment", "title", "description")
KEYWORDS = frozenset(
    {
        *_SAID_ELSEWHERE,
        *("$ref", "type", "const", "enum", "required", "properties", "additionalProperties"),
        *("items", "minItems", "maxItems", "minLength", "maxLength", "pattern"),
        *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
    }
)


def problems(document: Any, schema: Mapping[str, Any]) -> Iterator[str]:
    """Every way in which a document breaks a schema, as a sentence with its place.

    It understands draft 2020-12's keywords for structure, ranges, lengths, patterns and local
    references, and raises on any other, so that no rule of a schema is passed over in silence.
    NaN and infinities are not numbers.

    Args:
        document: the document, as from ``json.loads``.
        schema: the schema, as from ``json.loads``.

    Raises:
        ValueError: the schema uses a keyword that is not understood.

    >>> list(problems({"ms": -1}, {"properties": {"ms": {"type": "number", "minimum": 0}}}))
    ['ms is -1, expected at least 0']
    """
    yield from _walk(document, schema, schema, "")


def _walk(value: Any, rule: Mapping[str, Any], root: Mapping[str, Any], at: str) -> Iterator[str]:
    unknown = set(rule) - KEYWORDS
    if unknown:
        raise ValueError(f"schema keyword {sorted(unknown)[0]!r} at {at or 'the top'} is not known")
    where = at or "the document"
    if "$ref" in rule:
        yield from _walk(value, _resolve(rule["$ref"], root), root, at)
    if "const" in rule and value != rule["const"]:
        yield f"{where} is {_shown(value)}, expected {_shown(rule['const'])}"
    if "enum" in rule and value not in rule["enum"]:
        yield f"{where} is {_shown(value)}, expected one of {', '.join(map(str, rule['enum']))}"
    if "type" in rule:
        wanted = [rule["type"]] if isinstance(rule["type"], str) else rule["type"]
        if not any(_is(value, kind) for kind in wanted):
            yield f"{where} is {_shown(value)}, expected {' or '.join(wanted)}"
            return
    if isinstance(value, str):
        yield from _string(value, rule, where)
    elif isinstance(value, dict):
        yield from _object(value, rule, root, at)
    elif isinstance(value, list):
        yield from _array(value, rule, root, at)
    elif _is(value, "number"):
        yield from _number(value, rule, where)


def _is(value: Any, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    if kind == "integer" and isinstance(value, float):
        return value.is_integer()
    finite = not isinstance(value, float) or math.isfinite(value)
    return isinstance(value, _TYPES[kind]) and finite


def _string(value: str, rule: Mapping[str, Any], where: str) -> Iterator[str]:
    if len(value) < rule.get("minLength", 0):
        yield f"{where} is {_shown(value)}, expected at least {rule['minLength']} characters"
    if len(value) > rule.get("maxLength", len(value)):
        yield f"{where} has {len(value)} characters, expected at most {rule['maxLength']}"
    elif "pattern" in rule and not re.search(rule["pattern"].replace("$", r"\Z"), value):
        yield f"{where} is {_shown(value)}, expected to match {rule['pattern']}"


def _number(value: float, rule: Mapping[str, Any], where: str) -> Iterator[str]:
    for keyword, (holds, words) in _RANGES.items():
        if keyword in rule and not holds(value, rule[keyword]):
            yield f"{where} is {_shown(value)}, expected {words} {rule[keyword]:g}"


def _object(
    value: dict[str, Any], rule: Mapping[str, Any], root: Mapping[str, Any], at: str
) -> Iterator[str]:
    where = at or "the document"
    for name in rule.get("required", ()):
        if name not in value:
            yield f"{where} has no field {name!r}"
    fields = rule.get("properties", {})
    extra = rule.get("additionalProperties", True)
    for name, inner in value.items():
        place = f"{at}.{name}" if at else str(name)
        if name in fields:
            yield from _walk(inner, fields[name], root, place)
        elif extra is False:
            yield f"{where} has a field {_shown(name)} that this format does not know"
        elif extra is not True:
            yield from _walk(inner, extra, root, place)


def _array(
    value: list[Any], rule: Mapping[str, Any], root: Mapping[str, Any], at: str
) -> Iterator[str]:
    where = at or "the document"
    if len(value) < rule.get("minItems", 0):
        yield f"{where} has {len(value)} entries, expected at least {rule['minItems']}"
    if len(value) > rule.get("maxItems", len(value)):
        yield f"{where} has {len(value)} entries, expected at most {rule['maxItems']}"
        return
    if "items" in rule:
        for i, inner in enumerate(value):
            yield from _walk(inner, rule["items"], root, f"{at}[{i}]")


def _resolve(reference: str, root: Mapping[str, Any]) -> Mapping[str, Any]:
    if not reference.startswith("#/"):
        raise ValueError(f"schema reference {reference!r} does not lie in the schema itself")
    rule: Any = root
    for part in reference[2:].split("/"):
        rule = rule[part]
    assert isinstance(rule, Mapping)
    return rule


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
