"""What is asked of a search."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from ..bench.coupling import checked_couplings
from ..bench.errors import ConstraintError, UnknownNameError
from ..bench.figures import FIGURES, checked_limits, counted, get_figure
from .soft import SoftScore, parse_soft

#: Where gate and cut are chosen: ``auto`` is ``inside`` where an evaluator has whole curves.
GATE_MODES = ("auto", "inside", "gene")
POPULATIONS = 40  # populations a budget holds where no population is given
SMALLEST_POPULATION, LARGEST_POPULATION = 20, 200


@dataclass(frozen=True)
class SearchSettings:
    """What is asked of a search.

    Attributes:
        objectives: two or three figures of an operating point.
        limits: largest value by figure (for accuracy: smallest).
        budget: candidates that may be evaluated; each one counts.
        seed: seed of the searcher's random numbers; the same seed gives the same front.
        population: candidates evaluated together, and the population of an evolutionary searcher;
            None: a fortieth of the budget, from 20 to 200.
        soft: a score to maximise instead, as arithmetic on names of figures; the front in the
            objectives is kept all the same. Empty: none.
        gate: ``inside``: an evaluation is of a pair, and all its non-dominated operating points
            count; ``gene``: an evaluation is of one operating point, and the searcher chooses gate
            and cut (Source: Gambella and Roveri 2023, EDANAS); ``auto``: inside where the
            evaluator has whole curves.
        budget_params: most parameters of each network of the first population; None: any number.
        budget_macs: most MACs of each network of the first population; None: any number.
        couplings: the only couplings that pairs may have, of ``sibling``, ``nested`` and
            ``prefix``; None: all that there are.

    Raises:
        ConstraintError: a number cannot be searched with, there are not two or three objectives, or
            the soft score is not arithmetic.
        UnknownNameError: an objective, limited figure, gate mode or coupling that does not exist.

    >>> SearchSettings(budget=1000, limits={"latency_ms": 20}).limits
    {'latency_ms': 20.0}
    """

    objectives: tuple[str, ...] = ("error", "latency_ms")
    limits: Mapping[str, float] = field(default_factory=dict)
    budget: int = 20_000
    seed: int = 0
    population: int | None = None
    soft: str = ""
    gate: str = "auto"
    budget_params: float | None = None
    budget_macs: float | None = None
    couplings: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "objectives", tuple(self.objectives))
        object.__setattr__(self, "limits", checked_limits(self.limits))
        object.__setattr__(self, "couplings", checked_couplings(self.couplings))
        for name in self.objectives:
            get_figure(name)
        different = {"error" if o == "accuracy" else o for o in self.objectives}
        if not 2 <= len(different) == len(self.objectives) <= 3:
            raise ConstraintError(
                f"a search needs two or three different objectives, got {list(self.objectives)} "
                "(error and accuracy are the same one)."
            )
        if self.gate not in GATE_MODES:
            raise UnknownNameError("gate mode", self.gate, GATE_MODES)
        if self.soft:
            _ = self.score
        for name, most in self.initial.items():
            if not math.isfinite(most) or most <= 0:
                raise ConstraintError(
                    f"budget_{name} {most:g} is not usable; expected a number above 0: the most "
                    f"{'parameters' if name == 'params' else 'MACs'} of a network to begin with."
                )
        _at_least("budget", self.budget, 1)
        _at_least("seed", self.seed, 0)
        if self.population is None:
            fitting = min(LARGEST_POPULATION, max(SMALLEST_POPULATION, self.budget // POPULATIONS))
            object.__setattr__(self, "population", min(fitting, max(2, self.budget)))
        else:
            _at_least("population", self.population, 2)
            if self.budget < self.population:
                raise ConstraintError(
                    f"a budget of {counted(self.budget, 'evaluation')} is smaller than one "
                    f"population of {self.population}; raise the budget or lower the population."
                )
        for name in ("budget", "population", "seed"):  # JSON takes no integers of numpy's
            object.__setattr__(self, name, int(getattr(self, name)))

    @cached_property
    def score(self) -> SoftScore | None:
        """The soft score, parsed; None where there is none."""
        return parse_soft(self.soft, tuple(FIGURES)) if self.soft else None

    @property
    def batch(self) -> int:
        """The population, which is known by now."""
        assert self.population is not None
        return self.population

    @property
    def initial(self) -> dict[str, float]:
        """Budgets of each network of the first population, by figure; those that are given."""
        both = {"params": self.budget_params, "macs": self.budget_macs}
        return {name: float(most) for name, most in both.items() if most is not None}

    @property
    def figures(self) -> tuple[str, ...]:
        """Every figure that is needed, sorted."""
        soft = self.score.names if self.score is not None else ()
        return tuple(sorted({*self.objectives, *self.limits, *soft}))


def _at_least(name: str, value: Any, least: int) -> None:
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if not whole or value < least:
        raise ConstraintError(f"{name} {value!r} is not usable; expected an integer >= {least}.")
