"""``biglittle table fetch``: a published table, by its address and its hash."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from ..bench.errors import TableError
from ..bench.plain_text import plain
from ..bench.shipped_tables import shipped_tables
from ..bench.table_archive import archived_table, is_archive

app = typer.Typer(add_completion=False)


@app.command()
def fetch(
    source: Annotated[
        str, typer.Argument(help="https://HOST/NAME.tar#sha256=HASH, or a .tar file.")
    ],
    sha256: Annotated[
        str | None, typer.Option(help="Hash of the archive; by default that in the address.")
    ] = None,
) -> None:
    """Fetches a published table, checks its hash, and keeps it whole or not at all."""
    from rich.console import Console
    from rich.progress import DownloadColumn, Progress, TransferSpeedColumn

    if not is_archive(source):
        raise TableError(
            f"{source} is neither an address nor a .tar file. Of the tables that ship "
            f"({', '.join(shipped_tables())}) and of .h5 files nothing has to be fetched."
        )
    console = Console(stderr=True)
    bar = Progress(
        *Progress.get_default_columns(),
        DownloadColumn(),
        TransferSpeedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    task = bar.add_task("fetched", total=None)
    with bar:
        path = archived_table(
            source, sha256, lambda done, total: bar.update(task, completed=done, total=total)
        )
    sys.stdout.write(plain(f"{path}\n", lines=True))
