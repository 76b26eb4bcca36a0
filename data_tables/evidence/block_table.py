"""What a table of blocks is worth on this machine: its sums against whole networks.

``biglittle profile --blocks`` as a user runs it, with the 40 anchors and some networks that are cut
at exits measured in the same session. The sums stand beside what a model of operators predicts that
is fitted to the anchors, on the same whole networks, to which neither was fitted.

Source: Yu et al. 2022, "GPUNet: Searching the Deployable Convolution Neural Networks for GPUs"
(table 1, whose figures the page repeats).
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...bench.agreement import spearman
from ...bench.device import parse_profile
from ...bench.device_profile import DeviceProfile
from ...bench.spaces import get_space, parse_networks
from ...edge_profiler.alternation import PASSES
from ...edge_profiler.anchors import anchor_networks
from ...edge_profiler.block_profile import profile_blocks
from ...edge_profiler.block_table import whole_networks
from ._page import Step, versions
from ._sessions import busy, busy_text

SPACE, N_CLASSES, N_ANCHORS = "fbnet", 10, 40
#: (latency in ms, ImageNet top-1) of GPUNet on a V100, TensorRT fp16, batch 1, as published.
PUBLISHED = ((0.63, 0.789), (0.82, 0.805), (1.68, 0.822))


def measure(passes: int = PASSES) -> dict[str, Any]:
    """Profiles the blocks of fbnet here, with anchors and exits; some minutes.

    Args:
        passes: passes over all blocks and networks.
    """
    space, began = get_space(SPACE), busy()
    fitted, held_out = whole_networks(space)
    cuts = [f"{a}@{cut.name}" for a, cut in zip(held_out, space.exits, strict=False)]
    anchors = anchor_networks(space, N_ANCHORS, N_CLASSES)
    # What a user would measure is timed by itself.
    own_networks, taken, last = {*fitted, *held_out}, 0.0, time.monotonic()

    def progress(done: int, total: int, entry: Mapping[str, Any]) -> None:
        nonlocal taken, last
        now = time.monotonic()
        if "block" in entry or entry["architecture"] in own_networks:
            taken += now - last
        last = now

    profile = profile_blocks(
        space, N_CLASSES, passes=passes, networks=[*anchors, *cuts], on_progress=progress
    )
    table = parse_profile(profile, "the table of blocks")
    entries = {n["architecture"]: n for n in profile["networks"]}
    whole = [a for a in held_out if entries[a]["latency_ms"] is not None]
    there = [a for a in anchors if entries[a]["latency_ms"] is not None]
    few = DeviceProfile(
        *("anchors", "", space.name, space.hash, N_CLASSES, profile["runtime"], "anchors"),
        measured_ms={a: entries[a]["latency_ms"] for a in there},
    )
    halves = {"drawn_evenly": whole[0::2], "favouring_choices": whole[1::2]}
    spread = [np.ptp([p["ratio"] for p in e["passes"]]) / e["ratio"] for e in entries.values()]
    return {
        **began,
        "load_average_end": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        "runtime": profile["runtime"],
        "passes": passes,
        "runs": profile["blocks"][0].get("n"),
        "blocks": len(profile["blocks"]),
        "failed_blocks": sum(b["latency_ms"] is None for b in profile["blocks"]),
        "seconds": round(taken, 1),
        "anchors": len(there),
        "pass_range_median": round(float(np.median(spread)), 4),
        "fit": profile["fit"],
        "sums": _errors(table, whole, entries),
        "anchor_model": _errors(few, whole, entries),
        "sums_by_half": {k: _errors(table, ids, entries) for k, ids in halves.items()},
        "anchor_model_by_half": {k: _errors(few, ids, entries) for k, ids in halves.items()},
        "sums_of_exits": _errors(table, cuts, entries),
        "anchor_model_of_exits": _errors(few, cuts, entries),
    }


def _errors(
    profile: DeviceProfile, names: list[str], entries: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """How far a profile's figures of networks are from what they took."""
    rows = [name for name in names if entries[name]["latency_ms"] is not None]
    genomes, exits = parse_networks(get_space(profile.space), rows)
    got = profile.latency.latency_ms(genomes, exits)
    truth: NDArray[np.float64] = np.array([entries[name]["latency_ms"] for name in rows])
    off, rank = got / truth - 1, spearman(got, truth)
    return {
        "networks": len(rows),
        "latency_ms_min": round(float(truth.min()), 4),
        "latency_ms_max": round(float(truth.max()), 4),
        "median_error": round(float(np.median(np.abs(off))), 5),
        "mean_bias": round(float(off.mean()), 5),
        "max_error": round(float(np.abs(off).max()), 5),
        "spearman": None if math.isnan(rank) else round(rank, 4),
    }


