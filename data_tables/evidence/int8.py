"""What int8 does to the networks of the table: accuracy, calibration, gates, fronts, thresholds.

Networks that ``table build --stage int8`` evaluated stand beside their fp32 rows in a small table
of their own, with costs by precision. Thresholds are chosen on val, and everything is reported on
test.
"""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

from ...bench import Benchmark, Points
from ...bench.bootstrap import LEVEL, paired_gain
from ...bench.datasets import get_dataset
from ...bench.diagnostics import calibration_error
from ...bench.errors import BigLittleError
from ...bench.failure_prediction import auroc
from ...bench.gates import N_CODES, get_gate, stored_metrics
from ...bench.precision import FP32, INT8, with_precision
from ...bench.table import Table
from ...bench.table_writer import write_table
from ...cotrain.calibration import CALIBRATION_IMAGES
from ..building.assemble import added
from ..building.evaluate import Evaluation, read_evaluation
from ..flagship import RECIPE
from ._page import Step

DEVICES = ("amd-epyc-f25-m17", "raspberry-pi-4")
BOTH = (FP32, INT8)
#: Shares of the longest latency of a network at which fronts are compared.
SHARES = (0.1, 0.15, 0.2, 0.3, 0.4, 0.5)
TARGET = 0.2  # share of val images that thresholds are chosen to escalate
N_PAIRS, SEED, ROUNDS = 400, 0, 2000


def evaluated(working: Path, table: Table) -> list[Evaluation]:
    """The int8 evaluations in a working folder, of networks that the table has in fp32.

    Raises:
        BigLittleError: there are none, or they come from other weights.
    """
    there = {str(name) for name in table.names[table.rows(exits=True)]}
    files = sorted((working / "networks").glob("inherited-*-int8-s*.npz"))
    everything = [read_evaluation(file) for file in files]
    fitting = [
        e
        for e in everything
        if e.key.origin == table.training.get("supernet_sha256")
        and with_precision(e.key.network.name, FP32) in there
    ]
    if not fitting:
        raise BigLittleError(
            f"{working} holds {len(everything)} int8 evaluations, none of networks and weights of "
            f"table {table.name!r}; make some: biglittle table build --stage {INT8} --working "
            f"{working}."
        )
    return fitting


def both_precisions(table: Table, quantised: list[Evaluation], file: Path) -> Benchmark:
    """A benchmark of some networks in both precisions, fp32 first, in one order.

    Args:
        table: the table of the fp32 rows.
        quantised: evaluations of some of its networks in int8.
        file: where its table is written.
    """
    names = [with_precision(e.key.network.name, FP32) for e in quantised]
    rows = np.array([table.network_row(name) for name in names])
    part = table.contents().take(rows)
    images = get_dataset(table.dataset).load()
    write_table(file, added(part, quantised, images), "", "")
    return Benchmark.load(file, check=False, precisions=BOTH)


def _interval(
    values: NDArray[np.float64], networks: NDArray[np.intp] | None = None
) -> dict[str, float]:
    """Mean of values with an interval by resampling networks, as plain JSON.

    Args:
        values: one figure a network or a pair, shape (n,).
        networks: little network of each pair, shape (n,), by which pairs are drawn together, since
            those of one network are not independent; None: each value is of a network of its own.
    """
    of = np.arange(len(values)) if networks is None else np.unique(networks, return_inverse=True)[1]
    n, rng = int(of.max()) + 1, np.random.default_rng(SEED)
    weights = rng.multinomial(n, np.full(n, 1 / n), ROUNDS)[:, of]
    means = (weights @ values) / weights.sum(axis=1)
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return {"mean": float(values.mean()), "low": float(low), "high": float(high)}


