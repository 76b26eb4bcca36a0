"""What is bounded and counted of one little network."""

from __future__ import annotations

import numpy as np

from biglittle.bench.cost import NetworkCosts
from biglittle.bench.front_bounds import LittlePoints
from biglittle.bench.front_costs import PairCosts
from biglittle.bench.front_pool import Pool
from biglittle.bench.front_question import Question
from biglittle.bench.tally import Tally


def _points(codes: np.ndarray, correct: np.ndarray, best: int) -> LittlePoints:  # type: ignore[type-arg]
    figure = np.arange(1.0, len(correct) + 1)
    costs = NetworkCosts(*(figure,) * 6, gate_ms=0.0, provenance={})
    question = Question(
        Tally(correct),
        [codes.__getitem__],
        costs,
        ("error", "latency_ms"),
        {"accuracy": best / 500},
    )
    pool = Pool(question.objectives, np.array([1.0]), np.array([9.0]))
    pairs = PairCosts(costs.take([0]), costs, None, question.axes, {})
    return LittlePoints(question, 0, [0, 1], [codes[0], codes[1]], pairs, pool)


def test_candidates_have_the_right_answers_of_their_cut() -> None:
    rng = np.random.default_rng(0)
    correct = rng.random((4, 500)) < np.array([[0.5], [0.7], [0.8], [0.9]])
    codes = rng.integers(0, 250, (2, 500)).astype(np.uint8)
    points = _points(codes, correct, 440)
    row, big, hits, (latency,) = points.candidates()
    escalated = codes[points.gate[row]] < points.cut[row][:, None]
    truth = np.where(escalated, correct[big], correct[0]).sum(axis=1)
    assert np.array_equal(hits, truth)
    assert np.allclose(latency, 1 + escalated.mean(axis=1) * (big + 1))
    assert set(points.gate[row]) == {0, 1}
    every = [
        (gate, cut, big)
        for gate in range(2)
        for cut in np.unique(codes[gate]) + 1
        for big in range(4)
        if np.where(codes[gate] < cut, correct[big], correct[0]).sum() >= 440
    ]
    assert set(every) == set(zip(points.gate[row], points.cut[row], big, strict=True))
    assert len(row) <= points.n_counted < 0.7 * 2 * 250 * 4


def test_a_network_whose_answers_all_have_the_last_code_escalates_all_or_none() -> None:
    correct = np.eye(3, 500, dtype=np.bool_)
    points = _points(np.full((2, 500), 255, np.uint8), correct, 1)
    row, big, hits, _ = points.candidates()
    assert set(points.cut[row]) == {256}
    assert np.array_equal(hits, np.ones(len(big)))
    assert points.step(row).tolist() == [0] * len(row)
