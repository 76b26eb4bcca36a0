"""What surrogates are worth: every figure of the surrogates' page, one step each.

    python -m biglittle.data_tables.surrogate_evidence nb201       published measurements
    python -m biglittle.data_tables.surrogate_evidence recipes     models on the shipped table
    python -m biglittle.data_tables.surrogate_evidence graphs      graph networks, which take longer
    python -m biglittle.data_tables.surrogate_evidence speed
    python -m biglittle.data_tables.surrogate_evidence propose     what searches find ...
    python -m biglittle.data_tables.surrogate_evidence evaluate --working W    ... really evaluated
    python -m biglittle.data_tables.surrogate_evidence searched --working W    ... and compared
    python -m biglittle.data_tables.surrogate_evidence improve --working W     active learning
    python -m biglittle.data_tables.surrogate_evidence found --working W       what a fit may add
    python -m biglittle.data_tables.surrogate_evidence write

Each step keeps its figures in ``surrogate_evidence/STEP.json`` beside this file; ``write`` makes
``surrogate_evidence.md`` of all of them. ``evaluate`` and ``improve`` go on from what is in ``W``;
``found`` packs the networks evaluated there into a file beside the table, and ``biglittle surrogate
fit`` learns from it as well. The published measurements are not ours to ship: they are looked for
in ``$BIGLITTLE_REFERENCE_DATA``.
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
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bench import Benchmark, Candidates, Table, load_device
from ..bench.agreement import kendall, spearman
from ..bench.errors import BigLittleError, TableError
from ..bench.files import replacing
from ..bench.gates import get_metric, stored_metrics
from ..bench.spaces import get_space
from ..surrogates import (
    Recipe,
    Surrogate,
    SurrogateEvaluator,
    fit_data,
    get_member,
)
from ..surrogates.cells import depends_on_input
from ..surrogates.evaluated_networks import FILE, beside, read_evaluated, write_evaluated
from ..surrogates.extras import import_extra
from ..surrogates.measured_latency import fit_measured_latency, operator_sums
from ..surrogates.networks import Networks
from ..surrogates.report import BASELINES, split_report, summary
from ..surrogates.summary import SPLITS, split_table
from ..surrogates.surrogate import DOCUMENT
from ..surrogates.transfer import transfer_latency
from .building.searched_points import agreement, evaluated_point, found_networks
from .reference import read_rows, reference_folder

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
SPEED_PAIRS = 100_000
#: Searches whose fronts are really evaluated: limit of latency in ms, seed, penalty outside.
SEARCHES = tuple((limit, seed) for limit in (15.0, 20.0, 30.0) for seed in (0, 1))
SEARCH_BUDGET, PROPOSED = 5000, 48  # pairs, each under every gate
#: Rounds of active learning that are shown, and networks a round.
ROUNDS, BATCH = 2, 16
LEAST_SEARCHED = 60  # architectures of the searched split

Array = NDArray[np.float64]


def save(step: str, figures: Mapping[str, Any]) -> None:
    """Keeps the figures of a step."""
    FOLDER.mkdir(exist_ok=True)
    with replacing(FOLDER / f"{step}.json") as partial:
        partial.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


def kept(step: str) -> dict[str, Any] | None:
    """The figures of a step, or None where it was never run."""
    path = FOLDER / f"{step}.json"
    if not path.exists():
        return None
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
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
                "kendall_tau": kendall(scores, truth),
                "spearman_no_twin": spearman(scores[fresh], truth[fresh]),
                "cpu_s": used[name],
            }
            found.setdefault(name, []).append(figures)
            say(f"accuracy, seed {seed}: {name} {figures['spearman']:.4f}")
    return {name: summary(each) for name, each in found.items()}


def nb201_proxies(
    networks: Networks, accuracy: Array, seeds: int, scores: Path | None = None
) -> dict[str, Any]:
    """The same with zero-cost proxies as further columns and without, on the cells that have them.

    Args:
        networks: all cells.
        accuracy: of each.
        seeds: draws of the cells to fit on.
        scores: file of the proxies' scores, which goes on from what is there; None: kept nowhere.
    """
    from ..zerocost import dataset_batch, run

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
    found: dict[str, dict[str, list[dict[str, float]]]] = {kind: {} for kind in both}
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
                found[kind].setdefault(name, []).append(figures)
                say(f"proxies, seed {seed}: {kind} {name} {figures['spearman']:.4f}")
    figures_by = {kind: {m: summary(e) for m, e in each.items()} for kind, each in found.items()}
    return {"cells": len(pool), "batch": PROXY_BATCH, "proxies": list(PROXIES), **figures_by}


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


def nb201_step(parts: Sequence[str], seeds: int = SEEDS, working: Path | None = None) -> None:
    """Accuracy, latency and transfer on NAS-Bench-201, or some of these."""
    networks, accuracy, latency = cells()
    scores = None if working is None else working / "nb201-proxies.h5"
    work: dict[str, Callable[[], dict[str, Any]]] = {
        "transfer": lambda: nb201_transfer(networks, latency, seeds),
        "latency": lambda: nb201_latency(networks, latency["raspi4"], seeds),
        "accuracy": lambda: nb201_accuracy(networks, accuracy, seeds),
        PROXIES_PART: lambda: nb201_proxies(networks, accuracy, seeds, scores),
    }
    for name in parts:
        found = work[name]()
        before = kept("nb201") or {}
        save("nb201", {**before, "seeds": seeds, "n_cells": len(networks), name: found})


# ---- the shipped table ---------------------------------------------------------------------------
RECIPES = (
    Recipe(),
    Recipe(link="identity"),
    Recipe("gaussian_process", points="gaussian_process"),
    Recipe("gaussian_process", points="gaussian_process", link="identity"),
    Recipe("ensemble"),
    Recipe("xgboost"),
    Recipe(pairs="direct"),
    *BASELINES,
    Recipe("ridge", "item_response", "ridge", "identity"),
)
#: Judged on fewer splits: on a processor they take minutes each.
GRAPH_RECIPES = (Recipe("gnn"), Recipe(pairs="gnn"))
GRAPH_SEEDS = 1


def recipes_step(seeds: int = SEEDS) -> None:
    """Every recipe on the random split of the shipped table."""
    data = fit_data(Benchmark.load(TABLE).table)
    found = split_report(data, "random", RECIPES, range(seeds), say)
    save("recipes", {"seeds": seeds, "n_networks": len(data), "splits": {"random": found}})


def graphs_step(seeds: int = GRAPH_SEEDS) -> None:
    """The graph networks, on the first random splits of the step before."""
    data = fit_data(Benchmark.load(TABLE).table)
    found = split_report(data, "random", GRAPH_RECIPES, range(seeds), say)
    save("graphs", {"seeds": seeds, "n_networks": len(data), "splits": {"random": found}})


def speed_step() -> None:
    """Seconds for 100,000 pairs of different networks, and for a process's first prediction.

    Also for the whole curves of a tenth of them, which is what a search asks for.
    """
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
    judge, some = SurrogateEvaluator(surrogate, load_device(DEVICE)), slice(0, n // 10)
    began = time.perf_counter()
    swept = judge.sweep(little[some], big[some])
    swept_s = time.perf_counter() - began
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
        "swept_pairs": n // 10,
        "swept_points": len(swept.owner),
        "swept_wall_s": swept_s,
        "first_prediction_s": statistics.median(first),
        "cores": os.cpu_count(),
        "load_average": os.getloadavg()[0],
    }
    save("speed", figures)


# ---- what searches find --------------------------------------------------------------------------
def learnable(table: Table) -> set[str]:
    """Architectures that a surrogate may have seen: the table's, and those found since."""
    known, path = {str(a) for a in table.networks["architecture"]}, beside(table.path)
    if path is not None:
        labels = table.predictions("val").labels
        known |= set(read_evaluated(path, table.space, labels, stored_metrics()).architectures)
    return known


