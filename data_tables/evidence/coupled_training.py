"""Co-training of coupled networks against networks trained apart and against single ones.

Every job sees the same number of images, three passes, in the same order under the same
augmentation for one seed, by one recipe (``cotrain/fine_tune.toml``), from the weights and the
exit heads of the supernet. Thresholds of the margin are chosen on val at given escalation rates,
that is at given mean costs, and everything is told on test. Intervals resample runs and images.

    python -m biglittle.data_tables.evidence coupled_training --working DIR [--hours H]

It may be stopped at any moment and goes on from its last checkpoint. With ``--hours 0`` it trains
nothing and sums up what is there. Processes may share a folder; sum up when they are through.
105 jobs of 135,000 images take some ten hours of one idle core.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from ...bench import Benchmark, load_device
from ...bench.datasets import get_dataset
from ...bench.errors import CheckpointError
from ...bench.figures import counted
from ...bench.files import file_hash, replacing
from ..flagship import RECIPE
from ._coupled_answers import (
    Bits,
    PairBits,
    RunAnswers,
    load_answers,
    save_answers,
)
from ._coupled_plan import (
    ALONE,
    BASE,
    METHODS,
    Job,
    jobs_of,
    mean_latency_ms,
    methods_of,
    pair_terms,
    plan_of,
)
from ._coupled_rivals import (
    ANY,
    CASCADE,
    SINGLE,
    SINGLE_RATES,
    against_cascades,
    against_singles,
    row_of,
)
from ._page import FIGURES, Step, load

NAME = "coupled_training"
ANSWERS = FIGURES / f"{NAME}.npz"
RATES = (0.1, 0.2, 0.3, 0.5)  # of escalation: mean costs at which pairs are compared
BIG = "the big network alone"
PAIRS = {"prefix": "an exit and its network", "sibling": "two whole networks"}


def measure(
    working: Annotated[Path, typer.Option(help="Folder of checkpoints and records.")],
    data: Annotated[Path | None, typer.Option(help="Folder of the images.")] = None,
    hours: Annotated[float, typer.Option(help="Begin no job after so long; 0 sums up.")] = 1000.0,
    threads: Annotated[int, typer.Option(help="Threads of torch.")] = 1,
    seed: Annotated[int | None, typer.Option(help="Train jobs of this seed alone.")] = None,
) -> dict[str, Any]:
    """Trains what is missing, in an order whose first part is balanced, and sums up."""
    from ...cotrain.exit_heads import load_exit_heads, trunk_hash
    from ...cotrain.weights import load_weights
    from ._coupled_jobs import EPOCHS, Log, Records, Site, recipe_of, train_all

    held = of_these_weights(load(NAME) or {})
    bench = Benchmark.load(RECIPE.name)
    plan = frozen_plan(bench, working, held)
    committed = load_answers(ANSWERS) if held and ANSWERS.exists() else {}
    finished = {n: r for n, r in held.get("runs", {}).items() if n in committed}
    records, log = Records(working, finished, committed), Log(working / "log.txt")
    jobs = list(jobs_of(plan))
    if hours > 0:
        dataset = get_dataset(bench.table.dataset)
        splits = dataset.load(data)
        net, recipe = load_weights(RECIPE.weights), recipe_of(len(splits["train"]), EPOCHS)
        trunk = trunk_hash(net.state_dict())
        net.exit_heads = load_exit_heads(RECIPE.exit_weights, net.space, trunk)
        site = Site(working, net, splits, dataset, recipe, threads)
        gates = {p["little"] for p in plan["pairs"] if p["coupling"] == "sibling"}
        own = [job for job in jobs if seed is None or job.seed == seed]
        train_all(site, own, records, gates, log, hours * 3600)
    names = {job.name for job in jobs}
    answers = {n: a for n, a in records.answers.items() if n in names}
    if answers:
        save_answers(ANSWERS, answers)
    return {
        "plan": plan,
        "epochs": EPOCHS,
        **origin(),
        "n_val": len(bench.table.val_index),
        "runs": {job.name: records.records[job.name] for job in jobs if job.name in answers},
        "missing": [job.name for job in jobs if job.name not in answers],
        **results(bench, plan, answers),
    }


def origin() -> dict[str, str]:
    """SHA-256 of the supernet's weights and of its exit heads, which every run starts from."""
    return {
        "supernet_sha256": file_hash(RECIPE.weights),
        "exit_heads_sha256": file_hash(RECIPE.exit_weights),
    }


