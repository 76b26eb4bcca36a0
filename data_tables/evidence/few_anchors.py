"""How good a model of a new device is after 5, 10, 20 and 40 measured networks.

Twenty devices on which 5,000 networks of ``fbnet`` were measured as wholes play the new device in
turn; raspi4 and pixel3 are left out, for they are sums of a look-up table. Networks to measure are
taken from 4,000 of them, errors from the other 1,000. What other devices tell a model comes from
devices of other chip generations only, so that no near relative helps.

The reference data are looked for in ``BIGLITTLE_REFERENCE_DATA``. The step also draws
``devices/few_anchors.svg`` and writes ``bench/operator_priors.json``: coefficients of all twenty
devices, with which a board that was measured is fitted. Half a minute.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import Any

import numpy as np

from ...bench import Benchmark, load_device
from ...bench.files import replacing
from ...bench.operator_features import NAMES, Array, network_features
from ...bench.operator_model import PRIORS, fit_few, fit_robust, fit_sum
from ...bench.spaces import get_space
from ...edge_profiler.anchors import anchor_networks, anchor_order
from ...surrogates.latency import latency_figures
from .. import reference
from ..flagship import RECIPE
from ._chart import line_chart
from ._page import FOLDER, Step, write_json

SOURCE = (
    "fitted on whole-network latencies of 900 fbnet networks per device: HayeonLee/HELP@45f70eb9 "
    "(MIT), Lee et al. 2021"
)
SUMS = ("raspi4", "pixel3")
CHART = FOLDER.parent / "devices" / "few_anchors.svg"
TABLE, MACHINE = RECIPE.name, "amd-epyc-f25-m17"
#: Chips of one generation are near twins: none of them tells about another.
KIN = {
    "Pascal": ("1080ti", "titanx", "titanxp"),
    "Turing": ("2080ti", "titan_rtx"),
    "Xeon": ("gold", "silver"),
}
KINDS = {"GPU": ("Pascal", "Turing"), "server CPU": ("Xeon",)}
N_POOL, N_PRIOR, N_CLASSES = 4000, 900, 100
SIZES = (5, 10, 20, 40)
SEEDS = 10
COVERAGE = 0.9
NEAREST, MIXED, MACS = "nearest device", "mixed devices", "MACs"
ALONE, TOLD = "operators", "operators + other devices"
DISTURBED, SLOWER = 10, 3.0  # one measured network in so many took so many times as long
ANCHORS, RANDOM = "anchors", "random"


def kin(device: str) -> str:
    """The generation of a device's chip; its own name where no other is of it."""
    for name, starts in KIN.items():
        if any(device.startswith(s) for s in starts):
            return name
    return device


def kind(device: str) -> str:
    """GPU, server CPU or phone."""
    return next((k for k, members in KINDS.items() if kin(device) in members), "phone")


def _line(macs: Array, figure: Array, held_out: Array) -> Array:
    """A constant and a slope of MACs, at least 0."""
    columns = [np.column_stack([np.ones(len(m)), m]) for m in (macs, held_out)]
    return np.asarray(columns[1] @ fit_sum(columns[0], figure))


def _nearest(figures: dict[str, Array], others: list[str], rows: Any, own: Array) -> Array:
    """The other device that fits best when scaled, with what was measured there."""
    factors = {d: float(np.median(own / figures[d][rows])) for d in others}
    errors = {d: float(np.mean(np.abs(factors[d] * figures[d][rows] / own - 1))) for d in others}
    best = min(errors, key=lambda d: errors[d])
    return np.asarray(factors[best] * figures[best][N_POOL:])


def _mixed(figures: dict[str, Array], others: list[str], rows: Any, own: Array) -> Array:
    """A constant and shares of what was measured on the other devices, at least 0."""
    measured = np.column_stack([np.ones(len(figures[others[0]])), *(figures[d] for d in others)])
    return np.asarray(measured[N_POOL:] @ fit_sum(measured[rows], own))


