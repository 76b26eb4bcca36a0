"""A table takes the first layout that its console is wide enough for."""

from __future__ import annotations

import io

import pytest
from rich.console import Console
from rich.table import Table

from biglittle.bench.terminal import PIPE_COLUMNS, columns_of, fitting, provenance_line


def _table(blanks: int) -> Table:
    table = Table("four", "heads", "of a", "table", box=None, padding=(0, blanks))
    table.add_row("one", "measured", "value", "each")
    return table


@pytest.mark.parametrize(("width", "blanks"), [(60, 4), (40, 1), (28, 0), (10, 0)])
def test_the_roomiest_that_fits_is_printed(width: int, blanks: int) -> None:
    out = io.StringIO()
    console = Console(file=out, width=width)
    layout, table = fitting(_table, (4, 1, 0), console)
    assert layout == blanks
    console.print(table)
    assert ("measured" in out.getvalue()) == (width > 10)


@pytest.mark.parametrize(
    ("columns", "width"),
    [("80", 80), ("300", 300), (None, PIPE_COLUMNS), ("", PIPE_COLUMNS), ("0", PIPE_COLUMNS)],
)
def test_a_pipe_is_as_wide_as_the_environment_says(
    columns: str | None, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    if columns is not None:
        monkeypatch.setenv("COLUMNS", columns)
    assert columns_of(io.StringIO()) == width


def test_a_terminal_says_its_own_width(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True, raising=False)
    assert columns_of(terminal) is None


def test_provenance_stands_on_one_line() -> None:
    words = {"measured": ["acc"], "modelled": ["MACs", "memory"]}
    assert provenance_line(words) == "Provenance: acc: measured; MACs, memory: modelled."
