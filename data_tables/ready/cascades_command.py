"""``biglittle table cascades``: what ships ready to run."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer
from rich.console import Console

from ...bench.terminal import columns_of
from .listing import card_records, print_cards

app = typer.Typer(add_completion=False)


@app.command()
def cascades(
    table: Annotated[str, typer.Option(help="Table name or .h5 file.")] = "fbnet-cifar10",
    device: Annotated[
        str | None,
        typer.Option(help="Device, or profile .json, to tell latencies of; by default each one's."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON alone on stdout.")] = False,
) -> None:
    """The cascades that ship with a table, ready to run: 'table extract NAME' hands one out."""
    records = card_records(table, device)
    if as_json:
        sys.stdout.write(json.dumps({"cascades": records}, indent=2) + "\n")
    else:
        console = Console(highlight=False, markup=False, emoji=False, width=columns_of(sys.stdout))
        print_cards(records, console)
