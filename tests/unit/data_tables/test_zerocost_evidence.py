"""The evidence on proxies: its statistics by hand, and a report from made-up scores."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

from biglittle.bench.errors import BigLittleError
from biglittle.data_tables import zerocost_evidence as evidence


def test_statistics_by_hand() -> None:
    x = np.array([1.0, 2.0, 3.0, 4.0])
    assert evidence.spearman(x, np.exp(x)) == pytest.approx(1)
    assert evidence.spearman(x, np.array([1.0, 3.0, 2.0, 4.0])) == pytest.approx(0.8)
    assert evidence.kendall(x, np.array([1.0, 3.0, 2.0, 4.0])) == pytest.approx(4 / 6)
    assert evidence.top_overlap(np.arange(20.0), np.arange(20.0)[::-1]) == 0
    assert evidence.top_overlap(np.arange(20.0), np.arange(20.0)) == 1


def test_networks_without_a_score_are_left_out_and_counted() -> None:
    accuracy = np.arange(30.0)
    scores = accuracy.copy()
    scores[3] = np.nan
    found = evidence.agreement([scores, -scores], accuracy, rounds=20)
    assert (found["n"], found["left_out"]) == (29, 1)
    assert found["spearman_by_seed"] == pytest.approx([1, -1])
    assert found["spearman"] == pytest.approx(0)


def test_pairs_of_a_perfect_proxy() -> None:
    rng = np.random.default_rng(0)
    accuracy = rng.random(40)
    little, big = rng.integers(0, 40, (2, 300))
    found = evidence.pair_agreement([accuracy], little, big, accuracy[big], 0.5)
    assert found["big"]["spearman"] == pytest.approx(1)
    assert found["big"]["standard_error"] == pytest.approx(0, abs=1e-9)
    assert abs(found["little"]["spearman"]) < 0.3


def test_an_empty_folder_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(BigLittleError, match="step score"):
        evidence.measure(tmp_path)
