"""What every zero-cost proxy is worth: rank correlation with accuracy, beside MACs and parameters.

    python -m biglittle.data_tables.zerocost_evidence score nb201 --working W --shard 0/2
    python -m biglittle.data_tables.zerocost_evidence score table --working W --shard 0/2
    python -m biglittle.data_tables.zerocost_evidence few --working W
    python -m biglittle.data_tables.zerocost_evidence report --working W

``score`` leaves ``W/SET-SHARD.h5`` and goes on from it after any kill; all networks under one seed
of initialisation come before any under the next, and ``report`` takes the seeds that are complete.
``few`` compares proxies of a mini-batch with the same of the whole batch. ``report`` reads all of
this and leaves ``zerocost.json``, ``zerocost.md`` and ``zerocost.png`` beside this file, and fills
the page of the proxies. NAS-Bench-201's accuracies are not ours to ship: they are looked for in
``$BIGLITTLE_REFERENCE_DATA``.

A correlation is of scores with accuracy, so that 1 means the proxy ranks as training would. Scores
of each seed of initialisation are correlated by themselves and averaged; the interval resamples
networks (bootstrap, 95 %). Networks without a score are left out and counted. Times are of the
processor, so what else the machine did is not in them.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bench import Benchmark, Pair, Table
from ..bench.errors import BigLittleError
from ..bench.files import replacing
from ..bench.rows import PAIR_TRAININGS, TRAININGS
from ..bench.spaces import get_space
from ..zerocost import (
    PROXIES,
    Columns,
    az_nas,
    dataset_batch,
    pair_features,
    rank,
    read_columns,
    run,
    score,
)
from ..zerocost.passes import FEW_IMAGES
from ..zerocost.score import chosen_proxies
from .devices.figures import fill_page

FOLDER = Path(__file__).parent
PAGE = FOLDER.parent / "zerocost" / "README.md"
TABLE, DEVICE, GATE = "fbnet-cifar10", "raspberry-pi-4", "margin"
REFERENCE_VARIABLE = "BIGLITTLE_REFERENCE_DATA"
NB201_COLUMNS = {
    "nb201 cifar10": "val_accuracy_cifar10_pct",
    "nb201 cifar100": "val_accuracy_cifar100_pct",
    "nb201 imagenet16-120": "val_accuracy_imagenet16_120_pct",
}
#: Spearman over all cells, a batch of the data set itself: Abdelfattah et al. 2021, Krishnakumar et
#: al. 2022 for the Zen-score.
PUBLISHED = {
    "grad_norm": (0.594, 0.637, 0.578),
    "snip": (0.596, 0.637, 0.578),
    "grasp": (0.514, 0.547, 0.549),
    "fisher": (0.360, 0.385, 0.327),
    "synflow": (0.737, 0.763, 0.751),
    "jacov": (0.731, 0.704, 0.701),
    "zen": (0.355, 0.361, 0.400),
}
#: What is known to differ between the published runs and ours; printed where a figure is far off.
REASONS: dict[str, str] = {}
SETS = {
    "nb201": "a fixed random sample of all cells",
    "table": "all that were also trained by themselves, which were chosen, and a sample of the "
    "inherited networks, stratified by MACs",
}
FAR = 0.05  # a difference from the published figure that needs a reason
CELLS, TABLE_NETWORKS, SAMPLE_SEED, BATCH, SEEDS = 500, 120, 0, 64, 3
FEW_CELLS = 20
#: Trainings of single networks, beside inheriting weights.
ALONE = tuple(t for t in TRAININGS if t not in ("inherited", *PAIR_TRAININGS))
#: Proxies that are computed on fewer images than the batch has.
OF_FEW = ("hessian_norm", "jacobian_norm", "zen", "zico")
ROUNDS = 1000
PAIRS, RATES, WITHIN = 2000, (0.1, 0.25, 0.5), 0.01
FEWEST = 5  # networks, below which a rank correlation says nothing
GROUPS = 10  # of networks, left out in turn, for the interval of pairs

Values = NDArray[np.float64]


# ---- statistics --------------------------------------------------------------------------------
def spearman(a: Values, b: Values) -> float:
    """Rank correlation of two arrays (n,), ties at their mean rank; NaN where one is constant."""
    ra, rb = rank(a), rank(b)
    ra, rb = ra - ra.mean(), rb - rb.mean()
    norm = float(np.sqrt((ra**2).sum() * (rb**2).sum()))
    return float(ra @ rb) / norm if norm > 0 else float("nan")


def kendall(a: Values, b: Values) -> float:
    """Kendall's tau-b of two arrays (n,); NaN where one is constant."""
    upper = np.triu_indices(len(a), 1)
    sa, sb = (np.sign(v[:, None] - v[None])[upper] for v in (a, b))
    norm = float(np.sqrt((sa**2).sum() * (sb**2).sum()))
    return float(sa @ sb) / norm if norm > 0 else float("nan")


