"""Predicted against evaluated: optimism and coverage on what searches found."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....bench import Benchmark
from ....bench.errors import BigLittleError
from ....bench.spaces import parse_networks
from ....surrogates import (
    Surrogate,
)
from ...building.searched_points import agreement, evaluated_point
from .._page import Step
from ._common import TABLE, Working, learnable
from .proposed import in_random_order, proposed

LEAST_SEARCHED = 60  # architectures of the searched split


def measure(working: Working) -> dict[str, Any]:
    """Predicted against evaluated: optimism and coverage on what searches found.

    Points of which a network is not evaluated yet are left out and counted.

    Raises:
        BigLittleError: too little was evaluated, or with another supernet.
    """
    from ....bench.rows import NetworkKey
    from ...building.evaluate import EvaluationKey, read_evaluation

    bench, given = Benchmark.load(TABLE), proposed()
    table = bench.table
    labels = table.predictions("val").labels
    held = learnable(table)
    answered: dict[str, Mapping[str, NDArray[np.uint8]]] = {}
    origins = set()
    for name in in_random_order(given["points"]):
        path = working / f"{EvaluationKey(NetworkKey.parse(name)).name}.npz"
        if path.exists():
            evaluation = read_evaluation(path)
            origins.add(evaluation.key.origin)
            answered[name] = evaluation.answers["val"]
    if len(answered) < LEAST_SEARCHED:
        raise BigLittleError(
            f"{len(answered)} of the proposed networks are evaluated in {working}; expected at "
            f"least {LEAST_SEARCHED}. Run the step 'surrogates/evaluated'."
        )
    if len(origins) > 1:
        raise BigLittleError(
            f"the files in {working} are of {len(origins)} supernets; delete the old ones."
        )
    points, whole = [], [r for r in given["points"] if {r["little"], r["big"]} <= answered.keys()]
    for row in whole:
        evaluated = evaluated_point(
            row, answered[row["little"]], answered[row["big"]], labels, table.n_classes
        )
        new = row["little"] not in held or row["big"] not in held
        points.append({**row, **evaluated, "new": new})
    figures = optimism(points)
    surrogate = Surrogate.load(table.path.parent / "surrogate")
    alone = surrogate.predict_networks(*parse_networks(surrogate.space, list(answered)))
    figures["single networks"] = agreement(
        [
            {
                "accuracy": float(alone.accuracy[i]),
                "low": float(alone.low[i]),
                "high": float(alone.high[i]),
                "evaluated_accuracy": float((answers["top1"] == labels).mean()),
            }
            for i, answers in enumerate(answered.values())
        ]
    )
    counts = {
        "proposed": len(given["points"]),
        "architectures": len(answered),
        "evaluated_new": len(answered.keys() - held),
    }
    own = {k: v for k, v in given.items() if k not in ("step", "conditions")}
    return {**own, **counts, "points": points, "figures": figures}


def optimism(points: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """How far off predictions of operating points are, over all and by kind of point."""

    def of(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        rate = np.array([r["escalation_rate"] - r["evaluated_escalation_rate"] for r in rows])
        return {**agreement(rows), "escalation_rate_mae": float(np.abs(rate).mean())}

    groups: dict[str, Callable[[Mapping[str, Any]], bool]] = {
        "all": lambda r: True,
        "with a network never evaluated before": lambda r: bool(r.get("new", True)),
        "escalates": lambda r: bool(r["evaluated_escalation_rate"] >= 0.01),
        "inside the support": lambda r: not r["outside"],
        "outside the support": lambda r: bool(r["outside"]),
    }
    chosen = {name: [r for r in points if test(r)] for name, test in groups.items()}
    return {name: of(rows) for name, rows in chosen.items() if rows}


def searched_text(data: dict[str, Any]) -> str:
    """The table of what searches found."""
    lines = [
        "## What searches find",
        "",
        f"{data['proposed']} operating points spread over fronts of `nsga2` "
        f"({data['budget']:,} evaluations, {data['device']}), of which, in random order, "
        f"{len(data['points'])} were evaluated on val with inherited weights: "
        f"{data['architectures']} networks, {data['evaluated_new']} of them not in the "
        "table. Optimism is predicted minus evaluated accuracy, in points; coverage is of the 90 "
        "% intervals. Steps `surrogates/proposed`, `surrogates/evaluated`, `surrogates/searched`. "
        "No choice rests on these networks: "
        "members, priors and link were chosen by cross-validation on what the shipped surrogate of "
        "an earlier table learnt from, and that the noise is told on that and on six networks that "
        "searches had found on that surrogate.",
        "",
        "| points | n | optimism | mean absolute error | worst | coverage | Kendall tau |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, row in data["figures"].items():
        error = "" if row["standard_error"] is None else f" ± {100 * row['standard_error']:.2f}"
        lines.append(
            f"| {name} | {row['n']} | {100 * row['optimism']:+.2f}{error} | "
            f"{100 * row['mae']:.2f} | {100 * row['worst']:+.2f} | {row['coverage']:.0%} | "
            f"{'-' if row['kendall_tau'] is None else format(row['kendall_tau'], '.3f')} |"
        )
    return "\n".join(lines)


def short_text(document: dict[str, Any]) -> str:
    """The optimism of a searched front in a sentence."""
    row, searches = (
        document["figures"]["all"],
        {(p["latency_ms_max"], p["seed"]) for p in document["points"]},
    )
    return (
        f"What a search promises: {row['n']} operating points spread over the fronts of "
        f"{len(searches)} searches (`nsga2`, {document['device']}) were evaluated on val with "
        f"inherited weights. Predicted minus evaluated accuracy is {100 * row['optimism']:+.2f} ± "
        f"{100 * row['standard_error']:.2f} points on average (standard error over points), the "
        f"mean absolute error {100 * row['mae']:.2f}, the worst {100 * row['worst']:+.2f}: this is "
        "how "
        "optimistic a predicted front is."
    )


STEP = Step(measure, {"surrogates/searched": searched_text, "searched": short_text}, of_table=True)
