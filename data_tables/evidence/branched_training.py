"""Whether what two branches compute more is worth accuracy: a base and three that were found.

MobileNetV2 and, for each link of the step ``branched``, the network of two branches that takes no
longer there, each trained from random weights on the same CIFAR-10 images in the same order. The
budget is small by default, so that it can be run at all on one core; what it says is only what is
learned in so few steps. Accuracies are those on validation images.
"""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from ...bench.datasets import get_dataset
from ...bench.errors import BigLittleError
from ...bench.spaces import get_space
from ...cotrain.evaluate import logits_of
from ...cotrain.recipe import SCRATCH, Recipe, load_recipe
from ...cotrain.train_network import train_network
from ._page import Step, load, versions
from ._sessions import busy, busy_text

BASE, SPACE = "mobilenet-v2", "branched"
N_TRAIN = 45_000  # images of an epoch


def recipe_of(images: int, batch: int) -> Recipe:
    """The recipe for networks without weights, for these networks and so many images."""
    usual = load_recipe(SCRATCH)
    return dataclasses.replace(
        usual, space=SPACE, images=images, batch=batch, resolutions=((32, 1.0),), ema_decay=None
    )


def found_networks(figures: dict[str, Any] | None) -> list[str]:
    """The base, and what was found for it over each link, each once.

    Raises:
        BigLittleError: the step ``branched`` was not run.
    """
    if figures is None:
        raise BigLittleError("step 'branched' was not run yet; run it first.")
    rows = (row for link in figures["links"] for row in link["bases"])
    same = [row["branched"]["network"] for row in rows if row["base"]["network"] == BASE]
    return list(dict.fromkeys([BASE, *same]))


def measure(
    images: int = 1920, batch: int = 64, val: int = 2000, seeds: int = 1, threads: int = 1
) -> dict[str, Any]:
    """Trains the base and three networks on the same images; minutes with the small budget.

    Args:
        images: training images that each network sees.
        batch: number of images in a step.
        val: validation images that each answers.
        seeds: trainings of each network, with a seed each.
        threads: number of threads that PyTorch uses.
    """
    space, began = get_space(SPACE), busy()
    dataset, recipe = get_dataset("cifar10"), recipe_of(images, batch)
    splits = dataset.load(None)
    judged = splits["val"].subset(np.arange(val))
    rows = []
    for name in found_networks(load("branched")):
        architecture, accuracies, start = space.format(space.parse(name))[0], [], time.monotonic()
        for seed in range(seeds):
            with TemporaryDirectory() as folder:
                network = train_network(
                    architecture, recipe, splits, Path(folder), None, seed, threads=threads
                )
            right = logits_of(network, judged, dataset).argmax(axis=1) == judged.labels
            accuracies.append(round(float(right.mean()), 4))
        rows.append(
            {
                "network": name,
                "macs": int(space.macs(name, dataset.n_classes)[0]),
                "accuracies": accuracies,
                "seconds": round(time.monotonic() - start, 1),
            }
        )
    return {
        **began,
        "images": recipe.n_steps * batch,
        "steps": recipe.n_steps,
        "val": val,
        "seeds": seeds,
        "networks": rows,
    }


def page(figures: dict[str, Any]) -> str:
    """The figures as Markdown."""
    lines = ["| network | M MACs | accuracy on val | s |", "|---|---|---|---|"]
    for row in figures["networks"]:
        mean = float(np.mean(row["accuracies"]))
        each = ", ".join(f"{100 * a:.1f}" for a in row["accuracies"])
        shown = f"{100 * mean:.1f} %" + (f" ({each})" if len(row["accuracies"]) > 1 else "")
        lines.append(
            f"| `{row['network']}` | {row['macs'] / 1e6:.0f} | {shown} | {row['seconds']:.0f} |"
        )
    spread = 100 * float(np.sqrt(0.25 / figures["val"]))
    lines += [
        "",
        f"After {figures['images']:,} training images ({figures['steps']} steps) each, from random "
        f"weights, {figures['seeds']} seed{'s' * (figures['seeds'] > 1)}, on {figures['val']:,} "
        f"validation images (standard error up to {spread:.1f} points from these alone). "
        f"{figures['images'] / N_TRAIN:.0%} of an epoch says how networks begin to learn, and not "
        "how accurate they become: whether accuracy follows is open, and the same step says it "
        "with `--images` of some epochs and `--seeds 3`. "
        f"{versions(figures)}.{busy_text(figures)} "
        "`python -m biglittle.data_tables.evidence branched_training`.",
    ]
    return "\n".join(lines)


STEP = Step(measure, {"branched_training": page})
