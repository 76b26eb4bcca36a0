"""Single questions and many at once, against the answers of both networks looked at in NumPy."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from biglittle.bench import Benchmark, Gate, Pair
from biglittle.bench.synthetic import DEVICE, synthetic_table
from biglittle.bench.table_writer import write_table

pytestmark = pytest.mark.perf

GATE = Gate("margin", 0.42)


@pytest.fixture
def bench(tmp_path: Path) -> Benchmark:
    """Sixteen networks with 5,000 images, any two of them a pair."""
    write_table(tmp_path / "t.h5", synthetic_table(16, 1000, 5000), "1", "2026-01-01")
    return Benchmark.load(tmp_path / "t.h5")


def straightforward(bench: Benchmark, pairs: list[Pair]) -> list[float]:
    """Accuracies of pairs, one mask each: the baseline."""
    stored, cut = bench.table.predictions("test"), GATE.cut(bench.table.n_classes)
    out = []
    for pair in pairs:
        little, big = bench.row(pair.little), bench.row(pair.big)
        escalated = stored.codes[GATE.metric][little] < cut
        out.append(np.where(escalated, stored.correct[big], stored.correct[little]).mean())
    return out


def seconds(work: Callable[[], object], rounds: int = 5) -> float:
    """The shortest of a few rounds."""
    taken = []
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return min(taken)


def test_a_question_of_one_pair(benchmark, bench: Benchmark) -> None:  # type: ignore[no-untyped-def]
    ids = bench.architectures
    pairs = [Pair(a, b) for a in ids for b in ids]
    expected = straightforward(bench, pairs)
    baseline_s = seconds(lambda: straightforward(bench, pairs))

    def ask() -> list[float]:
        return [bench.query(pair, GATE, DEVICE).accuracy for pair in pairs]

    assert benchmark(ask) == pytest.approx(expected)
    if benchmark.stats is not None:
        benchmark.extra_info["of_the_mask_baseline"] = benchmark.stats["min"] / baseline_s


@pytest.mark.parametrize("n", [1, 256])
def test_a_question_of_many_pairs(benchmark, bench: Benchmark, n: int) -> None:  # type: ignore[no-untyped-def]
    ids = bench.architectures
    pairs = [Pair(a, b) for a in ids for b in ids][:n]
    little, big = (np.array([bench.row(getattr(p, of)) for p in pairs]) for of in ("little", "big"))
    expected = straightforward(bench, pairs)
    baseline_s = seconds(lambda: straightforward(bench, pairs))
    points = benchmark(bench.query_many, little, big, GATE.metric, GATE.threshold, DEVICE)
    assert points.accuracy.tolist() == pytest.approx(expected)
    if benchmark.stats is not None:
        benchmark.extra_info["of_the_mask_baseline"] = benchmark.stats["min"] / baseline_s
