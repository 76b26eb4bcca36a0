"""``biglittle data import``: a data set of anybody's pictures."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from ..bench.datasets import import_folder
from ..bench.plain_text import plain

app = typer.Typer(add_completion=False)


@app.command(name="import")
def import_pictures(
    folder: Annotated[
        Path, typer.Argument(help="Folder with one for each class, or with train and test or val.")
    ],
    name: Annotated[str, typer.Option(help="Name that the data set gets.")],
    size: Annotated[int, typer.Option(help="Rows and columns of its images.")] = 32,
    broken: Annotated[
        str, typer.Option(help="Pictures that are not usable: refuse (names them) or skip.")
    ] = "refuse",
    seed: Annotated[int, typer.Option(min=0, help="Seed of the draws of test and val.")] = 0,
) -> None:
    """Makes a data set of any folder with a folder of pictures for each class."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    bar = Progress(console=console, transient=True, disable=not console.is_terminal)
    task = bar.add_task("pictures", total=None)
    with bar:
        dataset, skipped = import_folder(
            folder,
            name,
            size,
            broken,
            seed,
            lambda done, total: bar.update(task, completed=done, total=total),
        )
    for reason in skipped:
        sys.stderr.write(plain(f"left out: {reason}") + "\n")
    splits = dataset.load()
    counts = ", ".join(f"{len(images):,} {split}" for split, images in splits.items())
    lines = [
        f"{dataset.name}: {dataset.n_classes} classes, {counts}, {size}x{size} pixels",
        f'A schedule takes it by: dataset = "{dataset.name}"',
        f"A table of it begins by: biglittle table new NAME --dataset {dataset.name}",
    ]
    sys.stdout.write(plain("\n".join(lines), lines=True) + "\n")
