"""``biglittle table pack``: a table as one archive that others can load by its address."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from ..bench.plain_text import plain
from ..output_option import with_output
from .publishing import pack as packed

app = typer.Typer(add_completion=False)


@app.command()
@with_output("out", resumes=False)
def pack(
    out: Annotated[Path, typer.Option(help="Archive to write (.tar).")],
    name: Annotated[str, typer.Argument(help="Table name or .h5 file.")] = "fbnet-cifar10",
    card: Annotated[
        Path | None, typer.Option(help="Page about the table; by default README.md beside it.")
    ] = None,
    licence: Annotated[
        Path | None, typer.Option(help="Its licence; by default LICENSE beside it.")
    ] = None,
) -> None:
    """Packs a table to publish it: table, card, licence and hashes in one archive."""
    lines = packed(name, out, card, licence).text()
    sys.stdout.write(plain("\n".join(lines), lines=True) + "\n")
