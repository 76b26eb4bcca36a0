"""What a search returns, and what it says while it runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..bench import Points
from .log import EvaluationLog
from .settings import SearchSettings
from .singles import SingleNetworks


@dataclass(frozen=True)
class Progress:
    """How far a search is, for a progress bar.

    Attributes:
        n_evaluations: budget spent so far.
        budget: budget that may be spent in all.
        n_front: operating points of the front so far.
        duration_s: seconds since the search began.
    """

    n_evaluations: int
    budget: int
    n_front: int
    duration_s: float


OnProgress = Callable[[Progress], None]


@dataclass(frozen=True)
class Snapshot:
    """The front as it was after some evaluations.

    Attributes:
        n_evaluations: budget spent until then.
        values: objectives of the front, shape (n_front, n_objectives), everything minimised.
        ended_s: seconds since the search began.
    """

    n_evaluations: int
    values: NDArray[np.float64]
    ended_s: float = 0.0


@dataclass(frozen=True)
class SearchOutcome:
    """What a search returns.

    Attributes:
        front: non-dominated over everything evaluated that meets the limits.
        singles: of all networks seen as little or big, those that are the most accurate for
            their latency, energy, MACs or memory. They are a by-product: a search for single
            networks alone may find better ones.
        history: the front after each batch, to draw any-time curves.
        n_evaluations: candidates evaluated, at whatever fidelity.
        n_infeasible: candidates among these that are beyond a limit.
        n_unusable: candidates among these that lack one of the figures asked for.
        n_networks: distinct networks among them.
        seconds_total: wall-clock time of the whole search.
        seconds_evaluating: the part of it that was spent inside the evaluator.
        settings: objectives, limits, budget and seed of the search.
        best: the best point under the soft score; None where none was asked for.
        log: every evaluation; None where an outcome was made by hand.
    """

    front: Points
    singles: SingleNetworks
    history: tuple[Snapshot, ...]
    n_evaluations: int
    n_infeasible: int
    n_unusable: int
    n_networks: int
    seconds_total: float
    seconds_evaluating: float
    settings: SearchSettings
    best: Points | None = None
    log: EvaluationLog | None = None

    @property
    def seconds_overhead(self) -> float:
        """The searcher's own time: everything outside the evaluator."""
        return self.seconds_total - self.seconds_evaluating
