"""A bracket begins with many candidates roughly and ends with few of them fully."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest

from biglittle.bench.errors import ConstraintError
from biglittle.searchers import SearchSettings, get_searcher
from biglittle.searchers.evaluators.live import LiveEvaluator


def test_each_rung_has_fewer_candidates_of_the_one_before(
    live: Callable[..., LiveEvaluator],
) -> None:
    outcome = get_searcher("successive_halving")(live(), SearchSettings(budget=12, population=8))
    assert outcome.log is not None
    rungs = outcome.log.batches[:3]
    assert [batch.fidelity for batch in rungs] == [1 / 16, 1 / 4, 1.0]
    assert [len(batch) for batch in rungs] == [64, 16, 4]  # each rung costs the same
    for rough, finer in itertools.pairwise(rungs):
        above = {row.tobytes() for row in rough.genes}
        assert {row.tobytes() for row in finer.genes} <= above
    best = [float(np.max(batch.figures["accuracy"])) for batch in rungs[2:]]
    assert best[0] <= float(outcome.front.accuracy.max())


def test_an_evaluator_without_a_rough_answer_is_refused(
    live: Callable[..., LiveEvaluator],
) -> None:
    evaluator = live()
    evaluator._rough = ()
    with pytest.raises(ConstraintError, match="also answers roughly"):
        get_searcher("successive_halving")(evaluator, SearchSettings(budget=12, population=8))
