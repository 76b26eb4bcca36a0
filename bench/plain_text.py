"""Text that others wrote, made fit to be printed: nothing in it moves a cursor or breaks a line.

A terminal obeys escape sequences, some characters turn the direction of what follows, and a line
break in a name puts a line of its own among ours. What is escaped here reads as it would in a
string of Python.
"""

from __future__ import annotations

import re

#: Control characters but tabs and line breaks, marks of direction, halves of surrogate pairs.
CONTROL = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
_ANY = re.compile(f"{CONTROL.pattern[:-1]}\t\n\r]")


def plain(text: str, lines: bool = False) -> str:
    r"""The text with every control character escaped.

    Args:
        text: text that others wrote.
        lines: whether tabs and line feeds stay as they are.

    >>> plain("a\x1b[31mb\n")
    'a\\x1b[31mb\\n'
    """
    return (CONTROL if lines else _ANY).sub(_escaped, text)


def _escaped(match: re.Match[str]) -> str:
    return repr(match[0])[1:-1] if not match[0].isprintable() else f"\\u{ord(match[0]):04x}"