# ---- single networks ---------------------------------------------------------------------------
def networks(bench: Benchmark) -> dict[str, Any]:
    """Accuracy, agreement and calibration of each network in both precisions, on test."""
    table, n = bench.table, len(bench.table) // 2
    stored = table.predictions("test")
    rows: list[dict[str, Any]] = []
    for i in range(n):
        rows.append(
            {
                "network": str(table.names[i]),
                "macs": int(table.networks["macs"][i]),
                **{f"accuracy_{p}": float(stored.correct[i + k * n].mean()) for k, p in _each()},
                **{f"ece_{p}": calibration_error(table, i + k * n) for k, p in _each()},
                "same_class": float((stored.top1[i] == stored.top1[i + n]).mean()),
            }
        )
    lost = np.array([r[f"accuracy_{INT8}"] - r[f"accuracy_{FP32}"] for r in rows])
    ece = np.array([r[f"ece_{INT8}"] - r[f"ece_{FP32}"] for r in rows])
    return {
        "rows": rows,
        "accuracy": _interval(lost) | {"worst": float(lost.min()), "best": float(lost.max())},
        "ece": _interval(ece) | {"fp32": float(np.mean([r[f"ece_{FP32}"] for r in rows]))},
        "same_class": _interval(np.array([r["same_class"] for r in rows])),
    }


def _each() -> enumerate[str]:
    return enumerate(BOTH)


# ---- thresholds --------------------------------------------------------------------------------
def _cut(codes: NDArray[np.uint8], target: float) -> int:
    """The cut below which the share of codes is nearest to a target."""
    rates = np.cumsum(np.bincount(codes, minlength=N_CODES)) / len(codes)
    return int(np.argmin(np.abs(np.concatenate([[0.0], rates]) - target)))


def thresholds(bench: Benchmark, n_pairs: int = N_PAIRS) -> dict[str, Any]:
    """Thresholds chosen for fp32 pairs and kept in int8, against those chosen again, by gate."""
    table, n = bench.table, len(bench.table) // 2
    right = table.predictions("val").correct[:n].mean(axis=1)
    macs = table.networks["macs"][:n]
    pairs = [
        (i, j) for i, j in itertools.permutations(range(n), 2)
        if macs[i] < macs[j] and right[i] < right[j]
    ]  # fmt: skip
    rng = np.random.default_rng(SEED)
    pairs = [pairs[k] for k in np.sort(rng.permutation(len(pairs))[:n_pairs])]
    answers = table.predictions("test").correct
    littles = np.array([i for i, _ in pairs])
    out: dict[str, Any] = {"pairs": len(pairs), "target": TARGET, "gates": {}}
    for gate in stored_metrics():
        codes = {split: table.codes_of(gate, split, np.arange(2 * n)) for split in ("val", "test")}
        cuts = [_cut(codes["val"][row], TARGET) for row in range(2 * n)]
        columns: dict[str, list[float]] = {
            k: [] for k in ("moved", "size", "drift", "again", "gain")
        }
        for i, j in pairs:
            little, big = i + n, j + n
            before = float((codes["test"][i] < cuts[i]).mean())
            escalated = [codes["test"][little] < cut for cut in (cuts[i], cuts[little])]
            rates = [float(up.mean()) for up in escalated]  # threshold kept, and chosen again
            accuracies = [np.where(up, answers[big], answers[little]).mean() for up in escalated]
            columns["moved"].append(rates[0] - before)
            columns["size"].append(abs(rates[0] - before))
            columns["drift"].append(abs(rates[0] - TARGET))
            columns["again"].append(abs(rates[1] - TARGET))
            columns["gain"].append(float(accuracies[1] - accuracies[0]))
        sure = [
            auroc(codes["test"][i + n], answers[i + n]) - auroc(codes["test"][i], answers[i])
            for i in range(n)
        ]
        out["gates"][gate] = {
            **{name: _interval(np.array(values), littles) for name, values in columns.items()},
            "moved_most": max(columns["size"]),
            "auroc": _interval(np.array(sure)),
        }
    return out


# ---- fronts ------------------------------------------------------------------------------------
def _best(points: Points, limit_ms: float) -> int | None:
    """The most accurate point on val within a mean latency."""
    within = np.flatnonzero(points.latency_ms <= limit_ms)
    return int(within[np.argmax(points.accuracy[within])]) if len(within) else None


