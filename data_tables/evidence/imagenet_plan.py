"""What a table of ImageNet would take, worked out from rates that were measured with another table.

Nothing is run: core hours, storage and network are those of the flagship's build, scaled by images,
pixels and MACs. So everything here is modelled.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...bench import Benchmark
from ...bench.spaces import get_space
from ..flagship import RECIPE
from ._page import Step, versions

TRAIN, VAL, TEST = 1_231_167, 50_000, 50_000  # val is drawn from the training images
RECALIBRATED = 1280  # images on which a network's batch norms are estimated again
EPOCHS = 30
SECONDS_PER_HOUR = 3600


def measure(
    networks: int = 1000, size: int = 64, classes: int = 1000, epochs: int = EPOCHS
) -> dict[str, Any]:
    """Core hours, storage and network of a table of that many networks at that size."""
    table, base = Benchmark.load(RECIPE.name).table, get_space("fbnet")
    ids = [str(a) for a in table.networks["architecture"][table.rows()]]
    macs = float(get_space(f"fbnet-{size}").macs(ids, classes).mean())
    rate, pixels = RECIPE.design.evaluation, (size / base.input_size) ** 2
    n_images = VAL + TEST + RECALIBRATED
    each_s = n_images * (rate.seconds_per_image * pixels + rate.seconds_per_mac * macs)
    sides = [side for p in table.training["schedule"]["phases"] for side in p["resolutions"]]
    seen = table.training["n_train"] * float(((np.array(sides) / base.input_size) ** 2).sum())
    per_s = seen / table.training["supernet_seconds"]  # images of 32 rows
    n_answers = len(table) * sum(table.n_images.values())
    answer_bytes = table.path.stat().st_size / n_answers
    image_bytes = 3 * size * size
    return {
        "networks": networks,
        "size": size,
        "classes": classes,
        "epochs": epochs,
        "mean_macs": macs,
        "evaluation_core_h": networks * each_s / SECONDS_PER_HOUR,
        "network_core_min": each_s / 60,
        "training_images_per_s": per_s,
        "training_h": epochs * TRAIN * pixels / per_s / SECONDS_PER_HOUR,
        "images_gb": (TRAIN + VAL + TEST) * image_bytes / 1e9,
        "answer_bytes": answer_bytes,
        "table_mb": networks * (VAL + TEST) * answer_bytes / 1e6,
        "weights_mb": RECIPE.weights.stat().st_size / 1e6,
    }


def plan_text(f: dict[str, Any]) -> str:
    """The plan as Markdown."""
    cores = 64
    evaluation = f["evaluation_core_h"] / cores
    return f"""\
For {f["networks"]:,} networks on ImageNet at {f["size"]}x{f["size"]} ({VAL:,} images of val, \
{TEST:,} of test; {f["mean_macs"] / 1e6:.0f} million MACs on average), modelled from the rates of \
the shipped table's build on its CPU:

| what | takes |
|---|---|
| evaluating the networks | {f["evaluation_core_h"]:,.0f} core hours ({f["network_core_min"]:.0f} \
minutes a network), {evaluation:.1f} hours on a cluster of {cores} such cores |
| training the supernet for {f["epochs"]} epochs | {f["training_h"]:,.0f} hours of that machine \
({f["training_images_per_s"]:.0f} images of 32x32 a second), which is a matter for a GPU |
| images, on every node | {f["images_gb"]:.1f} GB as pixels |
| the table | {f["table_mb"]:.0f} MB ({f["answer_bytes"]:.1f} bytes an answer with confidences) |
| sent to a node, once | the images and some {f["weights_mb"]:.0f} MB of weights |
| sent back in all | about the size of the table |

Classes add bytes to an answer, and other CPUs and GPUs have other rates; {versions(f)}, \
`python -m biglittle.data_tables.evidence imagenet_plan`."""


STEP = Step(measure, {"imagenet_plan": plan_text})
