"""Predicting many pairs at once against predicting them one by one."""

from __future__ import annotations

import time

import numpy as np
import pytest

from biglittle.bench import Benchmark, Candidates
from biglittle.surrogates import Surrogate

pytestmark = pytest.mark.perf
N, ALONE = 20_000, 40


def test_pairs_of_different_networks(benchmark) -> None:  # type: ignore[no-untyped-def]
    folder = Benchmark.load("fbnet-cifar10").table.path.parent / "surrogate"
    surrogate, rng = Surrogate.load(folder), np.random.default_rng(0)
    little, big = (surrogate.space.sample(rng, N, surrogate.choices) for _ in range(2))
    gate, cut = rng.integers(0, len(surrogate.gates), N), rng.integers(0, 257, N)
    asked = Candidates(little, big, gate, cut)
    surrogate.predict(Candidates(little[:1], big[:1], gate[:1], cut[:1]))
    accuracy, _ = benchmark.pedantic(surrogate.predict, (asked,), rounds=2, iterations=1)
    began = time.perf_counter()
    for i in range(ALONE):
        part = slice(i, i + 1)
        one = surrogate.predict(Candidates(little[part], big[part], gate[part], cut[part]))[0]
        assert one[0] == pytest.approx(accuracy[i], abs=1e-4)
    each_s = (time.perf_counter() - began) / ALONE
    if benchmark.stats is not None:
        seconds = benchmark.stats["median"]
        benchmark.extra_info["pairs_per_s"] = N / seconds
        benchmark.extra_info["times_one_by_one"] = each_s * N / seconds
