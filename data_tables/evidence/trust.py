"""How far inherited accuracies can be trusted, and what co-training is worth.

Two questions. Do networks with inherited weights rank as they do when they are trained further, or
from scratch? Answered by rank correlations with bootstrap intervals over networks. And is a pair
better for having been trained as one? Answered at equal mean latency: the curves of two ways to
train the same pair, thresholds chosen on val and reported on test, are compared at common
latencies, with a paired bootstrap over test images (and over seeds, where there are several).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...bench import Benchmark, Pair
from ...bench.agreement import kendall, spearman
from ...bench.precision import FP32
from ...bench.rows import PAIR_TRAININGS, TRAININGS, key_of, of_earlier_supernet
from ...bench.table import Table
from .. import table_recipe
from ..building.selection import trust_networks
from ..flagship import RECIPE
from ._equal_latency import LEVEL, ROUNDS, SHARES, Array, cotraining_gains, interval, seeds_of
from ._page import FOLDER, OfTable, Step, on_device

#: What networks had that were trained alone by the recipe before that of today, by SGD.
EARLIER = FOLDER / "standalone_by_sgd.json"
#: Networks below which a bootstrap over them says nothing.
LEAST_FOR_INTERVAL = 8


# ---- ranks -------------------------------------------------------------------------------------
def rank_agreement(a: Array, b: Array, rounds: int = ROUNDS, seed: int = 0) -> dict[str, Any]:
    """Kendall's tau-b and Spearman's rho of two accuracies of the same networks, plain JSON.

    Intervals: percentile bootstrap over networks, ``rounds`` times. A draw in which one side is
    constant has no rank correlation and is left out.

    Args:
        a: accuracies of the networks, shape (n,).
        b: other accuracies of the same networks, shape (n,).
        rounds: how often the bootstrap draws.
        seed: of the draws of the bootstrap.
    """
    measures: dict[str, Callable[[Array, Array], float]] = {
        "kendall_tau": kendall,
        "spearman": spearman,
    }
    rng, n = np.random.default_rng(seed), len(a)
    draws = [d for d in rng.integers(0, n, (rounds, n)) if np.ptp(a[d]) > 0 and np.ptp(b[d]) > 0]
    out: dict[str, Any] = {"n": n, "rounds": len(draws), "level": LEVEL}
    for name, measure in measures.items():
        low, high = interval(np.array([measure(a[d], b[d]) for d in draws]))
        out[name] = {"value": measure(a, b), "low": low, "high": high}
    return out


@dataclass(frozen=True)
class Twins:
    """Networks that are in the table both inherited and trained, arrays of shape (n,).

    Attributes:
        architecture: names of the networks, of those that are cut with ``@EXIT``.
        inherited: accuracy with inherited weights.
        trained: accuracy after training, the mean over seeds.
    """

    architecture: list[str]
    inherited: Array
    trained: Array


def twins(table: Table, training: str, split: str = "test") -> Twins:
    """The networks of one training that are there with inherited weights as well.

    None where they set out from another supernet than the table's.
    """
    accuracy = table.predictions(split).correct.mean(axis=1)

    def names_of(of: str) -> list[tuple[str, int]]:
        rows = [int(row) for row in table.rows(of, exits=True)]
        return [(key_of(table.networks, row)[0].name, row) for row in rows]

    inherited = dict(names_of("inherited"))
    rows_of: dict[str, list[int]] = {}
    of_another = training in of_earlier_supernet(table.training)
    for name, row in names_of(training):
        if name in inherited and not of_another:
            rows_of.setdefault(name, []).append(row)
    return Twins(
        list(rows_of),
        np.array([accuracy[inherited[a]] for a in rows_of]),
        np.array([accuracy[rows].mean() for rows in rows_of.values()]),
    )


def role_gains(table: Table, split: str = "test") -> dict[str, dict[str, float]]:
    """What each way to train a pair adds to the accuracy of its members alone, by way and role.

    Mean over pairs of the mean over seeds, above the same architecture with inherited weights;
    plain JSON. Pairs that set out from another supernet than the table's have no such start in it.
    """
    accuracy, out = table.predictions(split).correct.mean(axis=1), dict[str, dict[str, float]]()
    ways_here = [w for w in PAIR_TRAININGS if w not in of_earlier_supernet(table.training)]
    for way in ways_here:
        gains: dict[str, list[float]] = {"little": [], "big": []}
        for (little, big), ways in seeds_of(table).items():
            pairs = [Pair(little, big, way, seed) for seed in ways.get(way, [])]
            trained = np.array([accuracy[list(table.pair_rows(pair))] for pair in pairs])
            if len(pairs):
                start = accuracy[[table.network_row(a) for a in (little, big)]]
                for role, gain in zip(gains, (trained - start).mean(axis=0), strict=True):
                    gains[role].append(float(gain))
        if gains["little"]:
            out[way] = {role: float(np.mean(values)) for role, values in gains.items()}
    return out


def report(bench: Benchmark, device: str, rounds: int = ROUNDS) -> dict[str, Any]:
    """Everything the card says about trust, plain JSON; what the table has no rows for is empty."""
    out: dict[str, Any] = {"device": device, "split": "test", "ranks": {}, "scatter": {}}
    for training in ("finetuned", "standalone"):
        pairs_of = twins(bench.table, training)
        if not pairs_of.architecture:
            continue
        out["scatter"][training] = {
            "architecture": pairs_of.architecture,
            "inherited": pairs_of.inherited.tolist(),
            "trained": pairs_of.trained.tolist(),
        }
        out["ranks"][training] = {
            "n": len(pairs_of.architecture),
            **(
                rank_agreement(pairs_of.inherited, pairs_of.trained, rounds)
                if len(pairs_of.architecture) > 2
                else {}
            ),
        }
    out["cotraining"] = cotraining_gains(bench, device, rounds)
    out["role_gains"] = role_gains(bench.table)
    return out


def over_earlier(trained: Mapping[str, float], earlier: Mapping[str, float]) -> dict[str, Any]:
    """How much better networks are by a recipe than by one before it, plain JSON.

    Args:
        trained: accuracy by the recipe of today, by the network's name.
        earlier: accuracy by the recipe before; networks that one of both lacks are left out.
    """
    gains = [trained[name] - earlier[name] for name in trained if name in earlier]
    if not gains:
        return {}
    return {
        "n": len(gains),
        "mean": float(np.mean(gains)),
        "least": float(min(gains)),
        "most": float(max(gains)),
    }


# ---- for the card ------------------------------------------------------------------------------
def trust_section(t: dict[str, Any]) -> str:
    """What inherited accuracies are worth, as Markdown; says so itself where nothing is there."""
    lines = []
    for training in ("finetuned", "standalone"):
        ranks = t["ranks"].get(training)
        if ranks is None:
            lines.append(
                f"- No `{training}` networks of this supernet yet: how inherited ranks agree with "
                "theirs has **not** been measured."
            )
            continue
        both = t["scatter"][training]
        gains = 100 * (np.array(both["trained"]) - np.array(both["inherited"]))
        gain = (
            f"trained minus inherited {gains.mean():+.2f} points on average, {gains.min():+.2f} to "
            f"{gains.max():+.2f}"
        )
        if "kendall_tau" not in ranks:
            lines.append(f"- `{training}`: {ranks['n']} networks, too few to rank; {gain}.")
            continue
        few, planned = ranks["n"] < LEAST_FOR_INTERVAL, t.get("planned", {}).get(training, 0)
        of = f" of the {planned} that were chosen" if planned > ranks["n"] else ""
        shown = "; ".join(
            f"{label} {ranks[name]['value']:.2f}"
            + ("" if few else f" ({ranks[name]['low']:.2f} to {ranks[name]['high']:.2f})")
            for name, label in (("kendall_tau", "Kendall's tau"), ("spearman", "Spearman's rho"))
        )
        sure = "**too few for an interval**" if few else "95 % bootstrap over networks"
        lines.append(
            f"- Inherited against `{training}`, test accuracy of {ranks['n']} networks{of}: "
            f"{shown} "
            f"({sure}); {gain}."
        )
    if gained := t.get("over_earlier"):
        lines.append(
            f"- Of these, {gained['n']} networks were trained alone before, as long, on the same "
            f"answers of the teacher, but by SGD and without `zero_residuals`: by the recipe of "
            f"today they are {100 * gained['mean']:.2f} points better on average, "
            f"{100 * gained['least']:+.2f} to {100 * gained['most']:+.2f}."
        )
    return "\n".join(lines)


def cotraining_verdict(t: dict[str, Any]) -> str:
    """Each comparison over all pairs in words, as a Markdown list."""
    lines = []
    for c in t["cotraining"]:
        d, word = c["overall"], "not to be told apart from"
        if d["low"] > 0 or d["high"] < 0:
            word = "better than" if d["low"] > 0 else "worse than"
        lines.append(
            f"- `{c['one']}` is **{word}** `{c['other']}` over {len(c['pairs'])} pairs: "
            f"{100 * d['value']:+.2f} points ({100 * d['low']:+.2f} to {100 * d['high']:+.2f})."
        )
    for role in ("little", "big"):
        gains = [f"`{way}` {100 * g[role]:+.2f}" for way, g in t.get("role_gains", {}).items()]
        if gains:
            lines.append(
                f"- Points that the {role} network alone gains over its inherited weights, mean "
                f"over pairs: {', '.join(gains)}."
            )
    return "\n".join(lines) or "No co-trained pairs yet."


def cotraining_section(t: dict[str, Any]) -> str:
    """What co-training is worth, as Markdown; says so itself where nothing is there."""
    if not t["cotraining"]:
        return (
            "No co-trained pairs yet: whether a pair is better for having been trained as one has "
            "**not** been measured."
        )
    lines = [
        cotraining_verdict(t),
        "",
        f"Accuracy on test at equal mean latency ({on_device(t)}), thresholds chosen on val, mean "
        f"over latencies from {100 * SHARES[0]:.0f} to {100 * SHARES[-1]:.0f} % of the big "
        "network's share; 95 % paired bootstrap over images and seeds, over all also over pairs:",
        "",
        "| difference (points) | pair | seeds | value | interval |",
        "|---|---|---|---|---|",
    ]
    for c in t["cotraining"]:
        named = f"`{c['one']}` - `{c['other']}`"
        rows = [
            (f"`{p['little']}` -> `{p['big']}`", p["seeds"], p["difference"]) for p in c["pairs"]
        ]
        rows.append((f"**all {len(c['pairs'])}**", "", c["overall"]))
        lines += [
            f"| {named} | {pair} | {seeds} | {100 * d['value']:+.2f} | {100 * d['low']:+.2f} to "
            f"{100 * d['high']:+.2f} |"
            for pair, seeds, d in rows
        ]
    return "\n".join(lines)


def measure(table: OfTable = RECIPE.name) -> dict[str, Any]:
    """The report on a table that ships, and how many networks were to be trained, by training."""
    bench, recipe = Benchmark.load(table), table_recipe(table)
    chosen = trust_networks(recipe, bench.table.space, bench.table.choices)
    planned = Counter(training for _, training in chosen)
    planned["standalone"] += recipe.selection.standalone_exits
    figures = {"table_name": table, "planned": planned, **report(bench, recipe.design.device)}
    both = figures["scatter"].get("standalone")
    if both and table == RECIPE.name:
        trained = dict(zip(both["architecture"], both["trained"], strict=True))
        earlier = json.loads(EARLIER.read_text(encoding="utf-8"))["trained"]
        figures["over_earlier"] = over_earlier(trained, earlier)
    return figures


STEP = Step(
    measure,
    {"trust": trust_section, "cotraining": cotraining_section},
    of_table=True,
    rows=(FP32, *TRAININGS),
)
