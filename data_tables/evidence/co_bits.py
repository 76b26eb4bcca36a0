"""What bits as genes beside accelerators are worth, against the same bits everywhere.

Pairs of three networks of the table are searched with 4, 6 or 8 bits for every stage on all
accelerators within a limit of area. Beside that stand 8, 6 or 4 bits in all stages of both
networks, and one number of bits for each network: few enough pairs that all of them, on all
accelerators, are gone through. What is chosen is predicted from some images of val; the points that
somebody would take at three latencies are then run with their bits on other images of val.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

from ...bench import Benchmark
from ...bench.bits import BITS
from ...bench.hypervolume import hypervolume, reference_of
from ...bench.pareto import nondominated
from ...edge_profiler.accelerators.profile import CLOCK_MHZ
from ...edge_profiler.accelerators.space import load_space
from ...edge_profiler.accelerators.stage_costs import StageGrid
from ...searchers.co_bits import BitsCoEvaluator
from ...searchers.co_bits_run import lab_evaluator, simulated
from ...searchers.co_search import CoSettings, co_search
from ...searchers.domain import Genes
from ..flagship import RECIPE
from ._page import Step, versions

if TYPE_CHECKING:
    from ...searchers.bits_lab import Lab

SPACE, AREA_MM2 = "edge", 0.3
OBJECTIVES = ("error", "latency_ms", "energy_mj")
NETWORKS = ("8888880888808880888888", "8088880080000088808880", "3200002020236000800000")
EVALUATIONS = 20_000
#: Points that are less accurate count for nothing: nobody would take them.
LEAST_ACCURACY = 0.7
#: Where between the fastest and the most accurate point at 8 bits somebody might want a pair.
SHARES = (0.25, 0.5, 0.75)
GENES = "bits of every stage searched"
SAME = {
    **{f"{bits} bits everywhere": (bits,) for bits in BITS[::-1]},
    "4, 6 or 8 bits, the same in all stages of a network": BITS,
}
Array = NDArray[np.float64]


def measure(
    images: Annotated[int, typer.Option(min=1, help="Images of val to choose on.")] = 1000,
    seeds: Annotated[int, typer.Option(min=1, help="Searches.")] = 3,
    evaluations: Annotated[int, typer.Option(min=1, help="Evaluations of each.")] = EVALUATIONS,
    data: Annotated[Path | None, typer.Option(help="Folder of the images.")] = None,
) -> dict[str, Any]:
    """Searches bits under each seed, and goes through the same bits; minutes of one core."""
    import torch

    from ...searchers.bits_lab import Lab

    torch.set_num_threads(1)
    began = time.process_time()
    bench, accelerators = Benchmark.load(RECIPE.name), load_space(SPACE)
    table = bench.table
    lab = Lab.of(bench, "inherited", data, images)
    grid = StageGrid(accelerators, table.space, NETWORKS, table.n_classes, CLOCK_MHZ)
    evaluator = lab_evaluator(lab, grid, accelerators.within(AREA_MM2))
    prepared = time.process_time() - began
    fronts: dict[str, list[tuple[Genes, Array]]] = {GENES: []}
    for seed in range(seeds):
        settings = CoSettings(
            objectives=OBJECTIVES, area_mm2=AREA_MM2, evaluations=evaluations, seed=seed
        )
        outcome = co_search(evaluator, settings)
        fronts[GENES].append((outcome.genes, outcome.values))
    searched = time.process_time() - began - prepared
    for way, bits in SAME.items():
        fronts[way] = [exact_front(evaluator, bits)]
    volumes = hypervolumes({way: [v for _, v in some] for way, some in fronts.items()})
    budgets = latencies(fronts[next(iter(SAME))][0][1])
    return {
        "space": SPACE,
        "area_mm2": AREA_MM2,
        "accelerators": len(accelerators),
        "within": len(evaluator.domain.allowed),
        "objectives": list(OBJECTIVES),
        "networks": list(NETWORKS),
        "images": images,
        "evaluations": evaluations,
        "least_accuracy": LEAST_ACCURACY,
        "hypervolume": volumes,
        "points": {way: [len(values) for _, values in some] for way, some in fronts.items()},
        "latency_ms": budgets,
        "checked": checked(lab, evaluator, fronts, budgets),
        "prepared_s": round(prepared, 1),
        "search_s": round(searched / seeds, 1),
        "processor_s": round(time.process_time() - began, 1),
    }


def exact_front(evaluator: BitsCoEvaluator, bits: Sequence[int]) -> tuple[Genes, Array]:
    """Rows and objectives of the front of all pairs whose stages have the same bits.

    Args:
        evaluator: answers rows of its domain.
        bits: numbers of bits; every stage of a network has one of them.
    """
    domain = evaluator.domain
    own = domain.pairs.bits
    half = np.array(
        [
            [network, *[BITS.index(n)] * (own.n_genes - 1)]
            for network in range(len(own.networks))
            for n in bits
        ],
        np.int64,
    )
    half = own.repaired(half)
    pairs = domain.pairs.joined(np.repeat(half, len(half), axis=0), np.tile(half, (len(half), 1)))
    genes = [np.zeros((0, domain.n_genes), np.int64)]
    values = [np.zeros((0, len(OBJECTIVES)))]
    for place in domain.allowed.tolist():
        x = domain.joined(pairs, np.full(len(pairs), place, np.intp))
        rows, _, worth = evaluator.values(x, OBJECTIVES)
        best = nondominated(worth)
        genes.append(rows[best])
        values.append(worth[best])
    every = np.concatenate(values)
    best = nondominated(every)
    return np.concatenate(genes)[best], every[best]


def hypervolumes(values: dict[str, list[Array]]) -> dict[str, list[float]]:
    """Hypervolume of each front as a share of that of all of them together.

    Args:
        values: objectives of the fronts of each way, the error first.
    """
    good = {way: [v[v[:, 0] <= 1 - LEAST_ACCURACY] for v in some] for way, some in values.items()}
    every = np.concatenate([v for some in good.values() for v in some])
    box = reference_of(every[nondominated(every)], OBJECTIVES)
    return {
        way: [
            float(hypervolume(v, box.utopian, box.nadir) / box.hypervolume) if len(v) else 0.0
            for v in some
        ]
        for way, some in good.items()
    }


def latencies(values: Array) -> list[float]:
    """Three latencies in ms between the fastest and the most accurate point of a front.

    Args:
        values: objectives of the front, error and latency first.
    """
    good = values[values[:, 0] <= 1 - LEAST_ACCURACY]
    ends = float(good[:, 1].min()), float(good[good[:, 0].argmin(), 1])
    return [round(ends[0] + share * (ends[1] - ends[0]), 3) for share in SHARES]


def checked(
    lab: Lab,
    evaluator: BitsCoEvaluator,
    fronts: dict[str, list[tuple[Genes, Array]]],
    budgets: Sequence[float],
) -> list[dict[str, Any]]:
    """The most accurate points within each latency, run with their bits on other images.

    Args:
        lab: the supernet and the images that the points were chosen on.
        evaluator: what the points were predicted by.
        fronts: rows and objectives of the fronts of each way.
        budgets: most latency of a point, in ms each.
    """
    val = lab.splits["val"]
    others = np.arange(len(lab.images), min(2 * len(lab.images), len(val)))
    other = replace(lab, splits={**lab.splits, "val": val.subset(others)})
    records, chosen = [], []
    for way, some in fronts.items():
        for seed, (genes, values) in enumerate(some):
            for latency_ms in budgets:
                within = np.flatnonzero(values[:, 1] <= latency_ms)
                if len(within):
                    row = within[values[within, 0].argmin()]
                    chosen.append(genes[row])
                    records.append({"way": way, "seed": seed, "within_ms": latency_ms})
    x = np.array(chosen)
    points = evaluator.points(x).records()
    for record, point, run in zip(records, points, simulated(other, evaluator, x), strict=True):
        figures = ("little", "big", "accuracy", "escalation_rate", "latency_ms", "energy_mj")
        record |= {name: point[name] for name in figures}
        record["simulated"] = run
    return records


def page(figures: dict[str, Any]) -> str:
    """What the page of accelerators says."""
    budgets = figures["latency_ms"]

    def share(volumes: Sequence[float]) -> str:
        each = 100 * np.asarray(volumes)
        spread = f" ({each.min():.1f} to {each.max():.1f})" if len(each) > 1 else ""
        return f"{each.mean():.1f}{spread}"

    lines = [
        "| bits | hypervolume, % | " + " | ".join(f"within {ms:.3g} ms" for ms in budgets) + " |",
        "|---|---|" + "---|" * len(budgets),
    ]
    for way, volumes in figures["hypervolume"].items():
        cells = []
        for ms in budgets:
            own = [r for r in figures["checked"] if (r["way"], r["within_ms"]) == (way, ms)]
            cells.append(_cell(own))
        lines.append(f"| {way} | {share(volumes)} | " + " | ".join(cells) + " |")
    every = figures["checked"]
    rates = [100 * (r["simulated"]["escalation_rate"] - r["escalation_rate"]) for r in every]
    n_images = every[0]["simulated"]["images"]
    lines += [
        "",
        "Cells: accuracy in % as predicted and, behind the arrow, simulated; in brackets what the "
        "point then takes, in ms at the escalation rate that was simulated. Mean over "
        f"{len(figures['hypervolume'][GENES])} seeds in the first row; the others are exact. "
        f"Accelerators of `{figures['space']}` of at most {figures['area_mm2']:g} mm2 "
        f"({figures['within']} of {figures['accelerators']:,}), pairs of "
        f"{len(figures['networks'])} networks of the table; objectives "
        f"{', '.join(figures['objectives'])}, {figures['evaluations']:,} evaluations a search. "
        "Hypervolume is of predicted points of at least "
        f"{100 * figures['least_accuracy']:g} % accuracy, as a share of that of all these fronts "
        f"together. Points were chosen on {figures['images']:,} images of val and run on the next "
        f"{n_images:,}. All costs are modelled.",
        "",
        *_verdict(every, budgets, n_images),
        "",
        f"The rate of escalation, which is predicted to stay, moves by {np.mean(rates):+.1f} "
        f"points on average, {max(np.abs(rates)):.1f} at the most.",
        "",
        f"{figures['processor_s'] / 60:.0f} minutes of one core, of which sensitivities, answers "
        f"and the table of stages take {figures['prepared_s']:.0f} s and one search "
        f"{figures['search_s']:.0f} s. `python -m biglittle.data_tables.evidence co_bits`, "
        f"{versions(figures)}.",
    ]
    return "\n".join(lines)


def _cell(records: Sequence[dict[str, Any]]) -> str:
    """Accuracy predicted and simulated of the points of one way within one latency."""
    if not records:
        return "none"
    predicted = np.mean([100 * r["accuracy"] for r in records])
    run = np.mean([100 * r["simulated"]["accuracy"] for r in records])
    latency = np.mean([r["simulated"]["latency_ms"] for r in records])
    return f"{predicted:.1f} → {run:.1f} ({latency:.2f})"


def _mean(records: Sequence[dict[str, Any]], way: str, within_ms: float) -> Array:
    """Accuracy in % of the points of one way within one latency: predicted, and simulated."""
    own = [r for r in records if (r["way"], r["within_ms"]) == (way, within_ms)]
    both = [(r["accuracy"], r["simulated"]["accuracy"]) for r in own]
    return 100 * np.mean(both, axis=0) if both else np.full(2, np.nan)


def _verdict(
    records: Sequence[dict[str, Any]], budgets: Sequence[float], n_images: int
) -> list[str]:
    """What searched bits gain as predicted and as simulated, and how far predictions are off."""
    run = dict.fromkeys(r["way"] for r in records)  # a way may have no point within any latency
    means = {way: np.array([_mean(records, way, ms) for ms in budgets]) for way in run}
    gains = {way: np.nanmean(means[GENES] - means[way], axis=0) for way in means if way != GENES}
    bias = {way: np.nanmean(each[:, 0] - each[:, 1]) for way, each in means.items()}
    share = float(np.nanmean(means[GENES][:, 1])) / 100
    noise = 100 * float(np.sqrt(share * (1 - share) / n_images))
    rival = min(gains, key=lambda way: float(gains[way][1]))
    before, after = gains[rival]
    end = (
        "is not to be seen when the points are run"
        if after < noise
        else f"is {after:+.1f} when the points are run"
    )
    return [
        "What searched bits gain, in points of accuracy, mean over these latencies, predicted → "
        "simulated: "
        + "; ".join(f"over {way} {a:+.1f} → {b:+.1f}" for way, (a, b) in gains.items())
        + f". An accuracy of {n_images:,} images has a standard error of {noise:.1f}. So what is "
        f"predicted over {rival}, {before:+.1f}, {end}. Predictions less what was simulated: "
        + "; ".join(f"{way} {off:+.1f}" for way, off in bias.items())
        + ". Losses of single stages that are chance count as losses, and add up where all stages "
        "have fewer bits; a search prefers the bits that its images flatter."
    ]


STEP = Step(measure, {"co_bits": page}, of_table=True)
