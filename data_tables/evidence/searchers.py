"""The searchers' results page: ``python -m biglittle.data_tables.evidence.searchers``.

Runs every comparison of the page (or some: ``--parts table,gate``), writes their figures to
``results/*.json`` and their pictures beside them, and ``RESULTS.md`` from all that is there. On two
quiet cores all parts take some four minutes. NAS-Bench-201 needs the published tables, which do not
ship (``BIGLITTLE_REFERENCE_DATA``); without them its part stays as it was.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ... import __version__
from ...bench import Benchmark
from ...bench.errors import BigLittleError
from ...bench.hypervolume import hypervolume
from ...edge_profiler.machine import device_name
from ...searchers.algorithms import SEARCHERS, get_searcher
from ...searchers.command import checked_names, judge_called
from ...searchers.compare import Comparison, compare, holm, markdown, wilcoxon
from ...searchers.compare_plot import write_plot
from ...searchers.front_files import write_files
from ...searchers.outcome import SearchOutcome
from ...searchers.settings import SearchSettings

HERE = Path(__file__).parents[2] / "searchers"
FOLDER, PAGE = HERE / "results", HERE / "RESULTS.md"
TABLE, DEVICE = "fbnet-cifar10", "raspberry-pi-4"
BUDGET, NB201_BUDGET, SPEED_BUDGET = 2_000, 500, 20_000
THREE = ("error", "latency_ms", "peak_memory_mib")
GATE_SEARCHERS = ("nsga2", "random")
MODES = ("inside", "gene")
SPEED_RUNS = 3
#: What was aimed at: regret, as a share of random's, share of the exact hypervolume, seconds.
MOST_REGRET, OF_RANDOM, LEAST_SHARE, MOST_SECONDS = 0.05, 0.5, 0.95, 20.0
USEFUL_ERROR = 0.2  # cells worse than this are of no use, and most of the box lies beyond it


def _told(label: str) -> Callable[[str, int, SearchOutcome], None]:
    def told(name: str, run: int, outcome: SearchOutcome) -> None:
        sys.stderr.write(f"{label}: {name} seed {run}, {outcome.seconds_total:.1f} s\n")

    return told


def _facts() -> dict[str, Any]:
    bench = Benchmark.load(TABLE)
    return {
        "biglittle_version": __version__,
        "table": bench.table.name,
        "table_sha256": bench.table.sha256,
        "networks": len(bench.architectures),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "cpu": device_name(),
        "cores": os.cpu_count(),
    }


def table_part(seeds: int) -> dict[str, Any]:
    """Every searcher on the table, gate inside."""
    judge = judge_called("table", (DEVICE,), TABLE)
    settings = SearchSettings(budget=BUDGET)
    names = checked_names("all", judge.evaluator)
    found = compare(
        judge.evaluator, names, settings, seeds, judge.reference(settings), _told("table")
    )
    write_plot(FOLDER / "table.svg", found, f"{TABLE}, {DEVICE}, {seeds} seeds")
    return found.as_dict()


def gate_part(seeds: int) -> dict[str, Any]:
    """The gate optimised inside an evaluation against gate and cut as genes."""
    judge = judge_called("table", (DEVICE,), TABLE)
    out: dict[str, Any] = {}
    for mode in MODES:
        settings = SearchSettings(budget=BUDGET, gate=mode)
        reference = judge.reference(settings)
        found = compare(
            judge.evaluator, GATE_SEARCHERS, settings, seeds, reference, _told(f"gate {mode}")
        )
        out[mode] = found.as_dict()
    return out


def three_part(seeds: int) -> dict[str, Any]:
    """Three objectives."""
    judge = judge_called("table", (DEVICE,), TABLE)
    settings = SearchSettings(objectives=THREE, budget=BUDGET)
    names = ("nsga2", "nsga3", "random")
    found = compare(
        judge.evaluator, names, settings, seeds, judge.reference(settings), _told("three")
    )
    return found.as_dict()


def nb201_part(seeds: int) -> dict[str, Any]:
    """Single networks of NAS-Bench-201: validation accuracy against the latency of a Pi 4."""
    judge = judge_called("nb201", ("raspi4",), TABLE)
    settings = SearchSettings(budget=NB201_BUDGET)
    reference = judge.reference(settings)
    assert reference is not None
    names = checked_names("all", judge.evaluator)
    found = compare(judge.evaluator, names, settings, seeds, reference, _told("nb201"))
    write_plot(FOLDER / "nb201.svg", found, f"NAS-Bench-201, CIFAR-10, raspi4, {seeds} seeds")
    return {**found.as_dict(), "useful": _useful(found, judge)}


def _useful(found: Comparison, judge: Any) -> dict[str, Any]:
    """Shares of the exact hypervolume that count only cells of at most `USEFUL_ERROR`."""
    every = judge.evaluator
    values = np.stack([1.0 - every.accuracy, every.latency_ms], axis=1)
    nadir = (USEFUL_ERROR, found.reference.nadir[1])
    whole = hypervolume(values, found.reference.utopian, nadir)
    share = {
        name: [hypervolume(f, found.reference.utopian, nadir) / whole for f in fronts]
        for name, fronts in found.fronts.items()
    }
    return {"error_max": USEFUL_ERROR, "share": share}


def speed_part(seeds: int) -> dict[str, Any]:
    """Seconds of the main job: nsga2 on the surrogate."""
    judge = judge_called("surrogate", (DEVICE,), TABLE)
    outcomes, cpu_s = [], []
    for seed in range(SPEED_RUNS):
        began = time.process_time()
        outcomes.append(get_searcher("nsga2").run(judge.evaluator, SPEED_BUDGET, seed))
        cpu_s.append(time.process_time() - began)
    return {
        "cpu_s": cpu_s,
        "budget": SPEED_BUDGET,
        "seconds_total": [o.seconds_total for o in outcomes],
        "seconds_evaluating": [o.seconds_evaluating for o in outcomes],
    }


PARTS: dict[str, Callable[[int], dict[str, Any]]] = {
    "table": table_part,
    "gate": gate_part,
    "three": three_part,
    "nb201": nb201_part,
    "speed": speed_part,
}


# ---- the page ----------------------------------------------------------------------------------
def _reached(yes: bool) -> str:
    return "reached" if yes else "not reached"


def _table_text(s: Mapping[str, Any]) -> str:
    rows = {row["searcher"]: row for row in s["table"]}
    ratio = rows["nsga2"]["median"] / max(rows["random"]["median"], 1e-12)
    networks, asked = s["facts"]["networks"], f"--seeds {s['seeds']} --budget {s['budget']}"
    return f"""## The table, Raspberry Pi 4

