"""What surrogates are worth: every figure of the surrogates' page, one step each.

    python -m biglittle.data_tables.surrogate_evidence nb201       published measurements
    python -m biglittle.data_tables.surrogate_evidence recipes     models on the shipped table
    python -m biglittle.data_tables.surrogate_evidence speed
    python -m biglittle.data_tables.surrogate_evidence propose     what searches find ...
    python -m biglittle.data_tables.surrogate_evidence evaluate --working W    ... really evaluated
    python -m biglittle.data_tables.surrogate_evidence searched --working W    ... and compared
    python -m biglittle.data_tables.surrogate_evidence write

Each step keeps its figures in ``surrogate_evidence/STEP.json`` beside this file; ``write`` makes
``surrogate_evidence.md`` of all of them. ``evaluate`` goes on from what is in ``W``. The published
measurements are not ours to ship: they are looked for in ``$BIGLITTLE_REFERENCE_DATA``.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bench import Benchmark, Candidates, load_device
from ..bench.errors import BigLittleError
from ..bench.files import replacing
from ..bench.spaces import get_space
from ..surrogates import (
    Recipe,
    Surrogate,
    SurrogateEvaluator,
    fit_data,
    get_member,
)
from ..surrogates.cells import depends_on_input
from ..surrogates.extras import import_extra
from ..surrogates.latency import spearman
from ..surrogates.measured_latency import fit_measured_latency, operator_sums
from ..surrogates.members import Networks
from ..surrogates.report import BASELINES, kendall_tau, split_report, summary
from ..surrogates.summary import split_table
from ..surrogates.transfer import transfer_latency
from .devices.reference import read_rows, reference_folder

FOLDER = Path(__file__).parent / "surrogate_evidence"
PAGE = Path(__file__).parent / "surrogate_evidence.md"
TABLE, DEVICE = "fbnet-cifar10", "raspberry-pi-4"
SEEDS = 5
CELLS, LATENCY_CELLS, LATENCY_TESTED = 400, 900, 2000
SOURCES = (
    *("1080ti_1", "1080ti_32", "1080ti_256", "silver_4114", "silver_4210r"),
    *("samsung_a50", "pixel3", "essential_ph_1", "samsung_s7"),
)
TARGETS = ("raspi4", "titanx_256", "gold_6240", "2080ti_1", "titanxp_32")
SAMPLES = (10, 20)
PARTS = ("transfer", "latency", "accuracy")
#: Members asked about cells; the graph network is left out, its dense graphs of 15,625 whole
#: networks take an hour.
CELL_MEMBERS = ("macs_only", "nearest", "ridge", "gaussian_process", "ridge_xgboost", "xgboost")
CELL_MEANS = (("gaussian_process", "ridge_xgboost"), ("gaussian_process", "xgboost"))
SPEED_PAIRS = 100_000
#: Searches whose fronts are really evaluated: limit of latency in ms, seed, penalty outside.
SEARCHES = tuple((limit, seed) for limit in (15.0, 20.0, 30.0) for seed in (0, 1))
SEARCH_BUDGET, PROPOSED = 10_000, 80

Array = NDArray[np.float64]


def save(step: str, figures: Mapping[str, Any]) -> None:
    """Keeps the figures of a step."""
    FOLDER.mkdir(exist_ok=True)
    with replacing(FOLDER / f"{step}.json") as partial:
        partial.write_text(json.dumps(figures, indent=1) + "\n")


def kept(step: str) -> dict[str, Any] | None:
    """The figures of a step, or None where it was never run."""
    path = FOLDER / f"{step}.json"
    if not path.exists():
        return None
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def say(line: str) -> None:
    """A line of progress."""
    sys.stderr.write(line + "\n")


# ---- published measurements ----------------------------------------------------------------------
def cells() -> tuple[Networks, Array, dict[str, Array]]:
    """All cells of NAS-Bench-201 at hand, their CIFAR-10 accuracy, and latencies by device.

    Raises:
        DatasetError: the measurements are not there.
    """
    folder, space = reference_folder() / "nb201", get_space("nb201")
    rows, timed = (read_rows(folder / f"{n}.csv.gz") for n in ("accuracy", "latency_ms"))
    if [r["nb201_index"] for r in rows] != [r["nb201_index"] for r in timed]:
        raise BigLittleError("accuracies and latencies are not of the same cells, row by row.")
    genomes = space.parse([r["arch_str"] for r in rows])
    accuracy = np.array([float(r["val_accuracy_cifar10_pct"]) / 100 for r in rows])
    latency = {
        name: np.array([float(r[name]) for r in timed])
        for name in timed[0]
        if name != "nb201_index"
    }
    return Networks(space, space.choices, 10, genomes), accuracy, latency


def normal_scores(values: Array) -> Array:
    """Values (n,) as the quantiles of a normal distribution: a few poor cells weigh no more."""
    ranks = np.argsort(np.argsort(values))
    scores = import_extra("scipy.special", "reporting").ndtri((ranks + 0.5) / len(values))
    return np.asarray(scores, np.float64)


def nb201_accuracy(networks: Networks, accuracy: Array, seeds: int) -> dict[str, Any]:
    """Rank correlation on all other cells of members fitted on 400, by member."""
    found: dict[str, list[dict[str, float]]] = {}
    for seed in range(seeds):
        order = np.random.default_rng(seed).permutation(len(networks))
        train, test = networks.take(order[:CELLS]), networks.take(order[CELLS:])
        target = normal_scores(accuracy[order[:CELLS]])[:, None]
        known = {bytes(row) for row in train.features[:, 30:]}
        fresh = np.array([bytes(row) not in known for row in test.features[:, 30:]])
        truth, said, used = accuracy[order[CELLS:]], {}, {}
        for name in CELL_MEMBERS:
            began = time.process_time()
            said[name] = get_member(name).fit(train, target, seed).mean(test)[:, 0]
            used[name] = time.process_time() - began
        for parts in CELL_MEANS:
            name = " + ".join(parts)
            said[name] = np.mean([said[p] for p in parts], axis=0)
            used[name] = sum(used[p] for p in parts)
        for name, scores in said.items():
            figures = {
                "spearman": spearman(scores, truth),
                "kendall_tau": kendall_tau(scores, truth),
                "spearman_no_twin": spearman(scores[fresh], truth[fresh]),
                "cpu_s": used[name],
            }
            found.setdefault(name, []).append(figures)
            say(f"accuracy, seed {seed}: {name} {figures['spearman']:.4f}")
    return {name: summary(each) for name, each in found.items()}


def nb201_latency(networks: Networks, latency_ms: Array, seeds: int) -> dict[str, Any]:
    """Latency on the Raspberry Pi 4 from 900 cells, cells whose output is constant left out."""
    live = np.flatnonzero(depends_on_input(networks.space, networks.genomes))
    found: dict[str, list[dict[str, float]]] = {}

    def judge(name: str, said: Array, truth: Array) -> None:
        figures = {
            "spearman": spearman(said, truth),
            "within_10_percent": float((np.abs(said / truth - 1) <= 0.1).mean()),
        }
        found.setdefault(name, []).append(figures)

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
        said = model.predict(networks.take(test), theirs)
        judge("sum and robust trees", said, latency_ms[test])
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
    return {name: summary(each) for name, each in found.items()}


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
                    said = transfer_latency(sources, some, truth[some])
                    figures["transfer"][target] = spearman(said[rest], truth[rest])
                    plain = _ten_sample_ridge(sources, some, truth[some])
                    figures["ridge"][target] = spearman(plain[rest], truth[rest])
                for each in figures.values():
                    each["mean"] = float(np.mean([each[t] for t in TARGETS]))
                trials.append(figures)
                say(f"transfer, {which}, {samples}, seed {seed}: {figures['transfer']['mean']:.4f}")
            out[f"{which}, {samples} samples"] = summary(trials)
    return out


def nb201_step(parts: Sequence[str], seeds: int = SEEDS) -> None:
    """Accuracy, latency and transfer on NAS-Bench-201, or some of these."""
    networks, accuracy, latency = cells()
    work: dict[str, Callable[[], dict[str, Any]]] = {
        "transfer": lambda: nb201_transfer(networks, latency, seeds),
        "latency": lambda: nb201_latency(networks, latency["raspi4"], seeds),
        "accuracy": lambda: nb201_accuracy(networks, accuracy, seeds),
    }
    for name in parts:
        found = work[name]()
        before = kept("nb201") or {}
        save("nb201", {**before, "seeds": seeds, "n_cells": len(networks), name: found})


# ---- the shipped table ---------------------------------------------------------------------------
RECIPES = (
    Recipe(),
    Recipe("ensemble", "direct", "gaussian_process"),
    Recipe("gaussian_process"),
    Recipe("ridge_xgboost", "direct", "gaussian_process"),
    Recipe("xgboost"),
    Recipe("gnn"),
    Recipe("ensemble", "gnn"),
    *BASELINES,
)


def recipes_step(seeds: int = SEEDS) -> None:
    """Every recipe on the random split of the shipped table."""
    data = fit_data(Benchmark.load(TABLE).table)
    found = split_report(data, "random", RECIPES, range(seeds), say)
    save("recipes", {"seeds": seeds, "n_networks": len(data), "splits": {"random": found}})


def speed_step() -> None:
    """Seconds for 100,000 pairs of different networks, and for a process's first prediction."""
    folder = Benchmark.load(TABLE).table.path.parent / "surrogate"
    surrogate, rng = Surrogate.load(folder), np.random.default_rng(0)
    space, n = surrogate.space, SPEED_PAIRS
    little, big = (space.sample(rng, n, surrogate.choices) for _ in range(2))
    gates = rng.integers(0, len(surrogate.gates), n)
    asked = Candidates(little, big, gates, rng.integers(0, 257, n))
    surrogate.predict(Candidates(little[:1], big[:1], gates[:1], asked.cut[:1]))
    wall, cpu = [], []
    for _ in range(3):
        began, used = time.perf_counter(), time.process_time()
        surrogate.predict(asked)
        wall.append(time.perf_counter() - began)
        cpu.append(time.process_time() - used)
    code = (
        "import time; import biglittle.surrogates as s, numpy as np; t = time.perf_counter();"
        f"x = s.Surrogate.load({str(folder)!r}); x.accuracy(x.space.parse('8' * 22));"
        "print(time.perf_counter() - t)"
    )
    first = [
        float(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout)
        for _ in range(3)
    ]
    figures = {
        "pairs": n,
        "wall_s": statistics.median(wall),
        "cpu_s": statistics.median(cpu),
        "first_prediction_s": statistics.median(first),
        "cores": os.cpu_count(),
        "load_average": os.getloadavg()[0],
    }
    save("speed", figures)


