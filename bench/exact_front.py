"""The exact front over all pairs, gates and thresholds, without looking at every point.

Nothing is estimated: a point is dropped only when it is proven dominated (``front_bounds.py``). The
answer depends neither on the order in which little networks are looked at nor on the threads.
"""

from __future__ import annotations

import concurrent.futures
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .front_question import Question
from .front_search import FrontSearch

_ROUND = 16  # littles that look at the same known front, so that threads change nothing
_FIRST_ROUND = 2
_COLUMNS = ("little", "big", "gate", "cut", "hits")


@dataclass(frozen=True)
class FrontRows:
    """Non-dominated points as indices, all of shape (n,), sorted by the first objective.

    Attributes:
        little: index of the little network among those looked at.
        big: index of the big network among those looked at.
        gate: index of the gate among those looked at.
        cut: code below which answers are escalated, 0 to 256.
        hits: number of images answered right.
        n_points: number of operating points that were compared, every cut and gate of each pair.
        n_counted: number of those whose right answers were counted.
        n_littles: little networks that were done; fewer than there are after an interrupt.
    """

    little: NDArray[np.intp]
    big: NDArray[np.intp]
    gate: NDArray[np.intp]
    cut: NDArray[np.int64]
    hits: NDArray[np.int64]
    n_points: int
    n_counted: int
    n_littles: int


class FrontInterrupted(KeyboardInterrupt):
    """An interrupt while a front was worked out.

    Attributes:
        front: front of the little networks that were done: ``FrontRows`` from ``exact_front``, a
            ``Front`` from ``Benchmark.front``.
    """

    def __init__(self, front: Any) -> None:
        super().__init__("interrupted; the front so far is in .front")
        self.front = front


def _rows(search: FrontSearch, n_littles: int, n_counted: int) -> FrontRows:
    """The front of what the search has taken in."""
    question, front = search.question, search.pool.front()
    none = np.zeros(0, np.int64)
    rows = {c: none if front is None else getattr(front, c) for c in _COLUMNS}
    n_pairs = search.n * n_littles
    if question.allowed is not None:
        n_pairs = sum(int(question.allowed(i).sum()) for i in search.order[:n_littles].tolist())
    n_points = n_pairs * len(question.cuts) * len(question.gates)
    return FrontRows(**rows, n_points=n_points, n_counted=n_counted, n_littles=n_littles)


def exact_front(
    question: Question,
    threads: int = 2,
    on_progress: Callable[[int, int], None] | None = None,
) -> FrontRows:
    """The front of every pair of n networks under every gate and cut, exact to the last image.

    Args:
        question: the networks, gates, costs, objectives and limits.
        threads: number that look at little networks side by side; the answer does not depend on it.
        on_progress: called with (littles done, littles).

    Raises:
        FrontInterrupted: on an interrupt; carries the ``FrontRows`` of the littles done.
    """
    search, done, n_counted = FrontSearch(question), 0, 0
    n, order = search.n, search.order
    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        try:
            while done < n:
                size = min(_ROUND, max(_FIRST_ROUND, done))  # a good front early prunes more
                littles = order[done : done + size].tolist()
                for batches, counted in list(pool.map(search.look, littles)):
                    search.pool.take_in(batches)
                    n_counted += counted
                done += len(littles)
                if on_progress is not None:
                    on_progress(done, n)
        except KeyboardInterrupt:
            raise FrontInterrupted(_rows(search, done, n_counted)) from None
    return _rows(search, done, n_counted)


__all__ = ["FrontInterrupted", "FrontRows", "Question", "exact_front"]
