"""What the table holds, for its card: rows by training, bands, the held-out split, the supernet."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from ...bench import Benchmark
from ...bench.precision import PRECISIONS
from ...bench.rows import EXTERNAL, TRAININGS
from ...bench.table import Table
from .. import table_recipe
from ..building.design import sequence
from ..building.recipe import Design
from ..flagship import RECIPE
from ._page import OfTable, Step, on_device

#: What each training means, in the order of the card.
MEANINGS = {
    "inherited": "weights of the supernet, batch norms recalibrated",
    "finetuned": "inherited weights trained further, each network by itself",
    "standalone": "trained from random weights, each network by itself",
    EXTERNAL: "no network of the space: found by its name",
    "independent": "co-trained pair: both on the labels, the same images for the same time",
    "distilled": "co-trained pair: little also learns from big's answers",
    "joint": "co-trained pair: both learn from the sum of their losses",
    "gated": "co-trained pair: both learn what the gate between them makes of their answers",
}


def measure(bench: Benchmark, design: Design, device: str) -> dict[str, Any]:
    """Rows by training, coverage of latency and MACs, the held-out split and the supernet.

    Args:
        bench: the table to look at.
        design: networks that it was to have.
        device: device whose latencies are looked at.
    """
    table = bench.table
    rows = table.rows()
    latency = bench.costs(device).latency_ms[rows]
    macs = table.networks["macs"][rows]
    ids = {str(a) for a in table.networks["architecture"][rows]}
    designed = sequence(design, table.space, table.choices)
    edges = np.geomspace(latency.min(), latency.max() * (1 + 1e-9), len(design.quotas) + 1)
    bands = []
    for low, high in itertools.pairwise(edges):
        inside = (latency >= low) & (latency < high)
        own = macs[inside]
        bands.append(
            {
                "latency_ms": [float(low), float(high)],
                "networks": int(inside.sum()),
                "macs": [int(own.min()), int(own.max())] if len(own) else None,
            }
        )
    schedule = table.training.get("schedule", {})
    return {
        "rows": {t: _training(table, t) for t in MEANINGS if len(table.rows(t))},
        "size_mib": table.path.stat().st_size / 2**20,
        "device": device,
        "design": {"networks": len(designed), "evaluated": len(ids & set(designed))},
        "bands": bands,
        "held_out": {
            "architectures": int(table.held_out[rows].sum()),
            "of": len(rows),
        },
        "supernet": {
            "seconds": table.training.get("supernet_seconds"),
            "seed": schedule.get("seed"),
            "phases": [
                {"name": p["name"], "resolutions": p["resolutions"]}
                for p in schedule.get("phases", [])
            ],
        },
    }


def _training(table: Table, training: str) -> dict[str, Any]:
    rows = table.rows(training, exits=training != "inherited")  # whose exits are told elsewhere
    accuracy = table.predictions("test").correct[rows].mean(axis=1)
    pairs = {
        (str(table.networks["architecture"][r]), str(table.networks["partner"][r]))
        for r in rows
        if table.networks["role"][r] == "little"
    }
    return {
        "networks": len(rows),
        "exits": int((table.networks["exit"][rows] != "").sum()),
        "pairs": len(pairs),
        "seeds": len({int(s) for s in table.networks["seed"][rows]}),
        "images": [int(v) for v in sorted({int(i) for i in table.networks["images"][rows]})],
        "test_accuracy": [float(accuracy.min()), float(np.median(accuracy)), float(accuracy.max())],
    }


def coverage_section(c: dict[str, Any]) -> str:
    """What the table holds as Markdown."""
    design, held = c["design"], c["held_out"]
    lines = [
        "| training | rows | images each | test accuracy (%), lowest, median, highest | meaning |",
        "|---|---|---|---|---|",
    ]
    for training, meaning in MEANINGS.items():
        facts = c["rows"].get(training)
        if facts is None and training == EXTERNAL:
            continue  # a table need not have any
        if facts is None:
            lines.append(f"| `{training}` | none yet | | | {meaning} |")
            continue
        seeds = "1 seed" if facts["seeds"] == 1 else f"up to {facts['seeds']} seeds"
        count = (
            f"{facts['pairs']} pairs, {facts['networks']}"
            if facts["pairs"]
            else (f"{facts['networks']}")
        )
        if facts.get("exits"):
            count += f", {facts['exits']} of them cut at exits"
        images = ", ".join(f"{i:,}" for i in facts["images"] if i) or "none of its own"
        accuracy = ", ".join(f"{100 * a:.1f}" for a in facts["test_accuracy"])
        lines.append(f"| `{training}` | {count} ({seeds}) | {images} | {accuracy} | {meaning} |")
    lines += [
        "",
        f"{design['evaluated']} of the design's {design['networks']} networks are evaluated. "
        f"{held['architectures']} of {held['of']} inherited architectures are held out: surrogates "
        f"must not be fitted on them. The file takes {c['size_mib']:.1f} MiB.",
        "",
        f"| latency, ms ({on_device(c)}) | inherited networks | MACs (millions) |",
        "|---|---|---|",
    ]
    for band in c["bands"]:
        low, high = band["latency_ms"]
        macs = "" if band["macs"] is None else " to ".join(f"{m / 1e6:.0f}" for m in band["macs"])
        lines.append(f"| {low:.1f} to {high:.1f} | {band['networks']} | {macs} |")
    return "\n".join(lines)


def supernet_section(c: dict[str, Any]) -> str:
    """How long and on what the supernet was trained, as Markdown."""
    s = c["supernet"]
    if not s["phases"]:
        return "The table does not say how its supernet was trained."
    epochs = sum(len(p["resolutions"]) for p in s["phases"])
    full = max(max(p["resolutions"]) for p in s["phases"])
    at_full = sum(r == full for p in s["phases"] for r in p["resolutions"])
    phases = "; ".join(
        f"`{p['name']}`, {len(p['resolutions'])} epochs at {_runs(p['resolutions'])} pixels"
        for p in s["phases"]
    )
    took = "" if s["seconds"] is None else f" in {s['seconds'] / 3600:.1f} hours"
    return (
        f"All inherited networks share the weights of *one* supernet, trained once (seed "
        f"{s['seed']}) for {epochs} epochs{took}, of which {at_full} saw images of the full {full} "
        f"pixels. Phases: {phases}."
    )


def _runs(values: list[int]) -> str:
    return ", ".join(str(v) for v in dict.fromkeys(values))


def measure_table(table: OfTable = RECIPE.name) -> dict[str, Any]:
    """The same of a table that ships."""
    design = table_recipe(table).design
    return {"table_name": table, **measure(Benchmark.load(table), design, design.device)}


STEP = Step(
    measure_table,
    {"coverage": coverage_section, "supernet": supernet_section},
    of_table=True,
    rows=(*PRECISIONS, *TRAININGS),
)
