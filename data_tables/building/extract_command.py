"""``biglittle table extract``: a cascade that ships, or any network with inherited weights."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from ...bench import Benchmark
from ...bench.files import replacing
from ...bench.plain_text import plain
from ...output_option import with_output
from ...searchers.judge import DEFAULT_TABLE
from ..ready.listing import hand_out_named, ready_names

app = typer.Typer(add_completion=False)


def _is_cascade(name: str, table: str, **_: object) -> bool:
    return name in ready_names(table)


@app.command()
@with_output("out", folder=_is_cascade, resumes=False)
def extract(
    name: Annotated[
        str, typer.Argument(help="A cascade of 'table cascades', or ARCH[@EXIT][:int8].")
    ],
    out: Annotated[Path, typer.Option(help="ONNX file to write; of a cascade, the folder.")],
    table: Annotated[str, typer.Option(help="Table name or .h5 file.")] = DEFAULT_TABLE,
    check: Annotated[bool, typer.Option("--check", help="Also say its accuracy on val.")] = False,
    data: Annotated[Path | None, typer.Option(help="Folder of the images.")] = None,
    threads: Annotated[int, typer.Option(min=1, help="Threads of each process.")] = 1,
) -> None:
    """A cascade that ships, or any network with inherited weights, for which images are needed."""
    if _is_cascade(name, table):
        lines = hand_out_named(name, out, table)
    else:
        opened = Benchmark.load(table).table
        from . import reproduce

        network = reproduce.extract(opened, name, data, check, threads)
        with replacing(out) as partial:
            partial.write_bytes(network.model)
        lines = network.text(out, opened.name)
    sys.stderr.write(plain("\n".join(lines), lines=True) + "\n")
