"""What a search answers first: in words, with the gain's interval, and from where."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from biglittle.bench import Benchmark, Gate, Pair
from biglittle.bench.recommend import Budget, Recommendation, budgets, recommend
from biglittle.bench.synthetic import DEVICE, synthetic_table
from biglittle.bench.table_writer import write_table
from biglittle.searchers import SearchOutcome, SearchSettings
from biglittle.searchers.answer import (
    answers,
    exact_front,
    on_test,
    right_of_pair,
    sentence,
    table_answers,
)
from biglittle.searchers.table_singles import table_singles


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Benchmark:
    path = tmp_path_factory.mktemp("table") / "toy.h5"
    write_table(path, synthetic_table(), "test", "2020-01-01")
    return Benchmark.load(path)


@pytest.mark.parametrize("gate", ["margin", "max_prob", "entropy"])
def test_right_answers_of_a_pair_are_those_the_table_counts(bench: Benchmark, gate: str) -> None:
    little, big = bench.architectures[1], bench.architectures[-1]
    point = bench.query(Pair(little, big), Gate(gate, 0.4), DEVICE)
    assert right_of_pair(bench, point).mean() == point.accuracy


def test_a_measured_pair_wins_where_it_beats_what_was_predicted(
    bench: Benchmark, outcome: SearchOutcome
) -> None:
    settings = SearchSettings(limits={"latency_ms": 1e6})
    exact = exact_front(bench, DEVICE, settings)
    assert exact is not None
    worse = dataclasses.replace(outcome.front, accuracy=np.full(len(outcome.front), 0.01))
    nobody = table_singles(bench, DEVICE, "val")
    nobody = dataclasses.replace(nobody, accuracy=np.full(len(nobody), 0.001))
    (answer,) = answers(worse, nobody, settings, None, (bench, exact))
    assert answer.source == "table"
    assert answer.row is None
    if answer.pair is not None and answer.single is not None:
        assert answer.gain is not None
        assert answer.gain_low is not None
        assert answer.gain_high is not None
        assert answer.gain_low <= answer.gain <= answer.gain_high
        told = bench.query(
            Pair(answer.pair.little, answer.pair.big),
            Gate(answer.pair.gate, answer.pair.threshold),
            DEVICE,
        )
        assert answer.pair.accuracy == told.accuracy  # on test
    better = dataclasses.replace(outcome.front, accuracy=np.full(len(outcome.front), 1.0))
    (answer,) = answers(better, nobody, settings, None, (bench, exact))
    assert answer.source == "search"


def test_limits_that_nothing_in_the_table_meets_leave_the_search_alone(bench: Benchmark) -> None:
    assert exact_front(bench, DEVICE, SearchSettings(limits={"latency_ms": 1e-9})) is None
    assert exact_front(bench, "no-such-board", SearchSettings()) is None


def test_a_bound_is_no_answer(bench: Benchmark) -> None:
    front = bench.front(DEVICE, gates=("oracle", "margin"))
    given = {"latency_ms": 1e6}, ("error", "latency_ms")
    for answer in table_answers(bench, front.chosen, DEVICE, *given):
        if answer.row is not None:
            assert front.points.gate[answer.row] == "margin"
            assert answer.pair is not None
            assert answer.pair.accuracy == front.points.accuracy[answer.row]
    only = bench.front(DEVICE, gates=("oracle",))
    assert all(a.pair is None for a in table_answers(bench, only.chosen, DEVICE, *given))


def test_a_gain_of_predictions_has_both_errors(outcome: SearchOutcome) -> None:
    (answer,) = answers(
        outcome.front,
        outcome.singles,
        SearchSettings(limits={"latency_ms": 90.0}),
        lambda pair, single: (0.03, 0.04),
    )
    assert answer.gain is not None
    assert answer.gain_low == pytest.approx(answer.gain - 0.05)
    assert answer.gain_high == pytest.approx(answer.gain + 0.05)


def test_an_answer_on_test_keeps_its_choice(bench: Benchmark) -> None:
    front = bench.front(DEVICE)
    questions = budgets(front.chosen, {})
    chosen = recommend(front.chosen, questions, table_singles(bench, DEVICE, "val"))
    for before, after in zip(chosen, (on_test(a, bench, DEVICE) for a in chosen), strict=True):
        assert after.row == before.row
        assert after.verdict == before.verdict  # nothing is decided on test
        if before.pair is not None and after.pair is not None and before.row is not None:
            assert after.pair.little == before.pair.little
            assert after.pair.accuracy == front.points.accuracy[before.row]


def _answer(outcome: SearchOutcome, **changes: object) -> Recommendation:
    single = {"architecture": "s", "accuracy": 0.7, "latency_ms": 9.0, "peak_memory_mib": 4.0}
    base = Recommendation(
        Budget("at the knee", {"latency_ms": 20.0}), "search", 3, outcome.front[3], single, 0.02
    )
    return dataclasses.replace(base, **changes)  # type: ignore[arg-type]


def test_answers_are_sentences(outcome: SearchOutcome) -> None:
    start = "At the knee (mean latency of at most 20.0 ms): "
    text = sentence(_answer(outcome, gain_low=0.01, gain_high=0.03, interval="conformal, 90 %"))
    assert text.startswith(f"{start}use {outcome.front.little[3]} -> {outcome.front.big[3]}")
    assert "It gains +2.00 points (+1.00 to +3.00, conformal) over the best single network" in text
    assert "p95" in text
    assert "MiB" in text
    assert "holds 0" not in text
    assert "holds 0" in sentence(_answer(outcome, gain_low=-0.01, gain_high=0.03))
    assert sentence(_answer(outcome, gain=-0.01)).startswith(f"{start}use the single network s")
    assert sentence(_answer(outcome, pair=None, gain=None)).endswith(
        "No pair that was seen meets it."
    )
    assert "measured in the table" in sentence(_answer(outcome, source="table"))
    assert (
        sentence(_answer(outcome, pair=None, single=None))
        == f"{start}nothing that was seen meets it."
    )
