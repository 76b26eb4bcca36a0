"""What each phase of the supernet's training brought, read from the log that the training leaves.

``python -m biglittle.data_tables.evidence training --log LOG ...`` reads the quick checks that
follow every epoch; without a log it makes the last one again with the weights that ship.
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
from ._page import Step, load

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


def history(schedule: Schedule, by_epoch: dict[int, dict[str, Any]]) -> list[dict[str, Any]]:
    """One row for each phase of a schedule: its epochs and the check after its last.

    A phase whose log is lost has a row without a check.

    Args:
        schedule: the phases of the training.
        by_epoch: checks by epoch, as of `checks`.

    Raises:
        TableError: there is no check after the last phase.
    """
    rows, epoch = [], 0
    for phase in schedule.phases:
        epoch += len(phase.resolutions)
        row = by_epoch.get(epoch, {"pixels": phase.resolutions[-1], "accuracy": {}})
        rows.append({"phase": phase.name, "epochs": len(phase.resolutions), **row})
    if epoch not in by_epoch:
        raise TableError(
            f"the log has no check after epoch {epoch}, the last of phase {phase.name!r}; give the "
            "logs of the whole training, or none to check the weights that ship."
        )
    return rows


def check_shipped(
    schedule: Schedule, data: Path | None, images: int = 1000
) -> dict[int, dict[str, Any]]:
    """The check after the last epoch, made now with the weights that ship, as of `checks`.

    Args:
        schedule: the schedule that they were trained by.
        data: folder of the images; None for the usual place.
        images: validation images that are looked at.
    """
    from ...bench.datasets import get_dataset
    from ...cotrain.quick_accuracy import quick_accuracy
    from ..building.plan import TrainedSupernet

    trained, dataset = TrainedSupernet.kept(RECIPE.weights), get_dataset(schedule.dataset)
    splits, pixels = dataset.load(data), schedule.phases[-1].resolutions[-1]
    checked = {
        a: round(quick_accuracy(trained.net, a, splits, dataset, pixels, images), 4) for a in LABELS
    }
    return {trained.epochs: {"accuracy": checked, "pixels": pixels, "images": images}}


def training_section(figures: dict[str, Any]) -> str:
    """The rows as a Markdown table."""
    lines = [
        "| after phase | epochs | last at | " + " | ".join(LABELS.values()) + " |",
        "|---" * (3 + len(LABELS)) + "|",
    ]
    for row in figures["phases"]:
        shown = (row["accuracy"].get(a) for a in LABELS)
        none = "not trained" if row["accuracy"] else "not kept"
        cells = " | ".join(none if v is None else f"{100 * v:.1f} %" for v in shown)
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
    log: Annotated[
        list[Path] | None, typer.Option(help="A log; may be given again. None: what is kept.")
    ] = None,
    data: Annotated[Path | None, typer.Option(help="Folder of the images.")] = None,
) -> dict[str, Any]:
    """Reads the logs that are given, in their order; without any checks the weights that ship."""
    schedule = load_schedule(RECIPE.schedule)
    if log:
        lines = [line for path in log for line in path.read_text(encoding="utf-8").splitlines()]
        return {"phases": history(schedule, checks(lines))}
    by_epoch, epoch = check_shipped(schedule, data), 0
    for row in (load("training") or {"phases": []})["phases"]:
        epoch += row["epochs"]
        if row["accuracy"]:
            by_epoch.setdefault(epoch, {k: row[k] for k in ("accuracy", "pixels", "images")})
    return {"phases": history(schedule, by_epoch)}


STEP = Step(measure, {"training": training_section})
