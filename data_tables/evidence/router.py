"""A learned router on the trunk's features against the margin, on trained prefix pairs.

    python -m biglittle.data_tables.evidence router --working DIR

``DIR`` is the working folder of `coupled_training`, whose runs of seed 0 leave their weights. A
router learns from training images, for each of two targets: on the features at the exit with the
exit's confidences; on these features alone, so that it decides before the exit's head, which is
then saved for what is sent on; and behind the stem, before any classifier. Thresholds are chosen on
val at equal mean latency, everything is told on test, and intervals resample images.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from ...bench import Benchmark, load_device
from ...bench.bootstrap import paired_gain
from ...bench.cost import NetworkCosts, SharedCosts
from ...bench.device_profile import DeviceProfile
from ...bench.errors import CheckpointError
from ...bench.router import Router
from ...bench.router_gate import PLACES, RouterGate, best_threshold, routed_costs
from ...bench.spaces import SearchSpace
from ..flagship import RECIPE
from ._coupled_plan import DEVICE, METHODS, Job, mean_latency_ms, pair_terms, rate_at
from ._page import Step

RATES = (0.1, 0.2, 0.3, 0.5)  # at which the margin escalates; routers get the same mean latency
#: What a router learns to tell, where it looks, and whether it sees the exit's confidences.
VARIANTS = tuple(
    (target, place, confident)
    for target in ("gain", "right")
    for place, confident in (("trunk", True), ("trunk", False), ("stem", False))
)


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
        some = {"train": learn, "val": splits["val"], "test": splits["test"]}
        parts = {
            place: {s: router_data(little, big, some[s], dataset, place) for s in some}
            for place in PLACES
        }
        routers = [
            train_router(parts[place]["train"], RouterSettings(target=target, confident=confident))
            for target, place, confident in VARIANTS
        ]
        train = parts["trunk"]["train"]
        out.append(
            {
                "pair": job.name,
                "train_accuracy": [float(train.little.mean()), float(train.big.mean())],
                "rows": _compared(
                    bench.table.space, little_name, routers, parts, costs, shared, profile
                ),
            }
        )
    if not out:
        raise CheckpointError(
            f"{working} has no weights of a prefix pair by {method!r}; let coupled_training make "
            f"one (seed 0 of {', '.join(METHODS['prefix'])}), or give another --method."
        )
    facts = {"images": len(learn), "method": method, "device": DEVICE}
    return {**facts, "pairs": out}


def _compared(
    space: SearchSpace,
    name: str,
    routers: list[Router],
    parts: dict[str, Any],
    costs: NetworkCosts,
    shared: SharedCosts | None,
    profile: DeviceProfile,
) -> list[dict[str, Any]]:
    """Margin and routers at equal mean latency, plain JSON."""
    from ...bench.router import confidences

    val, test = parts["trunk"]["val"], parts["trunk"]["test"]
    margin = {s: confidences(parts["trunk"][s].probabilities)[:, 1] for s in ("val", "test")}
    rows = []
    for rate in RATES:
        mean_ms = mean_latency_ms(costs, shared, rate)
        cut = best_threshold(margin["val"], val.little, val.big, rate)
        base = np.where(margin["test"] < cut, test.big, test.little)
        for (target, place, confident), router in zip(VARIANTS, routers, strict=True):
            gate = RouterGate(router, 0.5, place)
            little, coupled = routed_costs(space, profile, gate, name, costs.take([0]), shared)
            took = little.gate_ms
            allowed = rate_at(replace(costs, gate_ms=took), coupled, mean_ms)
            scores = {s: router.scores(p.pooled, p.probabilities) for s, p in parts[place].items()}
            limit = best_threshold(scores["val"], val.little, val.big, allowed)
            escalated = scores["test"] < limit
            right = np.where(escalated, test.big, test.little)
            gain, low, high = paired_gain(right, base)
            rows.append(
                {
                    "mean_ms": round(mean_ms, 3),
                    "margin_rate": rate,
                    "target": target,
                    "place": place,
                    "confident": confident,
                    "router_ms": round(took, 4),
                    "router_macs": router.macs(),
                    "escalation_rate": round(float(escalated.mean()), 4),
                    "margin_accuracy": round(float(base.mean()), 5),
                    "accuracy": round(float(right.mean()), 5),
                    "gain": round(gain, 5),
                    "low": round(low, 5),
                    "high": round(high, 5),
                }
            )
    return rows


def _looks(row: dict[str, Any]) -> str:
    """What a router sees, in words."""
    place = row.get("place", "trunk")
    return f"{place}, confidences" if row["confident"] else place


def _cell(row: dict[str, Any]) -> str:
    """A gain with its interval in points, in bold where the interval leaves out 0."""
    text = f"{100 * row['gain']:+.2f} ({100 * row['low']:+.2f} to {100 * row['high']:+.2f})"
    return f"**{text}**" if row["low"] > 0 or row["high"] < 0 else text


def router_text(figures: dict[str, Any]) -> str:
    """The comparison as Markdown."""
    lines = [
        "Points of test accuracy that a learned router gains over the margin at equal mean latency "
        f"on the {figures['device']}, routers priced as predicted; 90 % intervals over images. "
        f"Routers learned from {figures['images']:,} training images of `{figures['method']}` "
        "pairs; one without confidences decides before the exit's head, one behind the stem before "
        "any classifier.",
        "",
        "| pair, mean latencies | target | looks at | router "
        + "".join(f"| where the margin escalates {rate:.0%} " for rate in RATES)
        + "|",
        "|---|---|---|---|" + "---|" * len(RATES),
    ]
    for pair in figures["pairs"]:
        name, rows = pair["pair"].partition("~")[0], pair["rows"]
        times = sorted(row["mean_ms"] for row in rows)
        by_variant: dict[tuple[str, str], list[dict[str, Any]]] = {}
        for row in rows:
            by_variant.setdefault((row["target"], _looks(row)), []).append(row)
        for (target, looks), some in by_variant.items():
            cells = [_cell(row) for row in sorted(some, key=lambda row: row["margin_rate"])]
            lines.append(
                f"| `{name}`, {times[0]:.1f} to {times[-1]:.1f} ms | `{target}` | {looks} "
                f"| {some[0]['router_ms']:.2f} ms | {' | '.join(cells)} |"
            )
    rows = [row for pair in figures["pairs"] for row in pair["rows"]]
    better, worse = sum(r["low"] > 0 for r in rows), sum(r["high"] < 0 for r in rows)
    lines += [
        "",
        f"Of {len(rows)} comparisons {better} are better than the margin and {worse} worse beyond "
        "their intervals (in bold). Step `router`.",
    ]
    return "\n".join(lines)


STEP = Step(measure, {"router": router_text}, of_table=True)
