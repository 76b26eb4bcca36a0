"""``nsga2``: NSGA-II over pairs of networks and their operating points.

One individual is an integer genome [little | big | gate | cut] (`searchers/domain.py`); limits are
constraints (relative violation), so an infeasible individual loses to a feasible one and among
infeasible ones the smaller violation wins.

Where it departs from the textbook: half of the first population has a share of cheapest choices,
drawn anew for each network, because uniform sampling never sees a small network; no candidate is
evaluated twice in a run; where the gate is optimised inside, one child comes back as all operating
points of its curve; the front returned is over everything evaluated, not over the last population.

Source: Deb et al. 2002, A Fast and Elitist Multiobjective Genetic Algorithm: NSGA-II (selection
and survival as in pymoo, Blank and Deb 2020; binary tournament, rank and crowding).
"""

from __future__ import annotations

from pymoo.algorithms.moo.nsga2 import NSGA2

from ..search import Searcher
from ._pymoo import PymooStrategy, Question


def start(problem: Question) -> PymooStrategy:
    """NSGA-II with this package's sampling, crossover and mutation."""
    return PymooStrategy(problem, NSGA2)


SEARCHER = Searcher(start, "nsga2")
