"""Which points are recommended, and when the answer is a single network."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from biglittle.bench import Points
from biglittle.bench.recommend import (
    Budget,
    Recommendation,
    alone,
    best_answers,
    budgets,
    recommend,
    recommended_rows,
    spread,
)
from biglittle.searchers import SingleNetworks

WORDS = {"accuracy": "predicted", "escalation_rate": "predicted", "latency_ms": "block-sum"}


def _points(latency: list[float], accuracy: list[float], rate: list[float] | None = None) -> Points:
    n = len(latency)
    return Points(
        little=np.array([f"l{i}" for i in range(n)]),
        big=np.array([f"b{i}" for i in range(n)]),
        gate=np.full(n, "margin"),
        threshold=np.full(n, 0.5),
        accuracy=np.array(accuracy, np.float64),
        escalation_rate=np.full(n, 0.3) if rate is None else np.array(rate, np.float64),
        latency_ms=np.array(latency, np.float64),
        latency_p95_ms=2 * np.array(latency, np.float64),
        latency_worst_ms=3 * np.array(latency, np.float64),
        energy_mj=np.full(n, np.nan),
        macs=1e6 * np.array(latency, np.float64),
        params=np.full(n, 5e5),
        peak_memory_mib=np.full(n, 3.0),
        provenance=WORDS,
    )


def _singles(latency: list[float], accuracy: list[float]) -> SingleNetworks:
    n = len(latency)
    cost = np.array(latency, np.float64)
    return SingleNetworks(
        np.array([f"s{i}" for i in range(n)]),
        np.array(accuracy, np.float64),
        cost,
        np.full(n, np.nan),
        1e6 * cost,
        np.full(n, 2.0),
        WORDS,
    )


def test_a_spread_holds_what_comes_first_and_both_ends() -> None:
    points = _points([3, 1, 2, 5, 4, 6, 7], [0.3, 0.1, 0.2, 0.5, 0.4, 0.6, 0.7])
    assert spread(points, 3).tolist() == [1, 4, 6]
    assert spread(points, 3, first=[2]).tolist() == [1, 2, 6]
    assert spread(points, 1, first=[4]).tolist() == [4]
    assert spread(points, 2, first=[0, 2, 4]).tolist() == [2, 0]
    assert spread(points, 99).tolist() == [1, 2, 0, 4, 3, 5, 6]
    assert spread(points.take(np.array([], np.intp)), 5).tolist() == []


def test_one_point_is_the_most_accurate_and_never_the_worst() -> None:
    assert spread(_points([1, 2, 3], [0.1, 0.2, 0.3]), 1).tolist() == [2]


def test_a_point_that_never_asks_one_network_is_the_other() -> None:
    points = _points([1, 2, 3, 4], [0.1, 0.2, 0.3, 0.4], [0.0, 0.009, 0.01, 1.0])
    assert alone(points).tolist() == ["l0", "l1", "", "b3"]


def test_the_best_pair_within_a_limit_beside_the_best_single() -> None:
    points = _points([5, 15, 19, 25], [0.5, 0.7, 0.8, 0.9], [0.2, 0.2, 0.2, 0.2])
    singles = _singles([10, 18, 24], [0.6, 0.75, 0.95])
    questions = budgets(points, {"latency_ms": 20.0})
    (answer,) = recommend(points, questions, singles)
    assert (answer.row, answer.verdict) == (2, "pair")
    assert answer.single is not None
    assert answer.single["architecture"] == "s1"
    assert answer.gain == pytest.approx(0.05)


def test_the_single_network_is_the_answer_where_the_pair_gains_nothing() -> None:
    points = _points([5, 15], [0.5, 0.7])
    (answer,) = recommend(points, budgets(points, {"latency_ms": 20.0}), _singles([12.0], [0.7]))
    assert answer.verdict == "single"
    assert recommended_rows(points, [answer]) == ()


def test_a_point_that_is_one_network_is_no_pair() -> None:
    points = _points([5, 15], [0.5, 0.7], [0.0, 0.001])
    (answer,) = recommend(points, budgets(points, {"latency_ms": 20.0}), _singles([15.0], [0.7]))
    assert (answer.row, answer.pair, answer.verdict) == (None, None, "single")
    (nothing,) = recommend(points, budgets(points, {"latency_ms": 20.0}), _singles([30.0], [0.7]))
    assert nothing.verdict == "nothing"


def test_an_accuracy_asks_for_the_cheapest() -> None:
    points = _points([5, 15, 25], [0.5, 0.72, 0.9])
    (answer,) = recommend(points, budgets(points, {"accuracy": 0.7}), _singles([20.0], [0.8]))
    assert (answer.row, answer.verdict) == (1, "pair")  # less accurate, but cheaper
    (other,) = recommend(points, budgets(points, {"accuracy": 0.7}), _singles([10.0], [0.71]))
    assert other.verdict == "single"


def test_a_tail_limit_holds_for_a_single_network_by_its_latency() -> None:
    points = _points([5, 15], [0.5, 0.7])
    singles = _singles([9.0, 11.0], [0.6, 0.8])
    (answer,) = recommend(points, budgets(points, {"latency_p95_ms": 10.0}), singles)
    assert answer.row == 0
    assert answer.single is not None
    assert answer.single["architecture"] == "s0"


def test_without_limits_the_knee_comes_first_and_one_budget_on_each_side() -> None:
    latency = np.linspace(1, 100, 60)
    points = _points(latency.tolist(), (1 - 1 / latency).tolist())
    questions = budgets(points, {})
    assert [b.why for b in questions] == ["at the knee", "at a lower budget", "at a higher budget"]
    knee, lower, higher = (b.limits["latency_ms"] for b in questions)
    assert lower < knee < higher
    answers = recommend(points, questions)
    assert len({a.row for a in answers}) == 3
    assert recommended_rows(points) == tuple(a.row for a in answers)


def test_budgets_are_of_the_cost_that_was_an_objective() -> None:
    points = _points([1, 2, 10], [0.5, 0.8, 0.9])
    assert all(set(b.limits) == {"macs"} for b in budgets(points, {}, ("error", "macs")))


def test_the_better_of_two_sources_and_the_first_where_they_tie() -> None:
    points, better = _points([5], [0.7]), _points([6], [0.8])
    questions = budgets(points, {"latency_ms": 20.0})
    predicted = recommend(points, questions)
    measured = recommend(better, questions, source="table")
    assert best_answers(predicted, measured)[0].source == "table"
    assert best_answers(measured, predicted)[0].source == "table"
    assert (
        best_answers(predicted, recommend(points, questions, source="table"))[0].source == "search"
    )


def test_an_answer_survives_json() -> None:
    points = _points([5, 15], [0.5, 0.7])
    (answer,) = recommend(points, budgets(points, {"latency_ms": 20.0}), _singles([12.0], [0.6]))
    answer = answer.with_gain(0.05, 0.15, "conformal")
    again = Recommendation.of(json.loads(json.dumps(answer.record())))
    assert again.record() == answer.record()
    assert again.verdict == answer.verdict
    assert dataclasses.replace(again, pair=answer.pair, decided=None) == answer


def test_a_budget_in_words() -> None:
    text = Budget("", {"latency_ms": 20.0, "accuracy": 0.7, "params": 3e6}).text()
    assert text == (
        "mean latency of at most 20.0 ms and accuracy of at least 70.00 % and parameters of at "
        "most 3.000 M"
    )


def test_a_verdict_that_was_reached_elsewhere_stays() -> None:
    points = _points([5, 15], [0.5, 0.7])
    (answer,) = recommend(points, budgets(points, {"latency_ms": 20.0}), _singles([12.0], [0.8]))
    assert answer.verdict == "single"
    assert dataclasses.replace(answer, decided="pair", gain=0.01).verdict == "pair"
    assert dataclasses.replace(answer, decided="pair").verdict == "single"  # it gains nothing here
