"""``biglittle accelerator``: which there are, what one is, its profile as a device, a co-search."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from ...bench.datasets import data_folder
from ...bench.documents import json_text
from ...bench.errors import ConstraintError, ProfileError
from ...bench.plain_text import plain
from ...bench.spaces import get_space
from ...edge_profiler.accelerators import (
    Accelerator,
    accelerator_file,
    accelerators,
    load_accelerator,
)
from ...edge_profiler.accelerators.profile import CLOCK_MHZ, accelerator_profile
from ...edge_profiler.accelerators.space import CHOSEN, SPACES, load_space, spaces
from ...edge_profiler.profile_file import write_profile
from ...output_option import with_output, written_as
from ...searchers.co_search_command import search

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Accelerators as devices: list, show, profile, search with their networks (modelled).",
)

app.command(name="search")(search)

NameArgument = Annotated[
    str, typer.Argument(metavar="NAME_OR_FILE", help="One that ships, or a .yaml or .toml file.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="JSON alone on stdout.")]
AreaOption = Annotated[
    float | None, typer.Option("--area-mm2", help="The most area that it may have.")
]


def facts(accelerator: Accelerator) -> dict[str, Any]:
    """What a list or a page says of an accelerator."""
    return {
        "name": accelerator.name,
        "units": list(accelerator.sides),
        "on_chip_kib": round(accelerator.on_chip_kib, 3),
        "bandwidth_bits": accelerator.bandwidth_bits,
        "weight_bits": accelerator.weight_bits,
        "activation_bits": accelerator.activation_bits,
        "area_mm2": round(accelerator.area_mm2, 4),
        "provenance": {"area_mm2": "modelled"},
    }


def _within(choices: list[Accelerator], area_mm2: float | None) -> list[Accelerator]:
    """Accelerators within a limit of area; says the least where none is."""
    within = [a for a in choices if area_mm2 is None or a.area_mm2 <= area_mm2]
    if not within:
        least = min(choices, key=lambda a: a.area_mm2)
        raise ConstraintError(
            f"no accelerator has an area of at most {area_mm2:g} mm2; the least is "
            f"{least.area_mm2:.4g} mm2, of {least.name}."
        )
    return within


def _lines(records: list[dict[str, Any]]) -> list[str]:
    head = ("name", "units", "on the chip", "to outside", "bits W/A", "area (modelled)")
    rows = [
        (
            r["name"],
            " x ".join(map(str, r["units"])),
            f"{r['on_chip_kib']:.4g} KiB",
            f"{r['bandwidth_bits']} bits/cycle",
            f"{r['weight_bits']}/{r['activation_bits']}",
            f"{r['area_mm2']:.3g} mm2",
        )
        for r in records
    ]
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]
    return [
        "  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip()
        for row in (head, *rows)
    ]


@app.command(name="list")
def list_them(area_mm2: AreaOption = None, as_json: JsonOption = False) -> None:
    """The accelerators that ship, with size and area."""
    chosen = _within([load_accelerator(name) for name in accelerators()], area_mm2)
    records = [facts(a) for a in chosen]
    lines = _lines(records)
    lines.append(f"Spaces of many, for 'biglittle accelerator search': {', '.join(spaces())}")
    text = json_text(records, indent=2) if as_json else "\n".join(lines)
    sys.stdout.write(text + "\n")


def _show_space(name: str, as_file: bool, as_json: bool) -> None:
    """Prints a space of accelerators that ships."""
    if as_file:
        sys.stdout.write((SPACES / f"{name}.toml").read_text(encoding="utf-8"))
        return
    space = load_space(name)
    least, most = float(space.areas_mm2.min()), float(space.areas_mm2.max())
    if as_json:
        document = {
            "name": space.name,
            "accelerators": len(space),
            "area_mm2": [round(least, 4), round(most, 4)],
            "choices": {field: list(o) for field, o in zip(CHOSEN, space.options, strict=True)},
            "weight_bits": space.weight_bits,
            "activation_bits": space.activation_bits,
            "provenance": {"area_mm2": "modelled"},
        }
        sys.stdout.write(json_text(document, indent=2) + "\n")
        return
    lines = [
        f"{space.name}: {len(space):,} accelerators of {least:.3g} to {most:.3g} mm2 (modelled), "
        f"{space.weight_bits}-bit weights, {space.activation_bits}-bit activations",
        *(
            f"{field}: {', '.join(map(str, options))}"
            for field, options in zip(CHOSEN, space.options, strict=True)
        ),
        f"Next: biglittle accelerator search {name}",
    ]
    sys.stdout.write("\n".join(lines) + "\n")


@app.command()
def show(
    name: NameArgument,
    as_yaml: Annotated[
        bool, typer.Option("--yaml", help="Its file as it stands, to begin your own with.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """One accelerator: its array and memories, or its file; or a space of them to search."""
    if name in spaces():
        _show_space(name, as_yaml, as_json)
        return
    accelerator = load_accelerator(name)
    if as_yaml:
        sys.stdout.write(plain(accelerator_file(name).read_text(encoding="utf-8"), lines=True))
        return
    if as_json:
        document = {**facts(accelerator), "document": dict(accelerator.document)}
        sys.stdout.write(json_text(document, indent=2) + "\n")
        return
    lines = _lines([facts(accelerator)])
    for side, spread in enumerate(accelerator.spread, 1):
        lines.append(f"side {side} takes " + ", ".join(f"{d} (up to {n})" for d, n in spread))
    for memory, entry in accelerator.document["memories"].items():
        lines.append(
            f"{memory}: {entry['size'] / 8192:.4g} KiB for {', '.join(entry['operands'])}"
            + ("" if entry["served_dimensions"] else ", in every unit")
        )
    sys.stdout.write(plain("\n".join(lines), lines=True) + "\n")


@app.command()
@with_output("out")
def profile(
    name: NameArgument,
    out: Annotated[
        Path,
        typer.Option(help="Device profile to write, a .json file.", callback=written_as(".json")),
    ],
    space: Annotated[str, typer.Option(help="Search space of the networks.")] = "fbnet",
    n_classes: Annotated[
        int, typer.Option("--classes", min=1, help="Classes of their classifiers.")
    ] = 10,
    clock_mhz: Annotated[
        float, typer.Option(min=0.001, max=100000, help="Clock of array and memories.")
    ] = CLOCK_MHZ,
    model: Annotated[
        str, typer.Option(help="analytic, or zigzag: seconds a layer, kept once computed.")
    ] = "analytic",
    area_mm2: AreaOption = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace a profile that is there.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Writes an accelerator's profile, a device like any other for front and search."""
    if out.exists() and not replace:
        raise ProfileError(f"{out} is there already; add --replace, or another --out.")
    accelerator = load_accelerator(name)
    _within([accelerator], area_mm2)

    def progress(done: int, total: int) -> None:
        sys.stderr.write(f"\rlayer {done} of {total}" + ("\n" if done == total else ""))

    folder = data_folder() / "accelerators" if model == "zigzag" else None
    document = accelerator_profile(
        accelerator, get_space(space), n_classes, clock_mhz, model, folder, progress
    )
    write_profile(out, document)
    if as_json:
        sys.stdout.write(json.dumps({"out": str(out), **facts(accelerator)}, indent=2) + "\n")
        return
    lines = [
        f"{out}: {document['description']}",
        *document["notes"],
        f"Next: biglittle front --device {shlex.quote(str(out))}",
    ]
    sys.stdout.write(plain("\n".join(lines), lines=True) + "\n")
