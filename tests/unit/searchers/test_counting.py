"""What an evaluator with a budget counts, keeps and refuses; whole searches are under contract."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from biglittle.bench import Benchmark
from biglittle.bench.errors import BigLittleError, ConstraintError
from biglittle.bench.provenance import words_at
from biglittle.searchers import SearchSettings
from biglittle.searchers.counting import CountingEvaluator
from biglittle.searchers.evaluators.live import LiveEvaluator
from biglittle.searchers.evaluators.table import TableEvaluator

Live = Callable[..., LiveEvaluator]


def rows(counting: CountingEvaluator, n: int, seed: int = 0) -> np.ndarray:
    return counting.domain.sample(np.random.default_rng(seed), n)


def test_a_rough_evaluation_costs_its_fidelity_and_is_not_reported(live: Live) -> None:
    counting = CountingEvaluator(live(), SearchSettings(budget=10))
    counting.evaluate(rows(counting, 8), 1 / 4)
    assert counting.spent == 2.0
    assert counting.remaining == 8.0
    with pytest.raises(ConstraintError):  # nothing was evaluated fully, so the front is empty
        counting.outcome()
    counting.evaluate(rows(counting, 3, seed=1))
    outcome = counting.outcome()
    assert (counting.spent, outcome.n_evaluations) == (5.0, 11)
    assert [s.n_evaluations for s in outcome.history] == [2, 5]


def test_points_beyond_a_limit_are_counted_and_never_on_the_front(live: Live) -> None:
    settings = SearchSettings(budget=40, limits={"latency_ms": 60.0})
    counting = CountingEvaluator(live(), settings)
    scores = counting.evaluate(rows(counting, 40))
    outcome = counting.outcome()
    assert (outcome.front.latency_ms <= 60.0).all()
    feasible = len(np.unique(scores.owner[scores.feasible]))
    assert outcome.n_infeasible == 40 - feasible > 0
    assert outcome.n_unusable == 0
    assert outcome.best is None


def test_every_candidate_has_a_point_and_excess_is_a_share_of_the_limit(live: Live) -> None:
    settings = SearchSettings(budget=20, limits={"latency_ms": 1.0})
    counting = CountingEvaluator(live(), settings)
    scores = counting.evaluate(rows(counting, 20))
    assert set(scores.owner) == set(range(20))
    assert (np.diff(scores.owner) >= 0).all()
    column = list(settings.objectives).index("latency_ms")
    assert scores.excess[:, 0] == pytest.approx(scores.values[:, column] - 1.0)


def test_a_replayed_batch_counts_as_an_evaluated_one(live: Live) -> None:
    settings = SearchSettings(budget=20, soft="accuracy - 0.001*latency_ms")
    first, again = (CountingEvaluator(live(), settings) for _ in range(2))
    scores = first.evaluate(rows(first, 20))
    outcome, log = first.outcome(), first.log()
    again.told(log.header["provenance"], log.header["split"])
    replayed = again.replay(log.batches[0])
    assert np.array_equal(replayed.values, scores.values)
    repeated = again.outcome()
    assert repeated.front.records() == outcome.front.records()
    assert repeated.best is not None
    assert outcome.best is not None
    assert repeated.best.records() == outcome.best.records()
    batch = log.batches[0]
    for damaged in (
        replace(batch, figures={"accuracy": batch.figures["accuracy"]}),
        replace(batch, figures={**batch.figures, "charm": batch.figures["accuracy"]}),
        replace(batch, gate=batch.gate + 99),
        replace(batch, cut=batch.cut + 999),
    ):
        with pytest.raises(BigLittleError, match="do not fit this search"):
            again.replay(damaged)


def test_batches_of_whole_and_of_cut_networks_have_the_weaker_word() -> None:
    """On the Pi 4 whole networks are summed, and what ends at an exit is predicted."""
    evaluator = TableEvaluator(Benchmark.load("fbnet-cifar10"), "raspberry-pi-4")
    counting = CountingEvaluator(evaluator, SearchSettings(budget=40))
    some = rows(counting, 400)
    cuts = counting.domain.cuts(some)
    assert cuts is not None
    whole = (cuts[0] == 0) & (cuts[1] == 0)
    for kind, word in ((whole, "block-sum"), (~whole, "predicted"), (whole, "predicted")):
        counting.evaluate(some[kind][:5])
        assert counting.log().header["provenance"]["latency_ms"] == word
    assert counting.log().header["provenance"]["accuracy"] == "measured"
    front = counting.outcome().front
    words = [words_at(front.provenance, i)["latency_ms"] for i in range(len(front))]
    cut = ["@" in little or "@" in big for little, big in zip(front.little, front.big, strict=True)]
    assert words == ["predicted" if c else "block-sum" for c in cut]
    assert len(set(words)) == 2
    again = CountingEvaluator(evaluator, SearchSettings(budget=40))
    again.told(counting.log().header["provenance"], "val")
    for batch in counting.log().batches:
        again.replay(batch)
    assert again.outcome().front.records() == front.records()
    older = CountingEvaluator(evaluator, SearchSettings(budget=40))  # a log that says it once
    older.told(counting.log().header["provenance"], "val")
    for batch in counting.log().batches:
        plain = {k: v for k, v in batch.figures.items() if not k.endswith("_provenance")}
        older.replay(replace(batch, figures=plain))
    assert dict(older.outcome().front.provenance)["latency_ms"] == "predicted"
    answers = dict(counting.log().header["provenance"], accuracy="predicted")
    with pytest.raises(BigLittleError, match="changed the provenance"):
        counting.told(answers, "val")
    with pytest.raises(BigLittleError, match="changed the provenance"):
        counting.told(counting.log().header["provenance"], "test")
