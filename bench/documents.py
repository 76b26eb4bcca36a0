"""Documents that others wrote, in JSON and TOML: parsed once, into types, by one library.

A reader declares what it expects as a ``msgspec.Struct`` and gets an instance of it, or one
sentence with the place, what is there and what was expected. So nobody looks at the fields of a
document by hand, and nothing is believed that no type says. Before any type is compared the
document as a whole is held to limits: its size, how deep it is nested, numbers that are finite and
of at most 64 bits, and text without control characters.
"""

from __future__ import annotations

import dataclasses
import json
import math
import re
import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, TypeVar

from .bounded import MAX_BYTES
from .errors import MissingExtraError
from .plain_text import CONTROL, plain
from .text_files import read_text

try:
    import msgspec
    from msgspec import Meta, Struct
except ImportError as error:  # on a board
    raise MissingExtraError("msgspec", "profiler", "reading documents") from error

#: Deeper documents are refused; our own reach 7.
MAX_DEPTH = 64
#: Those in TOML are written by hand, and its parser is slow.
MAX_TOML_BYTES = 2**20
_LEAST, _MOST = -(2**63), 2**64

T = TypeVar("T")

#: The end of a text in a pattern: a dollar sign alone also stands before a last line break.
ENDS = r"$(?!\n)"

#: One line of text.
Line = Annotated[str, Meta(min_length=1, max_length=400, pattern=r"^[^\n\r\t]*" + ENDS)]
#: One line that may be empty.
Name = Annotated[str, Meta(max_length=4000, pattern=r"^[^\n\r\t]*" + ENDS)]
#: What may be measured, and what may also be 0.
Positive = Annotated[float, Meta(gt=0, le=1e9)]
NonNegative = Annotated[float, Meta(ge=0, le=1e9)]
Share = Annotated[float, Meta(ge=0, le=1)]
Sha256 = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}" + ENDS)]


class DocumentError(ValueError):
    """A document that is not what was expected; its text is a clause without a full stop."""


@typing.overload
def read_json(path: Path, kind: None = None, limit: int = MAX_BYTES) -> Any: ...


@typing.overload
def read_json(path: Path, kind: type[T], limit: int = MAX_BYTES) -> T: ...


def read_json(path: Path, kind: Any = None, limit: int = MAX_BYTES) -> Any:
    """What a JSON file holds.

    Args:
        path: a file that others may have written.
        kind: type that it has to be of, for example a ``Struct``; None: any.
        limit: the most bytes that it may have.

    Raises:
        DocumentError: it is not JSON, beyond a limit, or of another type.
        ValueError: it is not a regular file, too large, or not text.
        OSError: the system cannot read it.
    """
    return parse_json(read_text(path, limit), kind)


def read_toml(path: Path, kind: type[T]) -> T:
    """What a TOML file holds; everything else as `read_json`."""
    return parse_toml(read_text(path, MAX_TOML_BYTES), kind)


@typing.overload
def parse_json(text: str | bytes, kind: None = None) -> Any: ...


@typing.overload
def parse_json(text: str | bytes, kind: type[T]) -> T: ...


def parse_json(text: str | bytes, kind: Any = None) -> Any:
    """What a JSON text holds.

    Raises:
        DocumentError: it is not JSON, beyond a limit, or of another type.

    >>> parse_json('{"latency_ms": 3}', dict[str, Positive])
    {'latency_ms': 3.0}
    """
    return _parsed_json(text, kind, "")


def _parsed_json(text: str | bytes, kind: Any, at: str) -> Any:
    try:
        value = msgspec.json.decode(text)
    except RecursionError as error:
        raise _too_deep(at) from error
    except (ValueError, TypeError) as error:
        raise DocumentError(_why_not_json(error, text, at or "it")) from error
    if kind is not None:
        return typed(value, kind, at)
    check_plain(value, at)
    return value


def parse_toml(text: str, kind: type[T]) -> T:
    """What a TOML text holds; everything else as `parse_json`."""
    import tomllib  # late: few documents are in TOML

    try:
        value = tomllib.loads(text)
    except RecursionError as error:
        raise _too_deep("") from error
    except ValueError as error:
        raise DocumentError(f"it is not TOML: {plain(str(error))[:200]}") from error
    return typed(value, kind)


