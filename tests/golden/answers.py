"""Answers that a change of structure must not change: query, curve, front, search and report.

``python tests/golden/answers.py`` writes ``answers.json`` anew; do so only when an answer was meant
to change, and say in the commit why. Every figure here follows from integers in the shipped table
and sums of a few floats, so it is the same on every processor up to the last digits.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

DEVICE = "raspberry-pi-4"
PAIRS = (
    ("8888888888888888888888", "0000000000000000000000"),
    ("8000000080088008008080", "0000000000000000000000"),
    ("3200002020236000800000", "0000000000000000000000"),
)
GATES = (("margin", 0.42), ("max_prob", 0.7), ("entropy", 0.9), ("per_class", 0.6))
FILE = Path(__file__).with_name("answers.json")


def queries() -> list[dict[str, Any]]:
    """Operating points of a few pairs under a few gates, on both splits."""
    from biglittle.bench import Benchmark, Gate, Pair

    bench = Benchmark.load("fbnet-cifar10")
    there = set(bench.architectures)
    return [
        bench.query(Pair(little, big), Gate(gate, threshold), DEVICE, split).as_dict()
        for little, big in PAIRS
        if {little, big} <= there
        for gate, threshold in GATES
        for split in ("val", "test")
    ]


def curves() -> list[dict[str, list[float]]]:
    """Every sixteenth point of a curve."""
    from biglittle.bench import Benchmark, Pair

    bench = Benchmark.load("fbnet-cifar10")
    curve = bench.curve(Pair(*PAIRS[0]), gate="margin", device=DEVICE)
    names = ("threshold", "escalation_rate", "accuracy", "latency_ms", "energy_mj", "macs")
    return [{name: np.asarray(getattr(curve, name))[::16].tolist() for name in names}]


def fronts() -> list[dict[str, Any]]:
    """Every twentieth point of exact fronts."""
    from biglittle.bench import Benchmark

    bench = Benchmark.load("fbnet-cifar10")
    asked: tuple[tuple[tuple[str, ...], dict[str, float]], ...] = (
        (("error", "latency_ms"), {}),
        (("error", "energy_mj"), {"latency_p95_ms": 30.0}),
    )
    documents = []
    for objectives, limits in asked:
        front = bench.front(DEVICE, objectives, limits)
        documents.append({"n": len(front.points), "points": front.points.records()[::20]})
    return documents


def searches() -> list[dict[str, Any]]:
    """The front of a short search in the table."""
    from biglittle.searchers import SearchSettings
    from biglittle.searchers.judge import judge_called
    from biglittle.searchers.search_run import searcher_called

    judge = judge_called("table", (DEVICE,), "fbnet-cifar10", None, None, "images", 0.0)
    settings = SearchSettings(
        objectives=("error", "latency_ms"), limits={"latency_ms": 25.0}, budget=400, seed=3
    )
    outcome = searcher_called("nsga2", judge)(judge.evaluator, settings, lambda p: None, None, None)
    return [{"n": len(outcome.front), "points": outcome.front.records()[::8]}]


def reports() -> list[dict[str, Any]]:
    """The operating point of a co-trained pair whose answers are made up, and its threshold."""
    from biglittle.bench import Benchmark
    from biglittle.bench.gates import get_metric
    from biglittle.cotrain.evaluate import PairAnswers, best_threshold, operating_point

    rng = np.random.default_rng(0)
    labels = rng.integers(0, 10, 500).astype(np.uint8)
    truth = np.eye(10, dtype=np.float32)[labels]
    little = (2 * truth + rng.normal(size=(500, 10))).astype(np.float32)
    big = (4 * truth + rng.normal(size=(500, 10))).astype(np.float32)
    answers = PairAnswers(little, big, labels)
    bench = Benchmark.load("fbnet-cifar10")
    pair = PAIRS[0]
    rows = [list(bench.architectures).index(a) for a in pair]
    costs = bench.costs(DEVICE).take(rows)
    documents = []
    for gate, limit in (("margin", 30.0), ("entropy", 15.0)):
        metric = get_metric(gate)
        threshold = best_threshold(answers, metric, costs, limit)
        documents.append(operating_point(answers, pair, metric, threshold, costs).as_dict())
    return documents


SECTIONS = {
    "query": queries, "curve": curves, "front": fronts, "search": searches, "report": reports
}  # fmt: skip


def main() -> None:
    """Writes the file anew."""
    document = {name: make() for name, make in SECTIONS.items()}
    FILE.write_text(json.dumps(document, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    sys.stderr.write(f"written: {FILE}\n")


if __name__ == "__main__":
    main()