def _right(bench: Benchmark, points: Points, at: int) -> NDArray[np.bool_]:
    """Which test images a point is right about."""
    table, stored = bench.table, bench.table.predictions("test")
    little, big = (table.network_row(str(names[at])) for names in (points.little, points.big))
    gate = str(points.gate[at])
    codes = table.codes_of(gate, "test", [little])[0]
    cut = get_gate(gate).cut(float(points.threshold[at]), table.n_classes)
    return np.asarray(np.where(codes < cut, stored.correct[big], stored.correct[little]), bool)


def fronts(file: Path, device: str) -> dict[str, Any]:
    """The fronts of fp32, of int8 and of both at equal mean latency, on test."""
    benches = {
        "fp32": Benchmark.load(file, check=False, precisions=(FP32,)),
        "int8": Benchmark.load(file, check=False, precisions=(INT8,)),
        "both": Benchmark.load(file, check=False, precisions=BOTH),
    }
    chosen = {name: bench.front(device).chosen for name, bench in benches.items()}
    costs = benches["both"].costs(device)
    most = float(np.nanmax(costs.latency_ms))
    rows = []
    for share in SHARES:
        limit = share * most
        best = {name: _best(points, limit) for name, points in chosen.items()}
        if any(at is None for at in best.values()):
            continue
        right = {n: _right(benches[n], chosen[n], at) for n, at in best.items() if at is not None}
        row: dict[str, Any] = {
            "latency_ms": limit,
            **{n: float(r.mean()) for n, r in right.items()},
        }
        for name in ("int8", "both"):
            _, low, high = paired_gain(right[name], right["fp32"])
            gain = row[name] - row["fp32"]
            row[f"{name}_gain"] = {"mean": gain, "low": low, "high": high}
        little, big = (
            str(names[best["both"]]) for names in (chosen["both"].little, chosen["both"].big)
        )
        row["pair"] = [name.rpartition(":")[2] if ":" in name else FP32 for name in (little, big)]
        rows.append(row)
    mixed = [
        (":" in str(a)) != (":" in str(b))
        for a, b in zip(chosen["both"].little, chosen["both"].big, strict=True)
    ]
    return {"rows": rows, "points": len(mixed), "mixed": int(np.sum(mixed))}


# ---- the step ----------------------------------------------------------------------------------
def measure(
    working: Annotated[Path, typer.Option(help="Folder of a build with int8 evaluations.")] = Path(
        f"build/{RECIPE.name}"
    ),
) -> dict[str, Any]:
    """All of it, of every network that a build's folder holds in int8."""
    table = Benchmark.load(RECIPE.name).table
    quantised = evaluated(working, table)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "int8.h5"
        bench = both_precisions(table, quantised, file)
        return {
            "table_sha256": table.sha256,
            "of": len(table.rows(exits=True)),
            "whole": int((bench.table.exits == 0).sum()) // 2,
            "cut": int((bench.table.exits > 0).sum()) // 2,
            "calibration_images": CALIBRATION_IMAGES,
            "images": bench.table.n_images["test"],
            "networks": networks(bench),
            "thresholds": thresholds(bench),
            "fronts": {device: fronts(file, device) for device in DEVICES},
        }


def _points(value: Mapping[str, float]) -> str:
    return f"{100 * value['mean']:+.2f} ({100 * value['low']:+.2f} to {100 * value['high']:+.2f})"