{s["budget"]:,} evaluations, {s["seeds"]} seeds, error against mean latency, the gate optimised
inside. Regret is the share of the true front's hypervolume that is missing ({networks} networks,
{networks**2:,} pairs, {s["reference"]["n_points"]} points on the true front). `nsga2` is left with
{100 * rows["nsga2"]["median"]:.3f} %, {ratio:.2f} of what is left to `random`; aimed at: at most
{100 * MOST_REGRET:g} % and at most {OF_RANDOM:g} of `random`'s
({_reached(rows["nsga2"]["median"] <= MOST_REGRET and ratio <= OF_RANDOM)}).

{markdown(s["table"])}

p: Wilcoxon signed ranks over seeds, two-sided, Holm-corrected within the column; * below 0.05.
`successive_halving` spends its budget on shares of the val images, and counts them as such.

![Regret against evaluations](results/table.svg)

Lines are medians over seeds, bands hold 10 to 90 % of them. The comparison by itself:
`biglittle search --on table --compare all {asked} --out out/all`."""


def _gate_text(s: Mapping[str, Any]) -> str:
    lines = [
        "| searcher | gate and cut | after a quarter | at the end | 10 to 90 % of seeds | p |",
        "|---|---|---|---|---|---|",
    ]
    ends = {m: {n: np.array(s[m]["regret"][n])[:, -1] for n in GATE_SEARCHERS} for m in MODES}
    seconds = {m: {r["searcher"]: r["seconds"] for r in s[m]["table"]} for m in MODES}
    longer = {n: seconds["inside"][n] / max(seconds["gene"][n], 1e-9) for n in GATE_SEARCHERS}
    chance = holm({n: wilcoxon(*(ends[m][n] for m in MODES)) for n in GATE_SEARCHERS})
    for name in GATE_SEARCHERS:
        for mode, word in (("inside", "inside"), ("gene", "genes")):
            row = next(r for r in s[mode]["table"] if r["searcher"] == name)
            lines.append(
                f"| `{name}` | {word} | {100 * row['quarter']:.2f} % | {100 * row['median']:.3f} % "
                f"| {100 * row['low']:.3f} to {100 * row['high']:.3f} % | {chance[name]:.3f} |"
            )
    return f"""## What optimising the gate inside gains

An evaluation of a pair gives its whole curve under every gate, and all its non-dominated points
count; with gate and cut as genes an evaluation is one operating point. Equal numbers of evaluations
({s["inside"]["budget"]:,}), {s["inside"]["seeds"]} seeds, same table and device; median regret, and
p of the two ways being alike (Wilcoxon signed ranks over seeds, Holm-corrected):

