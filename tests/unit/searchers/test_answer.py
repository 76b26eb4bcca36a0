"""What a search answers first: in words, with the gain's interval, and from where."""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import pytest

from biglittle.bench import Benchmark, Gate, Pair
from biglittle.bench.recommend import (
    Budget,
    Recommendation,
    budgets,
    recommend,
    recommended_rows,
)
from biglittle.bench.synthetic import DEVICE, synthetic_table
from biglittle.bench.table_writer import write_table
from biglittle.searchers import SearchOutcome, SearchSettings
from biglittle.searchers.answer import (
    BOOTSTRAP,
    answers,
    exact_front,
    on_test,
    right_of_pair,
    score_answer,
    sentence,
    table_answers,
)
from biglittle.searchers.answer_page import answers_section
from biglittle.searchers.singles import SINGLE_COSTS, SingleNetworks
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


def test_networks_alone_are_looked_up_once_for_all_answers(
    bench: Benchmark, monkeypatch: pytest.MonkeyPatch
) -> None:
    splits: list[str] = []

    def counted(bench: Benchmark, device: str, split: str) -> SingleNetworks:
        splits.append(split)
        return table_singles(bench, device, split)

    front, given = bench.front(DEVICE), ({}, ("error", "latency_ms"))
    expected = table_answers(bench, front.chosen, DEVICE, *given)
    monkeypatch.setattr("biglittle.searchers.answer.table_singles", counted)
    several = table_answers(bench, front.chosen, DEVICE, *given)
    assert [a.record() for a in several] == [a.record() for a in expected]
    assert sorted(splits) == ["test", "val"]
    assert sum(a.pair is not None and a.single is not None for a in several) > 1


def test_an_answer_on_test_keeps_its_choice(bench: Benchmark) -> None:
    front = bench.front(DEVICE)
    questions = budgets(front.chosen, {})
    chosen = recommend(front.chosen, questions, table_singles(bench, DEVICE, "val"))
    for before, after in zip(chosen, (on_test(a, bench, DEVICE) for a in chosen), strict=True):
        assert after.row == before.row
        assert after.decided == before.verdict  # what to offer is never decided on test
        if before.pair is not None and after.pair is not None and before.row is not None:
            assert after.pair.little == before.pair.little
            assert after.pair.accuracy == front.points.accuracy[before.row]


def test_the_single_network_of_hindsight_stands_beside_that_of_val(bench: Benchmark) -> None:
    front, alone = bench.front(DEVICE), table_singles(bench, DEVICE, "test")
    limits = np.quantile(alone.latency_ms, np.linspace(0.05, 1.0, 40)).tolist()
    questions = [Budget("here", {"latency_ms": limit}) for limit in limits]
    chosen = recommend(front.chosen, questions, table_singles(bench, DEVICE, "val"))
    differ = 0
    for answer in (on_test(a, bench, DEVICE) for a in chosen):
        if answer.pair is None or answer.single is None:
            continue
        (limit,) = answer.budget.limits.values()
        best = float(alone.accuracy[alone.latency_ms <= limit].max())
        if answer.by_test is None:
            assert answer.single["accuracy"] == best
            continue
        differ += 1
        assert answer.by_test["accuracy"] == best > answer.single["accuracy"]
        assert Recommendation.of(answer.record()).by_test == answer.by_test
        text = f"it gains {100 * (answer.pair.accuracy - best):+.2f} points."
        assert (text in sentence(answer)) == (answer.verdict == "pair")
    assert differ  # or the test shows nothing


def test_a_pair_of_a_table_is_held_against_its_big_network_alone(bench: Benchmark) -> None:
    front = bench.front(DEVICE)
    limits = np.quantile(front.chosen.latency_ms, np.linspace(0.1, 1.0, 12)).tolist()
    questions = [Budget("here", {"latency_ms": limit}) for limit in limits]
    chosen = recommend(front.chosen, questions, table_singles(bench, DEVICE, "val"))
    told = 0
    for answer in (on_test(a, bench, DEVICE) for a in chosen):
        pair, big = answer.pair, answer.big
        if pair is None:
            assert big is None
            continue
        row = bench.row(pair.big)
        assert big is not None
        assert big["architecture"] == pair.big
        assert big["accuracy"] == bench.accuracy("test")[row]
        assert big["latency_ms"] == bench.costs(DEVICE).latency_ms[row]
        assert big["gain"] == pytest.approx(pair.accuracy - big["accuracy"])
        assert big["gain_low"] <= big["gain"] <= big["gain_high"]
        assert big["latency_share"] == pair.latency_ms / big["latency_ms"]
        assert Recommendation.of(answer.record()).big == big
        text = f"it is at {100 * big['gain']:+.2f} points (90 % interval "
        assert answer.single is not None
        differ = answer.single["architecture"] != pair.big
        assert (text in sentence(answer)) == (differ and answer.verdict == "pair")
        told += text in sentence(answer)
        before = {k: v for k, v in answer.record().items() if k != "big_alone"}
        assert Recommendation.of(before).big is None  # a document of an earlier version
    assert told  # or the test shows nothing


