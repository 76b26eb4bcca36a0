"""``nsga3``: NSGA-III, spread by reference directions; for three objectives.

The crowding distance of NSGA-II says little among the many non-dominated points of three
objectives. NSGA-III gives every individual to the nearest of a fixed fan of directions and keeps
those whose directions have few. Everything else is as in `nsga2`.

Source: Deb and Jain 2014, An Evolutionary Many-Objective Optimization Algorithm Using
Reference-Point-Based Nondominated Sorting (as in pymoo); directions: Das and Dennis 1998.
"""

from __future__ import annotations

import math

from pymoo.algorithms.moo.nsga3 import NSGA3
from pymoo.util.ref_dirs import get_reference_directions

from ..search import Problem, Searcher
from ._pymoo import PymooStrategy


def partitions(n_values: int, population: int) -> int:
    """The most partitions of each axis that need no more directions than the population holds.

    >>> partitions(2, 50), partitions(3, 50)
    (49, 8)
    """
    if n_values == 1:
        return 1
    p = 1
    while math.comb(p + n_values, n_values - 1) <= population:
        p += 1
    return p


def start(problem: Problem) -> PymooStrategy:
    """NSGA-III with this package's sampling, crossover and mutation."""
    n = problem.n_values
    directions = get_reference_directions(
        "das-dennis", n, n_partitions=partitions(n, problem.population)
    )
    return PymooStrategy(problem, NSGA3, ref_dirs=directions)


SEARCHER = Searcher(start, "nsga3")
