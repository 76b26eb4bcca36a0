"""What is searched is found by name, and points are candidates again."""

from __future__ import annotations

import numpy as np
import pytest

from biglittle.bench import Benchmark
from biglittle.bench.errors import BigLittleError, UnknownNameError
from biglittle.bench.synthetic import DEVICE
from biglittle.searchers.judge import candidates_of, judge_called


def test_candidates_of_points_are_the_points(table: str) -> None:
    judge = judge_called("table", (DEVICE,), table)
    points = Benchmark.load(table).front(DEVICE).chosen
    again = judge.evaluator.evaluate(candidates_of(points, judge.evaluator, 10))
    assert np.array_equal(again.accuracy, points.accuracy)
    assert np.array_equal(again.latency_ms, points.latency_ms)


def test_a_front_is_judged_by_the_evaluator_that_was_asked_for(table: str) -> None:
    judge = judge_called("table", (DEVICE,), table, gates=("margin",), warm=True)
    assert judge.evaluator.gates == ("margin",)
    assert judge.sources["warm_start"] is True
    assert judge.sources["reported_on"] == "test"
    assert (judge.given, judge.table) == ((DEVICE,), table)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("tabel", (DEVICE,)), "Did you mean 'table'"),
        (("table", ()), "name at least one"),
        (("table", (DEVICE, DEVICE)), "each once"),
        (("surrogate", (DEVICE,), "fbnet-cifar10", None, ("margin",)), "gates are fixed"),
        (("table", (DEVICE,), "fbnet-cifar10", None, None, "resolution"), "--on live"),
    ],
)
def test_what_no_evaluator_has_is_refused(arguments: tuple[object, ...], text: str) -> None:
    given = (*arguments, "fbnet-cifar10")[: max(3, len(arguments))]
    with pytest.raises(BigLittleError, match=text):
        judge_called(*given)  # type: ignore[arg-type]


def test_points_of_another_gate_have_no_candidate(table: str) -> None:
    judge = judge_called("table", (DEVICE,), table, gates=("margin",))
    points = Benchmark.load(table).front(DEVICE).chosen
    with pytest.raises(UnknownNameError, match="margin"):
        candidates_of(points, judge.evaluator, 10)