def json_of(text: Any, kind: type[T], what: str) -> T:
    """What a JSON text inside another file holds.

    Args:
        text: JSON that others may have written; anything but text is refused.
        kind: type that it has to be of.
        what: name of the text, for the message.

    Raises:
        DocumentError: it is missing or not JSON, beyond a limit, or of another type.
    """
    if not isinstance(text, str | bytes) or not text:
        raise DocumentError(f"{what} is missing or is not JSON")
    value: T = _parsed_json(text, kind, what)
    return value


def typed(value: Any, kind: type[T], at: str = "") -> T:
    """A document of plain values as an instance of a type.

    Args:
        value: lists, dictionaries with text as keys, text, numbers, truth values and None.
        kind: type that it has to be of.
        at: its name in messages; empty: "it".

    Raises:
        DocumentError: it is beyond a limit or of another type; names the first thing wrong.
    """
    try:
        converted: T = msgspec.convert(value, kind)
    except (msgspec.ValidationError, RecursionError) as error:
        problem = next(problems(value, kind, at), plain(str(error)))
        raise DocumentError(problem) from error
    check_plain(value, at)
    return converted


def settings(value: Any, kind: type[T], at: str) -> T:
    """As `typed`, of a dataclass that a user fills in by hand: an unknown key is an error.

    Args:
        value: the document as plain values.
        kind: a dataclass, whose fields may be dataclasses again.
        at: its name in messages.

    Raises:
        DocumentError: it is beyond a limit, of another type, or has a key that is not a field.
        BigLittleError: as the dataclass raises it, for values that do not fit together.
    """
    for problem in _unknown_keys(value, kind, at):
        raise DocumentError(problem)
    return typed(value, kind, at)


def _unknown_keys(value: Any, kind: Any, at: str) -> Iterator[str]:
    kind = _member(value, kind)
    if isinstance(kind, type) and dataclasses.is_dataclass(kind) and isinstance(value, dict):
        kinds = typing.get_type_hints(kind, include_extras=True)
        if unknown := sorted({*map(str, value)} - {*kinds}):
            yield (
                f"{at} has the unknown key {_shown(unknown[0])}; expected some of "
                f"{', '.join(sorted(kinds))}"
            )
        for name, inner in value.items():
            yield from _unknown_keys(inner, kinds[name], f"{at}.{name}")
    elif typing.get_origin(kind) in (list, tuple) and isinstance(value, list):
        each = typing.get_args(kind)[0]
        for i, inner in enumerate(value):
            yield from _unknown_keys(inner, each, f"{at}[{i}]")


def check_plain(value: Any, at: str = "") -> None:
    """Nothing, if a document is within the limits that hold for every one.

    Args:
        value: the document as plain values.
        at: its name in messages; empty: "it".

    Raises:
        DocumentError: it is nested too deep, or holds a number that is not finite or has more than
            64 bits, or text with control characters.
    """
    level, depth = [value], 0
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            raise _too_deep(at)
        inner: list[Any] = []
        for item in level:
            if isinstance(item, str):
                if CONTROL.search(item):
                    raise DocumentError(f"{_shown(item)} holds control characters")
            elif isinstance(item, dict):
                inner.extend(item.keys())
                inner.extend(item.values())
            elif isinstance(item, list | tuple):
                inner.extend(item)
            elif isinstance(item, float) and not item - item == 0:
                raise DocumentError(
                    f"{item} is not a number that can be meant; expected a finite one"
                )
            elif isinstance(item, int) and not _LEAST <= item < _MOST:
                raise DocumentError(f"{at or 'it'} holds a whole number of more than 64 bits")
        level = inner


