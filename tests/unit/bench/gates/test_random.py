"""The control: a fixed random order."""

from __future__ import annotations

import numpy as np
import pytest

from biglittle.bench import Table
from biglittle.bench.gates import (
    Answers,
    get_gate,
)


def test_random_escalates_the_share_it_is_asked_for_whatever_the_network(table: Table) -> None:
    codes = table.codes("random", "test")
    assert (codes == codes[0]).all()
    for threshold in (0.1, 0.25, 0.9):
        cut = int(get_gate("random").cut(threshold, 10))
        assert (codes[0] < cut).mean() == pytest.approx(threshold, abs=1 / 512 + 1 / 900)
    correct = table.predictions("test").correct
    along = [np.corrcoef(codes[0], row)[0, 1] for row in correct if row.std() > 0]
    assert np.abs(along).max() < 4 / np.sqrt(900)


def test_random_order_is_pinned() -> None:
    answers = Answers(np.zeros(6, np.uint8), {}, 10)
    order = np.argsort(get_gate("random").fit(answers, np.ones(6, bool)).scores(answers))  # type: ignore[attr-defined]
    assert order.tolist() == [2, 5, 0, 4, 3, 1]