{chr(10).join(lines)}

In a table a whole curve takes longer than a point: runs inside took {longer["nsga2"]:.1f}
(`nsga2`) and {longer["random"]:.1f} (`random`) times as long as those with genes. By the clock,
what inside has after a quarter of its evaluations compares with what genes have at the end. Where
an evaluation trains or measures, a curve costs nothing more, because it follows from what the two
networks answer."""


def _three_text(s: Mapping[str, Any]) -> str:
    return f"""## Three objectives

Error, mean latency and peak memory; {s["budget"]:,} evaluations, {s["seeds"]} seeds, same table and
device.

{markdown(s["table"])}"""


def _nb201_text(s: Mapping[str, Any]) -> str:
    useful = s["useful"]
    shares = sorted(useful["share"].items(), key=lambda item: -float(np.median(item[1])))
    whole = {row["searcher"]: 1 - row["median"] for row in s["table"]}
    lines = [
        "| searcher | exact hypervolume reached | counting useful cells alone |",
        "|---|---|---|",
    ]
    lines += [
        f"| `{name}` | {100 * whole[name]:.2f} % | {100 * float(np.median(found)):.2f} % |"
        for name, found in shares
    ]
    reached = _reached(whole["nsga2"] >= LEAST_SHARE)
    return f"""## NAS-Bench-201

CIFAR-10 validation accuracy against the measured latency of a Raspberry Pi 4, single networks;
{s["budget"]} evaluations of 15,625 cells, {s["seeds"]} seeds, medians; the true front has
{s["reference"]["n_points"]} members. Most of the box belongs to cells that answer little better
than chance, so that `random` comes close as well; the last column counts only cells with an error
of at most {100 * useful["error_max"]:.0f} %. `nsga2` reaches {100 * whole["nsga2"]:.2f} % of the
exact hypervolume, `random` {100 * whole["random"]:.2f} %; aimed at: at least
{100 * LEAST_SHARE:g} % ({reached}).

{chr(10).join(lines)}

{markdown(s["table"])}

![Regret against evaluations](results/nb201.svg)

The comparison by itself: `biglittle search --on nb201 --device raspi4 --compare all --seeds
{s["seeds"]} --budget {s["budget"]} --out out/nb201`.

Sources of the data: Dong and Yang 2020; Lee et al. 2021 (HELP); Li et al. 2021 (HW-NAS-Bench)."""


def _speed_text(s: Mapping[str, Any]) -> str:
    total, inside = np.array(s["seconds_total"]), np.array(s["seconds_evaluating"])
    outside, facts = 100 * (1 - inside / total), s["facts"]
    return f"""## Speed

{s["budget"]:,} evaluations of `nsga2` on the surrogate, whole curves, take
{total.min():.1f} to {total.max():.1f} s ({len(total)} seeds, median {np.median(total):.1f} s; aimed
at: at most {MOST_SECONDS:g} s, {_reached(bool(np.median(total) <= MOST_SECONDS))} by the median),
of which
{outside.min():.0f} to {outside.max():.0f} % are spent outside the evaluator. In CPU time it is
{min(s["cpu_s"]):.1f} to {max(s["cpu_s"]):.1f} s.
{facts["cores"]} cores of {facts["cpu"]}, Python {facts["python"]}, NumPy {facts["numpy"]}."""


def _weight_sharing_text(held: Mapping[str, Any]) -> str:
    runs, facts = held["runs"], held["facts"]
    lines = [
        "| seed | method | val | test | mean latency | escalated | CPU s |",
        "|---|---|---|---|---|---|---|",
    ]
    seeds = sorted({int(key.split("-")[1]) for key in runs})
    for seed in seeds:
        for method in facts["methods"]:
            run = runs.get(f"{method}-{seed}")
            if run is not None:
                val, test = run["val"], run["test"]
                lines.append(
                    f"| {seed} | `{method}` | {100 * val['accuracy']:.2f} % "
                    f"| {100 * test['accuracy']:.2f} % | {test['latency_ms']:.1f} ms "
                    f"| {100 * test['escalation_rate']:.1f} % | {run['cpu_s']:.0f} |"
                )
    said = [_compared(runs, method, seeds) for method in facts["methods"][1:]]
    said += _promised(runs)
    images, drawn = facts["images"]["val"], facts["drawn_networks"]
    return f"""## Weight sharing: `darts` and `ofa`