def top_overlap(scores: Values, accuracy: Values, share: float = 0.1) -> float:
    """Share of the best networks by accuracy that are also among the best by score."""
    n = max(1, round(share * len(scores)))
    return len({*np.argsort(-scores)[:n]} & {*np.argsort(-accuracy)[:n]}) / n


def agreement(
    scores: Sequence[Values],
    accuracy: Values,
    rounds: int = ROUNDS,
    macs: Sequence[Values] | None = None,
) -> dict[str, Any]:
    """How scores under several seeds rank networks, against their accuracy (n,).

    Networks without a score are left out; ``macs`` is correlated on the same networks as well.
    """
    known = ~np.isnan(accuracy) & ~np.isnan(np.stack(scores)).any(axis=0)
    n = int(known.sum())
    if n < FEWEST:
        return {"n": n, "left_out": len(known) - n, "spearman": None}
    s, y = [column[known] for column in scores], accuracy[known]
    rng = np.random.default_rng(0)
    drawn = []
    for _ in range(rounds):
        rows = rng.integers(0, n, n)
        drawn.append(np.mean([spearman(column[rows], y[rows]) for column in s]))
    low, high = np.nanquantile(drawn, [0.025, 0.975]) if drawn else (np.nan, np.nan)
    each = [spearman(column, y) for column in s]
    return {
        "n": n,
        "left_out": len(known) - n,
        "seeds": len(s),
        "spearman": float(np.mean(each)),
        "spearman_low": float(low),
        "spearman_high": float(high),
        "spearman_by_seed": each,
        "kendall": float(np.mean([kendall(column, y) for column in s])),
        "top_10_percent_overlap": float(np.mean([top_overlap(column, y) for column in s])),
        "spearman_of_macs": None if macs is None else spearman(macs[0][known], y),
    }


# ---- scoring -----------------------------------------------------------------------------------
def nb201_accuracy(folder: Path | None = None) -> tuple[list[str], dict[str, Values]]:
    """Ids of all cells at hand and their accuracy, a fraction, by column.

    Raises:
        BigLittleError: the accuracies are not there.
    """
    root = folder or Path(os.environ.get(REFERENCE_VARIABLE, "."))
    path = root / "nb201" / "accuracy.csv.gz"
    if not path.is_file():
        raise BigLittleError(
            f"no accuracies of NAS-Bench-201 at {path}; set {REFERENCE_VARIABLE} to the folder of "
            "published measurements."
        )
    with gzip.open(path, "rt") as file:
        rows = list(csv.DictReader(file))
    space = get_space("nb201")
    ids = space.format(space.parse([row["arch_str"] for row in rows]))
    return ids, {
        name: np.array([float(row[column]) / 100 for row in rows])
        for name, column in NB201_COLUMNS.items()
    }


def architectures(
    which: str, n_cells: int = CELLS, n_networks: int = TABLE_NETWORKS
) -> tuple[str, list[str]]:
    """Space and ids of a set that is scored.

    Cells are a fixed random sample. Of the table it is a fixed sample of the inherited networks,
    stratified by MACs, and every network that was also trained by itself.
    """
    if which == "nb201":
        ids, _ = nb201_accuracy()
        rows = np.random.default_rng(SAMPLE_SEED).permutation(len(ids))[:n_cells]
        return "nb201", [ids[i] for i in rows]
    table = Benchmark.load(TABLE).table
    alone = [str(table.networks["architecture"][r]) for t in ALONE for r in table.rows(t)]
    return table.space.name, list(dict.fromkeys([*alone, *stratified(table, n_networks)]))


def stratified(table: Table, n: int) -> list[str]:
    """``n`` inherited networks, one of each ``n``-th part of them by MACs, in random order."""
    rows = table.rows("inherited")
    rows = rows[np.argsort(table.networks["macs"][rows], kind="stable")]
    rng = np.random.default_rng(SAMPLE_SEED)
    n = min(n, len(rows))
    parts = np.array_split(rows, n)
    return [str(table.networks["architecture"][rng.choice(parts[i])]) for i in rng.permutation(n)]