def test_where_no_cost_is_known_an_answer_names_none(outcome: SearchOutcome) -> None:
    costs = ("latency_ms", "latency_p95_ms", "peak_memory_mib")
    pair = dataclasses.replace(outcome.front[3], **dict.fromkeys(costs), escalation_rate=0.281)
    lost = sentence(_answer(outcome, pair=pair, gain=-0.01))
    assert lost.endswith("gains -1.00 points.")
    won = sentence(_answer(outcome, pair=pair))
    assert f"accuracy {100 * pair.accuracy:.2f} %, 28.1 % escalated (predicted)." in won


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
    gain = "It gains +2.00 points (90 % interval +1.00 to +3.00, conformal)"
    assert f"{gain} over the best single network" in text
    words = outcome.front[3].provenance
    assert re.search(r"accuracy [\d.]+ % \(" + words["accuracy"], text)
    assert re.search(r"ms on average, [\d.]+ ms p95 \(" + words["latency_ms"], text)
    assert re.search(r"MiB \(" + words["peak_memory_mib"], text)
    assert "s (70.00 %, 9.00 ms on average, 4.00 MiB, unknown)" in text  # of an older file
    assert "holds 0" not in text
    assert "holds 0" in sentence(_answer(outcome, gain_low=-0.01, gain_high=0.03))
    assert sentence(_answer(outcome, gain=-0.01)).startswith(f"{start}use the single network s")
    assert sentence(_answer(outcome, pair=None, gain=None)).endswith(
        "No pair that was seen meets it."
    )
    bare = sentence(_answer(outcome, gain_low=0.01, gain_high=0.03))
    assert "It gains +2.00 points (interval +1.00 to +3.00) over" in bare
    assert "measured in the table" in sentence(_answer(outcome, source="table"))
    assert (
        sentence(_answer(outcome, pair=None, single=None))
        == f"{start}nothing that was seen meets it."
    )


def test_limits_that_hold_on_val_are_not_read_as_those_of_figures_of_test(
    bench: Benchmark,
) -> None:
    front = bench.front(DEVICE)
    limit = float(np.median(front.chosen.latency_ms))
    (answer,) = table_answers(bench, front.chosen, DEVICE, {"latency_ms": limit}, ("error",))
    assert "on val; the figures are of test): use" in sentence(answer)
    undecided = dataclasses.replace(answer, decided=None)  # as a search predicts it
    assert " on val" not in sentence(undecided)
    nothing = dataclasses.replace(answer, decided="nothing", pair=None, single=None)
    assert sentence(nothing).endswith("ms on val): nothing that was seen meets it.")
    assert answer.asked_text() in answers_section([answer], {})


def test_a_pair_that_lost_on_test_is_not_recommended(outcome: SearchOutcome) -> None:
    """Val chose it, and it gains nothing on test, surely or perhaps."""
    lost: dict[str, object] = {"gain": -0.007, "gain_low": -0.0108, "gain_high": -0.0031}
    answer = _answer(outcome, **lost, decided="pair", interval=BOOTSTRAP, source="table")
    assert (answer.verdict, answer.record()["verdict_on_val"]) == ("single", "pair")
    assert recommended_rows(outcome.front, [answer]) == ()
    assert Recommendation.of(answer.record()).verdict == "single"
    text = sentence(answer)
    assert "at most 20.0 ms on val; the figures are of test): use the single network s" in text
    pair = f"{outcome.front.little[3]} -> {outcome.front.big[3]}"
    assert f"On test the pair lost that was chosen on val: {pair}" in text
    interval = "90 % interval -1.08 to -0.31, bootstrap over test images"
    assert f"gains -0.70 points ({interval})" in text
    assert "holds 0" not in text
    assert dataclasses.replace(answer, gain_high=0.002).verdict == "single"
    assert dataclasses.replace(answer, gain=0.0, gain_high=0.002).verdict == "single"
    open_still = dataclasses.replace(answer, gain=0.001, gain_high=0.005)
    assert open_still.verdict == "pair"
    assert "the interval holds 0" in sentence(open_still)
    before = {k: v for k, v in answer.record().items() if k != "verdict_on_val"}
    assert Recommendation.of({**before, "verdict": "pair"}).verdict == "single"  # of an older file


