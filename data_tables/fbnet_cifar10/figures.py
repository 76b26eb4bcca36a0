"""Computes every figure that the card and the pages of three folders show, and writes them there.

``python -m biglittle.data_tables.fbnet_cifar10.figures STEP ...`` with the steps ``table``,
``coverage``, ``trust``, ``quantisation``, ``searchers``, ``searched``, ``startup``, ``engine``,
``gates``, ``fresh`` (each leaves ``figures/STEP.json``),
``picture`` and ``write`` (fills the marked parts of ``PAGES``).
The surrogate's figures come from its own ``surrogate.json``.
"""

from __future__ import annotations

import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ... import __version__
from ...bench import Benchmark, get_space, load_device
from ...bench.agreement import spearman
from ...bench.files import replacing
from ...bench.hypervolume import hypervolume
from ...edge_profiler.machine import device_name
from ...searchers import SEARCHERS
from ...searchers.search import SearchSettings
from ...searchers.summary import escalating, front_values
from ...surrogates import Surrogate, SurrogateEvaluator
from ...surrogates.summary import markdown
from ..evidence import _pictures as pictures
from ..evidence import coverage, quantisation, trust
from ..evidence import engine as engine_speed
from ..evidence import gates as gate_comparison
from ..evidence import training as training_history

FOLDER = Path(__file__).parent
FIGURES = FOLDER / "figures"
ROOT = FOLDER.parent.parent
#: Where figures stand between marks: the card, and the pages of the folders they speak of.
PAGES = (
    FOLDER / "README.md",
    *(ROOT / name / "README.md" for name in ("bench", "searchers", "surrogates")),
)
DEVICE = "raspberry-pi-4"
NAME = "fbnet-cifar10"
LATENCIES_MS = (10, 12, 15, 20, 25, 30)
COMPARE_BUDGET, COMPARE_SEEDS = 5000, 10
COMPARED = ("nsga2", "random")  # all of them: python -m biglittle.data_tables.evidence.searchers
SPEED_BUDGET = 20_000
SEARCHED_POINTS = 12
STARTUP_RUNS = 7
QUANTISATION_LATENCY_MS = 20.0  # networks that are quick to evaluate again


