"""What all steps about surrogates share: the table, its device, and what was learnt from."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

from ....bench import Table
from ....bench.gates import stored_metrics
from ....bench.rows import key_of
from ....surrogates.evaluated_networks import beside, read_evaluated
from ...flagship import RECIPE

TABLE, DEVICE = RECIPE.name, RECIPE.design.device
SEEDS = 5

Working = Annotated[Path, typer.Option(help="Folder of evaluations.")]
Array = NDArray[np.float64]


def say(line: str) -> None:
    """A line of progress."""
    sys.stderr.write(line + "\n")


def learnable(table: Table) -> set[str]:
    """Names of the networks that a surrogate may have seen: the table's, and those found since."""
    inherited = np.flatnonzero(table.networks["training"] == "inherited").tolist()
    names, path = {key_of(table.networks, row)[0].name for row in inherited}, beside(table.path)
    if path is not None:
        labels = table.predictions("val").labels
        names |= set(read_evaluated(path, table.space, labels, stored_metrics()).architectures)
    return names


def middle(entry: Mapping[str, Any], digits: int = 3, scale: float = 1.0) -> str:
    """A median with its spread, or a dash where there is none."""
    if entry["median"] is None:
        return "-"
    return f"{scale * entry['median']:.{digits}f} ± {scale * entry['spread']:.{digits}f}"