def networks_section(f: dict[str, Any]) -> str:
    """What int8 does to single networks, as Markdown."""
    own, rows = f["networks"], f["networks"]["rows"]
    of_all = ", all inherited ones of the table"
    if f["whole"] + f["cut"] < f["of"]:
        of_all = (
            f", of {f['of']} in the table: sorted by MACs, both ends first, then the middle of "
            "every gap that was left, each with the exits that the table has of it"
        )
    lines = [
        f"{f['whole']} whole networks and {f['cut']} exits{of_all}. "
        f"{f['images']:,} test images, points, with "
        f"{100 * LEVEL:.0f} % intervals over networks:",
        "",
        f"- accuracy: **{_points(own['accuracy'])}** points; the worst loses "
        f"{-100 * own['accuracy']['worst']:.2f}, the best gains "
        f"{100 * own['accuracy']['best']:.2f}",
        f"- the same class as in fp32: {100 * own['same_class']['mean']:.2f} % of images",
        f"- expected calibration error: {_points(own['ece'])} points, from "
        f"{100 * own['ece']['fp32']:.2f} in fp32",
        "",
        "| M MACs | networks | accuracy, fp32 | accuracy, int8 | same class, % |",
        "|---|---|---|---|---|",
    ]
    ordered = sorted(rows, key=lambda row: row["macs"])
    for part in np.array_split(np.arange(len(ordered)), 5):
        some = [ordered[i] for i in part]
        mean = [100 * np.mean([r[k] for r in some]) for k in
                (f"accuracy_{FP32}", f"accuracy_{INT8}", "same_class")]  # fmt: skip
        ends = f"{some[0]['macs'] / 1e6:.0f} to {some[-1]['macs'] / 1e6:.0f}"
        lines.append(f"| {ends} | {len(some)} | {mean[0]:.2f} | {mean[1]:.2f} | {mean[2]:.2f} |")
    return "\n".join(lines)


def thresholds_section(f: dict[str, Any]) -> str:
    """What becomes of thresholds, as Markdown."""
    own = f["thresholds"]
    robust = min(own["gates"], key=lambda g: own["gates"][g]["size"]["mean"])
    lines = [
        f"{own['pairs']} random pairs, both networks in int8. The threshold escalates "
        f"{100 * own['target']:.0f} % of the val images of the fp32 little; it is kept, or chosen "
        "again on val in int8 for the same rate. Points on test, with intervals over littles:",
        "",
        "| gate | escalation rate moves by | distance from the rate, kept | chosen again | "
        "accuracy, chosen again against kept | AUROC of the gate, int8 - fp32 |",
        "|---|---|---|---|---|---|",
    ]
    for gate, figures in own["gates"].items():
        cells = [_points(figures[k]) for k in ("moved", "drift", "again", "gain", "auroc")]
        lines.append(f"| `{gate}` | {' | '.join(cells)} |")
    worst = max(figures["moved_most"] for figures in own["gates"].values())
    lines += [
        "",
        f"The rate moves by {100 * worst:.1f} points at the most, and least under `{robust}`: by "
        f"{100 * own['gates'][robust]['size']['mean']:.2f} points, up or down, on average.",
    ]
    return "\n".join(lines)


def fronts_section(f: dict[str, Any]) -> str:
    """Fronts of both precisions at equal latency, as Markdown."""
    lines = []
    for device, own in f["fronts"].items():
        lines += [
            f"`{device}`, the same {f['whole'] + f['cut']} networks in each precision; accuracy on "
            f"test in points, gains with {100 * LEVEL:.0f} % intervals over images:",
            "",
            "| mean latency at most, ms | fp32 | int8 | both | int8 - fp32 | both - fp32 | the pair"
            " of both |",
            "|---|---|---|---|---|---|---|",
        ]
        for row in own["rows"]:
            cells = [f"{row['latency_ms']:.3g}"]
            cells += [f"{100 * row[n]:.2f}" for n in ("fp32", "int8", "both")]
            cells += [_points(row[f"{n}_gain"]) for n in ("int8", "both")]
            lines.append(f"| {' | '.join([*cells, ' -> '.join(row['pair'])])} |")
        lines += [
            "",
            f"{own['mixed']} of {own['points']} points of the front of both are mixed.",
            "",
        ]
    return "\n".join(lines)


STEP = Step(
    measure,
    {
        "int8_networks": networks_section,
        "int8_thresholds": thresholds_section,
        "int8_fronts": fronts_section,
    },
    of_table=True,
)