def score_step(
    which: str,
    working: Path,
    shard: tuple[int, int] = (0, 1),
    n_cells: int = CELLS,
    seeds: int = SEEDS,
    proxies: str = "all",
    device: str = "cpu",
    data: Path | None = None,
    n_networks: int = TABLE_NETWORKS,
    name: str = "",
) -> Columns:
    """Scores one set on a CIFAR-10 batch into the working folder, going on from what is there.

    Runs of other proxies on the same set take another ``name``; ``scored`` puts them together.
    """
    part, parts = shard
    space, ids = architectures(which, n_cells, n_networks)
    path = working / f"{'-'.join(filter(None, (which, name, str(part))))}.h5"
    others = [other for other in working.glob(f"{which}-*.h5") if other != path]
    mine = _open_ones(others, ids[part::parts], seeds, proxies)

    def said(done: int, total: int) -> None:
        sys.stderr.write(f"\r{which} {part}/{parts}: {done} of {total} networks")
        sys.stderr.flush()

    return run(
        mine,
        dataset_batch("cifar10", BATCH, SAMPLE_SEED, data),
        path,
        proxies,
        space=space,
        n_classes=10,
        seeds=range(seeds),
        device=device,
        clock="cpu",
        on_progress=said,
    )


def _open_ones(others: Sequence[Path], ids: Sequence[str], seeds: int, proxies: str) -> list[str]:
    """Those of some networks that no other file has all these proxies of."""
    asked = {p.name for p in chosen_proxies(proxies)}
    done: set[tuple[str, int]] = set()
    for path in others:
        found = read_columns(path)
        if set(found.scores) >= asked:
            done |= set(zip(found.architectures, found.seeds.tolist(), strict=True))
    return [a for a in ids if not all((a, seed) in done for seed in range(seeds))]


def few_step(working: Path, n_cells: int = FEW_CELLS, data: Path | None = None) -> None:
    """Proxies of a mini-batch against the same of the whole batch, into ``W/few.json``."""
    space, ids = architectures("nb201", n_cells)
    batch = dataset_batch("cifar10", BATCH, SAMPLE_SEED, data)
    found: dict[str, Any] = {"cells": len(ids), "batch": batch.name, "images": {}}
    for images in (FEW_IMAGES, BATCH):
        each = [
            score(
                a,
                batch,
                proxies=OF_FEW,
                space=space,
                few_images=images,
                clock="cpu",
                failures="keep",
            )
            for a in ids
        ]
        found["images"][str(images)] = {
            "scores": {p: [one.values.get(p) for one in each] for p in OF_FEW},
            "together_s": float(np.mean([one.total_s for one in each])),
        }
    working.mkdir(parents=True, exist_ok=True)
    with replacing(working / "few.json") as partial:
        partial.write_text(json.dumps(found))


def few_agreement(found: Mapping[str, Any]) -> dict[str, Any]:
    """Rank correlation of proxies of a mini-batch with the same of the whole batch."""
    sizes = sorted(found["images"], key=int)
    little, big = (found["images"][size] for size in sizes)
    out = {}
    for proxy in OF_FEW:
        a, b = (np.array(part["scores"][proxy], np.float64) for part in (little, big))
        known = ~np.isnan(a) & ~np.isnan(b)
        out[proxy] = {"n": int(known.sum()), "spearman": spearman(a[known], b[known])}
    return {
        "cells": found["cells"],
        "images": [int(size) for size in sizes],
        "proxies": out,
        "together_s": [little["together_s"], big["together_s"]],
    }


def scored(which: str, working: Path) -> Columns:
    """All shards of a set, and runs of other proxies on it.

    Raises:
        BigLittleError: there are none.
    """
    files = sorted(working.glob(f"{which}-*.h5"))
    if not files:
        raise BigLittleError(f"no {which}-*.h5 in {working}; run the step score {which} first.")
    return joined([read_columns(path) for path in files])


def joined(parts: Sequence[Columns]) -> Columns:
    """One row per architecture and seed with every proxy that any file has for it, else NaN.

    A proxy that was run has a score or a reason; one that has neither was not run there.

    Raises:
        BigLittleError: files that differ in more than their proxies.
    """
    names = list(dict.fromkeys(p for part in parts for p in part.scores))
    facts = {**parts[0].facts, "proxies": names}
    for part in parts:
        other = [k for k in facts if k != "proxies" and part.facts.get(k) != facts[k]]
        if other:
            raise BigLittleError(
                f"files of scores differ in {', '.join(other)}: "
                f"{[part.facts.get(k) for k in other]} and {[facts[k] for k in other]}. Remove "
                "those that are not wanted."
            )
    rows: dict[tuple[str, int], list[tuple[Columns, int]]] = {}
    for part in parts:
        for i, key in enumerate(zip(part.architectures, part.seeds.tolist(), strict=True)):
            rows.setdefault(key, []).append((part, i))

    def of(proxy: str, kind: str) -> Values:
        out = np.full(len(rows), np.nan)
        for k, sources in enumerate(rows.values()):
            for part, i in sources:
                if proxy in part.scores and np.isnan(out[k]):
                    out[k] = getattr(part, kind)[proxy][i]
        return out

    whole = [
        [c.total_s[i] for c, i in sources if set(c.scores) == set(names)]
        for sources in rows.values()
    ]
    failures = tuple(
        {p: why for part, i in sources for p, why in part.failures[i].items()}
        for sources in rows.values()
    )
    return Columns(
        tuple(a for a, _ in rows),
        np.array([seed for _, seed in rows], np.int64),
        {p: of(p, "scores") for p in names},
        {p: of(p, "alone_s") for p in names},
        np.array([found[0] if found else np.nan for found in whole]),
        failures,
        facts,
    )


