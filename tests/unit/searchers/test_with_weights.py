"""A differentiable search and a specialisation are called as any searcher is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from biglittle.bench.errors import BigLittleError, ConstraintError
from biglittle.searchers import Progress, SearchSettings, get_searcher
from biglittle.searchers.evaluators.live import LiveEvaluator
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


@pytest.mark.parametrize("name", ["darts", "ofa"])
def test_who_asks_for_them_as_searchers_is_told_the_command(name: str, command_line) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(BigLittleError, match=f"biglittle {name} --help"):
        get_searcher(name)
    code, out, _ = command_line(name, "--help")
    assert code == 0
    assert "Usage" in out
