"""Scores and their codes, whatever the gate."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biglittle.bench import GATES
from biglittle.bench.gates import (
    N_CODES,
    Answers,
    get_gate,
    score_codes,
    stored_metrics,
)

DERIVED = tuple(name for name in GATES.names() if get_gate(name).kind == "derived")


@settings(max_examples=200)
@given(st.floats(0, 1), st.floats(0, 1), st.sampled_from((*DERIVED, "oracle")))
def test_a_score_is_kept_from_its_threshold_on(score: float, threshold: float, name: str) -> None:
    code = int(score_codes(score))
    stands_for = (code + 0.5) / N_CODES
    assert abs(stands_for - score) <= 0.5 / N_CODES
    assert (code >= int(get_gate(name).cut(threshold, 10))) == (stands_for >= threshold)


@pytest.mark.parametrize("name", ["per_class", "learned", "random", "temperature"])
@pytest.mark.parametrize("right", [True, False])
def test_degenerate_networks_are_fitted_all_the_same(name: str, right: bool) -> None:
    """All answers right, or none; one class; one confidence."""
    codes = {metric: np.full(50, 9, np.uint8) for metric in stored_metrics()}
    answers = Answers(np.zeros(50, np.uint8), codes, 10)
    gate = get_gate(name)
    scores = gate.fit(answers, np.full(50, right)).scores(answers)  # type: ignore[attr-defined]
    assert scores.shape == (50,)
    assert ((scores >= 0) & (scores <= 1)).all()
    if name in ("per_class", "learned"):
        assert (scores > 0.5).all() == right
