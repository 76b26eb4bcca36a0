"""Every searcher keeps the same promises."""

from __future__ import annotations

import numpy as np
import pytest

from biglittle.bench import Candidates, Points
from biglittle.bench.errors import (
    BigLittleError,
    UnknownNameError,
)
from biglittle.bench.gates import N_CODES
from biglittle.searchers import (
    SEARCHERS,
    SearchSettings,
    get_searcher,
    hypervolume,
)
from biglittle.searchers.summary import front_values
from biglittle.testing import SearcherContract
from biglittle.testing.analytic import Kinds
from biglittle.testing.searchers import SMALL


class TestSearchers(SearcherContract):
    names = SEARCHERS.shipped()


def test_nsga2_beats_random_at_equal_budget(kinds: Kinds) -> None:
    ideal, nadir = (0.05, 2.0), (0.5, 12.0)
    for seed in range(3):
        volumes = {}
        for name in ("nsga2", "random"):
            settings = SearchSettings(budget=1500, population=100, seed=seed)
            outcome = get_searcher(name)(kinds["points"](), settings)
            values = front_values(outcome.front, settings.objectives)
            volumes[name] = hypervolume(values, ideal, nadir)
        assert volumes["nsga2"] > volumes["random"] + 0.02


def test_nsga2_evaluates_nothing_twice_and_ends_where_a_space_does(kinds: Kinds) -> None:
    evaluator = kinds["points"](choices=("skip",), gates=("margin",))
    outcome = get_searcher("nsga2")(evaluator, SearchSettings(budget=2000, population=50))
    keys = [(g, k) for c in evaluator.seen for g, k in zip(c.gate, c.cut, strict=True)]
    assert len(keys) == len(set(keys)) == outcome.n_evaluations <= N_CODES + 1
    assert outcome.n_evaluations > 0.9 * N_CODES


def test_an_evaluator_that_returns_too_little_is_told(kinds: Kinds) -> None:
    class Short(kinds["points"]):
        def evaluate(self, candidates: Candidates) -> Points:
            return super().evaluate(candidates).take(np.arange(3))

    with pytest.raises(BigLittleError, match="3 operating points for 40"):
        get_searcher("random")(Short(), SearchSettings(**SMALL))


def test_an_evaluator_may_not_change_its_provenance(kinds: Kinds) -> None:
    class Mixed(kinds["points"]):
        def evaluate(self, candidates: Candidates) -> Points:
            points = super().evaluate(candidates)
            word = {**points.provenance, "accuracy": "measured"}
            return Points(**{**vars(points), "provenance": word}) if len(self.seen) > 1 else points

    with pytest.raises(BigLittleError, match="provenance"):
        get_searcher("random")(Mixed(), SearchSettings(**SMALL))


def test_unknown_searcher_names_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="nsga2"):
        get_searcher("nsga-2")
