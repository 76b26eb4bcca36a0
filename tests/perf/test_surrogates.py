"""Predicting many pairs at once against one by one, and whole curves against point by point."""

from __future__ import annotations

import time

import numpy as np
import pytest

from biglittle.bench import Benchmark, Candidates, load_device
from biglittle.surrogates import Surrogate, SurrogateEvaluator

pytestmark = pytest.mark.perf
N, ALONE, SWEPT, BY_POINT = 20_000, 40, 2_000, 200
ASKED_PAIRS, ASKED_S = 100_000, 2.0  # what the shipped surrogate is asked for, on two cores


@pytest.fixture(scope="module")
def surrogate() -> Surrogate:
    return Surrogate.load(Benchmark.load("fbnet-cifar10").table.path.parent / "surrogate")


def pairs(surrogate: Surrogate, n: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    little, big = (surrogate.space.sample(rng, n, surrogate.choices) for _ in range(2))
    return little, big


def test_pairs_of_different_networks(benchmark, surrogate) -> None:  # type: ignore[no-untyped-def]
    rng, (little, big) = np.random.default_rng(1), pairs(surrogate, N)
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
        benchmark.extra_info["times_what_is_asked"] = (N / seconds) / (ASKED_PAIRS / ASKED_S)


def test_whole_curves(benchmark, surrogate) -> None:  # type: ignore[no-untyped-def]
    judge = SurrogateEvaluator(surrogate, load_device("raspberry-pi-4"))
    little, big = pairs(surrogate, SWEPT)
    judge.sweep(little[:1], big[:1])
    swept = benchmark.pedantic(judge.sweep, (little, big), rounds=2, iterations=1)
    some = np.flatnonzero(swept.owner < BY_POINT)
    rows, gate, cut = swept.owner[some], swept.gate[some], swept.cut[some]
    began = time.perf_counter()
    points = judge.evaluate(Candidates(little[rows], big[rows], gate, cut))
    by_point_s = (time.perf_counter() - began) / len(some)
    np.testing.assert_allclose(points.accuracy, swept.figures["accuracy"][some], atol=1e-4)
    if benchmark.stats is not None:
        seconds = benchmark.stats["median"]
        benchmark.extra_info["curves_per_s"] = SWEPT / seconds
        benchmark.extra_info["points_per_s"] = len(swept.owner) / seconds
        benchmark.extra_info["times_point_by_point"] = by_point_s * len(swept.owner) / seconds