def finished_seeds(columns: Columns, most: int) -> list[int]:
    """Seeds under which every network was scored; the first alone where none is finished."""
    counts = {int(s): int((columns.seeds == s).sum()) for s in np.unique(columns.seeds)}
    n = len(set(columns.architectures))
    return [s for s, count in counts.items() if count == n][:most] or [min(counts)]


def complete(columns: Columns, seeds: Sequence[int]) -> list[str]:
    """Architectures that were scored under every seed, in the order of the file."""
    done = set(zip(columns.architectures, columns.seeds.tolist(), strict=True))
    each = dict.fromkeys(columns.architectures)
    return [a for a in each if all((a, seed) in done for seed in seeds)]


def by_seed(columns: Columns, ids: Sequence[str], seeds: Sequence[int]) -> dict[str, list[Values]]:
    """Scores by proxy, one array (n,) per seed; AZ-NAS is aggregated among these networks."""
    out = {p: [columns.column(p, ids, seed) for seed in seeds] for p in columns.scores}
    parts = [{p: out[p][k] for p in out} for k in range(len(seeds))]
    try:
        out["az_nas"] = [az_nas(part) for part in parts]
    except BigLittleError:  # its components were not asked for
        pass
    return out


# ---- pairs -------------------------------------------------------------------------------------
def pair_targets(
    bench: Benchmark, ids: Sequence[str], n_pairs: int = PAIRS
) -> tuple[NDArray[np.intp], NDArray[np.intp], dict[str, Values]]:
    """Random pairs of the table, and what proxies are to predict of them, on test.

    Returns:
        Index into ``ids`` of little (fewer MACs) and big, and by name: ``accuracy at r`` under
        ``margin`` for escalation rates r, and ``escalation``, minus the least rate from which on
        the pair is within a point of its big network (so that more is better). A pair whose big
        network is worse than its little one by more than that has rate 0.
    """
    rng = np.random.default_rng(SAMPLE_SEED)
    macs = np.array([bench.table.networks["macs"][bench.row(a)] for a in ids])
    drawn = np.array([rng.choice(len(ids), 2, replace=False) for _ in range(n_pairs)])
    order = np.argsort(macs[drawn], axis=1, kind="stable")
    little, big = np.take_along_axis(drawn, order, axis=1).T
    names = (*(f"accuracy at {r:g}" for r in RATES), "escalation")
    found: dict[str, list[float]] = {name: [] for name in names}
    for a, b in zip(little, big, strict=True):
        curve = bench.curve(Pair(ids[a], ids[b]), GATE, DEVICE)
        for r in RATES:
            at = np.interp(r, curve.escalation_rate, curve.accuracy)
            found[f"accuracy at {r:g}"].append(float(at))
        enough = curve.accuracy >= curve.accuracy[-1] - WITHIN
        found["escalation"].append(-float(curve.escalation_rate[enough].min()))
    return little, big, {name: np.array(values) for name, values in found.items()}


def pair_agreement(
    scores: Sequence[Values],
    little: NDArray[np.intp],
    big: NDArray[np.intp],
    target: Values,
    rate: float,
) -> dict[str, Any]:
    """Spearman of every combination of two networks' scores with a figure of their pair.

    The interval leaves out tenths of the networks in turn (jackknife), since pairs share networks.
    """

    def mean_of(keep: NDArray[np.bool_]) -> dict[str, float]:
        out: dict[str, list[float]] = {}
        for column in scores:
            for name, values in pair_features(column, little, big, rate).items():
                known = keep & ~np.isnan(values)
                at = spearman(values[known], target[known]) if known.sum() > 2 else float("nan")
                out.setdefault(name, []).append(at)
        return {name: float(np.mean(values)) for name, values in out.items()}

    everything = np.ones(len(little), bool)
    whole = mean_of(everything)
    group = np.random.default_rng(1).permutation(len(scores[0])) % GROUPS
    left = [mean_of((group[little] != g) & (group[big] != g)) for g in range(GROUPS)]
    out = {}
    for name, value in whole.items():
        each = np.array([one[name] for one in left])
        error = float(np.sqrt((GROUPS - 1) / GROUPS * ((each - each.mean()) ** 2).sum()))
        out[name] = {"spearman": value, "standard_error": error}
    return out


