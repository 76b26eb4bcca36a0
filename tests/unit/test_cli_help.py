"""What ``--help`` says of every option: whole phrases, and what leaving one out does."""

from __future__ import annotations

import re
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

#: Words with which a phrase goes on from an option's name, so that it says nothing by itself.
GOES_ON = re.compile(r"(Of|In|As|To|At|With|Although|Unless|Whose|Called|Where to|Needed)\b")
#: Ways to say what leaving an option out does, instead of "by default": nobody can type None.
OTHERWISE = re.compile(r"\b(None|none|empty|left out)\b: |\bunless given\b|; else ")


def _options(command: Any, *before: str) -> Any:
    for name in getattr(command, "commands", {}):
        _, inner, _ = command.resolve_command(typer.Context(command), [name])
        yield from _options(inner, *before, name)
    if not hasattr(command, "commands"):
        for option in command.params:
            yield " ".join((*before, option.opts[0])), option.help or ""


@pytest.fixture(scope="module")
def helps() -> dict[str, str]:
    """The help of every option and argument of every verb."""
    from biglittle.cli import app

    texts = dict(_options(typer.main.get_command(app)))
    assert {"query --threshold", "device add --replace", "table extract --out"} <= {*texts}
    return texts


def test_every_option_says_what_it_is(helps: dict[str, str]) -> None:
    silent = [name for name, text in helps.items() if not text]
    assert silent == []


def test_helps_are_whole_phrases(helps: dict[str, str]) -> None:
    assert GOES_ON.match("Of one that is there.")
    assert {name: text for name, text in helps.items() if GOES_ON.match(text)} == {}


def test_leaving_an_option_out_has_one_wording(helps: dict[str, str]) -> None:
    assert OTHERWISE.search("In the metric's unit; None: 0.5")
    assert OTHERWISE.search("Gates, comma-separated; empty: all")
    assert {name: text for name, text in helps.items() if OTHERWISE.search(text)} == {}


def test_no_help_is_cut_in_80_columns(helps: dict[str, str]) -> None:
    """A word that is longer than the column of the helps loses its end."""
    from biglittle.cli import app

    verbs = {name.rpartition(" ")[0] for name in helps}
    assert {"query", "import answers", "table fetch"} <= verbs
    cut = []
    for verb in sorted(verbs):
        shown = CliRunner().invoke(app, [*verb.split(), "--help"], env={"COLUMNS": "80"})
        assert shown.exit_code == 0, shown.output
        cut += [f"{verb}: {line}" for line in shown.output.splitlines() if "\u2026" in line]
    assert cut == []