def of_these_weights(held: Mapping[str, Any]) -> Mapping[str, Any]:
    """Committed figures, or none where their runs started from other weights."""
    same = all(held.get(name) == digest for name, digest in origin().items())
    return held if same else {}


def frozen_plan(bench: Benchmark, working: Path, held: Mapping[str, Any]) -> dict[str, Any]:
    """The plan that runs are made by: that of the folder, of the figures, or a new one.

    A table that grows would choose other networks, and runs that were made would be lost.

    Raises:
        CheckpointError: the runs of the folder started from other weights.
    """
    path = working / "plan.json"
    if path.exists():
        plan: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if plan.pop("origin", None) != origin():
            raise CheckpointError(
                f"the runs in {working} started from other weights than the supernet that ships; "
                "give an empty folder with --working."
            )
        return plan
    plan = held.get("plan") or plan_of(bench)
    working.mkdir(parents=True, exist_ok=True)
    with replacing(path) as partial:
        text = json.dumps({**plan, "origin": origin()}, indent=1) + "\n"
        partial.write_text(text, encoding="utf-8")
    return plan


# ---- what follows from the answers --------------------------------------------------------------
def pair_bits(
    pair: Mapping[str, str], method: str, seed: int, answers: Mapping[str, RunAnswers], n_val: int
) -> PairBits | None:
    """What a trained pair answers; None where a run is missing.

    Siblings that learned independently are two single networks.
    """
    little, big = pair["little"], pair["big"]
    if pair["coupling"] == "sibling" and method == BASE:
        one = answers.get(Job(little, "", ALONE, seed).name)
        other = answers.get(Job(big, "", ALONE, seed).name)
        if one is None or other is None or ALONE not in one.margin:
            return None
        return PairBits(one.right[ALONE], other.right[ALONE], one.margin[ALONE], n_val)
    run = answers.get(Job(big, little, method, seed).name)
    if run is None:
        return None
    return PairBits(run.right["little"], run.right["big"], run.margin["little"], n_val)


def results(
    bench: Benchmark, plan: Mapping[str, Any], answers: Mapping[str, RunAnswers]
) -> dict[str, Any]:
    """Curves of the pairs and all comparisons, plain JSON."""
    n_val = len(bench.table.val_index)
    cells = list(_cells(plan, answers, n_val))
    out: dict[str, Any] = {"pairs": _pair_figures(bench, plan, cells), "compared": []}
    for coupling in METHODS:
        for method in (m for m in methods_of(coupling) if m != BASE):
            both = [
                c for c in cells if c["coupling"] == coupling and {method, BASE} <= {*c["bits"]}
            ]
            for rate in RATES:
                tests = [
                    tuple(c["bits"][m].test(c["bits"][m].cut(rate))[0] for m in (method, BASE))
                    for c in both
                ]
                out["compared"].append(row_of(coupling, method, BASE, f"pair at {rate:g}", tests))
            for role in ("little", "big"):
                alone = [
                    tuple(getattr(c["bits"][m], role)[n_val:] for m in (method, BASE)) for c in both
                ]
                out["compared"].append(row_of(coupling, method, BASE, f"{role} alone", alone))
        for method in methods_of(coupling):
            tests = [
                (c["bits"][method].test(c["bits"][method].cut(0.5))[0], c["big"][n_val:])
                for c in cells
                if c["coupling"] == coupling and method in c["bits"] and c["big"] is not None
            ]
            out["compared"].append(row_of(coupling, method, BIG, "pair at 0.5", tests))
    out["compared"] += against_singles(bench, plan, cells, answers)
    out["compared"] += against_cascades(bench, plan, cells)
    out["compared"] = [entry for entry in out["compared"] if entry is not None]
    return out