# ---- the report --------------------------------------------------------------------------------
def measure(working: Path, seeds: int = SEEDS, rounds: int = ROUNDS) -> dict[str, Any]:
    """All figures from the scores in a working folder; a set that was not scored is left out."""
    document: dict[str, Any] = {"targets": {}, "too_few": {}, "time_s": {}, "made_with": {}}
    for which in ("nb201", "table"):
        if not list(working.glob(f"{which}-*.h5")):
            continue
        columns = scored(which, working)
        used = finished_seeds(columns, seeds)
        ids = complete(columns, used)
        document["made_with"][which] = {
            **{k: v for k, v in columns.facts.items() if k != "proxies"},
            "networks": len(ids),
            "seeds": len(used),
            "failures": _reasons(columns),
        }
        document["time_s"][which] = {
            p: float(np.nanmean(values)) if not np.isnan(values).all() else None
            for p, values in columns.alone_s.items()
        }
        whole = columns.total_s[~np.isnan(columns.total_s)]
        document["time_s"][which]["together"] = float(whole.mean()) if len(whole) else None
        if which == "nb201":
            document["all_cells"] = baselines_of_all()
        values = by_seed(columns, ids, used)
        for name, accuracy in _targets(which, ids).items():
            n = int((~np.isnan(accuracy)).sum())
            if n < FEWEST:
                document["too_few"][name] = n
                continue
            document["targets"][name] = {
                proxy: agreement(found, accuracy, rounds, values.get("macs"))
                for proxy, found in values.items()
            }
        if which == "table":
            bench = Benchmark.load(TABLE)
            inherited = set(bench.architectures)
            chosen = [a for a in ids if a in inherited]
            document["pairs"] = _pairs(bench, chosen, by_seed(columns, chosen, used))
    if (working / "few.json").is_file():
        document["few"] = few_agreement(json.loads((working / "few.json").read_text()))
    if not document["targets"]:
        raise BigLittleError(
            f"no scores of {FEWEST} networks in {working}; run the step score first."
        )
    return document


def baselines_of_all() -> dict[str, Any]:
    """Spearman of the baselines over every cell: what the sample of cells does to a figure."""
    ids, accuracies = nb201_accuracy()
    space = get_space("nb201")
    genomes = space.parse(ids)
    counts = {"macs": space.macs(genomes, 10), "params": space.params(genomes, 10)}
    return {
        "cells": len(ids),
        "targets": {
            name: {p: spearman(n.astype(np.float64), accuracy) for p, n in counts.items()}
            for name, accuracy in accuracies.items()
        },
    }


def _reasons(columns: Columns) -> dict[str, int]:
    counts: dict[str, int] = {}
    for row in columns.failures:
        for proxy in row:
            counts[proxy] = counts.get(proxy, 0) + 1
    return counts


def _targets(which: str, ids: Sequence[str]) -> dict[str, Values]:
    if which == "nb201":
        known, columns = nb201_accuracy()
        at = {a: i for i, a in enumerate(known)}
        rows = [at[a] for a in ids]
        return {name: column[rows] for name, column in columns.items()}
    bench = Benchmark.load(TABLE)
    accuracy, networks = bench.accuracy("test"), bench.table.networks
    out = {}
    for training in ("inherited", *ALONE):
        mine: dict[str, list[float]] = {}
        for row in bench.table.rows(training):
            mine.setdefault(str(networks["architecture"][row]), []).append(float(accuracy[row]))
        if mine:
            means = [np.mean(mine[a]) if a in mine else np.nan for a in ids]
            out[f"table {training}"] = np.array(means)
    return out


def _pairs(
    bench: Benchmark, ids: Sequence[str], values: Mapping[str, list[Values]]
) -> dict[str, Any]:
    little, big, targets = pair_targets(bench, ids)
    out: dict[str, Any] = {"n_pairs": len(little), "n_networks": len(ids), "targets": {}}
    for name, target in targets.items():
        rate = float(name.rpartition(" ")[2]) if name.startswith("accuracy") else 0.5
        out["targets"][name] = {
            proxy: pair_agreement(found, little, big, target, rate)
            for proxy, found in values.items()
        }
    return out


def _number(value: float | None, digits: int = 3) -> str:
    return "-" if value is None or np.isnan(value) else f"{value:.{digits}f}"


