"""The post-hoc estimator: it finds where escalation is in vain, and val is scored in folds."""

from __future__ import annotations

import numpy as np

from biglittle.bench.codes import Codes
from biglittle.bench.gates import Answers, get_gate, stored_metrics
from biglittle.bench.gates._score import Ranked
from biglittle.bench.table_contents import Predictions


def _split(rng: np.random.Generator, n: int) -> Predictions:
    """Little is as unsure of class 1 as of class 0, but there big is never right either."""
    labels = rng.integers(0, 2, n).astype(np.uint8)
    codes = {m: rng.integers(0, 256, (2, n)).astype(np.uint8) for m in stored_metrics()}
    little_right = rng.random(n) < 0.5
    little = np.where(little_right, labels, 2 + (labels == 1))
    big = np.where((labels == 0) & (rng.random(n) < 0.9), labels, 5)
    top1 = np.stack([little, np.where(little_right, little, big)]).astype(np.uint8)
    return Predictions(labels, top1, codes)


def test_it_escalates_what_big_can_mend_where_confidence_cannot_tell() -> None:
    rng = np.random.default_rng(0)
    splits = {"val": _split(rng, 4000), "test": _split(rng, 4000)}
    codes = Codes(splits.__getitem__, 10)
    for split, stored in splits.items():
        needed = stored.correct[1] & ~stored.correct[0]
        paired = codes.of_two("post_hoc", split, 0, 1)
        lone = codes.of("learned", split, [0])[0]
        rates = []
        for each in (paired, lone):
            asked = np.argsort(each, kind="stable")[:1000]
            rates.append(needed[asked].mean())
        assert rates[0] > rates[1] + 0.1, split


def test_an_answer_of_val_is_scored_by_a_fit_that_did_not_see_it() -> None:
    """A fit that saw its answers would rank them by labels that are pure noise."""
    rng = np.random.default_rng(1)
    n = 60
    labels = np.zeros(n, np.uint8)
    top1 = np.stack([rng.integers(0, 60, n), np.zeros(n)]).astype(np.uint8)
    codes = {m: rng.integers(0, 256, (2, n)).astype(np.uint8) for m in stored_metrics()}
    stored = Predictions(labels, top1, codes)
    rule, table = get_gate("post_hoc"), Codes(lambda split: stored, 60)
    answers = Answers(top1[0], {m: c[0] for m, c in codes.items()}, 60)
    right = stored.correct
    scores = table._paired_scores(rule, "val", 0, 1)  # type: ignore[arg-type]
    for fold in range(5):
        inside = np.arange(n) % 5 == fold
        fitted = rule.fit(answers.take(~inside), right[0][~inside], right[1][~inside])  # type: ignore[attr-defined]
        assert np.array_equal(scores[inside], fitted.scores(answers.take(inside)))
    whole = rule.fit(answers, right[0], right[1]).scores(answers)  # type: ignore[attr-defined]
    assert not np.array_equal(whole, scores)
    assert np.array_equal(table._paired_scores(rule, "test", 0, 1), whole)  # type: ignore[arg-type]


def test_ranks_are_shares_of_the_fitted_answers() -> None:
    answers = Answers(np.array([3, 1, 1, 7], np.uint8), {}, 10)
    ranked = Ranked.of(lambda a: a.top1.astype(np.float64), answers)
    assert ranked.scores(answers).tolist() == [0.625, 0.25, 0.25, 0.875]
    below_all = Answers(np.array([0, 9], np.uint8), {}, 10)
    assert ranked.scores(below_all).tolist() == [0.0, 1.0]