def propose_step() -> None:
    """Operating points spread over fronts that NSGA-II finds on the shipped surrogate."""
    from ..bench.files import file_hash
    from ..searchers import get_searcher
    from ..searchers.console import spread
    from ..searchers.settings import SearchSettings

    bench = Benchmark.load(TABLE)
    folder = bench.table.path.parent / "surrogate"
    judge = SurrogateEvaluator(Surrogate.load(folder), load_device(DEVICE))
    known = learnable(bench.table)
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


def in_random_order(points: Sequence[Mapping[str, Any]]) -> list[str]:
    """Networks of points, in the order of shuffled points: the first ones are a fair sample."""
    order = np.random.default_rng(0).permutation(len(points))
    return list(dict.fromkeys(points[i][who] for i in order for who in ("little", "big")))


def evaluate_step(working: Path, limit: int | None = None) -> None:
    """Asks every proposed network about val, with the weights it inherits; goes on where it was.

    Args:
        working: folder of the evaluations.
        limit: networks to evaluate now, at the most; None: all.
    """
    from ..bench.datasets import get_dataset
    from .building.evaluate import NetworkEvaluator, NetworkKey, read_key
    from .building.plan import TrainedSupernet
    from .fbnet_cifar10.recipe import RECIPE

    def done(key: NetworkKey) -> bool:
        path = working / f"{key.name}.npz"
        try:  # of another supernet, or damaged: once more
            return path.exists() and read_key(path).origin == key.origin
        except TableError as error:
            if isinstance(error.__cause__, OSError):  # of a failing disk, say: it is not damaged
                raise
            return False

    wanted = in_random_order(proposed()["points"])
    supernet, dataset = TrainedSupernet.kept(RECIPE.weights), get_dataset("cifar10")
    keys = [NetworkKey(a, origin=supernet.sha256) for a in wanted]
    todo = [k for k in keys if not done(k)][:limit]
    live = NetworkEvaluator(dataset, dataset.load(), splits=("val",))
    began = time.monotonic()
    for i, key in enumerate(todo):
        if done(key):  # by another process
            continue
        accuracy = live.evaluate(live.inherited(supernet.net, key.architecture), key, working)
        left = (time.monotonic() - began) / (i + 1) * (len(todo) - i - 1)
        say(f"{i + 1} of {len(todo)}: {key.architecture} {accuracy:.4f}, {left / 60:.0f} min left")


