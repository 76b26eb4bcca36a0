"""Every searcher begins with the candidates and within the budgets that it is given."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from biglittle.bench import Candidates, get_space
from biglittle.bench.errors import (
    ConstraintError,
)
from biglittle.searchers import (
    SEARCHERS,
    SearchSettings,
    get_searcher,
)

NAMES = SEARCHERS.names()
KINDS = ("points", "curves", "listed")
SMALL = {"budget": 210, "population": 40}  # no multiple: the last batch has to be trimmed
Kinds = dict[str, Any]  # classes of evaluators


@pytest.mark.parametrize("name", NAMES)
def test_warm_candidates_come_first(name: str, kinds: Kinds) -> None:
    space, evaluator = get_space("fbnet"), kinds["curves"]()
    little, big = space.parse(["8" * 22, "8" * 21 + "0"]), space.parse(["0" * 22, "2" * 22])
    gates = np.zeros(2, int)
    settings = SearchSettings(**SMALL)
    get_searcher(name)(evaluator, settings, warm=Candidates(little, big, gates, gates))
    first = (evaluator.rough[0][1] if evaluator.rough else evaluator.seen[0]).little[:2]
    assert np.array_equal(first, little)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", NAMES)
def test_the_first_networks_keep_the_budgets_and_later_ones_need_not(
    name: str, kind: str, kinds: Kinds
) -> None:
    space, evaluator, most = get_space("fbnet"), kinds[kind](), {"macs": 16e6, "params": 8e5}
    outcome = get_searcher(name)(
        evaluator, SearchSettings(**SMALL, budget_macs=most["macs"], budget_params=most["params"])
    )
    sizes = {"macs": space.macs, "params": space.params}
    first, *later = evaluator.rough or [(1.0, c) for c in evaluator.seen]
    for figure, of in sizes.items():
        assert max(of(g, 10).max() for g in (first[1].little, first[1].big)) <= most[figure]
    beyond = [of(c.big, 10).max() > most[f] for f, of in sizes.items() for _, c in later]
    assert any(beyond)
    assert outcome.settings.initial == most


@pytest.mark.parametrize("name", NAMES)
def test_warm_candidates_beyond_the_budgets_are_left_out(name: str, kinds: Kinds) -> None:
    space, evaluator = get_space("fbnet"), kinds["curves"]()
    little, big = space.parse(["8" * 22, "8" * 21 + "0"]), space.parse(["8" * 22, "2" * 22])
    gates = np.zeros(2, int)
    settings = SearchSettings(**SMALL, budget_macs=16e6)
    get_searcher(name)(evaluator, settings, warm=Candidates(little, big, gates, gates))
    first = evaluator.rough[0][1] if evaluator.rough else evaluator.seen[0]
    assert np.array_equal(first.little[0], little[0])
    assert not (first.big == big[1]).all(axis=1).any()


@pytest.mark.parametrize("name", NAMES)
def test_budgets_that_no_network_keeps_are_refused_before_any_evaluation(
    name: str, kinds: Kinds
) -> None:
    evaluator = kinds["points"]()
    with pytest.raises(ConstraintError, match=r"macs 11,000,000.*macs 11,.*budget_macs"):
        get_searcher(name)(evaluator, SearchSettings(**SMALL, budget_macs=11e6))
    assert not evaluator.seen
    assert not evaluator.rough
