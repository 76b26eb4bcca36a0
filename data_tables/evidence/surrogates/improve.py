"""Active learning on the shipped table, and its surrogates on the searched split by round."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ....bench import Benchmark, Candidates, load_device
from ....bench.gates import get_metric
from ....surrogates import (
    Surrogate,
)
from ...building.searched_points import agreement
from .._page import Step, load
from ._common import DEVICE, TABLE, Working, say

#: Rounds of active learning that are shown, and networks a round.
ROUNDS, BATCH = 2, 16


def measure(working: Working, rounds: int = ROUNDS, batch: int = BATCH) -> dict[str, Any]:
    """Active learning on the shipped table, and its surrogates on the searched split by round."""
    from ...building import active_learning

    table = Benchmark.load(TABLE).table
    settings = active_learning.ImproveSettings(batch)
    profile = load_device(DEVICE)
    ask = active_learning.inherited_answers(table, splits=active_learning.VAL_ALONE)
    began = time.monotonic()
    run = active_learning.improve(table, working, ask, profile, rounds, settings, say)
    taken = {n["architecture"] for r in run["rounds"] for n in r["networks"]}
    figures = {
        "batch": batch,
        "budget": settings.budget,
        "latency_ms_max": settings.latency_ms_max,
        "device": DEVICE,
        "wall_s": time.monotonic() - began,
        "rounds": [
            {k: r[k] for k in ("round", "n_fitted", "front_points", "figures")}
            | {"networks": len(r["networks"])}
            for r in run["rounds"]
        ],
        "held_out": run["held_out"],
    }
    split = load("surrogates/searched")
    if split is not None:
        # Points of which a round has evaluated a network would judge by what was learnt.
        points = [p for p in split["points"] if not {p["little"], p["big"]} & taken]
        folders = [working / active_learning.SURROGATES / f"round-{k}" for k in range(rounds + 1)]
        figures["searched"] = {
            "points": len(points),
            "left_out": len(split["points"]) - len(points),
            "by_round": [asked_again(Surrogate.load(f), points) for f in folders],
        }
    return figures


def asked_again(surrogate: Surrogate, points: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """How far off a surrogate is about evaluated operating points, ``agreement`` of them."""
    gates, space = surrogate.gates, surrogate.space
    little, big = (space.parse([p[who] for p in points]) for who in ("little", "big"))
    gate = np.array([gates.index(p["gate"]) for p in points], np.int64)
    cut = [get_metric(p["gate"]).cut(p["threshold"], surrogate.n_classes) for p in points]
    predictions = surrogate.predict_points(Candidates(little, big, gate, np.array(cut, np.int64)))
    rows = [
        {
            "accuracy": float(predictions.accuracy[i]),
            "low": float(predictions.low[i]),
            "high": float(predictions.high[i]),
            "evaluated_accuracy": p["evaluated_accuracy"],
        }
        for i, p in enumerate(points)
    ]
    return {"n_fitted": int(surrogate.document["n_networks"]), **agreement(rows)}


def improve_text(figures: dict[str, Any]) -> str:
    """The tables of active learning."""
    lines = [
        "## Active learning",
        "",
        f"{len(figures['rounds'])} rounds of at most {figures['batch']} networks, found by `nsga2` "
        f"({figures['budget']:,} evaluations, {figures['device']}, within "
        f"{figures['latency_ms_max']:g} ms) on the surrogate of the round before, evaluated with "
        f"inherited weights, and added; {figures['wall_s'] / 60:.0f} min in all. "
        "Step `surrogates/improve`. Figures in points of accuracy.",
        "",
        "What each round found, predicted before it was evaluated:",
        "",
        "| round | fitted on | networks | their error | their optimism | points of the front | "
        "their error | their optimism |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in figures["rounds"]:
        cells_ = [str(row["round"]), str(row["n_fitted"]), str(row["networks"])]
        for kind in ("networks", "points"):
            own = row["figures"].get(kind)
            if kind == "points":
                cells_.append(str(own["n"]) if own else "0")
            cells_ += [f"{100 * own['mae']:.2f}", f"{100 * own['optimism']:+.2f}"] if own else "--"
        lines.append(f"| {' | '.join(cells_)} |")
    tables = [("Networks that some round found and none was fitted on", figures["held_out"])]
    if "searched" in figures:
        what = (
            "The searched split above, points of networks that a round evaluated left out "
            f"({figures['searched']['left_out']})"
        )
        tables.append((what, figures["searched"]["by_round"]))
    for what, rows in tables:
        if not rows:
            continue
        lines += [
            "",
            f"{what}, {rows[0]['n']} of them:",
            "",
            "| after round | fitted on | error | optimism | worst | coverage |",
            "|---|---|---|---|---|---|",
        ]
        for number, row in enumerate(rows):
            lines.append(
                f"| {number} | {row['n_fitted']} | {100 * row['mae']:.2f} | "
                f"{100 * row['optimism']:+.2f} | {100 * row['worst']:+.2f} | "
                f"{row['coverage']:.0%} |"
            )
    return "\n".join(lines)


STEP = Step(measure, {"surrogates/improve": improve_text}, of_table=True)
