"""What the supernet in training is worth so far: networks with its weights, beside those that ship.

``python -m biglittle.data_tables.evidence milestone`` looks at networks of the table, whole ones
spread over MACs, the best of them, and some that are cut at exits, on all images of val.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ...bench import Benchmark
from ...bench.datasets import get_dataset
from ...cotrain.evaluate import logits_of
from ...cotrain.recalibrate import calibrated
from ...cotrain.weights import kept_facts, load_weights, take_exit_heads
from ..building.recipe import EXITS_NAME, WEIGHTS_NAME
from ..flagship import RECIPE
from ._page import ROOT, Step, versions

MILESTONES = ROOT / "milestones"
#: Places in the order of MACs, of 0 to 1, at which networks are taken: whole ones, and exits.
WHOLE, CUT = (0.0, 0.05, 0.15, 0.3, 0.45, 0.6, 0.75, 0.9, 1.0), (0.1, 0.35, 0.6, 0.9)


def rows_of(bench: Benchmark) -> list[int]:
    """Rows of the networks that are compared, each once."""
    table, accuracy = bench.table, bench.accuracy("val")
    inherited = table.networks["training"] == "inherited"
    rows = []
    for places, at_exit in ((WHOLE, False), (CUT, True)):
        some = np.flatnonzero(inherited & ((table.exits > 0) == at_exit))
        order = some[np.argsort(table.networks["macs"][some], kind="stable")]
        rows += [int(order[round(place * (len(order) - 1))]) for place in places]
        if not at_exit:
            rows.append(int(some[np.argmax(accuracy[some])]))
    return list(dict.fromkeys(rows))


def measure(folder: Path = MILESTONES) -> dict[str, Any]:
    """Answers the val images with the networks of both; some two minutes on one core.

    Args:
        folder: folder of the weights in training.
    """
    bench = Benchmark.load(RECIPE.table)
    table, stored = bench.table, bench.accuracy("val")
    dataset = get_dataset(table.dataset)
    splits = dataset.load()
    net = load_weights(folder / WEIGHTS_NAME)
    take_exit_heads(net, folder / EXITS_NAME)
    networks = []
    for row in rows_of(bench):
        name = str(table.names[row])
        network = calibrated(net.inherit(name), splits["train"], dataset)
        right = logits_of(network, splits["val"], dataset).argmax(axis=1) == splits["val"].labels
        networks.append(
            {
                "network": name,
                "macs": int(table.networks["macs"][row]),
                "shipped": float(stored[row]),
                "now": float(right.mean()),
            }
        )
    return {
        "epochs": kept_facts(folder / WEIGHTS_NAME).epochs,
        "n_val": len(splits["val"]),
        "networks": networks,
    }


def section(figures: dict[str, Any]) -> str:
    """The networks as a Markdown table, and the mean gain of the cheap and the expensive ones."""
    lines = ["| network | M MACs | ships | in training | gain |", "|---|---|---|---|---|"]
    rows = figures["networks"]
    for row in rows:
        gain = 100 * (row["now"] - row["shipped"])
        lines.append(
            f"| `{row['network']}` | {row['macs'] / 1e6:.1f} | {100 * row['shipped']:.2f} % "
            f"| {100 * row['now']:.2f} % | {gain:+.2f} |"
        )
    cheap = [row["now"] - row["shipped"] for row in rows if row["macs"] < 12e6]
    large = [row["now"] - row["shipped"] for row in rows if row["macs"] >= 12e6]
    lines += [
        "",
        f"After {figures['epochs']} epochs. Accuracy on the {figures['n_val']:,} val images. Below "
        f"12 M MACs {100 * float(np.mean(cheap)):+.2f} points on average, above "
        f"{100 * float(np.mean(large)):+.2f}. {versions(figures)}.",
    ]
    return "\n".join(lines)


STEP = Step(measure, {"milestone": section})