def text(document: Mapping[str, Any]) -> str:
    """The figures as Markdown tables."""
    lines = ["# What zero-cost proxies are worth", ""]
    lines += [
        "Made by `python -m biglittle.data_tables.zerocost_evidence`; not edited by hand.",
        "",
    ]
    for which, facts in document["made_with"].items():
        failed = ", ".join(f"{p} {n}" for p, n in facts["failures"].items()) or "none"
        lines.append(
            f"- `{which}`: {facts['networks']} networks ({SETS[which]}), seeds of initialisation: "
            f"{facts['seeds']}, batch: {facts['batch']}, torch {facts['torch']}, "
            f"{facts['device']}; scores that failed: {failed}."
        )
    told = {proxy for found in document["targets"].values() for proxy in found}
    missing = [f"`{name}`" for name in PROXIES.names() if name not in told]
    if missing:
        lines.append(f"- not run yet: {', '.join(missing)}.")
    for name, n in document["too_few"].items():
        lines.append(f"- {name}: {n} networks, too few for a correlation.")
    lines += [
        "",
        "Spearman's rho with accuracy, mean over seeds, and its 95 % interval over networks (one "
        "batch; the bootstrap does not know of other batches or seeds); Kendall's tau; share of "
        "the best tenth that is found; networks; seeds of initialisation. `macs` and `params` are "
        "the baselines. A network that a proxy has no score for, because it failed or was not run "
        "there, is left out of its row; `macs` there is the baseline on the same networks.",
        "",
        "![Heat map of rank correlations](zerocost.png)",
        "",
        "A cell of the map rests on as many networks as the proxy's row says below.",
    ]
    for target, found in document["targets"].items():
        column = list(NB201_COLUMNS).index(target) if target in NB201_COLUMNS else None
        heads = [
            "proxy",
            "Spearman",
            "interval",
            "Kendall",
            "top 10 %",
            "n",
            "seeds",
            "`macs` there",
        ]
        heads += ["published", "difference"] if column is not None else []
        lines += ["", f"## {target}", "", f"| {' | '.join(heads)} |", "|" + "---|" * len(heads)]
        ordered = sorted(found.items(), key=lambda item: -_order(item[1]["spearman"]))
        for proxy, row in ordered:
            cells = [f"`{proxy}`", _number(row["spearman"])]
            if row["spearman"] is not None:
                low, high = _number(row["spearman_low"]), _number(row["spearman_high"])
                cells.append(f"{low} to {high}")
                cells.append(_number(row["kendall"]))
                cells.append(_number(row["top_10_percent_overlap"], 2))
            else:
                cells += ["-"] * 3
            cells += [str(row["n"]), str(row.get("seeds", "-"))]
            cells.append(_number(row.get("spearman_of_macs")))
            if column is not None:
                published = PUBLISHED.get(proxy)
                gap = (
                    row["spearman"] - published[column]
                    if published is not None and row["spearman"] is not None
                    else None
                )
                far = gap is not None and abs(gap) > FAR
                cells.append("" if published is None else _number(published[column]))
                cells.append("" if gap is None else f"{gap:+.3f}{' (far)' if far else ''}")
            lines.append(f"| {' | '.join(cells)} |")
        if column is not None:
            lines += _sample_lines(document["all_cells"], target, found)
            lines += _reason_lines(found, column)
    if "pairs" in document:
        lines += _pair_lines(document["pairs"])
    if "few" in document:
        lines += _few_lines(document["few"])
    lines += [
        "",
        "## Time",
        "",
        "Mean processor time of a proxy with every pass it needs, in s. Passes are shared, so the "
        "sum is what proxies cost one by one; `together` is what they cost at once.",
        "",
    ]
    times = document["time_s"]
    lines += [f"| proxy | {' | '.join(times)} |", "|---|" + "---|" * len(times)]
    for proxy in next(iter(times.values())):
        cells = [_number(times[which].get(proxy)) for which in times]
        lines.append(f"| {proxy if proxy == 'together' else f'`{proxy}`'} | {' | '.join(cells)} |")
    alone = [sum(v or 0.0 for p, v in times[which].items() if p != "together") for which in times]
    lines.append(f"| sum of the lines above | {' | '.join(_number(a) for a in alone)} |")
    return "\n".join(lines) + "\n"


def _sample_lines(
    everything: Mapping[str, Any], target: str, found: Mapping[str, Any]
) -> list[str]:
    """The baselines on the sample and on all cells."""
    parts = [
        f"`{p}` {_number(found[p]['spearman'])} on the sample and {_number(whole)} on all"
        for p, whole in everything["targets"][target].items()
        if p in found
    ]
    return ["", f"What the sample does, of {everything['cells']} cells: {'; '.join(parts)}."]


def _reason_lines(found: Mapping[str, Any], column: int) -> list[str]:
    """Why figures are far from the published ones: what of it chance can do, and what is known."""
    lines = []
    for proxy, published in PUBLISHED.items():
        row = found.get(proxy, {"spearman": None})
        if row["spearman"] is None or abs(row["spearman"] - published[column]) <= FAR:
            continue
        within = row["spearman_low"] <= published[column] <= row["spearman_high"]
        chance = (
            "the published figure is within our interval, so the sample of cells can be all of it"
            if within
            else "the published figure is outside our interval, so it is hardly the sample of cells"
        )
        lines.append(f"- `{proxy}`: {chance}. {REASONS.get(proxy, '')}".rstrip())
    if not lines:
        return []
    general = (
        "Published are all cells and a batch of the data set itself, with as many classes; ours "
        "are a sample of cells and a batch of CIFAR-10 with ten classes on all three."
    )
    return ["", f"Farther than {FAR} from the published figure. {general}", "", *lines]


