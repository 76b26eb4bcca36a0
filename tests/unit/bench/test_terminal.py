"""A table takes the first layout that its console is wide enough for."""

from __future__ import annotations

import io

import pytest
from rich.console import Console
from rich.table import Table

from biglittle.bench.terminal import fitting, provenance_line


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


def test_provenance_stands_on_one_line() -> None:
    words = {"measured": ["acc"], "modelled": ["MACs", "memory"]}
    assert provenance_line(words) == "Provenance: acc: measured; MACs, memory: modelled."
