"""``biglittle explore``: a whole table, or a saved front, as one page that opens offline."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from ..bench import BigLittleError
from ..bench.plain_text import plain
from ..output_option import say_on_stderr, with_output, written_as
from .explore import explore as explored
from .front_files import write_files
from .judge import DEFAULT_TABLE

app = typer.Typer(add_completion=False)


@app.command()
@with_output("out", resumes=False)
def explore(
    target: Annotated[
        str | None,
        typer.Argument(
            metavar="[TABLE|FRONT]",
            help=f"Table, or front.json or front.csv; by default {DEFAULT_TABLE}.",
        ),
    ] = None,
    table: Annotated[
        str | None, typer.Option(help="Table, instead of the argument: name or .h5 file.")
    ] = None,
    device: Annotated[
        str,
        typer.Option(
            help="Devices of a table, comma-separated, or all; by default raspberry-pi-4."
        ),
    ] = "",
    out: Annotated[
        Path, typer.Option(help="Page to write (.html).", callback=written_as(".html"))
    ] = Path("explore.html"),
) -> None:
    """Opens a whole table, or a saved front, as one page: points, networks, curves, filters."""
    if target is not None and table is not None:
        raise BigLittleError(
            f"{target} and --table {table} were both given; explore one of them. A front has its "
            "table in it."
        )
    devices = [name.strip() for name in device.split(",") if name.strip()]
    with _progress(target or table or DEFAULT_TABLE, out) as move:
        text = explored(target or table or DEFAULT_TABLE, devices, move)
    write_files(out.parent, {out.name: text})
    sys.stdout.write(f"Written: {out} ({len(text.encode()) / 1e6:.1f} MB)\n")


@contextmanager
def _progress(table: str, out: Path) -> Iterator[Any]:
    """A progress bar on stderr, or one line where that is no terminal; gives what moves it."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    bar = Progress(console=console, transient=True, disable=not console.is_terminal)
    task = bar.add_task("fronts", total=None)

    def move(done: int, total: int) -> None:
        if done == 0 and not console.is_terminal:
            say_on_stderr(
                plain(
                    f"Making {out}: {total} fronts of {table}, and the curves of their pairs. A "
                    "table of hundreds of networks takes minutes."
                )
            )
        bar.update(task, completed=done, total=total)

    with bar:
        yield move
