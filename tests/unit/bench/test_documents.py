"""Documents of others: held to limits and to types, with the place of what is wrong."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import pytest
from msgspec import Meta, Struct

from biglittle.bench.documents import (
    MAX_DEPTH,
    DocumentError,
    Positive,
    json_of,
    parse_json,
    parse_toml,
    problems,
    read_json,
    read_toml,
    typed,
)


class Inner(Struct, forbid_unknown_fields=True):
    ms: Positive
    words: list[Annotated[str, Meta(max_length=3)]] = []


class Outer(Struct):
    name: str
    inner: Inner | None = None
    by_name: dict[str, Inner] = {}


def test_a_document_becomes_an_instance_of_its_type(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text('{"name": "a", "inner": {"ms": 2}, "more": [1]}')
    (tmp_path / "x.toml").write_text('name = "a"\n[inner]\nms = 2\n')
    assert read_json(tmp_path / "x.json", Outer) == Outer("a", Inner(2.0))
    assert read_toml(tmp_path / "x.toml", Outer) == Outer("a", Inner(2.0))
    assert read_json(tmp_path / "x.json")["more"] == [1]


@pytest.mark.parametrize(
    ("value", "wrong"),
    [
        ({}, ["it has no field 'name'"]),
        ([], ["it is a list, expected an object"]),
        ({"name": None}, ["name is null, expected a text"]),
        ({"name": "a", "inner": 3}, ["inner is 3, expected an object or null"]),
        (
            {"name": 1, "inner": {"ms": "2", "words": ["long"], "\x1b": 1}},
            [
                "name is 1, expected a text",
                "inner.ms is '2', expected a number",
                "inner.words[0] has 4 characters, expected at most 3",
                "inner has a field '\\x1b' that this format does not know",
            ],
        ),
        (
            {"name": "a", "by_name": {"x\n": {"ms": 0}, "y": {"ms": True}}},
            [
                "by_name.x\\n.ms is 0, expected more than 0",
                "by_name.y.ms is True, expected a number",
            ],
        ),
    ],
)
def test_everything_wrong_is_told_with_its_place(value: Any, wrong: list[str]) -> None:
    assert [p.replace("\\\\", "\\") for p in problems(value, Outer)] == wrong
    with pytest.raises(DocumentError):
        typed(value, Outer)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is not JSON"),
        ("{", "is not JSON"),
        ('{\n"a": NaN}', "NaN is not a number in JSON; write null"),
        ("[1, -Infinity]", "-Infinity is not a number"),
        ('{"a": 1e999}', "out of range"),
        ("[" * 100_000, "nested more than"),
        ("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1), "nested more than"),
        ("9" * 400, "more than 64 bits"),
        ("9" * 5000, "out of range"),
        ("1_000", "is not JSON"),
        ("\u0661", "is not JSON"),
        ('"\\u001b[2J"', "control characters"),
        ('{"\\u202e": 1}', "control characters"),
        ('"\\ud800"', "is not JSON"),
    ],
)
def test_json_beyond_a_limit_is_refused(text: str, reason: str) -> None:
    with pytest.raises(DocumentError, match=reason):
        parse_json(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a = ", "is not TOML: Invalid value"),
        ("a = nan", "nan is not"),
        ("a = -inf", "-inf is not"),
        ("a = " + "[" * 5000, "nested more than"),
        (".".join("a" * 5000) + " = 1", "nested more than"),
        ("a = " + "9" * 400, "more than 64 bits"),
        ("a = 1\na = 2", "is not TOML"),
        ('a = "\\u001b"', "control characters"),
    ],
)
def test_toml_beyond_a_limit_is_refused(text: str, reason: str) -> None:
    with pytest.raises(DocumentError, match=reason):
        parse_toml(text, dict[str, Any])


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes have names on POSIX systems alone")
@pytest.mark.parametrize("read", [read_json, lambda path: read_toml(path, Outer)])
def test_pipes_devices_and_folders_are_not_read(tmp_path: Path, read: Any) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(ValueError, match="expected a regular file"):
            read(path)
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(2**30)
    with pytest.raises(ValueError, match="1,024 MiB and was not read"):
        read(tmp_path / "huge")


@pytest.mark.parametrize(
    ("text", "reason"),
    [("{", "is not JSON"), ("[]", "is a list, expected"), (None, "is missing"), ("", "is missing")],
)
def test_json_inside_another_file_is_named(text: Any, reason: str) -> None:
    assert json_of('{"a": 1}', dict[str, Any], "the manifest") == {"a": 1}
    with pytest.raises(DocumentError, match=f"the manifest .*{reason}"):
        json_of(text, dict[str, Any], "the manifest")
