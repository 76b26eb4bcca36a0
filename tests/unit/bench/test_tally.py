"""Counts in every layout are those of masks, image by image."""

from __future__ import annotations

import numpy as np

from biglittle.bench.gates import N_CODES
from biglittle.bench.tally import Tally, below_each

RNG = np.random.default_rng(0)
CORRECT = RNG.random((5, 130)) < 0.6
CODES = RNG.integers(0, N_CODES, (5, 130)).astype(np.uint8)


def _by_masks(little: int, big: int, cut: int) -> tuple[int, int]:
    escalated = CODES[little] < cut
    hits = np.where(escalated, CORRECT[big], CORRECT[little])
    return int(escalated.sum()), int(hits.sum())


def test_a_sweep_counts_every_cut_with_one_big_and_with_all() -> None:
    tally = Tally(CORRECT)
    for bigs in ([3], [4, 0], [0, 1, 2, 3, 4]):
        escalated, hits = tally.swept(2, CODES[2], np.array(bigs))
        expected = [[_by_masks(2, big, cut) for big in bigs] for cut in range(N_CODES + 1)]
        assert np.array_equal(escalated, np.array(expected)[:, 0, 0])
        assert np.array_equal(hits, np.array(expected)[:, :, 1])


def test_points_of_any_kind_are_counted_in_their_order() -> None:
    n = 1200  # more than one block
    little, big = RNG.integers(0, 5, (2, n))
    cut = RNG.integers(0, N_CODES + 1, n)
    cut[:2] = 0, N_CODES
    escalated, hits = Tally(CORRECT).hits(CODES, little, big, cut, little)
    expected = np.array([_by_masks(*point) for point in zip(little, big, cut, strict=True)])
    assert np.array_equal(escalated, expected[:, 0])
    assert np.array_equal(hits, expected[:, 1])


def test_no_cut_escalates_nothing_and_the_last_one_all() -> None:
    masks = below_each(CODES[:2], np.array([0, N_CODES]))
    assert not masks[0].any()
    assert masks[1].all()
