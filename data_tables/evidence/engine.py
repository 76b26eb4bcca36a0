"""How fast the exact engine is, against the straightforward way, in one run.

The baseline is what anyone would write: per pair and gate, sort the confidences of the little
network, and take cumulative sums of who is right. It runs on a sample of pairs and is scaled to
all.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...bench import Benchmark, Gate, Pair
from ...bench.cost import NetworkCosts
from ...bench.exact_front import Question, exact_front
from ...bench.gates import N_CODES, stored_metrics
from ...bench.tally import Tally
from ..flagship import RECIPE
from ._page import Step
from ._uncached import nothing_kept

NAME, DEVICE = RECIPE.name, RECIPE.design.device
SAMPLE = 60  # pairs the baseline runs on
N_NETWORKS, N_IMAGES, N_THRESHOLDS = 1000, 5000, 64
N_MEMORY = 2000
N_POINTS = 1_000_000
RUNS = 5


def straightforward_curve(
    codes: NDArray[np.uint8], little_right: NDArray[np.bool_], big_right: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Escalation rate and accuracy at every cut, (257,) each: sort and cumulative sums."""
    order = np.argsort(codes)
    ranked = codes[order]
    lost = np.concatenate([[0], np.cumsum(little_right[order])])
    won = np.concatenate([[0], np.cumsum(big_right[order])])
    ends = np.searchsorted(ranked, np.arange(N_CODES + 1))
    return ends / len(codes), (little_right.sum() - lost[ends] + won[ends]) / len(codes)


def random_question(n_networks: int, n_images: int, n_thresholds: int, seed: int = 0) -> Question:
    """Made-up answers of networks whose skill and cost go together, for timing.

    Images have a difficulty, networks a skill; who is right and how sure it is follow from both.
    """
    rng = np.random.default_rng(seed)
    skill = np.sort(rng.normal(1.5, 0.7, n_networks))
    difficulty = rng.normal(0.0, 1.5, n_images)
    chance = 1 / (1 + np.exp(difficulty[None] - skill[:, None]))
    correct = rng.random((n_networks, n_images)) < chance
    codes = []
    for _ in range(3):
        sure = chance + 0.25 * rng.normal(size=chance.shape) + 0.15 * correct
        codes.append((256 * np.clip(sure, 0, 0.999)).astype(np.uint8))
    latency = 5 + 8 * np.exp(skill - skill.min()) * rng.uniform(0.7, 1.3, n_networks)
    figure = latency * 1.0
    costs = NetworkCosts(latency, 4 * latency, 1e6 * latency, *(figure,) * 3, 0.0, {})
    cuts = np.unique(np.linspace(0, N_CODES, n_thresholds + 1).round().astype(np.int64))
    gates = [one.__getitem__ for one in codes]
    return Question(Tally(correct), gates, costs, ("error", "latency_ms"), {}, cuts)


def seconds(call: Callable[[], object], runs: int = 1) -> float:
    """Median wall time of a call."""
    taken = []
    for _ in range(runs):
        began = time.perf_counter()
        call()
        taken.append(time.perf_counter() - began)
    return float(np.median(taken))


def baseline_s(question: Question, n_pairs: int = SAMPLE) -> float:
    """Median time of the straightforward way for one pair and gate."""
    rng, taken = np.random.default_rng(1), []
    correct = question.tally.correct
    for _ in range(n_pairs):
        little, big = (int(i) for i in rng.integers(0, len(correct), 2))
        for gate in question.gates:
            assert callable(gate)
            codes = gate(little)
            began = time.perf_counter()
            straightforward_curve(codes, correct[little], correct[big])
            taken.append(time.perf_counter() - began)
    return float(np.median(taken))


def front_speed(question: Question, threads: int = 2) -> dict[str, Any]:
    """The whole front against the baseline and against a bare matrix product."""
    n, gates = len(question.tally.correct), len(question.gates)
    began = time.perf_counter()
    front = exact_front(question, threads=threads)
    taken = time.perf_counter() - began
    each = baseline_s(question)
    flags = question.tally.correct.astype(np.float32)
    buckets = np.zeros((len(question.cuts), flags.shape[1]), np.float32)
    buckets[np.arange(flags.shape[1]) % len(buckets), np.arange(flags.shape[1])] = 1
    product = seconds(lambda: buckets @ flags.T, RUNS)
    words = question.tally.bits
    many = 4096
    rows = np.arange(many) % n
    count = seconds(lambda: np.bitwise_count(words[rows] & words[rows[::-1]]).sum(1), RUNS) / many
    return {
        "networks": n,
        "images": question.tally.n_images,
        "gates": gates,
        "cuts": len(question.cuts),
        "threads": threads,
        "points": front.n_points,
        "front_points": len(front.cut),
        "counted_share": front.n_counted / front.n_points,
        "front_s": taken,
        "baseline_pair_us": 1e6 * each,
        "times_baseline": each * n * n * gates / taken,
        "matrix_product_s": product * n * gates,
        "counting_alone_s": count * front.n_counted / threads,
    }


