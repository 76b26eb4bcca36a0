"""What others wrote is printed as plain text: no markup, no escape sequence, no line of its own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from biglittle import cli
from biglittle.bench.device import SHIPPED
from biglittle.bench.documents import MAX_DEPTH
from biglittle.cli import app

MARKUP = ["my board [/dev kit]", "[bold red]x[/]", "[link=https://x]y[/link]", ":smile: a"]
CONTROL = ["\x1b[2J\x1b[31m", "a\nbiglittle --evil", "\u202egnp.exe", "\x9b31m"]


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a user's own profiles."""
    monkeypatch.setenv("BIGLITTLE_DATA", str(tmp_path))
    (tmp_path / "devices").mkdir()
    return tmp_path / "devices"


def profile(**changes: Any) -> str:
    document = json.loads((SHIPPED / "raspberry-pi-5.json").read_text(encoding="utf-8"))
    return json.dumps(document | {"device": "mine"} | changes)


def output_of(*words: str) -> tuple[int, str]:
    """Exit code and everything printed of a command; no error but that of a user is raised."""
    result = CliRunner().invoke(app, [*words], catch_exceptions=True)
    error = result.exception
    assert error is None or isinstance(error, SystemExit) or "Error" in type(error).__name__
    return result.exit_code, result.output + str(error or "")


@pytest.mark.parametrize("text", MARKUP)
def test_a_description_is_no_markup(own: Path, text: str) -> None:
    (own / "mine.json").write_text(profile(description=text, source=text), encoding="utf-8")
    for words in (("device", "list"), ("device", "show", "mine"), ("device", "check", "mine")):
        code, printed = output_of(*words)
        assert code == 0, printed
    assert text in output_of("device", "list")[1]


@pytest.mark.parametrize("text", CONTROL)
@pytest.mark.parametrize("field", ["description", "runtime", "source", "author", "soc"])
def test_no_control_character_of_a_profile_is_printed(own: Path, field: str, text: str) -> None:
    (own / "mine.json").write_text(profile(**{field: text}), encoding="utf-8")
    for words in (("device", "list"), ("device", "show", "mine"), ("device", "check", "mine")):
        printed = output_of(*words)[1]
        assert not {"\x1b", "\u202e", "\x9b"} & {*printed}
        assert not [line for line in printed.splitlines() if line.startswith("biglittle --evil")]
    assert output_of("device", "check", "mine")[0] == 1


def test_a_broken_profile_does_not_hide_the_others(own: Path) -> None:
    deep = "[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1)
    for name, content in (("a", "{"), ("b", deep), ("c", profile(space=5)), ("d", "null")):
        (own / f"{name}.json").write_text(content, encoding="utf-8")
    code, printed = output_of("device", "list")
    assert code == 0
    assert "raspberry-pi-4" in printed
    assert printed.count("(yours)") == 4


@pytest.mark.parametrize("text", CONTROL[:1] + CONTROL[2:])
def test_lines_that_are_printed_are_escaped(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    cli._print([f"device {text}"])
    cli._note(f"device {text}")
    printed = capsys.readouterr()
    assert not {"\x1b", "\u202e", "\x9b"} & {*printed.out, *printed.err}
    assert "device" in printed.out
    assert "device" in printed.err


def test_json_has_no_nan(capsys: pytest.CaptureFixture[str]) -> None:
    cli._emit({"a": float("nan"), "b": [float("inf"), 1.5, {"c": -float("inf")}]})
    assert json.loads(capsys.readouterr().out) == {"a": None, "b": [None, 1.5, {"c": None}]}
