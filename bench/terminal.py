"""What a terminal is wide enough for."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

Layout = TypeVar("Layout")
Table = TypeVar("Table")
_ANY_WIDTH = 1000
PIPE_COLUMNS = 120


def fitting(
    build: Callable[[Layout], Table], layouts: Sequence[Layout], console: Any
) -> tuple[Layout, Table]:
    """The first layout of a table that the console is wide enough for, or else the last one.

    A table of Rich that is wider than its console loses the ends of words, and columns altogether.

    Args:
        build: makes the table in a layout.
        layouts: what ``build`` takes, from roomy to narrow; at least one.
        console: console of Rich that is to print the table.
    """
    options = console.options.update(max_width=_ANY_WIDTH)
    for layout in layouts:
        table = build(layout)
        if console.measure(table, options=options).maximum <= console.width:
            break
    return layout, table


def columns_of(stream: Any) -> int | None:
    """How wide a console prints on a stream; None for a terminal, which says so itself.

    A file or a pipe has no width: that of ``COLUMNS`` in the environment where it is set, else one
    in which no provenance in a table's head is cut short.

    Args:
        stream: where it prints, stdout or stderr.
    """
    if stream.isatty():
        return None
    given = os.environ.get("COLUMNS", "")
    return int(given) if given.isdecimal() and int(given) > 0 else PIPE_COLUMNS


def provenance_line(words: Mapping[str, Sequence[str]]) -> str:
    """How figures came about, for below a table whose heads do not say it.

    >>> provenance_line({"measured": ["acc", "escal"], "modelled": ["MACs"]})
    'Provenance: acc, escal: measured; MACs: modelled.'
    """
    each = "; ".join(f"{', '.join(heads)}: {word}" for word, heads in words.items())
    return f"Provenance: {each}."
