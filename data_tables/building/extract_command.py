"""``biglittle table extract``: a cascade that ships, a network or a pair of inherited weights."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from ...bench import Benchmark, Gate
from ...bench.errors import (
    ArchitectureError,
    GateError,
    UnknownNameError,
    nearest_name,
)
from ...bench.files import replacing
from ...bench.plain_text import plain
from ...output_option import check_suffix, with_output
from ...searchers.judge import DEFAULT_TABLE
from ...unused_options import check_unused
from ..ready.listing import hand_out_named, ready_names

app = typer.Typer(add_completion=False)
#: What options of a pair are for, and how one is asked for.
_PAIR = "name a pair: biglittle table extract LITTLE BIG --threshold T --out FILE"
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
    big: Annotated[
        str | None, typer.Argument(metavar="[BIG]", help="The big network: the pair is written.")
    ] = None,
    *,
    out: Annotated[Path, typer.Option(help="ONNX file to write; of a cascade, the folder.")],
    gate: Annotated[
        str | None, typer.Option(help="Metric of a pair's gate; by default margin.")
    ] = None,
    threshold: Annotated[float | None, typer.Option(help="Threshold of a pair's gate.")] = None,
    table: Annotated[str, typer.Option(help="Table name or .h5 file.")] = DEFAULT_TABLE,
    check: Annotated[bool, typer.Option("--check", help="Also say its accuracy on val.")] = False,
    data: Annotated[Path | None, typer.Option(help="Folder of the images.")] = None,
    threads: Annotated[
        int | None, typer.Option(min=1, help="Threads of each process; by default 1.")
    ] = None,
) -> None:
    """A cascade that ships, or a network or pair of inherited weights, which needs the images."""
    shipped = ready_names(table)
    of_pair = {"--gate": gate, "--threshold": threshold}
    if big is not None:
        pair = (name, big)
        lines = _written_pair(
            pair, out, gate or "margin", threshold, table, check, data, threads or 1
        )
    elif name not in shipped and nearest_name(name, shipped, LIKE_A_CASCADE) is not None:
        raise UnknownNameError("cascade", name, shipped, "Or name a network: ARCH[@EXIT][:int8].")
    elif name in shipped:
        given = {**of_pair, "--check": check, "--data": data, "--threads": threads}
        why = f"{name} is a cascade that ships with its gate, and its card says its accuracy"
        check_unused(given, dict.fromkeys(given, why), _PAIR)
        lines = hand_out_named(name, out, table)
    else:
        why = f"{name} alone is one network, and only a pair has a gate"
        check_unused(of_pair, dict.fromkeys(of_pair, why), _PAIR)
        check_suffix(out, (".onnx",), "--out")
        opened = Benchmark.load(table).table
        from . import reproduce

        try:
            network = reproduce.extract(opened, name, data, check, threads or 1)
        except ArchitectureError as error:
            listed = f" Cascades of this table: {', '.join(sorted(shipped))}." if shipped else ""
            raise ArchitectureError(f"{error}{listed}") from error
        with replacing(out) as partial:
            partial.write_bytes(network.model)
        lines = network.text(out, opened.name)
    sys.stderr.write(plain("\n".join(lines), lines=True) + "\n")


def _written_pair(
    names: tuple[str, str],
    out: Path,
    gate: str,
    threshold: float | None,
    table: str,
    check: bool,
    data: Path | None,
    threads: int,
) -> list[str]:
    """Writes a pair as one graph; returns lines that say what it is."""
    check_suffix(out, (".onnx",), "--out")
    if threshold is None:
        raise GateError(
            "a pair needs the threshold of its gate: give --threshold, such as a search or a front "
            f"recommends, or let biglittle query {' '.join(names)} --guarantee accuracy=0.8 choose."
        )
    from .extract_pair import extract_pair

    opened, chosen = Benchmark.load(table).table, Gate(gate, threshold)
    pair = extract_pair(opened, names, chosen, data, check, threads)
    with replacing(out) as partial:
        partial.write_bytes(pair.model)
    return pair.text(out)
