"""Statistics of proxies by hand."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from biglittle.data_tables.evidence.zerocost import (  # noqa: E402
    _agreement,
)


def test_statistics_by_hand() -> None:
    x = np.array([1.0, 2.0, 3.0, 4.0])
    assert _agreement.spearman(x, np.exp(x)) == pytest.approx(1)
    assert _agreement.spearman(x, np.array([1.0, 3.0, 2.0, 4.0])) == pytest.approx(0.8)
    assert _agreement.kendall(x, np.array([1.0, 3.0, 2.0, 4.0])) == pytest.approx(4 / 6)
    assert _agreement.top_overlap(np.arange(20.0), np.arange(20.0)[::-1]) == 0
    assert _agreement.top_overlap(np.arange(20.0), np.arange(20.0)) == 1


def test_networks_without_a_score_are_left_out_and_counted() -> None:
    accuracy = np.arange(30.0)
    scores = accuracy.copy()
    scores[3] = np.nan
    found = _agreement.agreement([scores, -scores], accuracy, rounds=20)
    assert (found["n"], found["left_out"]) == (29, 1)
    assert found["spearman_by_seed"] == pytest.approx([1, -1])
    assert found["spearman"] == pytest.approx(0)