def json_text(value: Any, indent: int | None = None) -> str:
    """A document as JSON; numbers that are not finite, which JSON lacks, are null.

    >>> json_text({"energy_mj": float("nan")})
    '{"energy_mj": null}'
    """

    def finite(part: Any) -> Any:
        if isinstance(part, dict):
            return {key: finite(inner) for key, inner in part.items()}
        if isinstance(part, list | tuple):
            return [finite(inner) for inner in part]
        return None if isinstance(part, float) and not math.isfinite(part) else part

    return json.dumps(finite(value), indent=indent, allow_nan=False)


def problems(value: Any, kind: Any, at: str = "") -> Iterator[str]:
    """Every way in which a document differs from a type, as a clause with its place.

    Args:
        value: the document as plain values.
        kind: type that it has to be of.
        at: place of the document within a larger one.

    >>> list(problems({"ms": -1.0, "n": "3"}, dict[str, Positive]))
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
    kind = _member(value, kind)
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
                    yield f"{at or 'it'} has a field {_shown(name)} that this format does not know"
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


def _member(value: Any, kind: Any) -> Any:
    """The type without its annotation; of a union the member that is of the value's form."""
    while typing.get_origin(kind) is Annotated:
        kind = typing.get_args(kind)[0]
    if typing.get_origin(kind) not in (typing.Union, types.UnionType):
        return kind
    of_form: dict[type, tuple[type, ...]] = {dict: (dict, Struct), list: (list, tuple)}
    forms = of_form.get(type(value), (type(value),))
    for member in map(lambda m: _member(value, m), typing.get_args(kind)):
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
    shown = f"is {_shown(value)}"
    if match := re.fullmatch(r"Expected `(\w+)` of length (>=|<=) (\d+)", message):
        name, side, bound = match.groups()
        return f"has {len(value)} {_UNITS[name]}, expected {_RANGES[side]} {bound}"
    if match := re.fullmatch(r"Expected `(?:int|float)`(?: \| null)? (>=|<=|>|<) (\S+)", message):
        return f"{shown}, expected {_RANGES[match[1]]} {float(match[2]):g}"
    if match := re.fullmatch(r"Expected `str` matching regex '(.*)'", message):
        return f"{shown}, expected to match {_pattern(match[1])}"
    if message.startswith("Invalid enum value"):
        return f"{shown}, expected one of {', '.join(_choices(kind))}"
    if match := re.fullmatch(r"Expected `([\w| ]+)`, got `\w+`", message):
        words = [_NAMES.get(name, name) for name in match[1].split(" | ")]
        return f"{shown}, expected {' or '.join(words)}"
    return plain(f"{shown}: {message}" if message.startswith("Expected") else message)


def _pattern(shown: str) -> str:
    return shown.replace(repr(ENDS)[1:-1], "$")


def _choices(kind: Any) -> list[str]:
    if typing.get_origin(kind) is typing.Literal:
        return [str(choice) for choice in typing.get_args(kind)]
    members = (choice for member in typing.get_args(kind) for choice in _choices(member))
    return list(dict.fromkeys(members))


def _too_deep(at: str) -> DocumentError:
    return DocumentError(f"{at or 'it'} is nested more than {MAX_DEPTH} deep")


def _why_not_json(error: Exception, text: str | bytes, at: str) -> str:
    content = text.encode("utf-8", "replace") if isinstance(text, str) else text
    if place := re.search(r"\(byte (\d+)\)", str(error)):
        begins = content[max(0, int(place[1]) - 1) :][:10].decode("latin1")
        if word := re.match(r".?(NaN|Infinity)", begins, re.DOTALL):
            sign = "-" * begins.startswith("-")
            return f"{sign}{word[1]} is not a number in JSON; write null for what was not measured"
        line = content.count(b"\n", 0, int(place[1])) + 1
        return f"{at} is not JSON: line {line}, {str(error).partition(': ')[2]}"
    return f"{at} is not JSON: {plain(str(error))[:200]}"


def _shown(value: Any) -> str:
    text = repr(value) if isinstance(value, str | int | float) else _form(value)
    return plain(text if len(text) <= 60 else text[:57] + "...")


def _form(value: Any) -> str:
    forms: dict[type, str] = {dict: "an object", list: "a list", type(None): "null"}
    return forms.get(type(value), type(value).__name__)