def _few_lines(few: Mapping[str, Any]) -> list[str]:
    small, whole = few["images"]
    lines = [
        "",
        f"## {small} images in place of {whole}",
        "",
        f"Some proxies are computed on the first {small} images of a batch (`zico`: on two "
        f"mini-batches of {small}). Spearman of that with the same proxy on all {whole} (`zico`: "
        f"on two halves), over {few['cells']} cells of NAS-Bench-201 under one initialisation. "
        f"Together they take {few['together_s'][0]:.2f} s of processor time in place of "
        f"{few['together_s'][1]:.2f} s.",
        "",
        "| proxy | Spearman | n |",
        "|---|---|---|",
    ]
    lines += [
        f"| `{proxy}` | {_number(row['spearman'])} | {row['n']} |"
        for proxy, row in few["proxies"].items()
    ]
    return lines


def page_text(document: Mapping[str, Any]) -> str:
    """What the page of the proxies says in short: the baselines, and what is better than both."""
    lines = [
        "| target | networks | seeds | `macs` | `params` | best proxies | better than both, with "
        "their interval above |",
        "|---|---|---|---|---|---|---|",
    ]
    for target, found in document["targets"].items():
        known = {p: row for p, row in found.items() if row["spearman"] is not None}
        if not {"macs", "params"} <= set(known):
            continue
        bar = max(known["macs"]["spearman"], known["params"]["spearman"])
        others = [p for p in known if p not in ("macs", "params")]
        best = sorted(others, key=lambda p: -_order(known[p]["spearman"]))[:3]
        most = known["macs"]["n"]
        clear = sum(known[p]["spearman_low"] > max(bar, _there(known[p])) for p in others)
        named = ", ".join(
            f"`{p}` {_number(known[p]['spearman'])}"
            + (
                f" (on {known[p]['n']}, `macs` there {_number(_there(known[p]))})"
                if known[p]["n"] < 0.9 * most
                else ""
            )
            for p in best
        )
        lines.append(
            f"| {target} | {known['macs']['n']} | {known['macs']['seeds']} "
            f"| {_number(known['macs']['spearman'])} | {_number(known['params']['spearman'])} "
            f"| {named} | {clear} of {len(others)} |"
        )
    return "\n".join(lines)


def _there(row: Mapping[str, Any]) -> float:
    """``macs`` on a proxy's own networks."""
    return _order(row.get("spearman_of_macs"))


def _order(value: float | None) -> float:
    return -2.0 if value is None or np.isnan(value) else value


def _pair_lines(pairs: Mapping[str, Any]) -> list[str]:
    lines = [
        "",
        "## Pairs",
        "",
        f"{pairs['n_pairs']} random pairs of {pairs['n_networks']} networks with inherited "
        "weights: Spearman of combinations of the two networks' scores (`zerocost/pair.py`) with "
        "what the table says of the pair on test, under `margin`. `escalation` is the least rate "
        "that comes within a point of the big network, with its sign turned. ± is one standard "
        "error (networks left out by tenths).",
    ]
    lines += ["", "| target | `macs` | `params` | best proxies, each in its best combination |"]
    lines.append("|---|---|---|---|")
    for target, found in pairs["targets"].items():
        told = {p: _best_combination(row) for p, row in found.items()}
        baselines = [told.pop(p, ("-", None)) for p in ("macs", "params")]
        best = sorted(told, key=lambda p: -_order(told[p][1]))[:3]
        cells = [f"{_number(value)} ({name})" for name, value in baselines]
        cells.append(", ".join(f"`{p}` {_number(told[p][1])} ({told[p][0]})" for p in best))
        lines.append(f"| {target} | {' | '.join(cells)} |")
    lines += ["", "The best of six combinations is chosen on the same pairs it is told of."]
    for target, found in pairs["targets"].items():
        names = list(next(iter(found.values())))
        lines += ["", f"### {target}", "", f"| proxy | {' | '.join(names)} |"]
        lines.append("|---|" + "---|" * len(names))
        highest = {p: max(_order(row[n]["spearman"]) for n in names) for p, row in found.items()}
        for proxy in sorted(found, key=lambda p: -highest[p]):
            cells = [
                f"{_number(c['spearman'])} ± {_number(c['standard_error'])}"
                for c in (found[proxy][name] for name in names)
            ]
            lines.append(f"| `{proxy}` | {' | '.join(cells)} |")
    return lines


def _best_combination(row: Mapping[str, Any]) -> tuple[str, float | None]:
    name = max(row, key=lambda n: _order(row[n]["spearman"]))
    return name, row[name]["spearman"]


