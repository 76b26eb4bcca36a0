"""A learned router on the trunk's features against the margin, on trained prefix pairs.

    python -m biglittle.data_tables.evidence router --working DIR

``DIR`` is the working folder of `coupled_training`, whose runs of seed 0 leave their weights. A
router learns from training images, for each of two targets and with or without the confidences of
the exit; one without decides before the exit's head has run, which is then saved for what is sent
on. Thresholds are chosen on val at equal mean latency, everything is told on test, and intervals
resample images.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

from ...bench import Benchmark, load_device
from ...bench.bootstrap import bootstrap_gain
from ...bench.cost import NetworkCosts, SharedCosts
from ...bench.device import DeviceProfile
from ...bench.errors import CheckpointError
from ...bench.operator_features import chain_features
from ...bench.router import Router, early_gate
from ..fbnet_cifar10.recipe import RECIPE
from ._coupled_plan import DEVICE, METHODS, Job, mean_latency_ms, pair_terms
from ._page import Step

RATES = (0.1, 0.2, 0.3, 0.5)  # at which the margin escalates; routers get the same mean latency
VARIANTS = tuple((t, c) for t in ("gain", "right") for c in (True, False))


def best_threshold(
    scores: NDArray[np.float64],
    little: NDArray[np.bool_],
    big: NDArray[np.bool_],
    rate: float,
) -> float:
    """The threshold of the highest accuracy that escalates at most ``rate``; the cheapest of those.

    Images with a score below it are escalated. It lies halfway between two scores.

    Args:
        scores: scores of the images, high where the little network is to answer, shape (n,).
        little: whether the little network is right, shape (n,).
        big: whether the big network is right, shape (n,).
        rate: largest share of the images that may be escalated.
    """
    order = np.argsort(scores, kind="stable")
    ranked = scores[order]
    gain = np.concatenate([[0], np.cumsum((big.astype(np.int64) - little)[order])])
    # Images of one score go together, so that a threshold can only lie where scores differ.
    places = np.flatnonzero(np.concatenate([[True], np.diff(ranked) > 0, [True]]))
    places = places[places <= rate * len(scores) * (1 + 1e-9)]
    n = int(places[np.argmax(gain[places])])
    if n == 0:
        return float("-inf")
    if n == len(ranked):
        return float("inf")
    return float((ranked[n - 1] + ranked[n]) / 2)


def router_ms(profile: DeviceProfile, router: Router, size: int) -> float:
    """Predicted latency of a router on a device, by the device's model of operators.

    Args:
        profile: device whose figures the model was fitted to.
        router: router that is priced.
        size: rows (and columns) of the features.
    """
    coefficients = profile.latency.operators().model.coefficients
    return float(chain_features(router.operators(size)) @ coefficients)


def rate_at(costs: NetworkCosts, shared: SharedCosts | None, mean_ms: float) -> float:
    """The escalation rate at which a pair has a mean latency, within [0, 1]."""
    none, all_ = (mean_latency_ms(costs, shared, r) for r in (0.0, 1.0))
    return float(np.clip((mean_ms - none) / max(all_ - none, 1e-12), 0.0, 1.0))


def measure(
    working: Annotated[Path, typer.Option(help="Working folder of coupled_training.")],
    data: Annotated[Path | None, typer.Option(help="Folder of the images.")] = None,
    images: Annotated[int, typer.Option(help="Training images that routers learn from.")] = 45_000,
    method: Annotated[str, typer.Option(help="Method of the pairs.")] = "joint",
) -> dict[str, Any]:
    """Trains routers for every prefix pair whose weights the folder has.

    Raises:
        CheckpointError: the folder has no pair of that method.
    """
    from ...bench.datasets import get_dataset
    from ...cotrain.train_router import RouterSettings, router_data, train_router
    from ...cotrain.weights import load_network

    bench, profile = Benchmark.load(RECIPE.name), load_device(DEVICE)
    dataset = get_dataset(bench.table.dataset)
    splits, out = dataset.load(data), []
    first = np.random.default_rng(0).permutation(len(splits["train"]))[:images]
    learn = splits["train"].subset(np.sort(first))
    for folder in sorted((working / "runs").glob(f"*~{method}~s0")):
        little_name, big_name = folder.name.split("~")[:2]
        job = Job(big_name, little_name, method, 0)
        files = [folder / f"{role}.safetensors" for role in ("little", "big")]
        kind, costs, shared = pair_terms(
            bench.table.space, profile, little_name, big_name, dataset.n_classes
        )
        if kind != "prefix" or not all(file.exists() for file in files):
            continue
        little, big = (load_network(file) for file in files)
        parts = {s: router_data(little, big, splits[s], dataset) for s in ("val", "test")}
        train = router_data(little, big, learn, dataset)
        exit_ = bench.table.space.get_exit(little.exit)
        assert exit_ is not None
        routers = [train_router(train, RouterSettings(target=t, confident=c)) for t, c in VARIANTS]
        size = exit_.operators[0].height
        out.append(
            {
                "pair": job.name,
                "train_accuracy": [float(train.little.mean()), float(train.big.mean())],
                **_compared(routers, parts, costs, shared, profile, size),
            }
        )
    if not out:
        raise CheckpointError(
            f"{working} has no weights of a prefix pair by {method!r}; let coupled_training make "
            f"one (seed 0 of {', '.join(METHODS['prefix'])}), or give another --method."
        )
    return {"images": len(learn), "method": method, "device": DEVICE, "pairs": out}


def _compared(
    routers: list[Router],
    parts: dict[str, Any],
    costs: NetworkCosts,
    shared: SharedCosts | None,
    profile: DeviceProfile,
    size: int,
) -> dict[str, Any]:
    """Margin and routers at equal mean latency, plain JSON."""
    from ...bench.router import confidences

    val, test = parts["val"], parts["test"]
    margin = {s: confidences(parts[s].probabilities)[:, 1] for s in parts}
    assert costs.trunk is not None
    run_ms, run_macs = (float(getattr(costs.trunk, n)[0]) for n in ("latency_ms", "macs"))
    rows = []
    for rate in RATES:
        mean_ms = mean_latency_ms(costs, shared, rate)
        cut = best_threshold(margin["val"], val.little, val.big, rate)
        base = np.where(margin["test"] < cut, test.big, test.little)
        for (target, confident), router in zip(VARIANTS, routers, strict=True):
            took = router_ms(profile, router, size)
            priced = _with_gate(costs, router, took)
            coupled = (
                shared if confident else early_gate(priced.take([0]), run_ms, run_macs, shared)
            )
            allowed = rate_at(priced, coupled, mean_ms)
            scores = {s: router.scores(p.pooled, p.probabilities) for s, p in parts.items()}
            limit = best_threshold(scores["val"], val.little, val.big, allowed)
            escalated = scores["test"] < limit
            right = np.where(escalated, test.big, test.little)
            gained, lost = int((right & ~base).sum()), int((base & ~right).sum())
            low, high = bootstrap_gain(gained, lost, len(base))
            rows.append(
                {
                    "mean_ms": round(mean_ms, 3),
                    "margin_rate": rate,
                    "target": target,
                    "confident": confident,
                    "router_ms": round(took, 4),
                    "router_macs": router.macs(),
                    "escalation_rate": round(float(escalated.mean()), 4),
                    "margin_accuracy": round(float(base.mean()), 5),
                    "accuracy": round(float(right.mean()), 5),
                    "gain": round((gained - lost) / len(base), 5),
                    "low": round(low, 5),
                    "high": round(high, 5),
                }
            )
    return {"rows": rows}


def _with_gate(costs: NetworkCosts, router: Router, took_ms: float) -> NetworkCosts:
    """Costs of both networks where the little one has a router as its gate."""
    little = router.priced(costs.take([0]), took_ms)
    macs = np.concatenate([little.macs, costs.macs[1:]])
    return replace(costs, macs=macs, gate_ms=took_ms)


def router_text(figures: dict[str, Any]) -> str:
    """The comparison as Markdown."""
    lines = [
        "Points of test accuracy that a learned router gains over the margin at equal mean latency "
        f"on the {figures['device']}, routers priced as predicted; 90 % intervals over images. "
        f"Routers learned from {figures['images']:,} training images of `{figures['method']}` "
        "pairs; one without confidences decides before the exit's head.",
        "",
        "| pair | at | target | confidences | router | gain | interval | |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for pair in figures["pairs"]:
        for row in pair["rows"]:
            verdict = "better" if row["low"] > 0 else "worse" if row["high"] < 0 else "no other"
            lines.append(
                f"| `{pair['pair'].partition('~')[0]}` | {row['mean_ms']:.1f} ms "
                f"| `{row['target']}` | {'yes' if row['confident'] else 'no'} "
                f"| {row['router_ms']:.2f} ms | {100 * row['gain']:+.2f} "
                f"| {100 * row['low']:+.2f} to {100 * row['high']:+.2f} | {verdict} |"
            )
    rows = [row for pair in figures["pairs"] for row in pair["rows"]]
    better, worse = sum(r["low"] > 0 for r in rows), sum(r["high"] < 0 for r in rows)
    lines += [
        "",
        f"Of {len(rows)} comparisons {better} are better than the margin and {worse} worse beyond "
        "their intervals. Step `router`.",
    ]
    return "\n".join(lines)


STEP = Step(measure, {"router": router_text})