# ---- what searches find --------------------------------------------------------------------------
def propose_step() -> None:
    """Operating points spread over fronts that NSGA-II finds on the shipped surrogate."""
    from ..bench.table import file_hash
    from ..searchers import get_searcher
    from ..searchers.console import spread
    from ..searchers.settings import SearchSettings

    bench = Benchmark.load(TABLE)
    folder = bench.table.path.parent / "surrogate"
    judge = SurrogateEvaluator(Surrogate.load(folder), load_device(DEVICE))
    known = {str(a) for a in bench.table.networks["architecture"]}
    rows: list[dict[str, Any]] = []
    each = -(-PROPOSED // (2 * len(SEARCHES)))
    for limit, seed in SEARCHES:
        settings = SearchSettings(budget=SEARCH_BUDGET, seed=seed, limits={"latency_ms": limit})
        front = get_searcher("nsga2")(judge, settings).front
        front = front.take(np.argsort(front.latency_ms))
        real = np.flatnonzero(front.escalation_rate >= 0.01)
        other = np.setdiff1d(np.arange(len(front)), real)
        picked = [r[spread(len(r), each)] for r in (real, other) if len(r)]
        points = front.take(np.sort(np.concatenate(picked)))
        said = judge.intervals(points)
        for i in range(len(points)):
            point = points[i]
            rows.append(
                {
                    "latency_ms_max": limit,
                    "seed": seed,
                    "little": point.little,
                    "big": point.big,
                    "gate": point.gate,
                    "threshold": point.threshold,
                    "latency_ms": point.latency_ms,
                    "accuracy": point.accuracy,
                    "low": float(said.low[i]),
                    "high": float(said.high[i]),
                    "escalation_rate": point.escalation_rate,
                    "distance": float(said.distance[i]),
                    "outside": bool(said.outside[i]),
                }
            )
        say(f"within {limit:g} ms, seed {seed}: {len(points)} points of {len(front)}")
    new = {r[who] for r in rows for who in ("little", "big")} - known
    save(
        "proposed",
        {
            "surrogate_sha256": file_hash(folder / "surrogate.json"),
            "device": DEVICE,
            "budget": SEARCH_BUDGET,
            "new_architectures": len(new),
            "points": rows,
        },
    )
    say(f"{len(rows)} points of {len(new)} architectures that the table does not hold")


def proposed() -> dict[str, Any]:
    """What was proposed.

    Raises:
        BigLittleError: nothing was.
    """
    found = kept("proposed")
    if found is None:
        raise BigLittleError("nothing is proposed yet; run the step 'propose' first.")
    return found


def evaluate_step(working: Path) -> None:
    """Asks every proposed network about val, with the weights it inherits; goes on where it was."""
    from ..bench.datasets import get_dataset
    from .fbnet_cifar10.evaluate import NetworkEvaluator, NetworkKey
    from .fbnet_cifar10.plan import TrainedSupernet

    rows = proposed()["points"]
    wanted = sorted({r[who] for r in rows for who in ("little", "big")})
    supernet, dataset = TrainedSupernet.kept(), get_dataset("cifar10")
    keys = [NetworkKey(a, origin=supernet.sha256) for a in wanted]
    todo = [k for k in keys if not (working / f"{k.name}.npz").exists()]
    live = NetworkEvaluator(dataset, dataset.load(), splits=("val",))
    for i, key in enumerate(todo):
        accuracy = live.evaluate(live.inherited(supernet.net, key.architecture), key, working)
        say(f"{i + 1} of {len(todo)}: {key.architecture} {accuracy:.4f}")


def searched_step(working: Path) -> None:
    """Predicted against evaluated: optimism and coverage on what searches found.

    Raises:
        BigLittleError: something proposed was not evaluated, or with another supernet.
    """
    from ..bench.gates import get_metric
    from .fbnet_cifar10.evaluate import NetworkKey, read_evaluation

    bench, given = Benchmark.load(TABLE), proposed()
    table = bench.table
    labels = table.predictions("val").labels
    known = {str(a) for a in table.networks["architecture"]}
    said: dict[str, Mapping[str, NDArray[np.uint8]]] = {}
    origins = set()
    for row in given["points"]:
        for who in ("little", "big"):
            if row[who] in said:
                continue
            path = working / f"{NetworkKey(row[who]).name}.npz"
            if not path.exists():
                raise BigLittleError(f"{row[who]} is not evaluated; run the step 'evaluate'.")
            evaluation = read_evaluation(path)
            origins.add(evaluation.key.origin)
            said[row[who]] = evaluation.answers["val"]
    if len(origins) > 1:
        raise BigLittleError(
            f"the files in {working} are of {len(origins)} supernets; delete the old ones."
        )
    points = []
    for row in given["points"]:
        little, big = said[row["little"]], said[row["big"]]
        escalated = little[row["gate"]] < int(
            get_metric(row["gate"]).cut(row["threshold"], table.n_classes)
        )
        right = np.where(escalated, big["top1"] == labels, little["top1"] == labels)
        points.append(
            {
                **row,
                "evaluated_accuracy": float(right.mean()),
                "evaluated_escalation_rate": float(escalated.mean()),
                "new": row["little"] not in known or row["big"] not in known,
            }
        )
    save(
        "searched",
        {**given, "architectures": len(said), "points": points, "figures": _optimism(points)},
    )


def _optimism(points: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    def of(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        gap = np.array([r["accuracy"] - r["evaluated_accuracy"] for r in rows])
        inside = [r["low"] <= r["evaluated_accuracy"] <= r["high"] for r in rows]
        rate = np.array([r["escalation_rate"] - r["evaluated_escalation_rate"] for r in rows])
        return {
            "n": len(rows),
            "optimism": float(gap.mean()),
            "standard_error": float(gap.std(ddof=1) / np.sqrt(len(gap))) if len(gap) > 1 else None,
            "worst": float(gap.max()),
            "mae": float(np.abs(gap).mean()),
            "coverage": float(np.mean(inside)),
            "escalation_rate_mae": float(np.abs(rate).mean()),
            "kendall_tau": kendall_tau(
                np.array([r["accuracy"] for r in rows]),
                np.array([r["evaluated_accuracy"] for r in rows]),
            ),
        }

    groups: dict[str, Callable[[Mapping[str, Any]], bool]] = {
        "all": lambda r: True,
        "escalates": lambda r: bool(r["evaluated_escalation_rate"] >= 0.01),
        "inside the support": lambda r: not r["outside"],
        "outside the support": lambda r: bool(r["outside"]),
    }
    chosen = {name: [r for r in points if test(r)] for name, test in groups.items()}
    return {name: of(rows) for name, rows in chosen.items() if rows}


# ---- the page ------------------------------------------------------------------------------------
def _middle(entry: Mapping[str, Any], digits: int = 3, scale: float = 1.0) -> str:
    if entry["median"] is None:
        return "-"
    return f"{scale * entry['median']:.{digits}f} ± {scale * entry['spread']:.{digits}f}"


def nb201_text(found: Mapping[str, Any]) -> list[str]:
    """The tables of NAS-Bench-201."""
    if not all(part in found for part in PARTS):
        raise BigLittleError("some part of the step 'nb201' was not run; run it again.")
    lines = [
        "## NAS-Bench-201",
        "",
        f"Accuracies and latencies measured by others (Dong and Yang 2020; Lee et al. 2021; Li et "
        f"al. 2021), {found['n_cells']:,} cells; median ± standard deviation over "
        f"{found['seeds']} random draws of the cells to fit on. Step `nb201`.",
        "",
        f"CIFAR-10 accuracy from {CELLS} cells, tested on all others, without zero-cost proxies; "
        "in the third column without cells whose features equal those of one that was fitted on. "
        "Published: 0.941 with 12 proxies. An untuned XGBoost on one-hot, pruned one-hot, operator "
        "counts and depth: 0.931, tau 0.783.",
        "",
        "| model | Spearman | Kendall tau | Spearman, no twin | CPU seconds |",
        "|---|---|---|---|---|",
    ]
    ranked = sorted(found["accuracy"].items(), key=lambda kv: -kv[1]["spearman"]["median"])
    for name, row in ranked:
        lines.append(
            f"| {name} | {_middle(row['spearman'])} | {_middle(row['kendall_tau'])} | "
            f"{_middle(row['spearman_no_twin'])} | {row['cpu_s']['median']:.1f} |"
        )
    lines += [
        "",
        f"Latency on the Raspberry Pi 4 from {LATENCY_CELLS} cells, tested on {LATENCY_TESTED:,} "
        "others; cells whose output does not depend on the input are left out.",
        "",
        "| model | Spearman | within 10 % |",
        "|---|---|---|",
    ]
    for name, row in sorted(
        found["latency"].items(), key=lambda kv: -kv[1]["within_10_percent"]["median"]
    ):
        within = _middle(row["within_10_percent"], 1, 100)
        lines.append(f"| {name} | {_middle(row['spearman'])} | {within} |")
    lines += [
        "",
        f"A device never seen, mean Spearman over {', '.join(TARGETS)}; source devices "
        f"{', '.join(SOURCES)}. `ridge` standardises the nine latencies over the samples, penalty "
        "1. Published (HELP, six devices, 10 samples): 0.932.",
        "",
        "| | transfer | ridge |",
        "|---|---|---|",
    ]
    for name, row in found["transfer"].items():
        cells_ = (_middle(row[m]["mean"]) for m in ("transfer", "ridge"))
        lines.append(f"| {name} | {' | '.join(cells_)} |")
    ten = next(iter(found["transfer"].values()))["transfer"]
    by_target = ", ".join(f"{t} {_middle(ten[t])}" for t in TARGETS)
    return [*lines, "", f"By target, cells that depend on the input, 10 samples: {by_target}."]


def recipes_text(found: Mapping[str, Any]) -> list[str]:
    """The table of recipes."""
    return [
        "## Recipes on the shipped table",
        "",
        f"{found['n_networks']} networks, a fifth held out, {found['seeds']} random splits; pairs "
        "of two unseen networks. Step `recipes`. The first one ships.",
        "",
        *split_table(found, "random"),
    ]


def speed_text(found: Mapping[str, Any]) -> list[str]:
    """The line of the speed."""
    return [
        "## Speed",
        "",
        f"{found['pairs']:,} pairs of {2 * found['pairs']:,} different networks: "
        f"{found['wall_s']:.1f} s ({found['cpu_s']:.1f} s of CPU, {found['cores']} cores, load "
        f"average {found['load_average']:.1f}); loading and the first prediction after import: "
        f"{found['first_prediction_s']:.2f} s. Step `speed`.",
    ]


def searched_text(found: Mapping[str, Any]) -> list[str]:
    """The table of what searches found."""
    lines = [
        "## What searches find",
        "",
        f"{len(found['points'])} operating points of {found['architectures']} architectures "
        f"({found['new_architectures']} of them not in the table) from fronts of `nsga2` "
        f"({found['budget']:,} evaluations, {found['device']}), evaluated on val with inherited "
        "weights. Optimism is predicted minus evaluated accuracy, in points; coverage is of the 90 "
        "% intervals. Steps `propose`, `evaluate`, `searched`.",
        "",
        "| points | n | optimism | mean absolute error | worst | coverage | Kendall tau |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, row in found["figures"].items():
        error = "" if row["standard_error"] is None else f" ± {100 * row['standard_error']:.2f}"
        lines.append(
            f"| {name} | {row['n']} | {100 * row['optimism']:+.2f}{error} | "
            f"{100 * row['mae']:.2f} | {100 * row['worst']:+.2f} | {row['coverage']:.0%} | "
            f"{row['kendall_tau']:.3f} |"
        )
    return lines


TEXTS: dict[str, Callable[[Mapping[str, Any]], list[str]]] = {
    "nb201": nb201_text,
    "recipes": recipes_text,
    "searched": searched_text,
    "speed": speed_text,
}


def write_step() -> None:
    """Makes the page of what the steps kept."""
    lines = [
        "# What the surrogates are worth",
        "",
        "Written by `python -m biglittle.data_tables.surrogate_evidence write`.",
    ]
    for step, text in TEXTS.items():
        found = kept(step)
        if found is not None:
            lines += ["", *text(found)]
    with replacing(PAGE) as partial:
        partial.write_text("\n".join(lines) + "\n")


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs one step."""
    steps = ("nb201", "recipes", "speed", "propose", "evaluate", "searched", "write")
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("step", choices=steps)
    parser.add_argument("--working", type=Path, help="folder of evaluations")
    parser.add_argument("--part", choices=PARTS, action="append", help="of the step nb201")
    parser.add_argument("--seeds", type=int, default=SEEDS)
    given = parser.parse_args(arguments)
    if given.step in ("evaluate", "searched"):
        if given.working is None:
            parser.error(f"step {given.step} needs --working")
        {"evaluate": evaluate_step, "searched": searched_step}[given.step](given.working)
    elif given.step == "nb201":
        nb201_step(given.part or PARTS, given.seeds)
    elif given.step == "recipes":
        recipes_step(given.seeds)
    else:
        {"speed": speed_step, "propose": propose_step, "write": write_step}[given.step]()


if __name__ == "__main__":
    main()
