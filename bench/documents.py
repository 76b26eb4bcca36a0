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
    from msgspec import Meta

    from .document_problems import ENDS, member_of, problems, shown
except ImportError as error:  # on a board
    raise MissingExtraError("msgspec", "profiler", "reading documents") from error

#: Deeper documents are refused; our own reach 7.
MAX_DEPTH = 64
#: Those in TOML are written by hand, and its parser is slow.
MAX_TOML_BYTES = 2**20
_LEAST, _MOST = -(2**63), 2**64

T = TypeVar("T")

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
    kind = member_of(value, kind)
    if isinstance(kind, type) and dataclasses.is_dataclass(kind) and isinstance(value, dict):
        kinds = typing.get_type_hints(kind, include_extras=True)
        if unknown := sorted({*map(str, value)} - {*kinds}):
            yield (
                f"{at} has the unknown key {shown(unknown[0])}; expected some of "
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
                    raise DocumentError(f"{shown(item)} holds control characters")
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
