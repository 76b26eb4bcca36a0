"""Bits that ``darts`` derives with a pair against the same bits everywhere, on the same pair.

For each seed operators and bits are derived together from the shipped supernet. The pair is then
run with the bits of its stages, and with 4, 6 and 8 bits everywhere, simulated on all of val. What
is compared is the accuracy within equal mean BitOps; thresholds and accuracies are of val, which
the search did not see.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from ...bench import Benchmark, load_device
from ...bench.mixed_network import MixedNetwork
from ..flagship import RECIPE
from ._page import Step, versions

DEVICE = "raspberry-pi-4"
UNIFORM = ("w4a4", "w6a6", "w8a8")
STEPS, RESOLUTION, LATENCY_MS, GBITOPS = 60, 24, 12.0, 1.0


def measure(
    seeds: Annotated[int, typer.Option(min=1, help="Searches.")] = 3,
    data: Annotated[Path | None, typer.Option(help="Folder of the images.")] = None,
) -> dict[str, Any]:
    """Derives a pair with its bits under each seed, and runs it with those and with the same."""
    from dataclasses import replace

    from ...searchers.bits_lab import Lab
    from ...searchers.bits_pair import pair_report
    from ...searchers.darts import search
    from ...searchers.darts_settings import WARM

    bench = Benchmark.load(RECIPE.name)
    table, profile = bench.table, load_device(DEVICE)
    lab = Lab.of(bench, "inherited", data, len(table.val_index))
    settings = replace(
        WARM,
        choices=table.choices,
        steps=STEPS,
        resolution=RESOLUTION,
        latency_ms=LATENCY_MS,
        bits=True,
        gbitops=GBITOPS,
    )
    rows = []
    for seed in range(seeds):
        derived = search(
            lab.net, lab.splits["train"], lab.dataset, profile, replace(settings, seed=seed)
        )
        mixed = derived.mixed(table.space.name)
        assert mixed is not None
        own = pair_report(lab, *mixed)
        same = [
            pair_report(lab, *(MixedNetwork.of(n.network, bits, table.space.name) for n in mixed))
            for bits in UNIFORM
        ]
        rows.append({"seed": seed, **compared(own, same)})
    return {
        "device": DEVICE,
        "steps": STEPS,
        "resolution": RESOLUTION,
        "latency_ms": LATENCY_MS,
        "gbitops": GBITOPS,
        "images": len(lab.images),
        "searches": rows,
    }


def compared(own: Mapping[str, Any], same: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The most accurate point of derived bits, and the best of the same bits within its BitOps.

    Args:
        own: report of the pair with the bits that were derived, as of ``pair_report``.
        same: reports of the same pair with the same bits everywhere.
    """
    best = max(own["points"], key=lambda point: float(point["accuracy"]))
    within = [
        (float(point["accuracy"]), float(point["bitops"]), report["little"].partition(":")[2])
        for report in same
        for point in report["points"]
        if point["bitops"] <= best["bitops"]
    ]
    accuracy, bitops, bits = max(within) if within else (None, None, "")
    return {
        "little": own["little"],
        "big": own["big"],
        "accuracy": best["accuracy"],
        "bitops": best["bitops"],
        "escalation_rate": best["escalation_rate"],
        "same_bits": bits,
        "same_accuracy": accuracy,
        "same_bitops": bitops,
    }


def darts_bits_text(figures: dict[str, Any]) -> str:
    """The comparison as Markdown."""
    lines = [
        "| seed | derived bits: accuracy, GBitOps, escalated | the same bits everywhere, within as "
        "many | gain, points |",
        "|---|---|---|---|",
    ]
    gains = []
    for row in figures["searches"]:
        same, gain = "none", ""
        if row["same_accuracy"] is not None:
            gains.append(100 * (row["accuracy"] - row["same_accuracy"]))
            same = (
                f"`{row['same_bits']}`: {100 * row['same_accuracy']:.2f} %, "
                f"{row['same_bitops'] / 1e9:.2f}"
            )
            gain = f"{gains[-1]:+.2f}"
        lines.append(
            f"| {row['seed']} | {100 * row['accuracy']:.2f} %, {row['bitops'] / 1e9:.2f}, "
            f"{100 * row['escalation_rate']:.1f} % | {same} | {gain} |"
        )
    ahead = f"{sum(gain > 0 for gain in gains)} of {len(gains)}"
    verdict = f" Derived bits are ahead in {ahead}." if gains else ""
    return "\n".join(
        [
            *lines,
            "",
            f"`darts --bits` on the shipped supernet, {figures['steps']} steps at "
            f"{figures['resolution']} pixels, aimed at {figures['gbitops']:g} billion BitOps and "
            f"{figures['latency_ms']:g} ms on `{figures['device']}` (fp32); accuracy simulated on "
            f"{figures['images']:,} images of val, which also chose the thresholds.{verdict} "
            f"{versions(figures)}. Step `darts_bits`.",
        ]
    )


STEP = Step(measure, {"darts_bits": darts_bits_text}, of_table=True)
