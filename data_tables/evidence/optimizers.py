"""What the optimiser and the start of a network trained alone are worth, after a few passes.

One network of those that the card trusts inherited accuracies by is trained from scratch by the
recipe of today and by what stood there before, each for the same number of images, with the
teacher, seed 0.

    python -m biglittle.data_tables.evidence optimizers --working DIR

It may be stopped at any moment and goes on from its last checkpoint; some twenty minutes of one
idle core.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from ..flagship import RECIPE
from ._page import Step, versions

#: A deep network without wide layers, in the middle of those that are trained alone.
ARCHITECTURE = "0" + "8" + "0" * 19 + "8"
PASSES = 4
BY_SGD = {"optimizer": "sgd", "peak_lr": 0.1, "weight_decay": 5e-4, "batch": 64}
#: What differs from the recipe of today, by name.
VARIANTS: Mapping[str, Mapping[str, Any]] = {
    "SGD, as usual for CIFAR": {**BY_SGD, "zero_residuals": False},
    "SGD, shortcuts begin as nothing": BY_SGD,
    "Muon, shortcuts begin as nothing": {},
}


def measure(
    working: Annotated[Path, typer.Option(help="Folder of checkpoints and of the teacher.")],
    data: Annotated[Path | None, typer.Option(help="Folder of the images.")] = None,
    passes: Annotated[float, typer.Option(help="Passes over the training images.")] = PASSES,
    threads: Annotated[int, typer.Option(help="Threads of torch.")] = 1,
) -> dict[str, Any]:
    """Trains the network in each way; accuracy on val, and the processor's time."""
    import torch

    from ...bench.datasets import get_dataset
    from ...cotrain.evaluate import logits_of
    from ...cotrain.recipe import load_recipe
    from ...cotrain.train_loop import TrainProgress
    from ...cotrain.train_network import train_network
    from ..building.teach import teach

    usual = load_recipe(RECIPE.trust["standalone"])
    dataset = get_dataset(usual.dataset)
    splits = dataset.load(data)
    working.mkdir(parents=True, exist_ok=True)
    answers = teach(working, splits, dataset, threads=threads, trained=RECIPE.teacher)
    torch.set_num_threads(threads)
    rows: dict[str, Any] = {}
    for name, changes in VARIANTS.items():
        recipe = dataclasses.replace(
            usual, images=round(passes * len(splits["train"])), precision="bf16", **changes
        )
        steps: list[TrainProgress] = []

        def told(p: TrainProgress, name: str = name, steps: list[TrainProgress] = steps) -> None:
            steps.append(p)
            print(f"{name}: step {p.step}/{p.n_steps}, {p.eta_s / 60:.0f} min left", flush=True)

        begun = time.process_time()
        folder = working / name.replace(",", "").replace(" ", "-").lower()
        network = train_network(
            ARCHITECTURE, recipe, splits, folder, None, 0,
            threads=threads, on_progress=told, answers=answers,
        )  # fmt: skip
        whole = bool(steps) and steps[0].step <= 1
        seconds = time.process_time() - begun
        val = splits["val"]
        right = logits_of(network, val, dataset).argmax(axis=1) == val.labels
        rows[name] = {
            "val": round(float(right.mean()), 4),
            "cpu_s": round(seconds) if whole else None,
            "batch": recipe.batch,
            "peak_lr": recipe.peak_lr,
            "weight_decay": recipe.weight_decay,
        }
    return {
        "architecture": ARCHITECTURE,
        "passes": passes,
        "precision": "bf16",
        "threads": threads,
        "torch": torch.__version__,
        "rows": rows,
    }


def optimizers_section(figures: dict[str, Any]) -> str:
    """The ways as a Markdown table."""
    lines = [
        "| trained by | val accuracy | batch | learning rate | weight decay | processor's time |",
        "|---|---|---|---|---|---|",
    ]
    for name, row in figures["rows"].items():
        took = "went on from a checkpoint" if row["cpu_s"] is None else f"{row['cpu_s']} s"
        lines.append(
            f"| {name} | {row['val']:.1%} | {row['batch']} | {row['peak_lr']:g} | "
            f"{row['weight_decay']:g} | {took} |"
        )
    lines += [
        "",
        f"`{figures['architecture']}` from random weights, {figures['passes']:g} passes with the "
        f"teacher in {figures['precision']}, seed 0, one run each; {figures['threads']} thread of "
        f"{versions(figures)}, torch {figures['torch']}.",
    ]
    return "\n".join(lines)


STEP = Step(measure, {"optimizers": optimizers_section})
