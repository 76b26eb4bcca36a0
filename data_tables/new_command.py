"""``biglittle table new``: the recipe of a table of one's own."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from ..bench.errors import BigLittleError
from ..bench.plain_text import plain
from . import table_recipe
from .building.new_table import new_table
from .flagship import RECIPE

app = typer.Typer(add_completion=False)


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="Name of the table, such as flowers-64.")],
    dataset: Annotated[str, typer.Option(help="Data set, one of 'biglittle data list'.")],
    space: Annotated[
        str, typer.Option(help="Search space, such as fbnet, or fbnet-64 by the images.")
    ] = "fbnet",
    like: Annotated[str, typer.Option(help="Table whose trainings it starts from.")] = RECIPE.name,
    device: Annotated[
        str | None,
        typer.Option(help="Device whose latency the design covers; by default that of --like."),
    ] = None,
    networks: Annotated[
        int, typer.Option(min=10, help="Networks in its design, about so many.")
    ] = 150,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Epochs of the supernet; by default those of --like.")
    ] = None,
) -> None:
    """Writes the recipe of a new table, and says the five commands that follow."""
    folder = Path(__file__).parent
    if not (folder.parent / "pyproject.toml").is_file():
        raise BigLittleError(
            "a recipe is a folder of a clone of BigLittle, and this is an installed package; clone "
            "it, install it with pip install --editable, and run this there."
        )
    made = new_table(name, space, dataset, table_recipe(like), folder, device, networks, epochs)
    sys.stdout.write(plain("\n".join(made.text()), lines=True) + "\n")
