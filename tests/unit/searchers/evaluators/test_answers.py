"""Operating points of pairs are those that counting images one by one gives."""

from __future__ import annotations

import numpy as np
import pytest

from biglittle.searchers.evaluators.answers import Answers

N, IMAGES = 4, 60


@pytest.fixture(scope="module")
def answers() -> Answers:
    rng = np.random.default_rng(0)
    codes = {g: rng.integers(0, 256, (N, IMAGES)).astype(np.uint8) for g in ("margin", "max_prob")}
    return Answers(rng.random((N, IMAGES)) < 0.7, codes, n_classes=10)


def counted(answers: Answers, little: int, big: int, gate: str, cut: int) -> tuple[float, float]:
    escalated = answers.codes[gate][little] < cut
    right = np.where(escalated, answers.right[big], answers.right[little])
    return float(escalated.mean()), float(right.mean())


def test_single_points(answers: Answers) -> None:
    rng = np.random.default_rng(1)
    little, big = rng.integers(0, N, (2, 50))
    gate, cut = rng.integers(0, 2, 50), rng.integers(0, 257, 50)
    rate, accuracy = answers.points(little, big, gate, cut)
    for i in range(50):
        expected = counted(answers, little[i], big[i], answers.gates[gate[i]], cut[i])
        assert (rate[i], accuracy[i]) == expected


def test_a_curve_has_every_cut_at_which_escalating_more_pays(answers: Answers) -> None:
    cuts, escalated, hits = answers.curve(0, 1, "margin")
    whole = [counted(answers, 0, 1, "margin", cut) for cut in range(257)]
    assert cuts[0] == escalated[0] == 0
    assert (np.diff(hits) > 0).all()
    best = max(accuracy for _, accuracy in whole)
    assert hits[-1] == round(best * IMAGES)
    for cut, n, right in zip(cuts, escalated, hits, strict=True):
        assert whole[cut] == (n / IMAGES, right / IMAGES)
    for rate, accuracy in whole:  # none of the others is better than all of the curve
        paying = escalated <= round(rate * IMAGES)
        assert hits[paying].max() >= round(accuracy * IMAGES)
