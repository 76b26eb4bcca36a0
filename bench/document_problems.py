"""In which ways a document differs from a type, each as a clause with its place."""

from __future__ import annotations

import dataclasses
import re
import types
import typing
from collections.abc import Iterator
from typing import Annotated, Any

import msgspec
from msgspec import Struct

from .plain_text import plain

#: The end of a text in a pattern: a dollar sign alone also stands before a last line break.
ENDS = r"$(?!\n)"


def problems(value: Any, kind: Any, at: str = "") -> Iterator[str]:
    """Every way in which a document differs from a type, as a clause with its place.

    Args:
        value: the document as plain values.
        kind: type that it has to be of.
        at: place of the document within a larger one.

    >>> list(problems({"ms": -1.0, "n": "3"}, dict[str, Annotated[float, msgspec.Meta(gt=0)]]))
    ['ms is -1.0, expected more than 0', "n is '3', expected a number"]
    """
    try:
        msgspec.convert(value, kind)
        return
    except (msgspec.ValidationError, RecursionError) as error:
        message = str(error)
    some = False
    for problem in _inside(value, kind, at):
        some = True
        yield problem
    if not some:
        yield f"{at or 'it'} {_wording(value, kind, message)}"


def _inside(value: Any, kind: Any, at: str) -> Iterator[str]:
    """Problems of the parts of a value, and parts that it lacks or that no type knows."""
    kind = member_of(value, kind)
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if isinstance(kind, type) and dataclasses.is_dataclass(kind) and isinstance(value, dict):
        kinds = typing.get_type_hints(kind, include_extras=True)
        for own in dataclasses.fields(kind):
            if own.name in value:
                place = f"{at}.{own.name}" if at else own.name
                yield from problems(value[own.name], kinds[own.name], place)
            elif own.default is own.default_factory is dataclasses.MISSING:
                yield f"{at or 'it'} is incomplete: it has no {own.name!r}"
    elif isinstance(kind, type) and issubclass(kind, Struct) and isinstance(value, dict):
        fields = {f.encode_name: f for f in msgspec.structs.fields(kind)}
        for name, field in fields.items():
            if name in value:
                yield from problems(value[name], field.type, f"{at}.{name}" if at else name)
            elif field.required:
                yield f"{at or 'it'} has no field {name!r}"
        if kind.__struct_config__.forbid_unknown_fields:
            for name in value:
                if name not in fields:
                    yield f"{at or 'it'} has a field {shown(name)} that this format does not know"
    elif isinstance(kind, type) and issubclass(kind, Struct) and isinstance(value, list):
        listed = msgspec.structs.fields(kind) if kind.__struct_config__.array_like else ()
        for i, (inner, field) in enumerate(zip(value, listed, strict=False)):
            yield from problems(inner, field.type, f"{at}[{i}]")
    elif origin is dict and isinstance(value, dict):
        for name, inner in value.items():
            place = plain(str(name))[:60]
            yield from problems(name, arguments[0], f"a field name in {at or 'it'}")
            yield from problems(inner, arguments[1], f"{at}.{place}" if at else place)
    elif origin in (list, tuple) and isinstance(value, list):
        each = (
            arguments[:1] * len(value) if origin is list or arguments[1:] == (...,) else arguments
        )
        for i, (inner, of) in enumerate(zip(value, each, strict=False)):
            yield from problems(inner, of, f"{at}[{i}]")


def member_of(value: Any, kind: Any) -> Any:
    """The type without its annotation; of a union the member that is of the value's form."""
    while typing.get_origin(kind) is Annotated:
        kind = typing.get_args(kind)[0]
    if typing.get_origin(kind) not in (typing.Union, types.UnionType):
        return kind
    of_form: dict[type, tuple[type, ...]] = {dict: (dict, Struct), list: (list, tuple)}
    forms = of_form.get(type(value), (type(value),))
    for member in map(lambda m: member_of(value, m), typing.get_args(kind)):
        base = typing.get_origin(member) or member
        if not isinstance(base, type):
            continue
        if issubclass(base, forms) or (dict in forms and dataclasses.is_dataclass(base)):
            return member
    return kind


_NAMES = {
    "int": "a whole number",
    "float": "a number",
    "str": "a text",
    "bool": "true or false",
    "object": "an object",
    "array": "a list",
    "null": "null",
}
_RANGES = {">": "more than", ">=": "at least", "<": "less than", "<=": "at most"}
_UNITS = {"str": "characters", "array": "entries", "object": "fields"}


def _wording(value: Any, kind: Any, message: str) -> str:
    """A message of the library about one value in plain words."""
    message = message.partition(" - at `")[0]
    got = f"is {shown(value)}"
    if match := re.fullmatch(r"Expected `(\w+)` of length (>=|<=) (\d+)", message):
        name, side, bound = match.groups()
        return f"has {len(value)} {_UNITS[name]}, expected {_RANGES[side]} {bound}"
    if match := re.fullmatch(r"Expected `(?:int|float)`(?: \| null)? (>=|<=|>|<) (\S+)", message):
        return f"{got}, expected {_RANGES[match[1]]} {float(match[2]):g}"
    if match := re.fullmatch(r"Expected `str` matching regex '(.*)'", message):
        return f"{got}, expected to match {_pattern(match[1])}"
    if message.startswith("Invalid enum value"):
        return f"{got}, expected one of {', '.join(_choices(kind))}"
    if match := re.fullmatch(r"Expected `([\w| ]+)`, got `\w+`", message):
        words = [_NAMES.get(name, name) for name in match[1].split(" | ")]
        return f"{got}, expected {' or '.join(words)}"
    return plain(f"{got}: {message}" if message.startswith("Expected") else message)


def _pattern(shown: str) -> str:
    return shown.replace(repr(ENDS)[1:-1], "$")


def _choices(kind: Any) -> list[str]:
    if typing.get_origin(kind) is typing.Literal:
        return [str(choice) for choice in typing.get_args(kind)]
    members = (choice for member in typing.get_args(kind) for choice in _choices(member))
    return list(dict.fromkeys(members))


def shown(value: Any) -> str:
    """A value as a message shows it: at most 60 characters on one line."""
    text = repr(value) if isinstance(value, str | int | float) else _form(value)
    return plain(text if len(text) <= 60 else text[:57] + "...")


def _form(value: Any) -> str:
    forms: dict[type, str] = {dict: "an object", list: "a list", type(None): "null"}
    return forms.get(type(value), type(value).__name__)
