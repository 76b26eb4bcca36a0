"""Temperature scaling from what tables store: exact where that is enough, and what it changes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biglittle.bench import Table
from biglittle.bench.failure_prediction import expected_calibration_error
from biglittle.bench.gates import Answers, get_gate
from biglittle.bench.gates.temperature import Temperature, scaled
from biglittle.bench.table_contents import encode_predictions


def _softmax(logits: np.ndarray) -> np.ndarray:
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(odds / odds.sum(axis=1, keepdims=True))


def _answers(probabilities: np.ndarray) -> Answers:
    labels = np.zeros(len(probabilities), np.uint8)
    return Answers(*encode_predictions(probabilities, labels), probabilities.shape[1])


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.3, 4.0))
def test_it_is_the_scaled_softmax_of_up_to_three_classes(seed: int, temperature: float) -> None:
    logits = np.random.default_rng(seed).normal(size=(50, 3)) * 2
    ranked = np.sort(_softmax(logits), axis=1).T[::-1]
    exact = _softmax(logits / temperature).max(axis=1)
    assert scaled(np.log(ranked), 3, temperature) == pytest.approx(exact, rel=1e-9)
    stored = Temperature(1.0).scores(_answers(_softmax(logits)))
    rounding = get_gate("max_prob").rounding_error(3) + get_gate("margin").rounding_error(3)  # type: ignore[attr-defined]
    assert np.abs(stored - ranked[0]).max() < rounding


def test_with_two_classes_it_orders_answers_as_max_prob_does() -> None:
    logits = np.random.default_rng(0).normal(size=(500, 2)) * 2
    answers = _answers(_softmax(logits))
    order = np.argsort(answers.codes["max_prob"], kind="stable")
    assert (np.diff(Temperature(3.0).scores(answers)[order]) >= -1e-12).all()


def test_a_network_that_is_too_sure_is_cooled_down_to_what_it_knows() -> None:
    rng = np.random.default_rng(1)
    logits = rng.normal(size=(20_000, 10)) * 2
    truth = (rng.random(20_000)[:, None] > np.cumsum(_softmax(logits), axis=1)).sum(axis=1)
    right = logits.argmax(axis=1) == truth
    answers = _answers(_softmax(3.0 * logits))  # logits that are three times too large
    fitted = get_gate("temperature").fit(answers, right)  # type: ignore[attr-defined]
    assert 1.8 < fitted.temperature < 3.5  # not 3: the small probabilities are taken as equal
    before = expected_calibration_error(
        get_gate("max_prob").decode(answers.codes["max_prob"], 10), right
    )
    after = expected_calibration_error(fitted.scores(answers), right)
    assert after < before / 4


def test_it_makes_networks_of_a_table_better_calibrated_on_val(table: Table) -> None:
    stored = table.predictions("val")
    errors = []
    for gate in ("max_prob", "temperature"):
        rule, codes = get_gate(gate), table.codes(gate, "val")
        errors.append(
            np.mean(
                [
                    expected_calibration_error(rule.decode(each, 10), right)
                    for each, right in zip(codes, stored.correct, strict=True)
                ]
            )
        )
    assert errors[1] < errors[0]