The most accurate pair within a mean latency of {facts["latency_ms"]:g} ms on the
{facts["device"]} (block-sum), with inherited weights (measured accuracy): gate and threshold chosen
on all {images:,} val images, shown on test. `random`: the best of {facts["random_pairs"]} pairs of
the table's {drawn} networks that were drawn at random, of all sizes. `darts`:
{facts["darts_steps"]} steps, the weights as they are. `ofa`: evolution of
{facts["ofa_budget"]:,} pairs on the shipped surrogate, {facts["ofa_few"]} of them run on val. The
table's exact best pair, searched networks included, has
{100 * facts["exact_best_val_accuracy"]:.2f} % on val.

{chr(10).join(lines)}

{chr(10).join(said)}

One supernet, so differences of a few tenths of a point mean little. CPU seconds are of one thread;
those of `random` leave out that its networks were run for the table.
`python -m biglittle.data_tables.evidence.weight_sharing` makes the table."""


def _compared(runs: Mapping[str, Any], method: str, seeds: list[int]) -> str:
    both = [s for s in seeds if f"{method}-{s}" in runs and f"random-{s}" in runs]
    if not both:
        return f"`{method}` has not been run."
    words = []
    for split in ("val", "test"):
        gains = np.array(
            [
                runs[f"{method}-{s}"][split]["accuracy"] - runs[f"random-{s}"][split]["accuracy"]
                for s in both
            ]
        )
        words.append(
            f"{100 * gains.mean():+.2f} points on {split} ({100 * gains.min():+.2f} to "
            f"{100 * gains.max():+.2f})"
        )
    verdict = all(
        runs[f"{method}-{s}"]["val"]["accuracy"] > runs[f"random-{s}"]["val"]["accuracy"]
        for s in both
    )
    beats = "beats random under every seed" if verdict else "does not beat random under every seed"
    return f"- `{method}` {beats}: {', '.join(words)}."


def _promised(runs: Mapping[str, Any]) -> list[str]:
    """How far the predictions were off of the pairs that `ofa` ran."""
    found = [c for run in runs.values() for c in run.get("considered", ())]
    gaps = [c["predicted_accuracy"] - c["val_accuracy"] for c in found if c["val_accuracy"]]
    if not gaps:
        return []
    off = 100 * np.array(gaps)
    beyond = len(found) - len(gaps)
    return [
        f"- The surrogate's promise to the {len(gaps)} pairs that `ofa` ran was off by "
        f"{off.mean():+.2f} points of what they have on val ({off.min():+.2f} to "
        f"{off.max():+.2f}); {beyond} more were beyond the limit."
    ]


TEXTS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "table": _table_text,
    "gate": _gate_text,
    "three": _three_text,
    "nb201": _nb201_text,
    "speed": _speed_text,
}


def page() -> str:
    """The page, of all parts that have figures."""
    parts, tables = [], set()
    for name, text in TEXTS.items():
        path = FOLDER / f"{name}.json"
        if path.is_file():
            held = json.loads(path.read_text(encoding="utf-8"))
            if name != "nb201":  # which knows nothing of the table
                tables.add(held["facts"]["table_sha256"][:12])
            parts.append(text(held))
    shared = FOLDER / "weight_sharing.json"
    if shared.is_file():
        parts.append(_weight_sharing_text(json.loads(shared.read_text(encoding="utf-8"))))
    names = ", ".join(f"`{n}`" for n in SEARCHERS.names())
    return f"""# How good the searchers are

Written by `python -m biglittle.data_tables.evidence.searchers`; every figure is made by it, none by
hand. Table
{" and ".join(sorted(tables)) or "not asked yet"} (SHA-256). Seconds per run are by the clock,
partly beside other work, and say no more than the order of magnitude. Searchers: {names}.

{chr(10).join(part + chr(10) for part in parts)}"""


def write_page() -> None:
    """Writes the page of all parts that have figures."""
    write_files(HERE, {PAGE.name: page()})


def main(arguments: list[str] | None = None) -> None:
    """Runs the parts that are asked for and writes the page."""
    parser = argparse.ArgumentParser(description="Write the searchers' results page.")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--parts", default=",".join(PARTS), help="comma-separated; empty: none")
    asked = parser.parse_args(arguments)
    for name in filter(None, asked.parts.split(",")):
        began = time.perf_counter()
        try:
            found = {"facts": _facts(), **PARTS[name](asked.seeds)}
        except BigLittleError as error:
            sys.stderr.write(f"{name}: left as it was ({error})\n")
            continue
        text = json.dumps(found, indent=None, separators=(",", ":")) + "\n"
        write_files(FOLDER, {f"{name}.json": text})
        sys.stderr.write(f"{name}: {time.perf_counter() - began:.0f} s\n")
    write_page()


if __name__ == "__main__":
    main()
