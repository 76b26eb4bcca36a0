"""Thresholds with a guarantee: coverage by simulation with a known truth, and what is refused."""

from __future__ import annotations

import re

import numpy as np
import pytest

from biglittle.bench import Benchmark, Gate, Guarantee, Pair
from biglittle.bench.errors import BigLittleError, ConstraintError, GateError
from biglittle.bench.guarantee import gate_of
from biglittle.bench.synthetic import DEVICE

CODES = np.arange(256)
LITTLE = 0.5 + 0.48 * CODES / 255  # chance that little is right, by its code
BIG = 0.88


def _draw(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    codes = rng.integers(0, 256, n).astype(np.uint8)
    return codes, rng.random(n) < LITTLE[codes], rng.random(n) < BIG


def _true_accuracy(cut: int) -> float:
    return float(np.where(CODES < cut, BIG, LITTLE).mean())


@pytest.mark.parametrize(("kind", "level"), [("accuracy", 0.86), ("loss", 0.02)])
def test_the_promise_fails_no_more_often_than_it_says(kind: str, level: float) -> None:
    delta, repeats, rng = 0.2, 200, np.random.default_rng(0)
    asked, failed, shares = Guarantee(kind, level, delta), 0, []
    floor = level if kind == "accuracy" else BIG - level
    for _ in range(repeats):
        cut = asked.certified_cut(*_draw(rng, 500))
        if cut is None:
            continue
        shares.append(cut / 256)
        failed += _true_accuracy(cut) < floor
    assert failed <= delta * repeats + 4 * np.sqrt(delta * (1 - delta) * repeats)
    assert np.mean(shares) < 0.9  # it is no mere "escalate all"
    assert len(shares) > repeats / 3


def test_more_images_certify_less_escalation_and_a_smaller_delta_more() -> None:
    rng = np.random.default_rng(1)
    cuts = {}
    for n in (500, 20_000):
        draw = _draw(rng, n)
        for delta in (0.4, 0.02):
            cut = Guarantee("loss", 0.02, delta).certified_cut(*draw)
            cuts[n, delta] = 257 if cut is None else cut
    assert cuts[20_000, 0.02] < cuts[500, 0.02]
    assert cuts[20_000, 0.4] <= cuts[20_000, 0.02]
    assert _true_accuracy(cuts[20_000, 0.02]) > BIG - 0.02


def test_nothing_is_certified_beyond_the_first_cut_that_fails() -> None:
    """Little is always right where it is sure and never where it is not."""
    codes = np.repeat(np.array([10, 200], np.uint8), 1000)
    little, big = codes == 200, np.ones(2000, bool)
    assert Guarantee("loss", 0.01).certified_cut(codes, little, big) == 11
    assert Guarantee("accuracy", 0.99).certified_cut(codes, little, big) == 11
    assert Guarantee("accuracy", 0.99).certified_cut(codes, little, ~big) is None


def test_of_a_benchmark_it_is_the_point_of_the_lowest_certified_cut(
    bench: Benchmark, pair: Pair
) -> None:
    asked = Guarantee("loss", 0.05, 0.2)
    chosen = asked.choose(bench, pair, "margin", DEVICE)
    assert chosen.point == bench.query(pair, chosen.gate, DEVICE)
    val, rows = bench.table.predictions("val"), bench.table.pair_rows(pair)
    cut = asked.certified_cut(
        val.codes["margin"][rows[0]], val.correct[rows[0]], val.correct[rows[1]]
    )
    assert chosen.gate.cut(10) == cut
    assert chosen.n_images == len(val.labels)
    lost = bench.accuracy()[rows[1]] - chosen.point.accuracy
    assert chosen.kept == (lost <= 0.05)
    assert chosen.record()["kept_on_test"] == chosen.kept
    assert "at most 5.00 points below big's with probability 80 %" in chosen.text()[0]
    accurate = Guarantee("accuracy", 0.5).choose(bench, pair, "entropy", DEVICE)
    assert accurate.kept == (accurate.point.accuracy >= 0.5)
    assert "On test:" in accurate.text()[-1]


def test_what_is_refused_says_what_to_ask_and_that_can_be_had(bench: Benchmark, pair: Pair) -> None:
    for asked in (Guarantee("accuracy", 0.999), Guarantee("loss", 0.0001)):
        with pytest.raises(ConstraintError, match="tests begin with big") as told:
            asked.choose(bench, pair, "margin", DEVICE)
        at_most = re.search(rf"certify {asked.kind} (\d\.\d+)", str(told.value))
        assert at_most is not None
        advised = Guarantee(asked.kind, float(at_most[1]))
        assert advised.choose(bench, pair, "margin", DEVICE).point.escalation_rate <= 1
    with pytest.raises(GateError, match="expected one of entropy, margin, max_prob"):
        Guarantee("loss", 0.1).choose(bench, pair, "learned", DEVICE)
    with pytest.raises(ConstraintError, match="no operating point that keeps"):
        Guarantee("loss", 0.05).choose(bench, pair, "margin", DEVICE, {"latency_ms": 1e-6})
    roomy = Guarantee("loss", 0.05).choose(bench, pair, "margin", DEVICE, {"latency_ms": 1e6})
    assert roomy.point.latency_ms is not None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("error=0.1", "expected accuracy or loss"),
        ("accuracy", "is not a guarantee; expected accuracy=0.85"),
        ("accuracy=85", "not a fraction"),
        ("loss=-1", "between -1 and 1, such as loss=0.01"),
        ("accuracy=nan", "not a fraction"),
        ("loss=a", "is not a guarantee"),
    ],
)
def test_a_text_that_is_not_a_guarantee_is_refused(text: str, message: str) -> None:
    with pytest.raises(BigLittleError, match=message):
        Guarantee.parse(text)


def test_a_delta_is_a_probability() -> None:
    for delta in (0.0, 1.0, float("nan")):
        with pytest.raises(ConstraintError, match="expected such as"):
            Guarantee("loss", 0.1, delta)


def test_a_gate_is_asked_by_a_threshold_or_by_a_guarantee(bench: Benchmark, pair: Pair) -> None:
    assert gate_of(bench, pair, DEVICE, "margin", None, "") == (Gate("margin", 0.5), None)
    assert gate_of(bench, pair, DEVICE, "margin", 0.3, "")[0] == Gate("margin", 0.3)
    gate, promised = gate_of(bench, pair, DEVICE, "margin", None, "loss=0.05", 0.2)
    assert promised is not None
    assert promised.gate == gate
    with pytest.raises(ConstraintError, match="give one of them"):
        gate_of(bench, pair, DEVICE, "margin", 0.3, "loss=0.05", 0.2)


def test_anybodys_models_are_certified_as_those_of_a_table_are() -> None:
    rng = np.random.default_rng(2)
    labels = rng.integers(0, 4, 3000)
    answers = {}
    for name, skill in (("little", 1.5), ("big", 4.0)):
        logits = rng.normal(size=(3000, 4))
        logits[np.arange(3000), labels] += skill
        odds = np.exp(logits)
        answers[name] = odds / odds.sum(axis=1, keepdims=True)
    costs = {"little": 1.0, "big": 10.0}
    own = Benchmark.from_answers(answers, labels, costs)
    promised = Guarantee("loss", 0.05).choose(own, ("little", "big"), "max_prob", own.devices[0])
    assert 0 < promised.point.escalation_rate < 1
    assert promised.n_images + len(own.table.predictions("test").labels) == 3000