def searched_step(working: Path) -> None:
    """Predicted against evaluated: optimism and coverage on what searches found.

    Points of which a network is not evaluated yet are left out and counted.

    Raises:
        BigLittleError: too little was evaluated, or with another supernet.
    """
    from .building.evaluate import NetworkKey, read_evaluation

    bench, given = Benchmark.load(TABLE), proposed()
    table = bench.table
    labels = table.predictions("val").labels
    known = learnable(table)
    said: dict[str, Mapping[str, NDArray[np.uint8]]] = {}
    origins = set()
    for architecture in in_random_order(given["points"]):
        path = working / f"{NetworkKey(architecture).name}.npz"
        if path.exists():
            evaluation = read_evaluation(path)
            origins.add(evaluation.key.origin)
            said[architecture] = evaluation.answers["val"]
    if len(said) < LEAST_SEARCHED:
        raise BigLittleError(
            f"{len(said)} of the proposed networks are evaluated in {working}; expected at least "
            f"{LEAST_SEARCHED}. Run the step 'evaluate'."
        )
    if len(origins) > 1:
        raise BigLittleError(
            f"the files in {working} are of {len(origins)} supernets; delete the old ones."
        )
    points, whole = [], [r for r in given["points"] if {r["little"], r["big"]} <= said.keys()]
    for row in whole:
        found = evaluated_point(row, said[row["little"]], said[row["big"]], labels, table.n_classes)
        new = row["little"] not in known or row["big"] not in known
        points.append({**row, **found, "new": new})
    figures = _optimism(points)
    surrogate = Surrogate.load(table.path.parent / "surrogate")
    alone = surrogate.predict_networks(surrogate.space.parse(list(said)))
    figures["single networks"] = agreement(
        [
            {
                "accuracy": float(alone.accuracy[i]),
                "low": float(alone.low[i]),
                "high": float(alone.high[i]),
                "evaluated_accuracy": float((answers["top1"] == labels).mean()),
            }
            for i, answers in enumerate(said.values())
        ]
    )
    counts = {
        "proposed": len(given["points"]),
        "architectures": len(said),
        "evaluated_new": len(said.keys() - known),
    }
    save("searched", {**given, **counts, "points": points, "figures": figures})


