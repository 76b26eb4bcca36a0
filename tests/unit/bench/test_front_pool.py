"""The pool of points that no other dominates."""

from __future__ import annotations

import numpy as np

from biglittle.bench.front_pool import Batch, Pool, joined


def _batch(hits: list[int], cost: list[float], rank: list[int]) -> Batch:
    index = np.arange(len(hits))
    columns = (index, index, index, index, np.array(hits), np.array(rank))
    return Batch(*columns, costs=np.array(cost)[:, None])


def test_of_equal_points_the_one_of_the_lowest_rank_stays_whenever_it_comes() -> None:
    for ranks in ((5, 2, 7), (7, 5, 2), (2, 7, 5)):
        pool = Pool(("error", "latency_ms"), np.array([0.0]), np.array([9.0]))
        for rank in ranks:
            pool.take_in([_batch([6, 3], [2.0, 4.0], [rank, rank + 20])])
        front = pool.front()
        assert front is not None
        assert front.rank.tolist() == [2]  # the other point costs more and has fewer right


def test_equal_points_are_open_and_dominated_ones_are_not() -> None:
    pool = Pool(("latency_ms", "error"), np.array([0.0]), np.array([9.0]))
    pool.take_in([_batch([6], [2.0], [0])])
    hits, costs = np.array([6, 6, 7, 5]), [np.array([2.0, 2.5, 2.5, 1.0])]
    assert pool.open(hits, costs).tolist() == [True, False, True, True]
    assert pool.best([np.array([8.0, 1.0])]).tolist() == [6, -1]


def test_without_costs_what_equals_the_best_is_open() -> None:
    pool = Pool(("error",), np.zeros(0), np.zeros(0))
    pool.take_in([joined([_batch([6], [0.0], [0])]).take(np.array([0]))])
    assert pool.open(np.array([5, 6, 7]), []).tolist() == [False, True, True]


def test_costs_alone_leave_right_answers_out() -> None:
    pool = Pool(("latency_ms",), np.array([0.0]), np.array([9.0]))
    pool.take_in([_batch([6, 600], [2.0, 3.0], [0, 1])])
    assert pool.open(np.array([999, 0]), [np.array([4.0, 1.0])]).tolist() == [False, True]
    front = pool.front()
    assert front is not None
    assert front.hits.tolist() == [6]
