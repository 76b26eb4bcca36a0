"""How far inherited accuracies can be trusted, and what co-training is worth.

Two questions. Do networks with inherited weights rank as they do when they are trained further, or
from scratch? Answered by rank correlations with bootstrap intervals over networks. And is a pair
better for having been trained as one? Answered at equal mean latency: the curves of two ways to
train the same pair, thresholds chosen on val and reported on test, are compared at common
latencies, with a paired bootstrap over test images (and over seeds, where there are several).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...bench import Benchmark, Pair
from ...bench.agreement import kendall, spearman
from ...bench.cost import mean_cost
from ...bench.gates import N_CODES, stored_metrics
from ...bench.pareto import nondominated
from ...bench.rows import PAIR_TRAININGS
from ...bench.table import Table
from ..fbnet_cifar10.recipe import RECIPE
from ._page import Step

Array = NDArray[np.float64]

ROUNDS = 2000
LEVEL = 0.95
#: Shares of the big network's latency at which curves are compared: where a pair is one.
SHARES = np.linspace(0.05, 0.6, 12)
#: Networks below which a bootstrap over them says nothing.
LEAST_FOR_INTERVAL = 8
COMPARED = (("distilled", "independent"), ("joint", "independent"))


def interval(values: Array) -> tuple[float, float]:
    """The middle share ``LEVEL`` of bootstrapped values; those that are NaN do not count."""
    tail = (1 - LEVEL) / 2
    low, high = np.nanquantile(values, [tail, 1 - tail])
    return float(low), float(high)


# ---- ranks -------------------------------------------------------------------------------------
def rank_agreement(a: Array, b: Array, rounds: int = ROUNDS, seed: int = 0) -> dict[str, Any]:
    """Kendall's tau-b and Spearman's rho of two accuracies of the same networks, plain JSON.

    Intervals: percentile bootstrap over networks, ``rounds`` times. A draw in which one side is
    constant has no rank correlation and is left out.

    Args:
        a: shape (n,).
        b: shape (n,).
        rounds: of the bootstrap.
        seed: of the bootstrap.
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
        architecture: ids.
        inherited: accuracy with inherited weights.
        trained: accuracy after training, the mean over seeds.
    """

    architecture: list[str]
    inherited: Array
    trained: Array


def twins(table: Table, training: str, split: str = "test") -> Twins:
    """The networks of one training that are there with inherited weights as well."""
    accuracy = table.predictions(split).correct.mean(axis=1)
    ids = table.networks["architecture"]
    inherited = {str(ids[r]): r for r in table.rows("inherited")}
    found: dict[str, list[int]] = {}
    for row in table.rows(training):
        if str(ids[row]) in inherited:
            found.setdefault(str(ids[row]), []).append(int(row))
    return Twins(
        list(found),
        np.array([accuracy[inherited[a]] for a in found]),
        np.array([accuracy[rows].mean() for rows in found.values()]),
    )


# ---- pairs at equal latency --------------------------------------------------------------------
@dataclass(frozen=True)
class Operating:
    """What a pair does on every test image at each of the thresholds chosen on val.

    Attributes:
        right: whether the pair's answer is right, bool (n_thresholds, n_images).
        escalated: whether the big network is asked, bool (n_thresholds, n_images).
        little_ms: latency of little and gate.
        big_ms: latency of the big network.
    """

    right: NDArray[np.bool_]
    escalated: NDArray[np.bool_]
    little_ms: float
    big_ms: float

    def accuracy_at(self, latency_ms: Array, weights: Array | None = None) -> Array:
        """Accuracy at mean latencies, linear between thresholds, shape (n_rounds, n_latencies).

        Between two thresholds a device may toss a coin, so every point of the line can be had.

        Args:
            latency_ms: shape (n_latencies,).
            weights: how often each image counts, shape (n_images, n_rounds); None: once each.
        """
        n = self.right.shape[1]
        counts = np.ones((n, 1)) if weights is None else weights
        rate = self.escalated.astype(np.float32) @ counts.astype(np.float32) / n
        accuracy = self.right.astype(np.float32) @ counts.astype(np.float32) / n
        latency = mean_cost(self.little_ms, self.big_ms, rate.astype(np.float64))
        out = np.empty((counts.shape[1], len(latency_ms)))
        for i in range(counts.shape[1]):
            order = np.argsort(latency[:, i], kind="stable")
            out[i] = np.interp(latency_ms, latency[order, i], accuracy[order, i])
        return out


def operating(bench: Benchmark, pair: Pair, device: str) -> Operating:
    """The pair at the thresholds that no other one beats on val, over all stored gate metrics.

    Both ends, little alone and big alone, are always among them.
    """
    table, costs = bench.table, bench.costs(device)
    little, big = table.pair_rows(pair)
    cuts, values = [], []
    for metric in stored_metrics():
        said = table.predictions("val")
        codes = said.codes[metric][little]
        for cut in range(N_CODES + 1):
            up = codes < cut
            right = np.where(up, said.correct[big], said.correct[little]).mean()
            cuts.append((metric, cut))
            values.append((1 - right, up.mean()))
    kept = [cuts[i] for i in nondominated(np.array(values))]
    first = stored_metrics()[0]
    kept = list(dict.fromkeys([(first, 0), *kept, (first, N_CODES)]))
    said = table.predictions("test")
    escalated = np.array([said.codes[metric][little] < cut for metric, cut in kept])
    return Operating(
        right=np.where(escalated, said.correct[big], said.correct[little]),
        escalated=escalated,
        little_ms=float(costs.latency_ms[little]) + costs.gate_ms,
        big_ms=float(costs.latency_ms[big]),
    )


def image_weights(n_images: int, rounds: int, seed: int) -> Array:
    """How often a bootstrap draws each image, shape (n_images, rounds)."""
    rng = np.random.default_rng(seed)
    return rng.multinomial(n_images, np.full(n_images, 1 / n_images), rounds).T.astype(np.float64)


def paired_difference(
    one: Sequence[Operating], other: Sequence[Operating], rounds: int = ROUNDS, seed: int = 0
) -> dict[str, Any]:
    """Accuracy of one way to train a pair minus that of another at equal latency, plain JSON.

    Both ways see the same drawn images and, where there are several seeds, the same drawn seeds;
    thresholds stay as they were chosen on val.

    Args:
        one: by seed.
        other: by seed, in the same order.
        rounds: of the bootstrap.
        seed: of the bootstrap.

    Returns:
        ``difference`` with its interval (the mean over the common latencies), and the same at
        each of them (``at``).
    """
    low, span = one[0].little_ms, one[0].big_ms
    grid = low + SHARES * span
    weights = image_weights(one[0].right.shape[1], rounds, seed)
    gain = np.mean(
        [a.accuracy_at(grid)[0] - b.accuracy_at(grid)[0] for a, b in zip(one, other, strict=True)],
        axis=0,
    )
    drawn = np.stack(
        [
            a.accuracy_at(grid, weights) - b.accuracy_at(grid, weights)
            for a, b in zip(one, other, strict=True)
        ]
    )  # (n_seeds, rounds, n_latencies)
    rng = np.random.default_rng((seed, 1))
    picked = rng.integers(0, len(drawn), (len(drawn), rounds))
    resampled = drawn[picked, np.arange(rounds)].mean(axis=0)
    mean_low, mean_high = interval(resampled.mean(axis=1))
    return {
        "seeds": len(one),
        "rounds": rounds,
        "level": LEVEL,
        "difference": {"value": float(gain.mean()), "low": mean_low, "high": mean_high},
        "at": [
            {
                "latency_ms": float(grid[i]),
                "difference": float(gain[i]),
                "low": interval(resampled[:, i])[0],
                "high": interval(resampled[:, i])[1],
            }
            for i in range(len(grid))
        ],
        "resampled": resampled.mean(axis=1),
    }


def seeds_of(table: Table) -> dict[tuple[str, str], dict[str, list[int]]]:
    """Seeds of every co-trained pair by (little, big) and training."""
    out: dict[tuple[str, str], dict[str, list[int]]] = {}
    for pair in table.cotrained():
        ways = out.setdefault((pair.little, pair.big), {})
        ways.setdefault(pair.training, []).append(pair.seed)
    return out


def cotraining_gains(
    bench: Benchmark, device: str, rounds: int = ROUNDS, seed: int = 0
) -> list[dict[str, Any]]:
    """For each pair of ways to train, the difference pair by pair and over all, plain JSON.

    The interval over all pairs also draws pairs with replacement.
    """
    out = []
    for one, other in COMPARED:
        rows, draws = [], []
        for (little, big), ways in seeds_of(bench.table).items():
            seeds = sorted(set(ways.get(one, [])) & set(ways.get(other, [])))
            if not seeds:
                continue
            both = [
                [operating(bench, Pair(little, big, way, s), device) for s in seeds]
                for way in (one, other)
            ]
            found = paired_difference(both[0], both[1], rounds, seed)
            draws.append(found.pop("resampled"))
            rows.append({"little": little, "big": big, **found})
        if not rows:
            continue
        rng = np.random.default_rng((seed, 2))
        stacked = np.stack(draws)
        picked = rng.integers(0, len(stacked), (len(stacked), rounds))
        low, high = interval(stacked[picked, np.arange(rounds)].mean(axis=0))
        value = float(np.mean([row["difference"]["value"] for row in rows]))
        overall = {"value": value, "low": low, "high": high}
        out.append({"one": one, "other": other, "overall": overall, "pairs": rows})
    return out


def role_gains(table: Table, split: str = "test") -> dict[str, dict[str, float]]:
    """What each way to train a pair adds to the accuracy of its members alone, by way and role.

    Mean over pairs of the mean over seeds, above the same architecture with inherited weights;
    plain JSON.
    """
    accuracy, out = table.predictions(split).correct.mean(axis=1), dict[str, dict[str, float]]()
    for way in PAIR_TRAININGS:
        gains: dict[str, list[float]] = {"little": [], "big": []}
        for (little, big), ways in seeds_of(table).items():
            pairs = [Pair(little, big, way, seed) for seed in ways.get(way, [])]
            trained = np.array([accuracy[list(table.pair_rows(pair))] for pair in pairs])
            if len(pairs):
                start = accuracy[[table.network_row(a) for a in (little, big)]]
                for role, gain in zip(gains, (trained - start).mean(axis=0), strict=True):
                    gains[role].append(float(gain))
        if gains["little"]:
            out[way] = {role: float(np.mean(found)) for role, found in gains.items()}
    return out


def report(bench: Benchmark, device: str, rounds: int = ROUNDS) -> dict[str, Any]:
    """Everything the card says about trust, plain JSON; what the table has no rows for is empty."""
    out: dict[str, Any] = {"device": device, "split": "test", "ranks": {}, "scatter": {}}
    for training in ("finetuned", "standalone"):
        found = twins(bench.table, training)
        if not found.architecture:
            continue
        out["scatter"][training] = {
            "architecture": found.architecture,
            "inherited": found.inherited.tolist(),
            "trained": found.trained.tolist(),
        }
        gain = found.trained - found.inherited
        out["ranks"][training] = {
            "n": len(gain),
            "mean_gain": float(gain.mean()),
            **(rank_agreement(found.inherited, found.trained, rounds) if len(gain) > 2 else {}),
        }
    out["cotraining"] = cotraining_gains(bench, device, rounds)
    out["role_gains"] = role_gains(bench.table)
    return out


# ---- for the card ------------------------------------------------------------------------------
def trust_section(t: dict[str, Any]) -> str:
    """What inherited accuracies are worth, as Markdown; says so itself where nothing is there."""
    lines = []
    for training in ("finetuned", "standalone"):
        found = t["ranks"].get(training)
        if found is None:
            lines.append(
                f"- No `{training}` networks yet: how inherited ranks agree with theirs has "
                "**not** been measured."
            )
            continue
        gain = f"trained minus inherited {100 * found['mean_gain']:+.2f} points on average"
        if "kendall_tau" not in found:
            lines.append(f"- `{training}`: {found['n']} networks, too few to rank; {gain}.")
            continue
        few = found["n"] < LEAST_FOR_INTERVAL
        shown = "; ".join(
            f"{label} {found[name]['value']:.2f}"
            + ("" if few else f" ({found[name]['low']:.2f} to {found[name]['high']:.2f})")
            for name, label in (("kendall_tau", "Kendall's tau"), ("spearman", "Spearman's rho"))
        )
        sure = "**too few for an interval**" if few else "95 % bootstrap over networks"
        lines.append(
            f"- Inherited against `{training}`, test accuracy of {found['n']} networks: {shown} "
            f"({sure}); {gain}."
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
        "Accuracy on test at equal mean latency (Pi 4, block-sum), thresholds chosen on val, mean "
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


def measure() -> dict[str, Any]:
    """The report on the table that ships."""
    return report(Benchmark.load(RECIPE.name), RECIPE.design.device)


STEP = Step(measure, {"trust": trust_section, "cotraining": cotraining_section})
