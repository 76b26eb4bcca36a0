"""Verbs that stand in their folders are loaded when they are called, and not before."""

from __future__ import annotations

import subprocess
import sys

import pytest

from biglittle.lazy_verbs import LAZY_VERBS

LISTED = """
import sys
from biglittle.cli import app
try:
    app(["--help"])
except SystemExit:
    pass
print(sorted(m for m in sys.modules if m in {"numpy", "torch"} or m.endswith("_command")))
"""


def test_help_lists_them_and_loads_nothing() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LISTED], capture_output=True, text=True, check=True
    )
    assert all(f" {name} " in done.stdout for name in LAZY_VERBS if " " not in name)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("name", sorted(LAZY_VERBS))
def test_a_verb_says_the_same_in_the_list_as_alone(name: str, command_line) -> None:  # type: ignore[no-untyped-def]
    *group, verb = name.split()
    listed = command_line(*group, "--help")[1]
    alone = command_line(*group, verb, "--help")[1]
    help_line = LAZY_VERBS[name][1]
    for page in (listed, alone):
        words = " ".join(page.replace("│", " ").split())
        assert help_line.rstrip(".") in words


def test_a_name_that_is_nearly_one_is_put_right(command_line) -> None:  # type: ignore[no-untyped-def]
    code, _, err = command_line("drats")
    assert code != 0
    assert "Did you mean 'darts'" in err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["score", "--seed", "-1"], "--seed -1 is not usable; expected at least 0"),
        (["score", "--batch-size", str(10**22)], "--batch-size 10000000000000000000000 is not"),
        (["score", "--n-classes", str(10**22)], "--n-classes 10000000000000000000000 is not"),
        (["search", "--seed", str(10**22)], "expected at most"),
        (["search", "--compare", "all", "--seeds", str(10**9)], "expected at most 100000"),
        (["front", "--top", str(10**22)], "expected at most 2147483647"),
        (["table", "verify", "--threads", "1025"], "--threads 1025 is not usable"),
        (["darts", "--steps", str(10**22)], "expected at most"),
        (["ofa", "train", "--epochs", str(10**22)], "expected at most"),
    ],
)
def test_whole_numbers_beyond_meaning_are_one_line(  # type: ignore[no-untyped-def]
    words: list[str], said: str, command_line
) -> None:
    code, out, err = command_line(*words)
    assert (code, out) == (1, "")
    assert said in err
    assert err.count("\n") == 1