def query_speed(bench: Benchmark) -> dict[str, Any]:
    """One point, one curve, many points; warm, on the test images of a table."""
    rng, ids = np.random.default_rng(0), bench.architectures
    pair = Pair(ids[len(ids) // 4], ids[-1])
    thresholds = rng.random(2000).tolist()
    gates = [Gate("margin", t) for t in thresholds]
    bench.query(pair, gates[0], DEVICE)
    one = seconds(lambda: [bench.query(pair, g, DEVICE) for g in gates], RUNS) / len(gates)
    curve = seconds(lambda: [bench.curve(pair, "margin", DEVICE) for _ in range(100)], RUNS) / 100
    test = bench.table.predictions("test")
    little, big = bench.row(pair.little), bench.row(pair.big)
    codes, correct = bench.table.codes_of("margin", "test", [little])[0], test.correct
    naive = seconds(lambda: straightforward_curve(codes, correct[little], correct[big]), 50)
    rows = rng.integers(0, len(ids), (2, N_POINTS))
    values = rng.random(N_POINTS)
    names = np.array(stored_metrics())[rng.integers(0, 3, N_POINTS)]

    def ask() -> object:
        return bench.query_many(rows[0], rows[1], names, values, DEVICE)

    cold, warm = seconds(ask), seconds(ask, 3)
    return {
        "images": len(test.labels),
        "query_us": 1e6 * one,
        "curve_us": 1e6 * curve,
        "baseline_curve_us": 1e6 * naive,
        "query_many_points": N_POINTS,
        "query_many_cold_per_s": N_POINTS / cold,
        "query_many_warm_per_s": N_POINTS / warm,
    }


_PEAK = """
import resource
from biglittle.bench.exact_front import exact_front
from biglittle.data_tables.evidence.engine import random_question
exact_front(random_question({n}, {images}, {thresholds}))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def peak_memory_mib(n_networks: int) -> float:
    """Peak resident memory of a process that makes up a table of this size and its front."""
    code = _PEAK.format(n=n_networks, images=N_IMAGES, thresholds=N_THRESHOLDS)
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return float(run.stdout)


def measure() -> dict[str, Any]:
    """All figures of the engine."""
    bench = Benchmark.load(NAME)
    front = bench.front(DEVICE)
    shipped = Benchmark(bench.table)
    shipped.front(DEVICE, n_thresholds=1)  # reads the predictions
    with nothing_kept():
        began = time.perf_counter()
        shipped.front(DEVICE)
        taken = time.perf_counter() - began
    rows = bench.table.rows()
    codes = [bench.table.codes_of(m, "val", rows) for m in stored_metrics()]
    question = Question(
        Tally(bench.table.predictions("val").correct[rows]),
        [c.__getitem__ for c in codes],
        bench.costs(DEVICE).take(rows),
        ("error", "latency_ms"),
    )
    each = baseline_s(question)
    return {
        "shipped": {
            "pairs": front.n_pairs,
            "points": front.n_points,
            "front_s": taken,
            "counted_share": front.n_counted / front.n_points,
            "baseline_pair_us": 1e6 * each,
            "times_baseline": each * front.n_pairs * len(codes) / taken,
        },
        "random": front_speed(random_question(N_NETWORKS, N_IMAGES, N_THRESHOLDS)),
        "calls": query_speed(Benchmark(bench.table)),
        "memory": {"networks": N_MEMORY, "peak_memory_mib": peak_memory_mib(N_MEMORY)},
    }


def engine_section(figures: dict[str, Any]) -> str:
    """The figures as Markdown."""
    shipped, made_up, calls = figures["shipped"], figures["random"], figures["calls"]
    memory = figures["memory"]
    where = figures["conditions"]
    return f"""\
| | front of | points | time | the straightforward way | points counted |
|---|---|---|---|---|---|
| shipped table | {shipped["pairs"]:,} pairs, 3 gates, 257 cuts | {shipped["points"] / 1e6:.0f} M \
| {shipped["front_s"]:.1f} s | {shipped["times_baseline"]:.0f} times as long \
| {100 * shipped["counted_share"]:.1f} % |
| made-up table, {made_up["images"]:,} images | {made_up["networks"] ** 2:,} pairs, \
{made_up["gates"]} gates, {made_up["cuts"]} cuts | {made_up["points"] / 1e6:.0f} M \
| {made_up["front_s"]:.1f} s | {made_up["times_baseline"]:.0f} times as long \
| {100 * made_up["counted_share"]:.1f} % |

- The straightforward way: per pair and gate, sort little's confidences and take cumulative sums \
({made_up["baseline_pair_us"]:.0f} microseconds here, timed on {SAMPLE} pairs and scaled).
- Counting all points by one float32 matrix product per little network and gate would take \
{made_up["matrix_product_s"]:.0f} s. The population counts that were needed take \
{made_up["counting_alone_s"]:.1f} s by themselves: what bounds the engine now is bounding.
- Warm, {calls["images"]:,} test images: `query` {calls["query_us"]:.0f} microseconds, `curve` \
{calls["curve_us"]:.0f} (straightforward: {calls["baseline_curve_us"]:.0f}), `query_many` \
{calls["query_many_warm_per_s"] / 1e6:.1f} million points a second \
({calls["query_many_cold_per_s"] / 1e6:.1f} the first time, in one thread).
- The front of {memory["networks"]:,} networks peaks at {memory["peak_memory_mib"]:.0f} MiB.
- {where["cores"]} cores of {where["cpu"]}, Python {where["python"]}, NumPy {where["numpy"]}; \
`python -m biglittle.data_tables.evidence engine`."""


STEP = Step(measure, {"engine": engine_section}, of_table=True)