def _optimism(points: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
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


def found_step(working: Path) -> None:
    """Packs the networks evaluated in a folder, those of the table left out, beside the table.

    Raises:
        BigLittleError: nothing was evaluated there, or with other weights than those that ship.
    """
    from .building.evaluate import read_evaluation
    from .building.plan import TrainedSupernet
    from .fbnet_cifar10.recipe import RECIPE

    table = Benchmark.load(TABLE).table
    held, origin = (
        {str(a) for a in table.networks["architecture"]},
        TrainedSupernet.kept(RECIPE.weights).sha256,
    )
    evaluations = [read_evaluation(path) for path in sorted(working.glob("inherited-*.npz"))]
    if any(e.key.origin != origin for e in evaluations):
        raise BigLittleError(f"the files in {working} are of another supernet; delete them.")
    new = [e for e in evaluations if e.key.architecture not in held]
    if not new:
        raise BigLittleError(f"no network in {working} that the table does not hold.")
    path = table.path.parent / FILE
    write_evaluated(path, table.space, found_networks(new, table.predictions("val").labels))
    say(f"{len(new)} networks in {path}")


# ---- active learning -----------------------------------------------------------------------------
def improve_step(working: Path, rounds: int = ROUNDS, batch: int = BATCH) -> None:
    """Active learning on the shipped table, and its surrogates on the searched split by round."""
    from .building import active_learning

    table = Benchmark.load(TABLE).table
    settings = active_learning.ImproveSettings(batch)
    profile = load_device(DEVICE)
    ask = active_learning.inherited_answers(table, splits=active_learning.VAL_ALONE)
    began = time.monotonic()
    found = active_learning.improve(table, working, ask, profile, rounds, settings, say)
    taken = {n["architecture"] for r in found["rounds"] for n in r["networks"]}
    figures = {
        "batch": batch,
        "budget": settings.budget,
        "latency_ms_max": settings.latency_ms_max,
        "device": DEVICE,
        "wall_s": time.monotonic() - began,
        "rounds": [
            {k: r[k] for k in ("round", "n_fitted", "front_points", "figures")}
            | {"networks": len(r["networks"])}
            for r in found["rounds"]
        ],
        "held_out": found["held_out"],
    }
    split = kept("searched")
    if split is not None:
        # Points of which a round has evaluated a network would judge by what was learnt.
        points = [p for p in split["points"] if not {p["little"], p["big"]} & taken]
        folders = [working / active_learning.SURROGATES / f"round-{k}" for k in range(rounds + 1)]
        figures["searched"] = {
            "points": len(points),
            "left_out": len(split["points"]) - len(points),
            "by_round": [asked_again(Surrogate.load(f), points) for f in folders],
        }
    save("improve", figures)


def asked_again(surrogate: Surrogate, points: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """How far off a surrogate is about evaluated operating points, ``agreement`` of them."""
    gates, space = surrogate.gates, surrogate.space
    little, big = (space.parse([p[who] for p in points]) for who in ("little", "big"))
    gate = np.array([gates.index(p["gate"]) for p in points], np.int64)
    cut = [get_metric(p["gate"]).cut(p["threshold"], surrogate.n_classes) for p in points]
    said = surrogate.predict_points(Candidates(little, big, gate, np.array(cut, np.int64)))
    rows = [
        {
            "accuracy": float(said.accuracy[i]),
            "low": float(said.low[i]),
            "high": float(said.high[i]),
            "evaluated_accuracy": p["evaluated_accuracy"],
        }
        for i, p in enumerate(points)
    ]
    return {"n_fitted": int(surrogate.document["n_networks"]), **agreement(rows)}


# ---- the page ------------------------------------------------------------------------------------
def _middle(entry: Mapping[str, Any], digits: int = 3, scale: float = 1.0) -> str:
    if entry["median"] is None:
        return "-"
    return f"{scale * entry['median']:.{digits}f} ± {scale * entry['spread']:.{digits}f}"


def nb201_text(found: Mapping[str, Any]) -> list[str]:
    """The tables of NAS-Bench-201."""
    missing = [part for part in PARTS if part not in found]
    if missing:
        return [f"Of the step `nb201` these parts were not run yet: {', '.join(missing)}."]
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
    if PROXIES_PART in found:
        scored = found[PROXIES_PART]
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
                _middle(each[kind])
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
        "of two unseen networks; mean ± standard deviation over the splits. Step `recipes`. The "
        "first one ships.",
        "",
        *split_table(found, "random"),
    ]


def graphs_text(found: Mapping[str, Any]) -> list[str]:
    """The table of graph networks."""
    return [
        "## Graph networks on the shipped table",
        "",
        f"As above, on the first {found['seeds']} of these splits alone. Step `graphs`.",
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
        f"average {found['load_average']:.1f}); whole curves of {found['swept_pairs']:,} of them, "
        f"{found['swept_points']:,} operating points: {found['swept_wall_s']:.1f} s; loading and "
        f"the first prediction after import: {found['first_prediction_s']:.2f} s. Step `speed`.",
    ]


def searched_text(found: Mapping[str, Any]) -> list[str]:
    """The table of what searches found."""
    lines = [
        "## What searches find",
        "",
        f"{found['proposed']} operating points spread over fronts of `nsga2` "
        f"({found['budget']:,} evaluations, {found['device']}), of which, in random order, "
        f"{len(found['points'])} were evaluated on val with inherited weights: "
        f"{found['architectures']} architectures, {found['evaluated_new']} of them not in the "
        "table. Optimism is predicted minus evaluated accuracy, in points; coverage is of the 90 "
        "% intervals. Steps `propose`, `evaluate`, `searched`. No choice rests on these networks: "
        "members, priors and link were chosen by cross-validation on what the shipped surrogate of "
        "an earlier table learnt from, and that the noise is told on that and on six networks that "
        "searches had found on that surrogate.",
        "",
        "| points | n | optimism | mean absolute error | worst | coverage | Kendall tau |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, row in found["figures"].items():
        error = "" if row["standard_error"] is None else f" ± {100 * row['standard_error']:.2f}"
        lines.append(
            f"| {name} | {row['n']} | {100 * row['optimism']:+.2f}{error} | "
            f"{100 * row['mae']:.2f} | {100 * row['worst']:+.2f} | {row['coverage']:.0%} | "
            f"{'-' if row['kendall_tau'] is None else format(row['kendall_tau'], '.3f')} |"
        )
    return lines


def improve_text(found: Mapping[str, Any]) -> list[str]:
    """The tables of active learning."""
    lines = [
        "## Active learning",
        "",
        f"{len(found['rounds'])} rounds of at most {found['batch']} networks, found by `nsga2` "
        f"({found['budget']:,} evaluations, {found['device']}, within "
        f"{found['latency_ms_max']:g} ms) on the surrogate of the round before, evaluated with "
        f"inherited weights, and added; {found['wall_s'] / 60:.0f} min in all. Step `improve`. "
        "Figures in points of accuracy.",
        "",
        "What each round found, predicted before it was evaluated:",
        "",
        "| round | fitted on | networks | their error | their optimism | points of the front | "
        "their error | their optimism |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in found["rounds"]:
        cells_ = [str(row["round"]), str(row["n_fitted"]), str(row["networks"])]
        for kind in ("networks", "points"):
            own = row["figures"].get(kind)
            if kind == "points":
                cells_.append(str(own["n"]) if own else "0")
            cells_ += [f"{100 * own['mae']:.2f}", f"{100 * own['optimism']:+.2f}"] if own else "--"
        lines.append(f"| {' | '.join(cells_)} |")
    tables = [("Networks that some round found and none was fitted on", found["held_out"])]
    if "searched" in found:
        what = (
            "The searched split above, points of networks that a round evaluated left out "
            f"({found['searched']['left_out']})"
        )
        tables.append((what, found["searched"]["by_round"]))
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
    return lines


def shipped_text(document: Mapping[str, Any]) -> list[str]:
    """What ships and how it extrapolates, from its own report."""
    report, found = document["report"], document.get("n_found", 0)
    since = (
        f"; {found} evaluated since the table was made were there beside its own" if found else ""
    )
    lines = [
        "## What ships, and extrapolation",
        "",
        f"`{document['recipe']}`, fitted on {document['n_networks']} networks, those held out by "
        f"their hash left out{since}. Splits other than the random one, as `biglittle surrogate "
        "eval` shows them:",
    ]
    for split in ("cheap_to_dear", "dear_to_cheap"):
        if split in report.get("splits", {}):
            lines += ["", f"Unseen: {SPLITS[split]}.", "", *split_table(report, split)]
    return lines


def asked_text(steps: Mapping[str, Mapping[str, Any]], report: Mapping[str, Any]) -> list[str]:
    """What was asked for and what was reached, as far as its step was run.

    Args:
        steps: the figures of those that were.
        report: of the shipped surrogate, on networks of the table that it never saw.
    """
    rows: list[tuple[str, str, str, bool | None]] = []

    def row(what: str, asked: str, entry: Mapping[str, Any], met: bool, scale: float) -> None:
        shown = f"{scale * entry['median']:.{2 if scale > 1 else 3}f}"
        spread = f"{scale * entry['spread']:.{2 if scale > 1 else 3}f}"
        rows.append((what, asked, f"{shown} ± {spread}", met))

    if report:
        own, n = report["splits"]["random"]["recipes"][report["recipe"]], report["n_networks"]
        tau, mae = own["val"]["network"]["kendall_tau"], own["val"]["pair"]["mae"]
        what = f"single networks, unseen, of {n} in the table: Kendall tau of accuracy"
        row(what, "at least 0.85", tau, tau["median"] >= 0.85, 1)
        what = "pairs, both unseen: mean absolute error along the curve, points"
        row(what, "at most 0.7", mae, mae["median"] <= 0.007, 100)
        for kind in ("network", "pair"):
            held = own["coverage"][kind]
            what = f"90 % intervals of {'single networks' if kind == 'network' else 'pairs'}: hold"
            row(what, "87 to 93 %", held, 0.87 <= held["median"] <= 0.93, 100)
    if "searched" in steps:
        found = steps["searched"]["figures"]["all"]
        gap, held_share, n = 100 * found["optimism"], found["coverage"], found["n"]
        what = f"searched, {steps['searched']['architectures']} networks: optimism, points"
        error = "" if n < 2 else f" ± {100 * found['standard_error']:.2f}"
        rows.append((what, "at most 0.5", f"{gap:+.2f}{error}", gap <= 0.5))
        inside = 0.87 <= held_share <= 0.93
        rows.append(("searched: intervals hold", "87 to 93 %", f"{held_share:.0%}", inside))
    else:
        rows.append(("searched: optimism, points", "at most 0.5", "-", None))
        rows.append(("searched: intervals hold", "87 to 93 %", "-", None))
    if all(part in steps.get("nb201", {}) for part in PARTS):
        found = steps["nb201"]
        name, best = max(found["accuracy"].items(), key=lambda kv: kv[1]["spearman"]["median"])
        what = f"NB201 accuracy from {CELLS} cells, no proxies: Spearman of {name}"
        row(what, "at least 0.945", best["spearman"], best["spearman"]["median"] >= 0.945, 1)
        if "proxies" in found:
            name, best = max(
                found["proxies"]["with"].items(), key=lambda kv: kv[1]["spearman"]["median"]
            )
            what = f"the same with {', '.join(found['proxies']['proxies'])}: Spearman of {name}"
            row(what, "at least 0.955", best["spearman"], best["spearman"]["median"] >= 0.955, 1)
        else:
            rows.append(("the same with zero-cost proxies", "at least 0.955", "-", None))
        timed = found["latency"]["sum and robust trees"]
        what = f"NB201 raspi4 from {LATENCY_CELLS}: Spearman"
        row(what, "at least 0.98", timed["spearman"], timed["spearman"]["median"] >= 0.98, 1)
        near = timed["within_10_percent"]
        row("the same: within 10 %", "at least 70 %", near, near["median"] >= 0.7, 100)
        for which, both in found["transfer"].items():
            if which.endswith(f"{SAMPLES[0]} samples"):
                mean = both["transfer"]["mean"]
                what = f"unseen device, {which}: Spearman"
                row(what, "above 0.95", mean, mean["median"] > 0.95, 1)
    if "speed" in steps:
        wall, first = (steps["speed"][k] for k in ("wall_s", "first_prediction_s"))
        used, load = (steps["speed"][k] for k in ("cpu_s", "load_average"))
        what = f"{steps['speed']['pairs']:,} pairs, seconds on {steps['speed']['cores']} cores"
        shown = f"{wall:.1f} ({used:.1f} of CPU; load average {load:.1f})"
        rows.append((what, "at most 2", shown, wall <= 2))
        rows.append(("first prediction, seconds", "at most 1", f"{first:.2f}", first <= 1))
    else:
        rows.append((f"{SPEED_PAIRS:,} pairs, seconds", "at most 2", "-", None))
        rows.append(("first prediction, seconds", "at most 1", "-", None))
    words = {True: "yes", False: "**no**", None: "not run"}
    lines = [
        "## Asked and reached",
        "",
        "Median ± standard deviation over the seeds where there are several; optimism ± its "
        "standard error over points.",
        "",
        "| figure | asked | reached | |",
        "|---|---|---|---|",
    ]
    return lines + [
        f"| {what} | {asked} | {got} | {words[met if met is None else bool(met)]} |"
        for what, asked, got, met in rows
    ]


TEXTS: dict[str, Callable[[Mapping[str, Any]], list[str]]] = {
    "nb201": nb201_text,
    "recipes": recipes_text,
    "graphs": graphs_text,
    "searched": searched_text,
    "improve": improve_text,
    "speed": speed_text,
}


def write_step() -> None:
    """Makes the page of what the steps kept."""
    lines = [
        "# What the surrogates are worth",
        "",
        "Written by `python -m biglittle.data_tables.surrogate_evidence write`.",
    ]
    found = {step: kept(step) for step in TEXTS}
    run = {step: figures for step, figures in found.items() if figures is not None}
    document = Benchmark.load(TABLE).table.path.parent / "surrogate" / DOCUMENT
    shipped = json.loads(document.read_text(encoding="utf-8"))
    lines += ["", *asked_text(run, shipped["report"]), "", *shipped_text(shipped)]
    for step, text in TEXTS.items():
        lines += ["", *(text(run[step]) if step in run else [f"Step `{step}` was not run yet."])]
    with replacing(PAGE) as partial:
        partial.write_text("\n".join(lines) + "\n", encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs one step."""
    steps = (
        *("nb201", "recipes", "graphs", "speed"),
        *("propose", "evaluate", "searched", "improve", "found", "write"),
    )
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("step", choices=steps)
    parser.add_argument("--working", type=Path, help="folder of evaluations")
    parser.add_argument("--limit", type=int, help="networks of the step evaluate, at the most")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="of the step improve, in all")
    parser.add_argument("--batch", type=int, default=BATCH, help="networks a round of improve")
    parser.add_argument(
        "--part", choices=(*PARTS, PROXIES_PART), action="append", help="of the step nb201"
    )
    parser.add_argument("--seeds", type=int, help="of the steps nb201, recipes and graphs")
    given = parser.parse_args(arguments)
    if given.step in ("evaluate", "searched", "improve", "found"):
        if given.working is None:
            parser.error(f"step {given.step} needs --working")
        if given.step == "evaluate":
            evaluate_step(given.working, given.limit)
        elif given.step == "improve":
            improve_step(given.working, given.rounds, given.batch)
        else:
            {"searched": searched_step, "found": found_step}[given.step](given.working)
    elif given.step == "nb201":
        nb201_step(given.part or PARTS, given.seeds or SEEDS, given.working)
    elif given.step == "recipes":
        recipes_step(given.seeds or SEEDS)
    elif given.step == "graphs":
        graphs_step(given.seeds or GRAPH_SEEDS)
    else:
        {"speed": speed_step, "propose": propose_step, "write": write_step}[given.step]()


if __name__ == "__main__":
    main()
