"""What every zero-cost proxy is worth: rank correlation with accuracy, beside MACs and parameters.

    python -m biglittle.data_tables.zerocost_evidence score nb201 --working W --shard 0/2
    python -m biglittle.data_tables.zerocost_evidence score table --working W --shard 0/2
    python -m biglittle.data_tables.zerocost_evidence report --working W

``score`` leaves ``W/SET-SHARD.h5`` and goes on from it after any kill; ``report`` reads all of them
and leaves ``zerocost.json``, ``zerocost.md`` and ``zerocost.png`` beside this file. NAS-Bench-201's
accuracies are not ours to ship: they are looked for in ``$BIGLITTLE_REFERENCE_DATA``.

A correlation is of scores with accuracy, so that 1 means the proxy ranks as training would. Scores
of each seed of initialisation are correlated by themselves and averaged; the interval resamples
networks (bootstrap, 95 %). Networks without a score are left out and counted.
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

from ..bench import Benchmark, Pair
from ..bench.errors import BigLittleError
from ..bench.files import replacing
from ..bench.spaces import get_space
from ..zerocost import Columns, az_nas, dataset_batch, pair_features, rank, read_columns, run

FOLDER = Path(__file__).parent
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
FAR = 0.05  # a difference from the published figure that needs a reason
CELLS, SAMPLE_SEED, BATCH, SEEDS = 500, 0, 64, 3
ROUNDS = 1000
PAIRS, RATES, WITHIN = 2000, (0.1, 0.25, 0.5), 0.01
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


def agreement(scores: Sequence[Values], accuracy: Values, rounds: int = ROUNDS) -> dict[str, Any]:
    """How scores under several seeds rank networks, against their accuracy (n,)."""
    known = ~np.isnan(accuracy) & ~np.isnan(np.stack(scores)).any(axis=0)
    n = int(known.sum())
    if n < 3:
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
        "spearman": float(np.mean(each)),
        "spearman_low": float(low),
        "spearman_high": float(high),
        "spearman_by_seed": each,
        "kendall": float(np.mean([kendall(column, y) for column in s])),
        "top_10_percent_overlap": float(np.mean([top_overlap(column, y) for column in s])),
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


def architectures(which: str, n_cells: int = CELLS) -> tuple[str, list[str]]:
    """Space and ids of a set that is scored: a fixed random sample of cells, or the table's."""
    if which == "nb201":
        ids, _ = nb201_accuracy()
        rows = np.random.default_rng(SAMPLE_SEED).permutation(len(ids))[:n_cells]
        return "nb201", [ids[i] for i in rows]
    table = Benchmark.load(TABLE).table
    return table.space.name, list(dict.fromkeys(table.networks["architecture"].tolist()))


def score_step(
    which: str,
    working: Path,
    shard: tuple[int, int] = (0, 1),
    n_cells: int = CELLS,
    seeds: int = SEEDS,
    proxies: str = "all",
    device: str = "cpu",
    data: Path | None = None,
) -> Columns:
    """Scores one set on a CIFAR-10 batch into the working folder, going on from what is there."""
    part, parts = shard
    space, ids = architectures(which, n_cells)
    mine = ids[part::parts]

    def said(done: int, total: int) -> None:
        sys.stderr.write(f"\r{which} {part}/{parts}: {done} of {total} networks")
        sys.stderr.flush()

    return run(
        mine,
        dataset_batch("cifar10", BATCH, SAMPLE_SEED, data),
        working / f"{which}-{part}.h5",
        proxies,
        space=space,
        n_classes=10,
        seeds=range(seeds),
        device=device,
        on_progress=said,
    )


