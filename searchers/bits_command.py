"""``biglittle bits``: 4, 6 or 8 bits for every stage of a network, and what they cost."""

from __future__ import annotations

import sys
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from ..bench import Benchmark
from ..bench.documents import json_text
from ..output_option import with_output
from .bits_pair import pair_lines
from .bits_run import BitsSettings, bits_report
from .front_files import write_files
from .judge import DEFAULT_TABLE

DEFAULT = BitsSettings()
FILE = "bits.json"

app = typer.Typer(add_completion=False)


@app.command()
@with_output("out", folder=True)
def bits(
    networks: Annotated[
        list[str],
        typer.Argument(
            metavar="NETWORK...",
            help="ARCH[@EXIT]: bits are searched for; ARCH[@EXIT]:w4a8.w8a8...: it is run.",
        ),
    ],
    table: Annotated[str, typer.Option(help="Table name or .h5 file.")] = DEFAULT_TABLE,
    start: Annotated[
        str, typer.Option("--from", help="inherited (the table's weights) or a .safetensors file.")
    ] = "inherited",
    data: Annotated[Path | None, typer.Option(help="Folder of the images.")] = None,
    images: Annotated[int, typer.Option(help="Images of val for each run.")] = DEFAULT.images,
    budget: Annotated[int, typer.Option(help="Assignments of bits to predict.")] = DEFAULT.budget,
    seed: Annotated[int, typer.Option(help="The same seed gives the same front.")] = DEFAULT.seed,
    check: Annotated[
        int, typer.Option(help="Points of the front, spread over it, that are run as well.")
    ] = DEFAULT.check,
    pair: Annotated[
        bool,
        typer.Option("--pair", help="The two networks, with bits, are a little and a big one."),
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help="Folder of bits.json and of sensitivities, gone on from.")
    ] = None,
    top: Annotated[int, typer.Option(min=1, help="Rows to print.")] = 12,
    as_json: Annotated[bool, typer.Option("--json", help="JSON alone on stdout.")] = False,
) -> None:
    """Bits per stage of networks: what each stage loses, and accuracy against BitOps."""
    own = locals()
    settings = BitsSettings(**{f.name: own[f.name] for f in fields(BitsSettings)})
    report = bits_report(
        Benchmark.load(table), networks, settings, start, data, out, lambda line: _say(line), pair
    )
    text = json_text(report, indent=2) + "\n"
    if out is not None:
        write_files(out, {FILE: text})
    sys.stdout.write(text if as_json else "\n".join(summary(report, top)) + "\n")


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")


def summary(report: dict[str, Any], top: int) -> list[str]:
    """Lines for a reader about what `bits_report` gives.

    Args:
        report: the report as plain JSON.
        top: rows of the front at most, spread evenly over it.
    """
    images, split = report["config"]["images"], report["config"]["split"]
    lines = []
    for row in report["run"]:
        lines.append(
            f"{row['network']}: {100 * row['accuracy']:.2f} % (simulated, {images:,} images of "
            f"{split}), {_costs(row)}"
        )
    for row in report["sensitivity"]:
        lines.append(
            f"{row['network']}: {100 * row['accuracy']:.2f} % with 8 bits everywhere (simulated, "
            f"{images:,} images of {split}). Points lost where one stage alone has 4 bits:"
        )
        for side, word in enumerate(("weights", "read")):
            each = (f"{100 * losses[side][0]:+.1f}" for losses in row["losses"])
            lines.append(f"  {word:8}{'  '.join(each)}  (the head last)")
    front = report["front"]
    if front:
        places = np.unique(np.linspace(0, len(front) - 1, top).round().astype(int))
        lines += [
            "",
            f"Front: {len(places)} of {len(front)} points. Accuracy is predicted: what single "
            "stages lost, added up.",
        ]
        lines += [
            f"  {100 * front[i]['accuracy']:6.2f} %  {_costs(front[i])}  {front[i]['network']}"
            for i in places
        ]
    if report["pair"] is not None:
        lines += ["", *pair_lines(report["pair"], top)]
    if report["checked"]:
        lines += ["", "Run with their bits, beside what was predicted:"]
        lines += [
            f"  {100 * row['simulated']:6.2f} % simulated, {100 * row['predicted']:6.2f} % "
            f"predicted  {row['network']}"
            for row in report["checked"]
        ]
    return lines


def _costs(row: dict[str, Any]) -> str:
    return f"{row['bitops'] / 1e9:.3f} GBitOps, {row['weights_mib']:.3f} MiB of weights"
