"""Surrogates on published measurements of NAS-Bench-201: accuracy, latency and transfer."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....bench.agreement import kendall, spearman
from ....bench.errors import UnknownNameError
from ....surrogates import (
    get_member,
)
from ....surrogates.cells import depends_on_input
from ....surrogates.measured_latency import fit_measured_latency, operator_sums
from ....surrogates.networks import Networks
from ....surrogates.report import summary
from ....surrogates.transfer import transfer_latency
from .._page import Step, load, save
from ._cells import cells, normal_scores
from ._common import SEEDS, Array, middle, say

CELLS, LATENCY_CELLS, LATENCY_TESTED = 400, 900, 2000
SOURCES = (
    *("1080ti_1", "1080ti_32", "1080ti_256", "silver_4114", "silver_4210r"),
    *("samsung_a50", "pixel3", "essential_ph_1", "samsung_s7"),
)
TARGETS = ("raspi4", "titanx_256", "gold_6240", "2080ti_1", "titanxp_32")
SAMPLES = (10, 20)
PARTS = ("transfer", "latency", "accuracy")
PROXIES_PART = "proxies"  # apart: it scores cells first
#: Zero-cost proxies as further columns: of those that rank these cells best the cheapest to score,
#: on a batch of that many images; scored for that many cells, of which CELLS are fitted on.
PROXIES: tuple[str, ...] = ("synflow",)
PROXY_BATCH, PROXY_CELLS = 64, 1000
PROXY_MEMBERS = ("gaussian_process_ard", "xgboost")
#: Members asked about cells; the graph network is left out, its dense graphs of 15,625 whole
#: networks take an hour.
CELL_MEMBERS = (
    *("macs_only", "nearest", "ridge", "ridge_xgboost", "xgboost"),
    *("gaussian_process", "gaussian_process_ard"),
)
CELL_MEANS = (
    ("gaussian_process", "ridge_xgboost"),
    ("gaussian_process", "xgboost"),
    ("gaussian_process_ard", "xgboost"),
)


def nb201_accuracy(networks: Networks, accuracy: Array, seeds: int) -> dict[str, Any]:
    """Rank correlation on all other cells of members fitted on 400, by member."""
    trials: dict[str, list[dict[str, float]]] = {}
    for seed in range(seeds):
        order = np.random.default_rng(seed).permutation(len(networks))
        train, test = networks.take(order[:CELLS]), networks.take(order[CELLS:])
        target = normal_scores(accuracy[order[:CELLS]])[:, None]
        fitted = {bytes(row) for row in train.features[:, 30:]}
        fresh = np.array([bytes(row) not in fitted for row in test.features[:, 30:]])
        truth, predictions, used = accuracy[order[CELLS:]], {}, {}
        for name in CELL_MEMBERS:
            began = time.process_time()
            predictions[name] = get_member(name).fit(train, target, seed).mean(test)[:, 0]
            used[name] = time.process_time() - began
        for parts in CELL_MEANS:
            name = " + ".join(parts)
            predictions[name] = np.mean([predictions[p] for p in parts], axis=0)
            used[name] = sum(used[p] for p in parts)
        for name, scores in predictions.items():
            figures = {
                "spearman": spearman(scores, truth),
                "kendall_tau": kendall(scores, truth),
                "spearman_no_twin": spearman(scores[fresh], truth[fresh]),
                "cpu_s": used[name],
            }
            trials.setdefault(name, []).append(figures)
            say(f"accuracy, seed {seed}: {name} {figures['spearman']:.4f}")
    return {name: summary(each) for name, each in trials.items()}


def nb201_proxies(
    networks: Networks, accuracy: Array, seeds: int, scores: Path | None = None
) -> dict[str, Any]:
    """The same with zero-cost proxies as further columns and without, on the cells that have them.

    Args:
        networks: all cells of the space.
        accuracy: published validation accuracy of each cell.
        seeds: draws of the cells to fit on.
        scores: file of the proxies' scores, which goes on from what is there; None: kept nowhere.
    """
    from ....zerocost import dataset_batch, run

    pool = np.random.default_rng(0).permutation(len(networks))[:PROXY_CELLS]
    cells_, ids = networks.take(pool), networks.space.format(networks.genomes[pool])

    def said(done: int, total: int) -> None:
        sys.stderr.write(f"\rproxies: {done} of {total} cells")

    batch = dataset_batch("cifar10", PROXY_BATCH, 0, None)
    columns = run(ids, batch, scores, PROXIES, space="nb201", n_classes=10, on_progress=said)
    values = np.stack([columns.column(p, ids, 0) for p in PROXIES], axis=1)
    values = np.where(np.isfinite(values), values, np.nan)
    values = np.sign(values) * np.log1p(np.abs(values))
    given_ = np.asarray(np.where(np.isnan(values), np.nanmin(values, axis=0), values), np.float32)
    both = {"with": replace(cells_, columns=given_, column_names=PROXIES), "without": cells_}
    trials: dict[str, dict[str, list[dict[str, float]]]] = {kind: {} for kind in both}
    truth = accuracy[pool]
    for seed in range(seeds):
        order = np.random.default_rng(seed).permutation(len(pool))
        target = normal_scores(truth[order[:CELLS]])[:, None]
        for kind, given in both.items():
            train, test = given.take(order[:CELLS]), given.take(order[CELLS:])
            parts = {
                name: get_member(name).fit(train, target, seed).mean(test)[:, 0]
                for name in PROXY_MEMBERS
            }
            parts[" + ".join(PROXY_MEMBERS)] = np.mean(list(parts.values()), axis=0)
            for name, scored in parts.items():
                figures = {
                    "spearman": spearman(scored, truth[order[CELLS:]]),
                    "kendall_tau": kendall(scored, truth[order[CELLS:]]),
                }
                trials[kind].setdefault(name, []).append(figures)
                say(f"proxies, seed {seed}: {kind} {name} {figures['spearman']:.4f}")
    figures_by = {kind: {m: summary(e) for m, e in each.items()} for kind, each in trials.items()}
    return {"cells": len(pool), "batch": PROXY_BATCH, "proxies": list(PROXIES), **figures_by}


def nb201_latency(networks: Networks, latency_ms: Array, seeds: int) -> dict[str, Any]:
    """Latency on the Raspberry Pi 4 from 900 cells, cells whose output is constant left out."""
    live = np.flatnonzero(depends_on_input(networks.space, networks.genomes))
    trials: dict[str, list[dict[str, float]]] = {}

    def judge(name: str, predicted: Array, truth: Array) -> None:
        figures = {
            "spearman": spearman(predicted, truth),
            "within_10_percent": float((np.abs(predicted / truth - 1) <= 0.1).mean()),
        }
        trials.setdefault(name, []).append(figures)

    # Counting operators takes longest: all draws are from one pool of cells.
    pool = np.random.default_rng(0).permutation(live)[: LATENCY_CELLS + LATENCY_TESTED]
    say(f"latency: operators of {len(pool)} cells")
    counted = operator_sums(networks.take(pool))
    for seed in range(seeds):
        drawn = np.random.default_rng(seed).permutation(len(pool))
        train, test = pool[drawn[:LATENCY_CELLS]], pool[drawn[LATENCY_CELLS:]]
        mine, theirs = counted[drawn[:LATENCY_CELLS]], counted[drawn[LATENCY_CELLS:]]
        model = fit_measured_latency(networks.take(train), latency_ms[train], seed, mine)
        total = theirs @ np.array(model.document["coefficients"])
        judge("sum over operators", total, latency_ms[test])
        predicted = model.predict(networks.take(test), theirs)
        judge("sum and robust trees", predicted, latency_ms[test])
        onehot = [
            np.eye(5)[networks.genomes[rows]].reshape(len(rows), -1) for rows in (train, test)
        ]
        design = [np.column_stack([np.ones(len(x)), x]) for x in onehot]
        line = np.linalg.lstsq(design[0], latency_ms[train], rcond=None)[0]
        judge("one-hot, additive", design[1] @ line, latency_ms[test])
        for name in ("ridge", "xgboost", "gaussian_process"):
            own = get_member(name).fit(
                networks.take(train), np.log(latency_ms[train])[:, None], seed
            )
            judge(name, np.exp(own.mean(networks.take(test))[:, 0]), latency_ms[test])
    return {name: summary(each) for name, each in trials.items()}


def _ten_sample_ridge(sources: Array, rows: NDArray[np.intp], figure_ms: Array) -> Array:
    """The trivial baseline: columns standardised over the samples, penalty 1."""
    own = sources[rows]
    z = (sources - own.mean(axis=0)) / np.maximum(own.std(axis=0), 1e-9)
    gram = z[rows].T @ z[rows] + np.eye(sources.shape[1])
    weights = np.linalg.solve(gram, z[rows].T @ (figure_ms - figure_ms.mean()))
    return np.asarray(z @ weights)


def nb201_transfer(networks: Networks, latency: Mapping[str, Array], seeds: int) -> dict[str, Any]:
    """Rank correlation on devices never seen, from 10 and 20 samples, nine source devices."""
    live = depends_on_input(networks.space, networks.genomes)
    out: dict[str, Any] = {}
    for which, rows in (("cells that depend on the input", live), ("all cells", live | True)):
        sources = np.stack([latency[s][rows] for s in SOURCES], axis=1)
        sources = np.maximum(sources, 0.01)
        for samples in SAMPLES:
            trials = []
            for seed in range(seeds):
                drawn = np.random.default_rng(seed).permutation(len(sources))
                some, rest = drawn[:samples], drawn[samples:]
                figures: dict[str, dict[str, float]] = {"transfer": {}, "ridge": {}}
                for target in TARGETS:
                    truth = np.maximum(latency[target][rows], 0.01)
                    predicted = transfer_latency(sources, some, truth[some])
                    figures["transfer"][target] = spearman(predicted[rest], truth[rest])
                    plain = _ten_sample_ridge(sources, some, truth[some])
                    figures["ridge"][target] = spearman(plain[rest], truth[rest])
                for each in figures.values():
                    each["mean"] = float(np.mean([each[t] for t in TARGETS]))
                trials.append(figures)
                say(f"transfer, {which}, {samples}, seed {seed}: {figures['transfer']['mean']:.4f}")
            out[f"{which}, {samples} samples"] = summary(trials)
    return out


def measure(
    part: list[str] | None = None, seeds: int = SEEDS, working: Path | None = None
) -> dict[str, Any]:
    """Accuracy, latency and transfer on NAS-Bench-201, or some of these; kept part by part."""
    networks, accuracy, latency = cells()
    scores = None if working is None else working / "nb201-proxies.h5"
    work: dict[str, Callable[[], dict[str, Any]]] = {
        "transfer": lambda: nb201_transfer(networks, latency, seeds),
        "latency": lambda: nb201_latency(networks, latency["raspi4"], seeds),
        "accuracy": lambda: nb201_accuracy(networks, accuracy, seeds),
        PROXIES_PART: lambda: nb201_proxies(networks, accuracy, seeds, scores),
    }
    for name in part or PARTS:
        if name not in work:
            raise UnknownNameError("part of this step", name, tuple(work))
        before = load("surrogates/nb201") or {}
        facts = {"seeds": seeds, "n_cells": len(networks)}
        save("surrogates/nb201", {**before, **facts, name: work[name]()})
    return load("surrogates/nb201") or {}


def nb201_text(document: dict[str, Any]) -> str:
    """The tables of NAS-Bench-201."""
    missing = [part for part in PARTS if part not in document]
    if missing:
        return f"Of the step `surrogates/nb201` these parts were not run yet: {', '.join(missing)}."
    lines = [
        "## NAS-Bench-201",
        "",
        f"Accuracies and latencies measured by others (Dong and Yang 2020; Lee et al. 2021; Li et "
        f"al. 2021), {document['n_cells']:,} cells; median ± standard deviation over "
        f"{document['seeds']} random draws of the cells to fit on. Step `surrogates/nb201`.",
        "",
        f"CIFAR-10 accuracy from {CELLS} cells, tested on all others, without zero-cost proxies; "
        "in the third column without cells whose features equal those of one that was fitted on. "
        "Published: 0.941 with 12 proxies. An untuned XGBoost on one-hot, pruned one-hot, operator "
        "counts and depth: 0.931, tau 0.783.",
        "",
        "| model | Spearman | Kendall tau | Spearman, no twin | CPU seconds |",
        "|---|---|---|---|---|",
    ]
    ranked = sorted(document["accuracy"].items(), key=lambda kv: -kv[1]["spearman"]["median"])
    for name, row in ranked:
        lines.append(
            f"| {name} | {middle(row['spearman'])} | {middle(row['kendall_tau'])} | "
            f"{middle(row['spearman_no_twin'])} | {row['cpu_s']['median']:.1f} |"
        )
    if PROXIES_PART in document:
        scored = document[PROXIES_PART]
        lines += [
            "",
            f"With the zero-cost proxies {', '.join(scored['proxies'])} (one initialisation, "
            f"{scored['batch']} CIFAR-10 images) as further columns, and without, on "
            f"{scored['cells']:,} cells: {CELLS} to fit on, the others to test on.",
            "",
            "| model | Spearman with | without | Kendall tau with | without |",
            "|---|---|---|---|---|",
        ]
        for name, row in scored["with"].items():
            pairs = [
                middle(each[kind])
                for kind in ("spearman", "kendall_tau")
                for each in (row, scored["without"][name])
            ]
            lines.append(f"| {name} | {' | '.join(pairs)} |")
    lines += [
        "",
        f"Latency on the Raspberry Pi 4 from {LATENCY_CELLS} cells, tested on {LATENCY_TESTED:,} "
        "others; cells whose output does not depend on the input are left out.",
        "",
        "| model | Spearman | within 10 % |",
        "|---|---|---|",
    ]
    for name, row in sorted(
        document["latency"].items(), key=lambda kv: -kv[1]["within_10_percent"]["median"]
    ):
        within = middle(row["within_10_percent"], 1, 100)
        lines.append(f"| {name} | {middle(row['spearman'])} | {within} |")
    lines += [
        "",
        f"A device never seen, mean Spearman over {', '.join(TARGETS)}; source devices "
        f"{', '.join(SOURCES)}. `ridge` standardises the nine latencies over the samples, penalty "
        "1. Published (HELP, six devices, 10 samples): 0.932.",
        "",
        "| | transfer | ridge |",
        "|---|---|---|",
    ]
    for name, row in document["transfer"].items():
        cells_ = (middle(row[m]["mean"]) for m in ("transfer", "ridge"))
        lines.append(f"| {name} | {' | '.join(cells_)} |")
    ten = next(iter(document["transfer"].values()))["transfer"]
    by_target = ", ".join(f"{t} {middle(ten[t])}" for t in TARGETS)
    lines += ["", f"By target, cells that depend on the input, 10 samples: {by_target}."]
    return "\n".join(lines)


STEP = Step(measure, {"surrogates/nb201": nb201_text})
