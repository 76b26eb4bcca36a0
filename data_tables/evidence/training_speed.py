"""How fast a step of the supernet's training is on this machine, in each way to compute it.

``python -m biglittle.data_tables.evidence training_speed`` trains a large and a small path, as a
step of the shipped schedule does, on noise. Each way has processes of its own; all take turns, so
that what else the machine does hits them alike, and the ratios are to the same round.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ._page import Step, versions
from ._sessions import busy, busy_text
from ._training_rate import Way, rate_of

#: By name; the first is how the supernet that ships was begun.
WAYS = {
    "2 threads, as the training began": Way(threads=2, kept_memory=False),
    "1 thread, as the training began": Way(kept_memory=False),
    "2 threads, freed memory kept": Way(threads=2),
    "2 threads, kept, bf16": Way(threads=2, precision="bf16"),
    "2 threads, kept, without channels last": Way(threads=2, channels_last=False),
    "2 threads, kept, batch of 32": Way(batch=32, threads=2),
    "1 thread, freed memory kept": Way(),
    "1 thread, kept, bf16": Way(precision="bf16"),
    "1 thread, kept, bf16 throughout": Way(precision="bf16", throughout=True),
    "2 processes of 1 thread, gradients averaged": Way(processes=2),
    "2 processes of 1 thread, averaged, bf16": Way(processes=2, precision="bf16"),
}


def measure(rounds: int = 3, seconds: float = 10.0) -> dict[str, Any]:
    """Measures every way in turn; some six minutes where nothing else runs.

    Args:
        rounds: how often each way is measured.
        seconds: how long each is timed.
    """
    import torch

    return {"torch": str(torch.__version__), **busy(), **measured(rounds, seconds)}


def measured(
    rounds: int, seconds: float, rated: Callable[[Way, float], float] = rate_of
) -> dict[str, Any]:
    """Rates of all ways, and their ratios to the first one of the same round.

    Args:
        rounds: how often each way is measured.
        seconds: how long each is timed.
        rated: images per second of a way; another one for tests.
    """
    rates = [{name: rated(way, seconds) for name, way in WAYS.items()} for _ in range(rounds)]
    first = next(iter(WAYS))
    ways = {}
    for name in WAYS:
        ratios = [each[name] / each[first] for each in rates]
        ways[name] = {
            "images_per_s": float(np.median([each[name] for each in rates])),
            "ratio": float(np.median(ratios)),
            "least": min(ratios),
            "most": max(ratios),
        }
    return {"rounds": rounds, "seconds": seconds, "ways": ways}


def section(figures: dict[str, Any]) -> str:
    """The ways as a Markdown table, and which is fastest."""
    lines = ["| way | images per second | ratio | least and most |", "|---|---|---|---|"]
    ways = figures["ways"]
    for name, row in ways.items():
        lines.append(
            f"| {name} | {row['images_per_s']:.0f} | {row['ratio']:.2f} "
            f"| {row['least']:.2f} to {row['most']:.2f} |"
        )
    best = max(ways, key=lambda name: ways[name]["ratio"])
    lines += [
        "",
        f"Fastest: {best}, {ways[best]['ratio']:.2f} times as many images as at the beginning. "
        f"Medians of {figures['rounds']} rounds of {figures['seconds']:.0f} s, the ways in turn; a "
        "ratio is to the first row in the same round. An image counts once for both of its paths. "
        "A training itself is one process: that several average is measured here alone. "
        f"torch {figures['torch']}, {versions(figures)}.{busy_text(figures)}",
    ]
    return "\n".join(lines)


STEP = Step(measure, {"training_speed": section})
