"""Text of others on a terminal: no escape sequence, no line of its own, no turned direction."""

from __future__ import annotations

import pytest

from biglittle.bench.plain_text import plain


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("my board [/dev kit]", "my board [/dev kit]"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("a\nbiglittle --evil", "a\\nbiglittle --evil"),
        ("tab\t", "tab\\t"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("\x9b2J", "\\x9b2J"),
        ("Größe ± 3 µs", "Größe ± 3 µs"),
        ("\ud800", "\\ud800"),
    ],
)
def test_control_characters_are_escaped(text: str, shown: str) -> None:
    assert plain(text) == shown
    assert plain("a\nb\x07", lines=True) == "a\nb\\x07"
