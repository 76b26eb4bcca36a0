"""What a spreadsheet does to ids: it takes them for numbers."""

from __future__ import annotations

import re

#: A number of many digits as a spreadsheet shows it.
_SHORTENED = re.compile(r"\d+([.,]\d+)?[eE]\+?\d+")


def spreadsheet_hint(arch: str, n_digits: int) -> str:
    """A hint where a spreadsheet may have taken an id for a number; "" elsewhere."""
    if _SHORTENED.fullmatch(arch):
        lost = "drops all but a few of their digits"
    elif arch.isdecimal() and len(arch) < n_digits:
        lost = "drops the zeros at their beginning"
    else:
        return ""
    return f" If a spreadsheet wrote it: it takes ids for numbers and {lost}; keep ids as text."