def study() -> tuple[dict[str, Any], dict[str, Array]]:
    """Figures by model, choice and number of networks, and the devices' coefficients."""
    space = get_space("fbnet")
    rows = reference.read_rows(reference.reference_folder() / "fbnet" / "latency_ms.csv.gz")
    devices = [d for d in rows[0] if d not in ("arch", *SUMS)]
    genomes = space.parse([r["arch"] for r in rows])
    features = network_features(space, genomes, N_CLASSES)
    macs = space.macs(genomes, N_CLASSES).astype(np.float64) / 1e6
    figures = {d: np.array([float(r[d]) for r in rows]) for d in devices}
    coefficients = {d: fit_sum(features[:N_PRIOR], figures[d][:N_PRIOR]) for d in devices}
    rng = np.random.default_rng(0)
    order = anchor_order(space, genomes[:N_POOL], max(SIZES), N_CLASSES)
    drawn = [rng.permutation(N_POOL)[: max(SIZES)] for _ in range(SEEDS)]
    errors: defaultdict[tuple[str, str, int, str], list[dict[str, float]]] = defaultdict(list)
    for device in devices:
        truth, others = figures[device], [d for d in devices if kin(d) != kin(device)]
        priors = np.stack([coefficients[d] for d in others])
        for choice, orders in ((ANCHORS, [order]), (RANDOM, drawn)):
            for seed, whole in enumerate(orders):
                for n in SIZES:
                    at = whole[:n]
                    own, held_out = truth[at], features[N_POOL:]
                    told = fit_few(features[at], own, priors, COVERAGE)
                    predicted = {
                        NEAREST: _nearest(figures, others, at, own),
                        MIXED: _mixed(figures, others, at, own),
                        MACS: _line(macs[at], own, macs[N_POOL:]),
                        ALONE: held_out @ fit_sum(features[at], own),
                        TOLD: told.predict(held_out),
                    }
                    for model, got in predicted.items():
                        scores = latency_figures(got, truth[N_POOL:])
                        if model == TOLD and told.coverage > 0 and seed < 2:
                            low, high = told.interval(held_out)
                            inside = (low <= truth[N_POOL:]) & (truth[N_POOL:] <= high)
                            scores["inside"] = float(inside.mean())
                            scores["width"] = told.high / told.low - 1
                            scores["nominal"] = told.coverage
                        for group in ("all", kind(device)):
                            errors[model, choice, n, group].append(scores)
    table = [
        {"model": m, "choice": c, "n": n, "group": g, **_mean(scores)}
        for (m, c, n, g), scores in errors.items()
    ]
    many = {
        d: latency_figures(features[N_POOL:] @ coefficients[d], figures[d][N_POOL:])
        for d in devices
    }
    return {
        "devices": {d: {"kin": kin(d), "kind": kind(d), **many[d]} for d in devices},
        "sizes": list(SIZES),
        "seeds": SEEDS,
        "rows_of_other_devices": N_PRIOR,
        "disturbed": disturbed(figures, coefficients, features, order),
        "table": table,
        "all_rows": {f"{N_PRIOR}": _mean(list(many.values()))},
    }, coefficients


