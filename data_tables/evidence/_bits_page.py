"""What the page says of bits per stage, from the figures of the step ``mixed_precision``."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...bench.bits import BITS
from ...searchers.bit_sensitivity import Sensitivity, uniform
from ._page import versions


def _points(fraction: float) -> str:
    return f"{100 * fraction:.2f}"


def agreement_section(f: dict[str, Any]) -> str:
    """How near the simulation is to ONNX Runtime, as Markdown."""
    every = [row["agreement"] for row in f["networks"]]
    mean = {key: float(np.mean([one[key] for one in every])) for key in every[0]}
    worst = min(one["bits_same_class"] for one in every)
    return (
        "With 8 bits everywhere the simulation gives the same class as the int8 network in ONNX "
        f"Runtime for {_points(mean['bits_same_class'])} % of {f['images']:,} val images (the "
        f"worst of {len(every)} networks: {_points(worst)} %), where fp32 does for "
        f"{_points(mean['fp32_same_class'])} %. A class probability differs by "
        f"{mean['bits_difference']:.5f} on average, that of fp32 by {mean['fp32_difference']:.5f}. "
        "What differs are values on the edge between two levels, as between two ways of ONNX "
        "Runtime to compute one graph."
    )


def _stage_rows(every: list[Sensitivity]) -> list[str]:
    """A line for each stage: its share of MACs, points lost, divergences."""
    losses = np.array([one.losses for one in every])
    apart = np.array([one.divergences for one in every])
    idle = np.array([one.costs.idle for one in every])
    macs = np.array([one.costs.macs for one in every], np.float64)
    macs /= macs.sum(axis=1, keepdims=True)
    lines, n = [], losses.shape[1]
    for k in range(n):
        own = ~idle[:, k]
        name = "head" if k == n - 1 else str(k + 1)
        if not own.any():
            lines.append(f"| {name} | 0 | - | - | - | - | - | - |")
            continue
        cells = []
        for b, side in ((0, 0), (0, 1), (1, 0), (1, 1)):
            lost = 100 * losses[own, k, side, b]
            cells.append(f"{lost.mean():+.2f} ({lost.max():+.1f})")
        cells += [f"{1000 * apart[own, k, side, 0].mean():.0f}" for side in range(2)]
        lines.append(f"| {name} | {100 * macs[own, k].mean():.0f} | {' | '.join(cells)} |")
    return lines


def sensitivity_section(f: dict[str, Any]) -> str:
    """What each stage loses alone, as Markdown."""
    every = [Sensitivity.from_dict(row["sensitivity"]) for row in f["networks"]]
    lines = [
        f"{len(every)} networks, {f['images']:,} val images, {f['calibration_images']} calibration "
        "images. One stage alone has fewer bits, all others 8. Points of accuracy lost, mean over "
        "the networks that compute anything there, the most in brackets; divergence of the answers "
        "from those at 8 bits, in thousandths of a nat. Some images more or less are chance: "
        f"one in {f['images']:,} is {100 / f['images']:.1f} points.",
        "",
        "| stage | share of their MACs, % | 4 bits, weights | 4 bits, read | 6 bits, weights "
        "| 6 bits, read | divergence, 4 bits, weights | 4 bits, read |",
        "|---|---|---|---|---|---|---|---|",
        *_stage_rows(every),
        "",
        f"All stages alike, accuracy on {f['images']:,} other val images:",
        "",
        "| network | M MACs | fp32 | 8 bits | 6 bits | 4 bits |",
        "|---|---|---|---|---|---|",
    ]
    for row in f["networks"]:
        plain = _points(row["agreement"]["fp32_accuracy"])
        cells = " | ".join(_points(one["accuracy"]) for one in row["rows"][: len(BITS)])
        lines.append(f"| `{row['network']}` | {row['macs'] / 1e6:.0f} | {plain} | {cells} |")
    lines += ["", f"Weights `{f['weights_sha256'][:12]}`. {versions(f)}."]
    return "\n".join(lines)


def _far_end(rows: list[dict[str, Any]]) -> str:
    """What is predicted and measured with the fewest bits everywhere, means over networks."""
    every = [Sensitivity.from_dict(row["sensitivity"]) for row in rows]
    least = [uniform(one.n_entries, BITS[0]) for one in every]
    expected = [
        one.accuracy - one.predicted_accuracy(bits).item()
        for one, bits in zip(every, least, strict=True)
    ]
    lost = [row["rows"][0]["accuracy"] - row["rows"][len(BITS) - 1]["accuracy"] for row in rows]
    return (
        f"with {BITS[0]} bits everywhere, they say {_points(float(np.mean(expected)))} points on "
        f"average, and {_points(float(np.mean(lost)))} are lost."
    )


def additive_section(f: dict[str, Any]) -> str:
    """Whether losses add up, as Markdown."""
    a = f["additive"]

    def rank(word: str) -> str:
        return f"{a[word]['spearman']:.2f} ({a[word]['low']:.2f} to {a[word]['high']:.2f})"

    def error(word: str) -> str:
        low, high = _points(a[word]["low"]), _points(a[word]["high"])
        return f"{_points(a[word]['mean'])} ({low} to {high})"

    return (
        f"{a['n']} random assignments of bits, {f['mixed']} for each network, measured on "
        f"{f['images']:,} val images that no sensitivity has seen. Losses added up are off by "
        f"**{error('error')}** points on average, the loss that is predicted less "
        f"that measured {error('bias')}. Rank correlation with the measured loss, within a "
        f"network: **{rank('losses')}** of losses added up, **{rank('divergences')}** of "
        "divergences added up; intervals of 90 % by resampling assignments. At the far end, "
        f"{_far_end(f['networks'])}"
    )


def trial_section(f: dict[str, Any]) -> str:
    """What a short training gives back, as Markdown."""
    lines = [
        f"{f['steps']} steps of {f['batch']} training images, weights and what is read at "
        f"{BITS[0]} bits in all stages; accuracy on {f['images']:,} val images, one seed:",
        "",
        "| network | bits | untrained | trained with its bits | trained as long in fp32, then "
        "rounded | that in fp32 |",
        "|---|---|---|---|---|---|",
    ]
    for row in f["trials"]:
        cells = [row["before"], row["with_bits"], row["without"], row["fp32_after"]]
        lines.append(f"| `{row['network']}` | {row['bits']} | {' | '.join(map(_points, cells))} |")
    return "\n".join(lines)