def _cells(
    plan: Mapping[str, Any], answers: Mapping[str, RunAnswers], n_val: int
) -> Iterator[dict[str, Any]]:
    """Each pair under each seed: its methods' answers and those of its single networks."""

    def alone(name: str | None, seed: int) -> Bits | None:
        run = answers.get(Job(name, "", ALONE, seed).name) if name else None
        return None if run is None else run.right[ALONE]

    for place, pair in enumerate(plan["pairs"]):
        for seed in range(int(plan["seeds"])):
            bits = {
                m: pair_bits(pair, m, seed, answers, n_val) for m in methods_of(pair["coupling"])
            }
            yield {
                "pair": place,
                "seed": seed,
                "coupling": pair["coupling"],
                "bits": {m: b for m, b in bits.items() if b is not None},
                "single": alone(pair.get("single"), seed),
                "big": alone(pair["big"], seed),
            }


def _pair_figures(
    bench: Benchmark, plan: Mapping[str, Any], cells: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Of every pair its costs and, by method, accuracy and mean cost at the given rates."""
    table, profile = bench.table, load_device(plan["device"])
    out = []
    for place, pair in enumerate(plan["pairs"]):
        _, costs, shared = pair_terms(
            table.space, profile, pair["little"], pair["big"], table.n_classes
        )
        own = [c for c in cells if c["pair"] == place]
        methods: dict[str, Any] = {}
        for method in methods_of(pair["coupling"]):
            bits = [c["bits"][method] for c in own if method in c["bits"]]
            if not bits:
                continue
            points = []
            for rate in (0.0, *RATES, 1.0):
                tests = [b.test(b.cut(rate)) for b in bits]
                escalated = float(np.mean([t[1] for t in tests]))
                points.append(
                    {
                        "rate_on_val": rate,
                        "escalation_rate": round(escalated, 4),
                        "accuracy": round(float(np.mean([t[0].mean() for t in tests])), 5),
                        "latency_ms": round(mean_latency_ms(costs, shared, escalated), 3),
                    }
                )
            methods[method] = {"seeds": len(bits), "test": points}
        single = [c["single"] for c in own if c["single"] is not None]
        n_val = len(table.val_index)
        out.append(
            {
                **pair,
                "latency_ms": [round(float(v), 3) for v in costs.latency_ms],
                "macs": [int(v) for v in costs.macs],
                "single_accuracy": (
                    round(float(np.mean([s[n_val:].mean() for s in single])), 5) if single else None
                ),
                "methods": methods,
            }
        )
    return out


# ---- what the page says -------------------------------------------------------------------------
def coupled_training_text(figures: dict[str, Any]) -> str:
    """The comparison as Markdown."""
    lines = [
        f"{_made(figures)}, each of {figures['epochs']} passes over "
        "the training images. Gains in points of test accuracy, with 90 % intervals over runs and "
        "images; a pair is compared where it escalates at most that share of val. "
        f"{_formats(figures['runs'])}",
        "",
        "| coupling | method | against | what | runs | gain | interval | |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for c in figures["compared"]:
        verdict = "better" if c["low"] > 0 else "worse" if c["high"] < 0 else "not told apart"
        lines.append(
            f"| {c['coupling']} | `{c['method']}` | {_quoted(c['against'])} | {c['what']} "
            f"| {c['runs']} | {100 * c['gain']:+.2f} | {100 * c['low']:+.2f} to "
            f"{100 * c['high']:+.2f} | {verdict} |"
        )
    lines += [
        "",
        "| little | big | method | seeds | little alone | at 10 % | at 30 % | at most | single |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for pair in figures["pairs"]:
        for method, entry in pair["methods"].items():
            points = {p["rate_on_val"]: p for p in entry["test"]}
            shown = " | ".join(
                f"{100 * points[r]['accuracy']:.2f} % {points[r]['latency_ms']:.1f} ms"
                for r in (0.0, 0.1, 0.3, 1.0)
            )
            single = pair["single_accuracy"]
            lines.append(
                f"| `{pair['little']}` | `{pair['big']}` | `{method}` | {entry['seeds']} | {shown} "
                f"| {'' if single is None else f'{100 * single:.2f} %'} |"
            )
    lines += [
        "",
        "Latencies are means on the Raspberry Pi 4 (exit heads predicted). `single` was chosen by "
        "the plan to cost what the prefix pair costs where it escalates a fifth; pairs are held "
        f"against {SINGLE} that takes no longer, be it one of these or another. Siblings that "
        "learn by `joint` are the `independent` ones bit for bit, so that `gated` stands in its "
        "place. Step `coupled_training`.",
    ]
    return "\n".join(lines)


def _formats(runs: Mapping[str, Any]) -> str:
    """How many runs computed in which number format, in a sentence; "" where nobody noted it."""
    noted = [run["precision"] for run in runs.values() if run.get("precision")]
    counts = ", ".join(f"{noted.count(name)} in {name}" for name in sorted(set(noted)))
    rest = f"; of {len(runs) - len(noted)} nobody noted it" if len(noted) < len(runs) else ""
    return f"Computed {counts}, whichever a trial found faster{rest}." if counts else ""


def _made(figures: Mapping[str, Any]) -> str:
    n_runs, n_missing = len(figures["runs"]), len(figures["missing"])
    total = n_runs + n_missing
    return f"{n_runs} of {total} runs are made" if n_missing else f"All {total} runs are made"


def coupled_answer_text(figures: dict[str, Any]) -> str:
    """What co-training of a coupled pair is worth, as a small table for the first page."""
    once = f"pair at {SINGLE_RATES[0]:g}"
    wanted = {BASE: "pair at 0.1", SINGLE: once, ANY: once}  # the others have one rate each
    gains = {
        (c["coupling"], c["method"], c["against"]): c
        for c in figures["compared"]
        if wanted.get(c["against"], c["what"]) == c["what"]
    }
    lines = [
        f"{_made(figures)}. Points of test accuracy that a pair gains, with 90 % intervals over "
        "runs and images:",
        "",
        "| pair | training | over its parts, trained apart | over a static cascade of two "
        "networks | over the best single network, trained alone | over the best one, parts of "
        "pairs among them | over its big network alone |",
        "|---|---|---|---|---|---|---|",
    ]
    for coupling in METHODS:
        for method in methods_of(coupling):
            cells = [
                gains.get((coupling, method, name)) for name in (BASE, CASCADE, SINGLE, ANY, BIG)
            ]
            if any(cells):
                shown = " | ".join(map(_gain, cells))
                lines.append(f"| {PAIRS[coupling]} | `{method}` | {shown} |")
    lines += [
        "",
        "Every network and every pair saw as many images; parts that are trained apart share them, "
        f"`{BASE}` is that way. The static cascade has the same big network and another little "
        "one, each trained alone; a tenth of its images escalate, and the pair takes as long. The "
        "best single network is the most accurate on val that takes no longer than the pair: of "
        "those that were trained alone, or of all, the exits and the whole networks of pairs among "
        "them, each deployed alone. In the other columns at most a tenth, a fifth and half of the "
        "pair's images escalate. An interval that leaves out 0 tells the two apart."
        f"{_cheaper(figures['pairs'])}",
    ]
    return "\n".join(lines)


def _cheaper(pairs: list[dict[str, Any]]) -> str:
    """What the pairs take of their big networks' latency where half may escalate; "" for none."""
    texts = []
    for coupling, name in PAIRS.items():
        shares = [
            point["latency_ms"] / pair["latency_ms"][1]
            for pair in pairs
            for method in pair["methods"].values()
            for point in method["test"]
            if pair["coupling"] == coupling and point["rate_on_val"] == 0.5
        ]
        if shares:
            texts.append(f"{name} take {100 * min(shares):.0f} to {100 * max(shares):.0f} %")
    if not texts:
        return ""
    return f" Of their big network's mean latency, in the last column, {', '.join(texts)}."


def _gain(entry: Mapping[str, Any] | None) -> str:
    """A gain with its interval, in points; a dash where nothing can be compared."""
    if entry is None:
        return "-"
    gain, low, high = (f"{100 * entry[name]:+.2f}" for name in ("gain", "low", "high"))
    return f"{gain} ({low} to {high}; {counted(entry['runs'], 'run')})"


def _quoted(name: str) -> str:
    return f"`{name}`" if name == BASE else name


STEP = Step(
    measure, {NAME: coupled_training_text, "coupled_answer": coupled_answer_text}, of_table=True
)