def test_a_cheaper_pair_is_recommended_though_it_is_less_accurate(outcome: SearchOutcome) -> None:
    cheapest = Budget("at the limits", {"accuracy": 0.5}, "latency_ms")
    lost: dict[str, object] = {"gain": -0.007, "gain_low": -0.0108, "gain_high": -0.0031}
    answer = _answer(outcome, **lost, budget=cheapest, decided="pair")
    assert answer.verdict == "pair"
    text = sentence(answer)
    assert text.endswith("it was chosen for what it costs, and is less accurate.")
    assert "holds 0" not in text


def test_costs_in_sentences_have_three_significant_digits(outcome: SearchOutcome) -> None:
    """Of a fast board as of a slow one: the mean and the tail can be told apart."""
    pair = dataclasses.replace(outcome.front[3], latency_ms=0.26512, latency_p95_ms=0.31249)
    single = {"architecture": "s", "accuracy": 0.7, "latency_ms": 1234.5, "peak_memory_mib": 12.345}
    text = sentence(_answer(outcome, pair=pair, single=single))
    assert "0.265 ms on average, 0.312 ms p95" in text
    assert "1,234 ms on average, 12.3 MiB" in text


def test_each_figure_of_a_sentence_has_its_provenance(outcome: SearchOutcome) -> None:
    """Networks whole and cut at exits stand side by side: of one the latency may be predicted."""
    words = {"accuracy": "measured", "latency_ms": "predicted", "peak_memory_mib": "modelled"}
    figures = {"accuracy": 0.7, "latency_ms": 9.0, "peak_memory_mib": 4.0}
    single = {"architecture": "s@12", **figures, "provenance": words}
    named = "s@12 (70.00 %, measured; 9.00 ms on average, predicted; 4.00 MiB, modelled)"
    assert f"use the single network {named}." in sentence(_answer(outcome, single=single, gain=-1))
    assert f"over the best single network, {named}" in sentence(_answer(outcome, single=single))
    both = {"latency_ms": "modelled", "latency_p95_ms": "measured", "accuracy": "predicted"}
    pair = dataclasses.replace(outcome.front[3], provenance=both)
    text = sentence(_answer(outcome, pair=pair))
    assert re.search(r"% \(predicted\), [\d.]+ ms on average \(modelled\), [\d.]+ ms p95", text)
    lost = sentence(_answer(outcome, pair=pair, gain=-1))
    assert re.search(r"takes [\d.]+ ms on average \(modelled\), [\d.]+ ms p95 \(measured\)", lost)


def test_the_network_of_the_best_score_has_one_name(outcome: SearchOutcome) -> None:
    """Digits behind an exit say nothing, so that a search may have seen it under two names."""
    front = outcome.front
    some = dataclasses.replace(front.take(np.array([0])), escalation_rate=np.zeros(1))
    figures = {"accuracy": float(some.accuracy[0]), "latency_ms": float(some.latency_ms[0])}

    def seen(name: str, **changed: float) -> SingleNetworks:
        row = {**figures, **changed}
        costs = ("latency_ms", *(n for n in SINGLE_COSTS if n != "latency_ms"))
        columns = {n: np.array([row.get(n, 1.0)]) for n in ("accuracy", *costs)}
        return SingleNetworks(architecture=np.array([name]), provenance={}, **columns)

    same = score_answer(some, front, seen("another-name"))
    assert same.single is not None
    assert same.single["architecture"] == some.little[0]
    better = score_answer(some, front, seen("better", accuracy=figures["accuracy"] + 0.01))
    assert better.single is not None
    assert better.single["architecture"] == "better"


def test_a_gate_that_no_device_can_run_leaves_the_networks_alone(bench: Benchmark) -> None:
    front = bench.front(DEVICE, gates=("oracle",))
    limit = float(np.median(front.chosen.latency_ms))
    (answer,) = table_answers(bench, front.chosen, DEVICE, {"latency_ms": limit}, ("error",))
    assert (answer.verdict, answer.pairs) == ("single", False)
    assert "No pair" not in sentence(answer)
