"""A differentiable search and a specialisation are called as any searcher is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from biglittle.bench import Pair
from biglittle.bench.errors import BigLittleError, ConstraintError
from biglittle.searchers import Progress, SearchSettings, get_searcher
from biglittle.searchers.derived_pairs import derived_pairs
from biglittle.searchers.evaluators.live import LiveEvaluator
from biglittle.searchers.given_pairs import judged
from biglittle.searchers.specialise import SpecialiseSettings, specialise
from biglittle.searchers.with_weights import Weights, WithWeights


def test_darts_is_called_as_any_searcher(
    weights: Weights, live: Callable[..., LiveEvaluator], tmp_path: Path
) -> None:
    steps: list[Progress] = []
    find = WithWeights("darts", weights, ("raspberry-pi-4",))
    settings = SearchSettings(budget=2, limits={"latency_ms": 300.0}, objectives=("error", "macs"))
    outcome = find(live(), settings, steps.append)
    assert [(t.n_evaluations, t.budget) for t in steps] == [(1, 2), (2, 2)]
    assert outcome.n_evaluations == 1
    assert len(set(outcome.front.little)) == 1
    assert outcome.best is None
    assert (outcome.front.latency_ms <= 300.0).all()
    assert 0 < outcome.seconds_evaluating < outcome.seconds_total
    scored = find(live(), replace(settings, soft="accuracy - macs/1e12"))
    assert scored.best is not None
    with pytest.raises(ConstraintError, match="best reachable"):
        find(live(), replace(settings, limits={"latency_ms": 1.0}))
    for given in ({"checkpoint": tmp_path / "log.npz"}, {"warm": object()}):
        with pytest.raises(ConstraintError, match="keeps no log"):
            find(live(), settings, **given)
    with pytest.raises(ConstraintError, match="no first population; leave out --budget-macs"):
        find(live(), replace(settings, budget_macs=2e7))
    with pytest.raises(ConstraintError, match="for one device"):
        WithWeights("darts", find.weights, ("one", "two"))


def test_ofa_is_called_as_any_searcher(
    weights: Weights, live: Callable[..., LiveEvaluator], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = SimpleNamespace(load=lambda path: None)
    monkeypatch.setattr("biglittle.surrogates.Surrogate", folder)
    monkeypatch.setattr("biglittle.surrogates.SurrogateEvaluator", lambda fitted, device: live())
    find = WithWeights("ofa", weights, ("raspberry-pi-4",))
    settings = SearchSettings(budget=200, limits={"latency_ms": 70.0})
    outcome = find(live(penalty=9), settings)
    assert outcome.n_evaluations == SpecialiseSettings.few
    assert (outcome.front.latency_ms <= 70.0).all()
    best, _ = specialise(live(), live(penalty=9), SpecialiseSettings({"latency_ms": 70.0}, 200))
    assert outcome.front.accuracy.max() == best.accuracy
    with pytest.raises(ConstraintError, match="at least one"):
        find(live(), replace(settings, limits={}))


def test_exits_of_the_big_networks_are_derived_where_they_are_asked_for(
    live: Callable[..., LiveEvaluator],
) -> None:
    big, little = "0" * 22, "0" * 21 + "8"
    pairs = [Pair(little, big), Pair("8" * 22, big)]
    both = live(exits=("12", "4s"))
    derived = derived_pairs(both, pairs, ("prefix",))
    assert [(p.little, p.big) for p in derived] == [(f"{big}@4s", big), (f"{big}@12", big)]
    front = judged(both, derived).front
    assert set(front.coupling) == {"prefix"}
    assert front.provenance["latency_ms"] == "predicted"  # the head of an exit is
    assert derived_pairs(both, pairs, ("sibling",)) == pairs  # a skip of the last layer has weights
    with pytest.raises(ConstraintError, match=r"prefix needs exit heads.*--stage exits"):
        derived_pairs(live(), pairs, ("prefix",))
    with pytest.raises(ConstraintError, match="no pair that the search ended with"):
        derived_pairs(live(), pairs, ("nested",))


def test_a_live_search_moves_among_exits_unless_networks_are_trained_apart(
    live: Callable[..., LiveEvaluator],
) -> None:
    outcome = get_searcher("nsga2").run(live(exits=("8", "12")), budget=60, population=20)
    assert "prefix" in outcome.front.coupling
    apart = get_searcher("random").run(live(apart=True), budget=20, population=10)
    assert set(apart.front.coupling) == {"sibling"}
    with pytest.raises(ConstraintError, match="trained before it answers"):
        get_searcher("random").run(live(apart=True), budget=20, couplings=("nested",))


@pytest.mark.parametrize("name", ["darts", "ofa"])
def test_who_asks_for_them_as_searchers_is_told_the_command(name: str, command_line) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(BigLittleError, match=f"biglittle {name} --help"):
        get_searcher(name)
    code, out, _ = command_line(name, "--help")
    assert code == 0
    assert "Usage" in out
