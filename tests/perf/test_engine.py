"""The whole front against one sort and two cumulative sums for every pair and gate."""

from __future__ import annotations

import numpy as np
import pytest

from biglittle.bench.exact_front import exact_front
from biglittle.data_tables.evidence.engine import baseline_s, random_question, straightforward_curve

pytestmark = pytest.mark.perf


def test_front_of_all_pairs(benchmark) -> None:  # type: ignore[no-untyped-def]
    question = random_question(n_networks=200, n_images=5000, n_thresholds=64)
    front = benchmark.pedantic(exact_front, (question,), rounds=2, iterations=1)
    correct, best = question.tally.correct, 0.0
    for i in range(len(front.cut)):
        little, big, cut = front.little[i], front.big[i], front.cut[i]
        gate = question.gates[front.gate[i]]
        assert callable(gate)
        _, accuracy = straightforward_curve(gate(little), correct[little], correct[big])
        assert accuracy[cut] == front.hits[i] / correct.shape[1]
        best = max(best, float(accuracy[cut]))
    assert best >= correct.mean(axis=1).max()
    assert np.unique(front.hits).size == len(front.hits)
    if benchmark.stats is not None:
        n_baselines = len(correct) ** 2 * len(question.gates)
        baseline = baseline_s(question, n_pairs=20) * n_baselines
        benchmark.extra_info["times_the_sort_and_sum_baseline"] = (
            baseline / benchmark.stats["median"]
        )
        benchmark.extra_info["counted_share"] = front.n_counted / front.n_points
