"""``biglittle platform``: a pair or a front on two devices, mapped in every way there is."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from ..bench import Benchmark, Gate, Pair, get_space
from ..bench.documents import json_text
from ..bench.errors import BigLittleError
from ..bench.platform import EXAMPLE, load_platform
from ..bench.terminal import columns_of
from ..output_option import check_suffix
from .front_files import read_front, write_files
from .judge import DEFAULT_TABLE
from .platform_answer import (
    branched_on_platform,
    branched_text,
    front_on_platform,
    pair_on_platform,
)

app = typer.Typer(add_completion=False)


@app.command()
def platform(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="Platform .json; --example writes one.")
    ],
    little: Annotated[
        str | None, typer.Argument(metavar="[LITTLE]", help="Network that answers first.")
    ] = None,
    big: Annotated[
        str | None, typer.Argument(metavar="[BIG]", help="Network that is escalated to.")
    ] = None,
    gate: Annotated[str, typer.Option(help="Metric of the gate.")] = "margin",
    threshold: Annotated[float, typer.Option(help="Threshold of the gate.")] = 0.4,
    front: Annotated[
        Path | None, typer.Option(help="front.json, front.csv or folder of a search, instead.")
    ] = None,
    branched: Annotated[
        str, typer.Option(help="Networks of two branches instead, comma-separated.")
    ] = "",
    space: Annotated[
        str, typer.Option(help="Space of --branched: branched, branched-224 ...")
    ] = "branched",
    n_classes: Annotated[
        int, typer.Option("--classes", min=1, help="Classes of the networks of --branched.")
    ] = 10,
    table: Annotated[str, typer.Option(help="Table name or .h5 file.")] = DEFAULT_TABLE,
    split: Annotated[str, typer.Option(help="Images that are answered: test or val.")] = "test",
    top: Annotated[int, typer.Option(min=1, help="Rows to print.")] = 20,
    example: Annotated[
        bool, typer.Option("--example", help="Write FILE anew, two boards to begin with.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="JSON alone on stdout.")] = False,
) -> None:
    """A pair or a front on two devices: little here, big there, in turn or both at once."""
    if example:
        check_suffix(file, (".json",), "--example")
        if file.exists():
            raise BigLittleError(f"{file} is there already; give another name for the example.")
        write_files(file.parent, {file.name: json_text(EXAMPLE, indent=2) + "\n"})
        sys.stdout.write(f"Written: {file}\n")
        return
    described = load_platform(file)
    if branched:
        if front is not None or little is not None:
            raise BigLittleError("give --branched, or LITTLE and BIG, or --front; not several.")
        if (named := get_space(space)).name.partition("-")[0] != "branched":
            raise BigLittleError(
                f"--space {space} has no branches; expected branched, or branched-224 and so on."
            )
        names = [name.strip() for name in branched.split(",") if name.strip()]
        records = branched_on_platform(described, names, named, n_classes)
        if as_json:
            document = {**described.record(), "networks": records}
            sys.stdout.write(json_text(document, indent=2) + "\n")
        else:
            sys.stdout.write("\n".join(branched_text(described, records)) + "\n")
        return
    if front is None and big is None:
        if little is not None:
            raise BigLittleError("give both LITTLE and BIG, or --front.")
        sys.stdout.write(json_text(described.record(), indent=2) + "\n")
        return
    if front is not None and little is not None:
        raise BigLittleError("give LITTLE and BIG, or --front; not both.")
    if front is not None:
        answer = front_on_platform(described, read_front(front).points)
    else:
        pair = Pair(str(little), str(big))
        bench, chosen = Benchmark.load(table), Gate(gate, threshold)
        answer = pair_on_platform(described, bench, pair, chosen, split)
    if as_json:
        sys.stdout.write(json_text(answer.document(), indent=2) + "\n")
        return
    from rich.console import Console

    width = columns_of(sys.stdout)
    answer.print(Console(highlight=False, markup=False, emoji=False, width=width), top)
