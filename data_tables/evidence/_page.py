"""Steps and pages: a figure exists once, in the JSON of its step, and pages quote it by a mark.

A step that takes ``--table`` measures other tables too: its figures then lie in a folder of that
name, and the name stands before the mark, as in ``figures:fbnet-mine/coverage``.
"""

from __future__ import annotations

import functools
import json
import os
import platform
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from ... import __version__
from ...bench.errors import BigLittleError, UnknownNameError
from ...bench.files import replacing
from ...bench.precision import FP32
from ...bench.registry import Registry
from ...bench.table import Table
from ...edge_profiler.machine import device_name
from .. import buildable_tables, table_recipe
from ..flagship import RECIPE

FOLDER = Path(__file__).parent
FIGURES = FOLDER / "figures"
ROOT = FOLDER.parents[1]
#: A mark, what stands behind it, and its end. One that is only spoken of stands in backquotes.
MARK = re.compile(r"(?<!`)<!-- figures:([\w/-]+) -->(\n?)(.*?)<!-- /figures -->", re.DOTALL)
#: Stands behind figures of a table that another one has taken the place of.
OUTDATED = "*Of the table before the one that ships: not measured again yet.*"
NOT_PAGES = {"out", "build", "dist"}

#: The option of a step that measures any table with a recipe.
OfTable = Annotated[str, typer.Option("--table", help="Table that is measured, by its name.")]
#: Markdown from the figures of a step.
Text = Callable[[dict[str, Any]], str]


@dataclass(frozen=True)
class Step:
    """One way to come by figures, and what pages say of them.

    Attributes:
        measure: returns the figures as plain JSON, or None where the step leaves other files; its
            arguments are the options of the command line. None where another command writes them.
        texts: Markdown by the mark that pages quote it with; no two steps share a mark.
        file: where the figures are kept when it is not ``figures/STEP.json``.
        keeps: whether there are figures of its own; a step without any draws, or leaves files, or
            quotes the figures of others.
        of_table: whether the figures are of a table that ships: they then name it, and pages say
            so where they are of one before it.
        rows: kinds of the table's rows that the figures are of: precisions, and trainings.
    """

    measure: Callable[..., Mapping[str, Any] | None] | None = None
    texts: Mapping[str, Text] = field(default_factory=dict)
    file: Path | None = None
    keeps: bool = True
    of_table: bool = False
    rows: tuple[str, ...] = (FP32,)


def _registries() -> dict[str, Registry]:
    """The folders with steps: this one, and the packages in it."""
    inner = sorted(f.parent.name for f in FOLDER.glob("*/__init__.py"))
    kind, own = "step", __name__.rpartition(".")[0]
    return {
        "": Registry(kind, own, FOLDER, "STEP"),
        **{name: Registry(kind, f"{own}.{name}", FOLDER / name, "STEP") for name in inner},
    }


def names() -> tuple[str, ...]:
    """Names of all steps, ``FILE`` or ``FOLDER/FILE``; none is imported."""
    registries = _registries()
    return tuple(
        f"{folder}/{name}" if folder else name
        for folder, registry in registries.items()
        for name in registry.names()
        if folder or name not in registries
    )


def step(name: str) -> Step:
    """The step of that name.

    Raises:
        UnknownNameError: there is none; the message names the nearest one.
    """
    if name not in names():
        raise UnknownNameError("step", name, names())
    folder, _, file = name.rpartition("/")
    entry: Step = _registries()[folder].load(file)
    return entry


