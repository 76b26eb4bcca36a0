"""``biglittle table extract``: a cascade that ships, or any network with inherited weights."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from ...bench import Benchmark
from ...bench.errors import ArchitectureError, UnknownNameError, nearest_name
from ...bench.files import replacing
from ...bench.plain_text import plain
from ...output_option import check_suffix, with_output
from ...searchers.judge import DEFAULT_TABLE
from ..ready.listing import hand_out_named, ready_names

app = typer.Typer(add_completion=False)
#: Least likeness to the name of a cascade of what is no network but a cascade misspelt.
LIKE_A_CASCADE = 0.6


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
    shipped = ready_names(table)
    if name not in shipped and nearest_name(name, shipped, LIKE_A_CASCADE) is not None:
        raise UnknownNameError("cascade", name, shipped, "Or name a network: ARCH[@EXIT][:int8].")
    if name in shipped:
        lines = hand_out_named(name, out, table)
    else:
        check_suffix(out, (".onnx",), "--out")
        opened = Benchmark.load(table).table
        from . import reproduce

        try:
            network = reproduce.extract(opened, name, data, check, threads)
        except ArchitectureError as error:
            listed = f" Cascades of this table: {', '.join(sorted(shipped))}." if shipped else ""
            raise ArchitectureError(f"{error}{listed}") from error
        with replacing(out) as partial:
            partial.write_bytes(network.model)
        lines = network.text(out, opened.name)
    sys.stderr.write(plain("\n".join(lines), lines=True) + "\n")
