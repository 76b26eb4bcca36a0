"""``biglittle table export``: a table as Parquet or CSV files, or in the newest version of ours."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from ..bench.plain_text import plain
from .export import export_table

app = typer.Typer(add_completion=False)


@app.command()
def export(
    out: Annotated[Path, typer.Option(help="Folder to write; of h5 the file.")],
    name: Annotated[str, typer.Argument(help="Table name, .h5 file, or archive.")] = (
        "fbnet-cifar10"
    ),
    form: Annotated[
        str, typer.Option("--format", help="parquet, csv, or h5: a table in the newest version.")
    ] = "parquet",
) -> None:
    """Writes a table for other tools, as Parquet or CSV, or in the newest version of our own."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    bar = Progress(console=console, transient=True, disable=not console.is_terminal)
    task = bar.add_task("networks", total=None)
    with bar:
        paths = export_table(
            name, out, form, lambda done, total: bar.update(task, completed=done, total=total)
        )
    for path in paths:
        sys.stdout.write(plain(f"{path} ({path.stat().st_size / 1e6:.1f} MB)") + "\n")