def conditions() -> dict[str, Any]:
    """Hardware and versions a figure was made with."""
    return {
        "cpu": device_name(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "biglittle": __version__,
    }


def save(step: str, figures: dict[str, Any]) -> None:
    """Writes one step's figures with the conditions they were made under."""
    FIGURES.mkdir(exist_ok=True)
    document = {"step": step, "conditions": conditions(), **figures}
    with replacing(FIGURES / f"{step}.json") as partial:
        partial.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def load(step: str) -> dict[str, Any]:
    """One step's figures."""
    found: dict[str, Any] = json.loads((FIGURES / f"{step}.json").read_text(encoding="utf-8"))
    return found


# ---- what is in the table ----------------------------------------------------------------------
def at_equal_latency(bench: Benchmark) -> list[dict[str, Any]]:
    """Best pair and best single network within some latencies: chosen on val, shown on test."""
    front = bench.front(DEVICE)
    inherited = bench.table.rows()
    costs = bench.costs(DEVICE).take(inherited)
    val, test = bench.accuracy("val")[inherited], bench.accuracy("test")[inherited]
    on_val = bench.reported(front.points, DEVICE, "val")
    rows = []
    for limit in LATENCIES_MS:
        within = np.flatnonzero(on_val.latency_ms <= limit)
        alone = np.flatnonzero(costs.latency_ms <= limit)
        if not len(within) or not len(alone):
            continue
        pick = within[np.argmax(on_val.accuracy[within])]
        single = alone[np.argmax(val[alone])]
        point = front.points[int(pick)]
        pair, alone_right = paired_answers(bench, point, int(inherited[single]))
        low, high = bootstrap_difference(pair, alone_right)
        rows.append(
            {
                "latency_ms_max": limit,
                "pair_accuracy": point.accuracy,
                "pair_latency_ms": point.latency_ms,
                "pair_latency_p95_ms": point.latency_p95_ms,
                "escalation_rate": point.escalation_rate,
                "single_accuracy": float(test[single]),
                "single_latency_ms": float(costs.latency_ms[single]),
                "difference_low": low,
                "difference_high": high,
            }
        )
    return rows


def paired_answers(
    bench: Benchmark, point: Any, single: int
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Whether pair and single network are right on each test image, two arrays (n_images,)."""
    from ...bench import Gate

    said = bench.table.predictions("test")
    little, big = bench.row(point.little), bench.row(point.big)
    cut = Gate(point.gate, point.threshold).cut(bench.table.n_classes)
    escalated = said.codes[point.gate][little] < cut
    pair = np.where(escalated, said.correct[big], said.correct[little])
    return pair, said.correct[single]


def bootstrap_difference(
    pair: np.ndarray[Any, Any], single: np.ndarray[Any, Any], rounds: int = 2000
) -> tuple[float, float]:
    """95 % interval of the difference in accuracy, resampling images (the same for both)."""
    gain = pair.astype(np.int64) - single.astype(np.int64)
    rng = np.random.default_rng(0)
    n = len(gain)
    counts = rng.multinomial(n, [np.mean(gain == v) for v in (-1, 0, 1)], rounds)
    low, high = np.quantile((counts[:, 2] - counts[:, 0]) / n, [0.025, 0.975])
    return float(low), float(high)


def table_step() -> None:
    """What the table holds."""
    bench = Benchmark.load(NAME)
    rows = bench.table.rows()
    val, test = bench.accuracy("val")[rows], bench.accuracy("test")[rows]
    costs, best = bench.costs(DEVICE).take(rows), int(np.argmax(val))
    began = time.perf_counter()
    front = bench.front(DEVICE)
    seconds = time.perf_counter() - began
    rank = spearman(costs.macs, test)
    save(
        "table",
        {
            "networks": len(rows),
            "pairs": len(rows) ** 2,
            "size_mib": (FOLDER / "table.h5").stat().st_size / 2**20,
            "val_accuracy": [float(v) for v in (val.min(), np.median(val), val.max())],
            "test_accuracy": [float(v) for v in (test.min(), np.median(test), test.max())],
            "best_on_val": {
                "architecture": bench.architectures[best],
                "val_accuracy": float(val[best]),
                "test_accuracy": float(test[best]),
                "latency_ms": float(costs.latency_ms[best]),
            },
            "latency_ms": [float(costs.latency_ms.min()), float(costs.latency_ms.max())],
            "macs_test_spearman": rank,
            "front_points": len(front),
            "front_seconds": seconds,
            "at_equal_latency": at_equal_latency(bench),
            "info": bench.info(),
        },
    )


# ---- what searching costs and gains ------------------------------------------------------------
def evaluator() -> SurrogateEvaluator:
    """The shipped surrogate on the Raspberry Pi 4."""
    return SurrogateEvaluator(Surrogate.load(FOLDER / "surrogate"), load_device(DEVICE))


def searchers_step() -> None:
    """Hypervolume of the default searcher and of random search, and the speed of the main job."""
    judge = evaluator()
    space = get_space("fbnet")
    ends = judge.networks(space.parse(["8" * 22, "3" * 22]))
    ideal = (0.0, float(ends.costs.latency_ms[0]))
    nadir = (1 - float(ends.accuracy[0]), float(ends.costs.latency_ms[1]))
    hypervolumes: dict[str, list[float]] = {}
    for name in COMPARED:
        hypervolumes[name] = []
        for seed in range(COMPARE_SEEDS):
            settings = SearchSettings(budget=COMPARE_BUDGET, seed=seed)
            outcome = SEARCHERS.load(name)(judge, settings)
            values = front_values(outcome.front, settings.objectives)
            hypervolumes[name].append(hypervolume(values, ideal, nadir))
            sys.stderr.write(f"{name} seed {seed}: {hypervolumes[name][-1]:.4f}\n")
    outcome = SEARCHERS.load("nsga2")(judge, SearchSettings(budget=SPEED_BUDGET, seed=0))
    save(
        "searchers",
        {
            "device": DEVICE,
            "budget": COMPARE_BUDGET,
            "seeds": COMPARE_SEEDS,
            "ideal": ideal,
            "nadir": nadir,
            "hypervolume": hypervolumes,
            "front_points": len(outcome.front),
            "front_points_that_escalate": escalating(outcome.front),
            "speed": {
                "budget": SPEED_BUDGET,
                "seconds_total": outcome.seconds_total,
                "seconds_evaluating": outcome.seconds_evaluating,
            },
        },
    )


def searched_step() -> None:
    """Predicted against evaluated accuracy of what a search found: the optimism of its front.

    Points spread over the front of one search (seed 0) are evaluated on val with the weights that
    their networks inherit, as the table's networks were.
    """
    from ...bench.datasets import get_dataset
    from ...bench.gates import get_metric
    from ...searchers.console import spread
    from ..building.evaluate import NetworkEvaluator
    from ..building.plan import TrainedSupernet
    from .recipe import RECIPE

    judge = evaluator()
    settings = SearchSettings(budget=SPEED_BUDGET, seed=0, limits={"latency_ms": 30.0})
    front = SEARCHERS.load("nsga2")(judge, settings).front
    front = front.take(np.argsort(front.latency_ms))
    points = front.take(spread(len(front), SEARCHED_POINTS))
    dataset = get_dataset("cifar10")
    live = NetworkEvaluator(dataset, dataset.load(), splits=("val",))
    net, said = TrainedSupernet.kept(RECIPE.weights).net, {}
    for architecture in {*points.little, *points.big}:
        network = live.inherited(net, str(architecture))
        said[str(architecture)] = live.answers(network)["val"]
        sys.stderr.write(f"{architecture}\n")
    labels, rows = live.images["val"].labels, []
    for i in range(len(points)):
        point = points[i]
        little, big = said[point.little], said[point.big]
        cut = int(get_metric(point.gate).cut(point.threshold, judge.surrogate.n_classes))
        escalated = little[point.gate] < cut
        right = np.where(escalated, big["top1"] == labels, little["top1"] == labels)
        rows.append(
            {
                "latency_ms": point.latency_ms,
                "predicted_accuracy": point.accuracy,
                "evaluated_accuracy": float(right.mean()),
                "predicted_escalation_rate": point.escalation_rate,
                "evaluated_escalation_rate": float(escalated.mean()),
            }
        )
    save("searched", {"device": DEVICE, "split": "val", "seed": 0, "points": rows})


def searched_text() -> str:
    """The optimism of a searched front as Markdown."""
    s = load("searched")
    said = np.array([p["predicted_accuracy"] for p in s["points"]])
    true = np.array([p["evaluated_accuracy"] for p in s["points"]])
    gap = 100 * (said - true)
    return (
        f"The same for what a search found (`nsga2`, seed {s['seed']}, within 30 ms on the Pi 4): "
        f"{len(gap)} points spread over its front, evaluated on val with inherited weights. "
        f"Predicted minus evaluated accuracy is {gap.mean():+.2f} points on average (from "
        f"{gap.min():+.2f} to {gap.max():+.2f}), the mean absolute error {abs(gap).mean():.2f}: "
        "this is how optimistic a predicted front is."
    )


def startup_step() -> None:
    """Seconds to import the bench and to print the help, medians over fresh processes."""
    commands = {
        "import_bench": [sys.executable, "-c", "from biglittle.bench import Benchmark"],
        "bare_python": [sys.executable, "-c", "pass"],
        "help": [sys.executable, "-m", "biglittle", "--help"],
    }
    seconds: dict[str, float] = {}
    for name, command in commands.items():
        runs = []
        for _ in range(STARTUP_RUNS):
            began = time.perf_counter()
            subprocess.run(command, check=True, capture_output=True)
            runs.append(time.perf_counter() - began)
        seconds[name] = statistics.median(runs)
    save("startup", {"runs": STARTUP_RUNS, "median_seconds": seconds})


def fresh_step() -> None:
    """Seconds from a fresh clone to a printed front, and what the light set-up weighs."""
    with tempfile.TemporaryDirectory() as temporary:
        clone = Path(temporary) / "biglittle"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        seconds = []
        for _ in range(2):  # the second time nothing has to be installed
            began = time.perf_counter()
            subprocess.run(["make", "search"], cwd=clone, check=True, capture_output=True)
            seconds.append(time.perf_counter() - began)
        files = [f for f in (clone / ".venv-search").rglob("*") if f.is_file()]
        size = sum(f.stat().st_size for f in files if not f.is_symlink())
    save("fresh", {"first_s": seconds[0], "again_s": seconds[1], "installed_mb": size / 1e6})


# ---- the picture -------------------------------------------------------------------------------
def picture_step() -> None:
    """Accuracy against latency, and inherited against trained accuracy where there is any."""
    bench = Benchmark.load(NAME)
    pictures.front_picture(bench, FOLDER / pictures.FRONT_PICTURE)
    pictures.trust_picture(bench, FOLDER / pictures.TRUST_PICTURE)


def trust_picture_text() -> str:
    """The picture of inherited against trained accuracy, or that there is none yet."""
    if not (FOLDER / pictures.TRUST_PICTURE).exists():
        return "A picture will stand here as soon as there are networks trained further."
    return (
        f"![Test accuracy with inherited weights against after training]({pictures.TRUST_PICTURE})"
    )


def quantisation_step() -> None:
    """What a byte per confidence does to curves, on a cheap, a middling and a good network."""
    bench = Benchmark.load(NAME)
    rows = bench.table.rows()
    cheap = rows[bench.costs(DEVICE).latency_ms[rows] <= QUANTISATION_LATENCY_MS]
    ends = [cheap[np.argmin(bench.table.networks["macs"][cheap])]]
    ranked = cheap[np.argsort(bench.accuracy("val")[cheap])]
    ends += [ranked[len(ranked) // 2], ranked[-1]]
    ids = [str(a) for a in bench.table.networks["architecture"][ends]]
    save("quantisation", quantisation.recomputed(list(dict.fromkeys(ids))))


# ---- into the pages ----------------------------------------------------------------------------
def _versions(step: dict[str, Any]) -> str:
    c = step["conditions"]
    return f"{c['cores']} cores of {c['cpu']}, Python {c['python']}, NumPy {c['numpy']}"


def table_text() -> str:
    """The table's figures as Markdown."""
    t = load("table")
    best, (low, _, high) = t["best_on_val"], t["test_accuracy"]
    lines = [
        f"- {t['networks']} networks with inherited weights, so {t['pairs']:,} pairs; "
        f"{t['size_mib']:.1f} MiB.",
        f"- Test accuracy {100 * low:.1f} to {100 * high:.1f} %; the network that is best on val "
        f"has {100 * best['val_accuracy']:.2f} % there and {100 * best['test_accuracy']:.2f} % on "
        f"test, at {best['latency_ms']:.1f} ms (Pi 4, block-sum).",
        f"- Pi 4 latency {t['latency_ms'][0]:.1f} to {t['latency_ms'][1]:.1f} ms (block-sum). "
        f"MACs alone rank test accuracy with Spearman {t['macs_test_spearman']:.3f}.",
        f"- The exact front over all pairs, 3 gates and 257 thresholds takes "
        f"{t['front_seconds']:.1f} s and has {t['front_points']} points ({_versions(t)}).",
        "- A confidence is stored in one byte; worst rounding error: "
        + ", ".join(
            f"`{name}` {q['worst_rounding_error']:.4f} {q['unit']}"
            for name, q in t["info"]["quantisation"].items()
        )
        + ".",
        "",
        "Best pair against best single network within a mean Pi 4 latency (block-sum), chosen and "
        "limited on val, shown on test (measured accuracy, one supernet, one seed; interval: 95 % "
        "bootstrap over images):",
        "",
        "| at most | pair | its p95 | escalated | single network | difference (points) |",
        "|---|---|---|---|---|---|",
    ]
    for r in t["at_equal_latency"]:
        gain = 100 * (r["pair_accuracy"] - r["single_accuracy"])
        lines.append(
            f"| {r['latency_ms_max']} ms | {100 * r['pair_accuracy']:.2f} % | "
            f"{r['pair_latency_p95_ms']:.1f} ms | {100 * r['escalation_rate']:.1f} % | "
            f"{100 * r['single_accuracy']:.2f} % | {gain:+.2f} "
            f"({100 * r['difference_low']:+.2f} to {100 * r['difference_high']:+.2f}) |"
        )
    return "\n".join(lines)


def searchers_text() -> str:
    """The searchers' figures as Markdown."""
    s = load("searchers")
    lines = [
        f"Hypervolume in the box from {100 * s['ideal'][0]:.0f} to {100 * s['nadir'][0]:.1f} % "
        f"error and {s['ideal'][1]:.1f} to {s['nadir'][1]:.1f} ms, as a share of it, on the "
        f"surrogate's predictions (Pi 4), {s['budget']:,} evaluations, {s['seeds']} seeds:",
        "",
        "| searcher | mean | standard deviation | smallest | largest |",
        "|---|---|---|---|---|",
    ]
    for name, values in s["hypervolume"].items():
        lines.append(
            f"| `{name}` | {statistics.mean(values):.4f} | {statistics.stdev(values):.4f} | "
            f"{min(values):.4f} | {max(values):.4f} |"
        )
    speed = s["speed"]
    outside = speed["seconds_total"] - speed["seconds_evaluating"]
    lines += [
        "",
        f"{speed['budget']:,} evaluations of `nsga2` take {speed['seconds_total']:.1f} s, of which "
        f"{outside:.1f} s ({100 * outside / speed['seconds_total']:.0f} %) are spent outside the "
        f"evaluator, in pymoo and in the archive ({_versions(s)}). Of the {s['front_points']} "
        f"points of that front, {s['front_points_that_escalate']} escalate at least 1 % of the "
        "inputs; the others are in effect one network.",
    ]
    return "\n".join(lines)


def startup_text() -> str:
    """Start-up times as Markdown."""
    s, fresh = load("startup"), load("fresh")
    m = s["median_seconds"]
    return (
        "`from biglittle.bench import Benchmark` takes "
        f"{m['import_bench'] - m['bare_python']:.2f} s on top of bare Python's "
        f"{m['bare_python']:.2f} s; `biglittle --help` {m['help']:.2f} s in all "
        f"(medians of {s['runs']}, {_versions(s)}). From a fresh clone `make search` takes "
        f"{fresh['first_s']:.0f} s, installation of {fresh['installed_mb']:.0f} MB included, and "
        f"{fresh['again_s']:.0f} s when it is installed already."
    )


def surrogate_text() -> str:
    """The surrogate's figures on held-out networks as Markdown."""
    return markdown(
        json.loads((FOLDER / "surrogate" / "surrogate.json").read_text(encoding="utf-8"))
    )


SECTIONS: dict[str, Callable[[], str]] = {
    "table": table_text,
    "searchers": searchers_text,
    "searched": searched_text,
    "startup": startup_text,
    "surrogate": surrogate_text,
    "coverage": lambda: coverage.coverage_section(load("coverage")),
    "supernet": lambda: coverage.supernet_section(load("coverage")),
    "training": lambda: training_history.training_section(load("training")),
    "trust": lambda: trust.trust_section(load("trust")),
    "trust_picture": trust_picture_text,
    "cotraining": lambda: trust.cotraining_section(load("trust")),
    "quantisation": lambda: quantisation.quantisation_section(load("quantisation")),
    "engine": lambda: engine_speed.engine_section(load("engine")),
    "gates": lambda: gate_comparison.gates_section(load("gates")),
}


def _filled(body: str) -> Callable[[re.Match[str]], str]:
    return lambda match: f"{match[1]}{body}\n{match[2]}"


def write_step() -> None:
    """Fills the parts of the pages that lie between ``figures:NAME`` marks."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for name, make in SECTIONS.items():
            pattern = re.compile(rf"(<!-- figures:{name} -->\n).*?(<!-- /figures -->)", re.DOTALL)
            if pattern.search(text):
                text = pattern.sub(_filled(make()), text)
        with replacing(page) as partial:
            partial.write_text(text, encoding="utf-8")


STEPS: dict[str, Callable[[], None]] = {
    "table": table_step,
    "searchers": searchers_step,
    "searched": searched_step,
    "startup": startup_step,
    "coverage": lambda: save("coverage", coverage.measure(Benchmark.load(NAME))),
    "trust": lambda: save("trust", trust.report(Benchmark.load(NAME), DEVICE)),
    "quantisation": quantisation_step,
    "engine": lambda: save("engine", engine_speed.measure()),
    "gates": lambda: save("gates", gate_comparison.measure()),
    "fresh": fresh_step,
    "picture": picture_step,
    "write": write_step,
}


def main() -> None:
    """Runs the steps named on the command line, all of them when none is."""
    for step in sys.argv[1:] or list(STEPS):
        STEPS[step]()


if __name__ == "__main__":
    main()
