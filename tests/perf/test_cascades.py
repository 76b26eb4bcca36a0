"""All thresholds of a cascade, against counting one combination of cuts after the other."""

from __future__ import annotations

import time

import numpy as np
import pytest

from biglittle.bench.cascade_counts import CascadeCounts, sent_on
from biglittle.bench.cost import NetworkCosts
from biglittle.bench.exact_cascades import CascadeQuestion, best_cuts, front_cuts

pytestmark = pytest.mark.perf

N_IMAGES, N_SAMPLED = 5000, 200


def case(n_stages: int) -> tuple[CascadeQuestion, list[np.ndarray], list[np.ndarray]]:
    """A cascade of networks that are each better, slower and surer than the one before."""
    rng = np.random.default_rng(0)
    ease = rng.random(N_IMAGES)
    codes, right = [], []
    for stage in range(n_stages):
        sure = np.clip(0.6 * ease + 0.4 * rng.random(N_IMAGES), 0, 1 - 1e-9)
        codes.append((256 * sure).astype(np.uint8))
        right.append(rng.random(N_IMAGES) < 0.5 + 0.1 * stage + 0.2 * ease)
    networks = [
        NetworkCosts(*(float(2**stage) * np.ones(6)).tolist(), gate_ms=0.1, provenance={})
        for stage in range(n_stages)
    ]
    counts = CascadeCounts(codes[:-1], right)
    return CascadeQuestion(counts, networks, [None] * (n_stages - 1)), codes[:-1], right


@pytest.mark.parametrize("n_stages", [2, 3, 4])
@pytest.mark.parametrize("work", ["choice", "front"])
def test_all_thresholds(benchmark, n_stages: int, work: str) -> None:  # type: ignore[no-untyped-def]
    question, codes, right = case(n_stages)
    limits = {"latency_ms": 2.0}
    began = time.perf_counter()
    for _ in range(N_SAMPLED):
        sent_on(codes, right, [128] * (n_stages - 1))
    one_by_one_s = (time.perf_counter() - began) / N_SAMPLED * np.prod(question.counts.shape)
    if work == "choice":
        cuts = benchmark.pedantic(best_cuts, (question, ("error", "latency_ms"), limits))
        assert len(cuts) == n_stages - 1
    else:
        front, _ = benchmark.pedantic(front_cuts, ([question], ("error", "latency_ms"), {}))
        assert len(front) > 1
    if benchmark.stats is not None:
        benchmark.extra_info["of_one_by_one"] = benchmark.stats["min"] / one_by_one_s
