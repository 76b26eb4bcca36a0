"""What each phase of the supernet's training brought, read from the log that the training leaves.

``python -m biglittle.data_tables.evidence training --log LOG ...`` reads the quick checks that
follow every epoch.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from ...bench.errors import TableError
from ...cotrain.schedule import Schedule, load_schedule
from ..flagship import RECIPE
from ._page import Step

CHECK = re.compile(r"epoch (\d+) at (\d+) px: (\w+) val accuracy ([\d.]+) on (\d+)")
LABELS = {
    "0" * 22: "all `k3_e1`",
    "2" * 22: "all `k3_e3`",
    "80" * 11: "every other layer skipped",
    "8" * 22: "all skipped",
}


def checks(lines: Iterable[str]) -> dict[int, dict[str, Any]]:
    """The quick checks of a log by epoch (1 is the first), plain JSON; of two the later counts."""
    by_epoch: dict[int, dict[str, Any]] = {}
    for line in lines:
        if match := CHECK.search(line):
            epoch, pixels, architecture, accuracy, images = match.groups()
            row = by_epoch.setdefault(int(epoch), {"accuracy": {}})
            row["pixels"], row["images"] = int(pixels), int(images)
            row["accuracy"][architecture] = float(accuracy)
    return by_epoch


def history(schedule: Schedule, lines: Iterable[str]) -> list[dict[str, Any]]:
    """One row for each phase of a schedule: its epochs and the check after its last.

    Raises:
        TableError: the log does not reach the end of some phase.
    """
    by_epoch, rows, epoch = checks(lines), [], 0
    for phase in schedule.phases:
        epoch += len(phase.resolutions)
        if epoch not in by_epoch:
            raise TableError(
                f"the log has no check after epoch {epoch}, the last of phase {phase.name!r}; "
                "give the logs of the whole training."
            )
        rows.append({"phase": phase.name, "epochs": len(phase.resolutions), **by_epoch[epoch]})
    return rows


def training_section(figures: dict[str, Any]) -> str:
    """The rows as a Markdown table."""
    lines = [
        "| after phase | epochs | last at | " + " | ".join(LABELS.values()) + " |",
        "|---" * (3 + len(LABELS)) + "|",
    ]
    for row in figures["phases"]:
        shown = (row["accuracy"].get(a) for a in LABELS)
        cells = " | ".join("not trained" if v is None else f"{100 * v:.1f} %" for v in shown)
        lines.append(f"| `{row['phase']}` | {row['epochs']} | {row['pixels']} pixels | {cells} |")
    images = figures["phases"][-1]["images"]
    lines += [
        "",
        f"Quick checks during the training: the first {images:,} val images, at the resolution of "
        "the phase's last epoch, batch norms re-estimated on 1,000 training images. One run, so "
        "that what a phase brought and what more epochs brought are not told apart.",
    ]
    return "\n".join(lines)


def measure(
    log: Annotated[list[Path], typer.Option(help="A log; may be given again.")],
) -> dict[str, Any]:
    """Reads the logs that are given, in their order."""
    lines = [line for path in log for line in path.read_text(encoding="utf-8").splitlines()]
    return {"phases": history(load_schedule(RECIPE.schedule), lines)}


STEP = Step(measure, {"training": training_section})