def disturbed(
    figures: dict[str, Array], coefficients: dict[str, Array], features: Array, order: Any
) -> dict[str, list[float]]:
    """Mean error by number of anchors when something else ran beside some of them.

    With the fit in which errors count by their squares, and with the one that is used.
    """
    plain: list[float] = []
    used: list[float] = []
    for n in SIZES:
        at, errors = order[:n], []
        late = np.random.default_rng(n).permutation(n)[: max(1, n // DISTURBED)]
        for device, truth in figures.items():
            priors = np.stack([coefficients[d] for d in figures if kin(d) != kin(device)])
            own = truth[at].copy()
            own[late] *= SLOWER
            squares = fit_sum(features[at], own, priors=priors)
            fits = (squares, fit_robust(features[at], own, priors))
            ratios = (features[N_POOL:] @ f / truth[N_POOL:] for f in fits)
            errors.append([float(np.mean(np.abs(ratio - 1))) for ratio in ratios])
        for column, error in zip((plain, used), np.mean(errors, axis=0), strict=True):
            column.append(float(error))
    return {"squares": plain, "used": used}


def fronts() -> dict[str, Any]:
    """What a front loses that is searched on a few anchors of the machine of the build.

    The table's networks that were measured there are the truth. Each front is the exact one under
    the latencies that so many anchors predict, evaluated anew with the measured ones.
    """
    bench, profile = Benchmark.load(TABLE), load_device(MACHINE)
    space = bench.table.space
    genomes = space.parse([str(a) for a in bench.table.networks["architecture"]])
    measured = profile.latency.provenance
    there = np.array([measured(row)["latency_ms"] == "measured" for row in genomes])
    costs = bench.costs(MACHINE)
    truth = np.where(there, costs.latency_ms, np.nan)
    bench.assume("truth", replace(costs, latency_ms=truth))
    true_front = bench.front("truth")
    rows = []
    for n in SIZES:
        ids = anchor_networks(space, n, profile.n_classes)
        few = {a: profile.measured_ms[a] for a in ids}
        board = replace(profile, measured_ms=few, measured_p90_ms={}, pairs=())
        latency = board.latency.latency_ms(genomes)
        bench.assume(f"{n} anchors", replace(costs, latency_ms=np.where(there, latency, np.nan)))
        front = bench.front(f"{n} anchors")
        rows.append(
            {
                "n": n,
                "regret": bench.regret(front.chosen, "truth"),
                **latency_figures(latency[there], truth[there]),
            }
        )
    return {
        "machine": MACHINE,
        "table": bench.table.name,
        "table_sha256": bench.table.sha256,
        "networks": int(np.isfinite(truth[bench.table.rows()]).sum()),
        "true_front": len(true_front),
        "rows": rows,
    }


def _mean(rows: list[dict[str, float]]) -> dict[str, float]:
    keys = dict.fromkeys(k for f in rows for k in f)
    # A constant prediction has no rank correlation: it ranks nothing.
    return {k: float(np.mean(np.nan_to_num([f[k] for f in rows if k in f]))) for k in keys}


ROWS = (
    (NEAREST, RANDOM, "reuse the nearest device, scaled (*); random networks"),
    (MIXED, RANDOM, "mix the other devices (*); random networks"),
    (MACS, RANDOM, "a line of MACs; random networks"),
    (ALONE, RANDOM, "sum over operators; random networks"),
    (ALONE, ANCHORS, "sum over operators; anchors"),
    (TOLD, RANDOM, "sum over operators, other devices tell; random networks"),
    (TOLD, ANCHORS, "sum over operators, other devices tell; anchors"),
)


def page(report: dict[str, Any]) -> str:
    """The figures as Markdown."""
    by = {(r["model"], r["choice"], r["n"], r["group"]): r for r in report["table"]}
    head = " | ".join(f"{n}" for n in SIZES)
    lines = [
        f"MAPE, and Spearman in brackets, on 1,000 other networks, mean of "
        f"{len(report['devices'])} devices; random: mean of {report['seeds']} draws.",
        "",
        f"| model; measured networks | {head} |",
        "|---|" + "---|" * len(SIZES),
    ]
    for model, choice, label in ROWS:
        cells = [by[model, choice, n, "all"] for n in SIZES]
        cells_text = " | ".join(f"{100 * c['mape']:.1f} % ({c['spearman']:.3f})" for c in cells)
        lines.append(f"| {label} | {cells_text} |")
    whole = report["all_rows"][f"{N_PRIOR}"]
    lines += [
        "",
        "(*) With what was measured there for the very networks that are asked about, which nobody "
        "has for a new network. "
        + f"With {N_PRIOR} networks measured the sum over operators alone gives "
        f"{100 * whole['mape']:.1f} % ({whole['spearman']:.3f}). By kind, last row of the table: "
        + "; ".join(
            f"{g} " + ", ".join(f"{100 * by[TOLD, ANCHORS, n, g]['mape']:.1f} %" for n in SIZES)
            for g in ("GPU", "server CPU", "phone")
        )
        + ".",
        "",
        "Interval made by leaving out one network at a time, share of networks inside (nominal; "
        "width): "
        + "; ".join(
            f"{n} {c} "
            + "{:.0f} % ({:.0f} %; {:.0f} %)".format(
                *(100 * by[TOLD, c, n, "all"][k] for k in ("inside", "nominal", "width"))
            )
            for c in (ANCHORS, RANDOM)
            for n in SIZES
            if "inside" in by[TOLD, c, n, "all"]
        )
        + ".",
        "",
        "The number of D-optimal anchors (20), the weight of the other devices, and from where on "
        "errors count less were chosen on "
        "these same figures; they are GPUs, server CPUs and phones as of 2021, and a board unlike "
        "all of them gains less from what they tell.",
        "",
        "![Error against the number of measured networks](few_anchors.svg)",
    ]
    return "\n".join(lines)


def worth(report: dict[str, Any]) -> str:
    """What so many anchors are worth, as Markdown for whoever measures a board."""
    by = {
        (r["n"], r["group"]): r
        for r in report["table"]
        if (r["model"], r["choice"]) == (TOLD, ANCHORS)
    }
    groups = ("all", "GPU", "server CPU", "phone")
    lines = [
        f"What the anchors are worth, on 1,000 other networks of each of {len(report['devices'])} "
        "devices that played the new board in turn (`python -m "
        "biglittle.data_tables.evidence few_anchors`):",
        "",
        "| anchors measured | mean error of a prediction | by kind | Spearman | inside the "
        "interval (nominal) |",
        "|---|---|---|---|---|",
    ]
    for n in SIZES:
        row = by[n, "all"]
        kinds = ", ".join(f"{g} {100 * by[n, g]['mape']:.1f} %" for g in groups[1:])
        inside = "no interval"
        if "inside" in row:
            inside = f"{100 * row['inside']:.0f} % ({100 * row['nominal']:.0f} %)"
        lines.append(
            f"| {n} | {100 * row['mape']:.1f} % | {kinds} | {row['spearman']:.3f} | {inside} |"
        )
    used = ", ".join(f"{100 * e:.1f} %" for e in report["disturbed"]["used"])
    squares = ", ".join(f"{100 * e:.1f} %" for e in report["disturbed"]["squares"])
    lines += [
        "",
        f"When something else runs beside one network in {DISTURBED} (one at least), so that it "
        f"takes {SLOWER:.0f} times as long, the errors become {used}; by least squares they were "
        f"{squares}.",
    ]
    front = report["fronts"]
    lines += [
        "",
        f"On `{front['machine']}`, with the {front['networks']} networks of `{front['table']}` "
        "that were measured there: the exact front under the latencies that so many anchors "
        "predict, measured afterwards, misses of the hypervolume of the true front "
        + ", ".join(f"{100 * r['regret']:.1f} % ({r['n']} anchors)" for r in front["rows"])
        + "; single networks are predicted with an error of "
        + ", ".join(f"{100 * r['mape']:.0f} %" for r in front["rows"])
        + ".",
    ]
    return "\n".join(lines)


def chart(report: dict[str, Any]) -> str:
    """The same as an SVG picture."""
    by = {(r["model"], r["choice"], r["n"]): r for r in report["table"] if r["group"] == "all"}
    series = {
        label: [(float(n), 100 * by[model, choice, n]["mape"]) for n in SIZES]
        for model, choice, label in ROWS
    }
    return line_chart(series, "networks measured on the new device", "mean absolute error (%)")


def measure() -> dict[str, Any]:
    """The figures; draws the chart and writes the coefficients as well."""
    report, coefficients = study()
    report["fronts"] = fronts()
    priors = {
        "source": SOURCE,
        "names": list(NAMES),
        "rows": N_PRIOR,
        "devices": {
            d: {
                "held_out": {k: round(v, 4) for k, v in report["devices"][d].items() if k in KEPT},
                "coefficients": [_rounded(v) for v in values],
            }
            for d, values in coefficients.items()
        },
    }
    write_json(PRIORS, priors)
    with replacing(CHART) as partial:
        partial.write_text(chart(report), encoding="utf-8")
    return report


KEPT = ("mape", "share_within_10_percent", "spearman")


def _rounded(value: float) -> float:
    return float(f"{value:.7g}")


STEP = Step(measure, {"few_anchors": page, "anchors": worth})