def scored(which: str, working: Path) -> Columns:
    """All shards of a set.

    Raises:
        BigLittleError: there are none.
    """
    files = sorted(working.glob(f"{which}-*.h5"))
    if not files:
        raise BigLittleError(f"no {which}-*.h5 in {working}; run the step score {which} first.")
    parts = [read_columns(path) for path in files]
    return parts[0].merged(parts[1:])


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
    document: dict[str, Any] = {"targets": {}, "time_s": {}, "made_with": {}}
    for which in ("nb201", "table"):
        if not list(working.glob(f"{which}-*.h5")):
            continue
        columns = scored(which, working)
        used = sorted(set(columns.seeds.tolist()))[:seeds]
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
        values = by_seed(columns, ids, used)
        for name, accuracy in _targets(which, ids).items():
            document["targets"][name] = {
                proxy: agreement(found, accuracy, rounds) for proxy, found in values.items()
            }
        if which == "table":
            bench = Benchmark.load(TABLE)
            inherited = set(bench.architectures)
            chosen = [a for a in ids if a in inherited]
            document["pairs"] = _pairs(bench, chosen, by_seed(columns, chosen, used))
    if not document["targets"]:
        raise BigLittleError(f"no scores in {working}; run the step score first.")
    return document


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
    for training in ("inherited", "standalone"):
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
            f"- `{which}`: {facts['networks']} networks, {facts['seeds']} seeds of initialisation, "
            f"batch: {facts['batch']}, torch {facts['torch']}, {facts['device']}; "
            f"scores that failed: {failed}."
        )
    lines += [
        "",
        "Spearman's rho with accuracy, mean over seeds, and its 95 % interval over networks; "
        "Kendall's tau; share of the best tenth that is found; networks. `macs` and `params` are "
        "the baselines.",
    ]
    for target, found in document["targets"].items():
        column = list(NB201_COLUMNS).index(target) if target in NB201_COLUMNS else None
        heads = ["proxy", "Spearman", "interval", "Kendall", "top 10 %", "n"]
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
            cells.append(str(row["n"]))
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
    if "pairs" in document:
        lines += _pair_lines(document["pairs"])
    lines += ["", "## Time", "", "Mean wall time of a proxy with every pass it needs, in s.", ""]
    sets = list(document["time_s"])
    lines += [f"| proxy | {' | '.join(sets)} |", "|---|" + "---|" * len(sets)]
    for proxy in next(iter(document["time_s"].values())):
        cells = [_number(document["time_s"][which].get(proxy)) for which in sets]
        lines.append(f"| `{proxy}` | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


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
    for target, found in pairs["targets"].items():
        names = list(next(iter(found.values())))
        lines += ["", f"### {target}", "", f"| proxy | {' | '.join(names)} |"]
        lines.append("|---|" + "---|" * len(names))
        best = {p: max(_order(row[name]["spearman"]) for name in names) for p, row in found.items()}
        for proxy in sorted(found, key=lambda p: -best[p]):
            cells = [
                f"{_number(c['spearman'])} ± {_number(c['standard_error'])}"
                for c in (found[proxy][name] for name in names)
            ]
            lines.append(f"| `{proxy}` | {' | '.join(cells)} |")
    return lines


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


def report_step(working: Path, out: Path, seeds: int = SEEDS, rounds: int = ROUNDS) -> None:
    """``zerocost.json``, ``zerocost.md`` and ``zerocost.png`` in a folder."""
    document = measure(working, seeds, rounds)
    out.mkdir(parents=True, exist_ok=True)
    with replacing(out / "zerocost.json") as partial:
        partial.write_text(json.dumps(document, indent=1) + "\n")
    with replacing(out / "zerocost.md") as partial:
        partial.write_text(text(document))
    picture(document, out / "zerocost.png")


def main(arguments: Sequence[str] | None = None) -> None:
    """The two steps from the command line."""
    parser = argparse.ArgumentParser(prog="python -m biglittle.data_tables.zerocost_evidence")
    steps = parser.add_subparsers(dest="step", required=True)
    one = steps.add_parser("score", help="score a set, resumable")
    one.add_argument("set", choices=("nb201", "table"))
    one.add_argument("--shard", default="0/1", help="i/n: every n-th network from the i-th on")
    one.add_argument("--cells", type=int, default=CELLS)
    one.add_argument("--proxies", default="all")
    one.add_argument("--on", default="cpu", help="cpu or cuda")
    one.add_argument("--threads", type=int, default=1)
    one.add_argument("--data", type=Path, default=None, help="folder of the images")
    two = steps.add_parser("report", help="figures, tables and heat map from the scores")
    two.add_argument("--out", type=Path, default=FOLDER)
    two.add_argument("--rounds", type=int, default=ROUNDS, help="of the bootstrap")
    for each in (one, two):
        each.add_argument("--working", type=Path, default=Path("build/zerocost"))
        each.add_argument("--seeds", type=int, default=SEEDS, help="initialisations")
    given = parser.parse_args(arguments)
    if given.step == "report":
        report_step(given.working, given.out, given.seeds, given.rounds)
        return
    import torch

    torch.set_num_threads(given.threads)
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
    )


if __name__ == "__main__":
    main()
