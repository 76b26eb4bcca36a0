"""Numbers out of lines of text."""

from __future__ import annotations

import math
import re

#: A number as C++ streams print it.
NUMBER = r"([0-9]+(?:\.[0-9]+)?(?:e[+-]?[0-9]+)?)"


def last(pattern: str, text: str) -> str | None:
    """The first group of a pattern where it stands last; None where it does not stand."""
    group = None
    for match in re.finditer(pattern, text, re.MULTILINE):
        group = match[1]
    return group


def number(pattern: str, text: str) -> float | None:
    """The number in the first group of a pattern, where it stands last.

    Args:
        pattern: expression in which ``#`` stands for a number.
        text: lines of a log.
    """
    group = last(pattern.replace("#", NUMBER), text)
    value = None if group is None else float(group)
    return value if value is None or math.isfinite(value) else None


def whole(pattern: str, text: str) -> int | None:
    """The same as a whole number."""
    value = number(pattern, text)
    return None if value is None else int(value)


def needed(value: float | None, what: str, advice: str) -> float:
    """The number itself, which is above 0.

    Args:
        value: number that was read, if it was.
        what: what is missing without it, for the message.
        advice: what to do then.

    Raises:
        ValueError: there is none, or it is 0.
    """
    if value is None or value <= 0:
        raise ValueError(f"it has no {what}; {advice}")
    return value


def check_once(phrase: str, text: str) -> None:
    """Nothing, if a log is of one run.

    Args:
        phrase: text that a run prints once.
        text: lines of a log.

    Raises:
        ValueError: it is of several runs.
    """
    if (n := text.count(phrase)) > 1:
        raise ValueError(f"it holds {n} runs, and which of them counts it does not say; split it")