def _row(name: str, errors: Mapping[str, Any]) -> str:
    cells = [
        name,
        str(errors["networks"]),
        f"{100 * errors['median_error']:.1f} %",
        f"{100 * errors['mean_bias']:+.1f} %",
        f"{100 * errors['max_error']:.1f} %",
        "-" if errors["spearman"] is None else f"{errors['spearman']:.3f}",
    ]
    return f"| {' | '.join(cells)} |"


def page(figures: dict[str, Any]) -> str:
    """The figures as Markdown."""
    fit, sums, few = figures["fit"], figures["sums"], figures["anchor_model"]
    anchors = f"{figures['anchors']} anchors"
    plain = {**sums, **fit["held_out_uncorrected"]}
    by_half = [
        _row(f"{name}, {half.replace('_', ' ')}", figures[key][half])
        for half in ("drawn_evenly", "favouring_choices")
        for name, key in (("corrected sums", "sums_by_half"), (anchors, "anchor_model_by_half"))
    ]
    published = ", ".join(f"{ms:.2f} ms for {100 * top:.1f} %" for ms, top in PUBLISHED)
    lines = [
        "| latency of whole networks by | networks | median error | mean bias | largest error "
        "| Spearman |",
        "|---|---|---|---|---|---|",
        _row("sums of blocks, uncorrected", plain),
        _row("sums of blocks, corrected (block-sum)", sums),
        _row(f"a model of operators fitted to {anchors} (predicted)", few),
        *by_half,
        _row("corrected sums, networks cut at exits", figures["sums_of_exits"]),
        _row(f"{anchors}, networks cut at exits", figures["anchor_model_of_exits"]),
        "",
        f"{figures['blocks']} blocks ({figures['failed_blocks']} could not run) and "
        f"{fit['fitted_to'] + sums['networks']} whole networks took {figures['seconds'] / 60:.1f} "
        f"minutes, {figures['passes']} passes over all of them, {figures['runs']} runs of each "
        "block. A network in a table counts "
        f"{fit['factor']:.3f} times its blocks, {1000 * fit['constant_ms']:.1f} us, and "
        f"{1000 * fit['per_million_weights_ms']:.0f} us a million weights; "
        f"{1000 * fit['overhead_ms']:.1f} us, the runtime's call on a null network, are taken off "
        "every block. The networks judged by take "
        f"{sums['latency_ms_min']:.2f} to {sums['latency_ms_max']:.2f} ms, and what one pass says "
        f"of a network differs from another by {100 * figures['pass_range_median']:.1f} % (largest "
        "minus smallest of the passes, median over the networks).",
        "",
        "Published of GPUNet, which was searched on such tables (V100, TensorRT fp16, batch 1, "
        f"ImageNet, top-1): {published}. No GPU was here, and ours are of another data set: these "
        "do not compare.",
        "",
        f"{figures['runtime']}, fp32, 1 thread, random weights, {versions(figures)}."
        f"{busy_text(figures)} `python -m biglittle.data_tables.evidence block_table`.",
    ]
    return "\n".join(lines)


STEP = Step(measure, {"block_table": page})