# ---- figures -----------------------------------------------------------------------------------
def conditions() -> dict[str, Any]:
    """Hardware and versions that figures are made with."""
    return {
        "cpu": device_name(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "biglittle": __version__,
    }


def versions(figures: Mapping[str, Any]) -> str:
    """The conditions of some figures in words."""
    c = figures["conditions"]
    return f"{c['cores']} cores of {c['cpu']}, Python {c['python']}, NumPy {c['numpy']}"


@functools.cache
def shipped_table(name: str = RECIPE.name) -> Table:
    """A table that ships."""
    return Table(table_recipe(name).table)


def table_of(figures: Mapping[str, Any]) -> str:
    """Name of the table that figures are of."""
    return str(figures.get("table_name", RECIPE.name))


def on_device(figures: Mapping[str, Any]) -> str:
    """The device that a table's latencies are of, with their provenance, as pages call it."""
    device = figures.get("device", RECIPE.design.device)
    return "Pi 4, block-sum" if device == RECIPE.design.device else str(device)


def outdated(entry: Step, figures: Mapping[str, Any]) -> bool:
    """Whether figures are of another table than the one that ships under its name.

    Rows of other kinds than the step's that it got since do not change them.
    """
    if not (entry.of_table and entry.keeps):
        return False
    table = shipped_table(table_of(figures))
    return not table.unchanged_since(figures.get("table_sha256"), entry.rows)


def write_json(path: Path, document: Mapping[str, Any]) -> None:
    """Writes figures, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as partial:
        partial.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def save(name: str, figures: Mapping[str, Any]) -> None:
    """Keeps the figures of a step, with the conditions they were made under.

    A step that goes on from what it kept before may hand back conditions and table of then; those
    of now take their place.
    """
    own: dict[str, Any] = {"step": name, "conditions": conditions()}
    if step(name).of_table:
        own["table_sha256"] = shipped_table(table_of(figures)).sha256
    measured = {key: value for key, value in figures.items() if key not in own}
    write_json(_file(name, table_of(figures)), {**own, **measured})


def _file(name: str, table: str) -> Path:
    return (FIGURES if table == RECIPE.name else FIGURES / table) / f"{name}.json"


def load(name: str, file: Path | None = None, table: str = RECIPE.name) -> dict[str, Any] | None:
    """The figures of a step, or None where it was never run.

    Args:
        name: the step, ``FILE`` or ``FOLDER/FILE``.
        file: where they are kept when it is not ``figures/STEP.json``.
        table: table that they are of.
    """
    path = file or _file(name, table)
    if not path.exists():
        return None
    figures: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return figures


# ---- pages -------------------------------------------------------------------------------------
def claims() -> dict[str, str]:
    """The step that each mark belongs to.

    Raises:
        BigLittleError: two steps claim one mark.
    """
    owners: dict[str, str] = {}
    for name in names():
        for mark in step(name).texts:
            if mark in owners:
                raise BigLittleError(
                    f"the mark {mark!r} is claimed by the steps {owners[mark]!r} and {name!r}; "
                    "a figure has one step, so give one of them another name."
                )
            owners[mark] = name
    return owners


def text_of(mark: str, owners: Mapping[str, str]) -> str:
    """What a mark stands for now.

    Raises:
        UnknownNameError: no step claims that mark.
    """
    table, _, own = mark.partition("/")
    if table not in buildable_tables():
        table, own = RECIPE.name, mark
    if own not in owners:
        raise UnknownNameError("mark", mark, tuple(sorted(owners)))
    name = owners[own]
    entry = step(name)
    figures = load(name, entry.file, table)
    if figures is None and entry.keeps:
        return f"Step `{name}` was not run yet."
    text = entry.texts[own]({} if figures is None else figures).strip("\n")
    if figures is not None and outdated(entry, figures):
        text += f"\n\n{OUTDATED}" if "\n" in text else f" ({OUTDATED})"
    return text


def filled(page: str, owners: Mapping[str, str]) -> str:
    """A page with what its marks stand for now.

    Raises:
        UnknownNameError: a mark that no step claims.
    """

    def fill(match: re.Match[str]) -> str:
        line = match[2]
        text = text_of(match[1], owners)
        return f"<!-- figures:{match[1]} -->{line}{text}{line}<!-- /figures -->"

    return MARK.sub(fill, page)


def pages(root: Path = ROOT) -> Iterator[Path]:
    """The Markdown files below a folder that quote figures, in order."""
    for folder, inner, files in os.walk(root):
        inner[:] = sorted(i for i in inner if not i.startswith(".") and i not in NOT_PAGES)
        for file in sorted(files):
            path = Path(folder) / file
            if path.suffix == ".md" and MARK.search(path.read_text(encoding="utf-8")):
                yield path


def fill_pages(root: Path = ROOT) -> list[Path]:
    """Fills all pages from the figures that are kept; returns those that changed."""
    owners, changed = claims(), []
    for path in pages(root):
        before = path.read_text(encoding="utf-8")
        after = filled(before, owners)
        if after != before:
            changed.append(path)
            with replacing(path) as partial:
                partial.write_text(after, encoding="utf-8")
    return changed
