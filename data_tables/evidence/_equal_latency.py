"""Ways to train the same pair compared at equal mean latency, thresholds chosen on val."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...bench import Benchmark, Pair
from ...bench.cost import answered_ms, mean_cost
from ...bench.gates import N_CODES, stored_metrics
from ...bench.pareto import nondominated
from ...bench.table import Table

Array = NDArray[np.float64]

ROUNDS = 2000
LEVEL = 0.95
#: Shares of the big network's latency at which curves are compared: where a pair is one.
SHARES = np.linspace(0.05, 0.6, 12)
COMPARED = (("distilled", "independent"), ("gated", "independent"))


def interval(values: Array) -> tuple[float, float]:
    """The middle share ``LEVEL`` of bootstrapped values; those that are NaN do not count."""
    tail = (1 - LEVEL) / 2
    low, high = np.nanquantile(values, [tail, 1 - tail])
    return float(low), float(high)


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
            latency_ms: latencies to answer for, in ms, shape (n_latencies,).
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
        answers = table.predictions("val")
        codes = answers.codes[metric][little]
        for cut in range(N_CODES + 1):
            up = codes < cut
            right = np.where(up, answers.correct[big], answers.correct[little]).mean()
            cuts.append((metric, cut))
            values.append((1 - right, up.mean()))
    thresholds = [cuts[i] for i in nondominated(np.array(values))]
    first = stored_metrics()[0]
    thresholds = list(dict.fromkeys([(first, 0), *thresholds, (first, N_CODES)]))
    answers = table.predictions("test")
    escalated = np.array([answers.codes[metric][little] < cut for metric, cut in thresholds])
    return Operating(
        right=np.where(escalated, answers.correct[big], answers.correct[little]),
        escalated=escalated,
        little_ms=answered_ms(float(costs.latency_ms[little]), costs.gate_ms),
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
        one: what pairs trained in the first way do, one entry a seed.
        other: the same of the second way, seeds in the same order.
        rounds: how often the bootstrap draws.
        seed: of the draws of the bootstrap.

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
            gain = paired_difference(both[0], both[1], rounds, seed)
            draws.append(gain.pop("resampled"))
            rows.append({"little": little, "big": big, **gain})
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