def picture(document: Mapping[str, Any], path: Path) -> None:
    """A heat map: proxies by target, Spearman's rho."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    columns = {
        target: {p: row["spearman"] for p, row in found.items()}
        for target, found in document["targets"].items()
    }
    for target, found in document.get("pairs", {}).get("targets", {}).items():
        columns[f"pairs, {target}"] = {
            p: max((c["spearman"] for c in row.values()), key=_order) for p, row in found.items()
        }
    proxies = sorted(
        next(iter(columns.values())),
        key=lambda p: -float(np.mean([_order(found.get(p)) for found in columns.values()])),
    )
    grid = np.array(
        [[np.nan if f.get(p) is None else f[p] for f in columns.values()] for p in proxies],
        np.float64,
    )
    figure, axes = plt.subplots(
        figsize=(2.6 + 0.9 * len(columns), 1.8 + 0.3 * len(proxies)), dpi=120
    )
    drawn = axes.imshow(grid, cmap="RdBu", vmin=-1, vmax=1, aspect="auto")
    axes.set_xticks(range(len(columns)), list(columns), rotation=35, ha="right", fontsize=8)
    axes.set_yticks(range(len(proxies)), proxies, fontsize=8)
    for label in axes.get_yticklabels():
        if label.get_text() in ("macs", "params"):
            label.set_fontweight("bold")
    for (i, j), value in np.ndenumerate(grid):
        colour = "white" if abs(value) > 0.6 else "black"
        axes.text(j, i, _number(value, 2), ha="center", va="center", fontsize=7, color=colour)
    figure.colorbar(drawn, ax=axes, label="Spearman's rho with accuracy")
    axes.set_title("Zero-cost proxies; bold: baselines; pairs: best combination", fontsize=9)
    figure.tight_layout()
    figure.savefig(path)
    plt.close(figure)


def report_step(
    working: Path,
    out: Path = FOLDER,
    seeds: int = SEEDS,
    rounds: int = ROUNDS,
    page: Path | None = PAGE,
) -> None:
    """``zerocost.json``, ``zerocost.md`` and ``zerocost.png`` in a folder, and the page's table."""
    document = measure(working, seeds, rounds)
    out.mkdir(parents=True, exist_ok=True)
    with replacing(out / "zerocost.json") as partial:
        partial.write_text(json.dumps(document, indent=1) + "\n")
    with replacing(out / "zerocost.md") as partial:
        partial.write_text(text(document))
    picture(document, out / "zerocost.png")
    if page is not None:
        fill_page("zerocost", page_text(document), page)


def main(arguments: Sequence[str] | None = None) -> None:
    """The steps from the command line."""
    parser = argparse.ArgumentParser(prog="python -m biglittle.data_tables.zerocost_evidence")
    steps = parser.add_subparsers(dest="step", required=True)
    one = steps.add_parser("score", help="score a set, resumable")
    one.add_argument("set", choices=("nb201", "table"))
    one.add_argument("--shard", default="0/1", help="i/n: every n-th network from the i-th on")
    one.add_argument("--cells", type=int, default=CELLS)
    one.add_argument("--networks", type=int, default=TABLE_NETWORKS, help="of the table")
    one.add_argument("--proxies", default="all")
    one.add_argument("--name", default="", help="of a run of other proxies on the same set")
    one.add_argument("--on", default="cpu", help="cpu or cuda")
    few = steps.add_parser("few", help="a mini-batch against the whole batch")
    few.add_argument("--cells", type=int, default=FEW_CELLS)
    two = steps.add_parser("report", help="figures, tables and heat map from the scores")
    two.add_argument("--out", type=Path, default=FOLDER)
    two.add_argument("--rounds", type=int, default=ROUNDS, help="of the bootstrap")
    for each in (one, few):
        each.add_argument("--threads", type=int, default=1)
        each.add_argument("--data", type=Path, default=None, help="folder of the images")
    for each in (one, two):
        each.add_argument("--seeds", type=int, default=SEEDS, help="initialisations")
    for each in (one, few, two):
        each.add_argument("--working", type=Path, default=Path("build/zerocost"))
    given = parser.parse_args(arguments)
    if given.step == "report":
        # The project's page is for the project's figures, not for those of another folder.
        page = PAGE if given.out == FOLDER else None
        report_step(given.working, given.out, given.seeds, given.rounds, page)
        return
    import torch

    torch.set_num_threads(given.threads)
    if given.step == "few":
        few_step(given.working, given.cells, given.data)
        return
    part, parts = (int(number) for number in given.shard.split("/"))
    score_step(
        given.set,
        given.working,
        (part, parts),
        given.cells,
        given.seeds,
        given.proxies,
        given.on,
        given.data,
        given.networks,
        given.name,
    )


if __name__ == "__main__":
    main()
