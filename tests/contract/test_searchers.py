"""Every searcher keeps the same promises."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from biglittle.bench import Candidates, Points
from biglittle.bench.errors import (
    BigLittleError,
    ConstraintError,
    UnknownNameError,
)
from biglittle.bench.gates import N_CODES
from biglittle.bench.pareto import nondominated
from biglittle.searchers import (
    SEARCHERS,
    Progress,
    SearchSettings,
    best_single,
    get_searcher,
    hypervolume,
)
from biglittle.searchers.summary import front_values

NAMES = SEARCHERS.names()
KINDS = ("points", "curves", "listed")
SMALL = {"budget": 210, "population": 40}  # no multiple: the last batch has to be trimmed
Kinds = dict[str, Any]  # classes of evaluators


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", NAMES)
def test_budget_is_spent_and_never_exceeded(name: str, kind: str, kinds: Kinds) -> None:
    evaluator, told = kinds[kind](), []
    outcome = get_searcher(name)(evaluator, SearchSettings(**SMALL), told.append)
    assert SMALL["budget"] - 1 < evaluator.spent <= SMALL["budget"] + 1e-6
    assert len(evaluator.rough) or outcome.n_evaluations == SMALL["budget"]
    assert all(isinstance(t, Progress) for t in told)
    assert told[-1].n_evaluations == int(evaluator.spent + 1e-6)
    assert told[-1].n_front == len(outcome.front)
    assert [s.n_evaluations for s in outcome.history] == [t.n_evaluations for t in told]
    assert 0 < outcome.seconds_evaluating < outcome.seconds_total


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_evaluated_twice(name: str, kind: str, kinds: Kinds) -> None:
    evaluator = kinds[kind]()
    outcome = get_searcher(name)(evaluator, SearchSettings(**SMALL))
    keys = [
        (c.little[i].tobytes(), c.big[i].tobytes(), int(c.gate[i]), int(c.cut[i]))
        for c in evaluator.seen
        for i in range(len(c))
    ]
    assert len(set(keys)) == len(keys)
    batches = outcome.log.batches
    assert [b.ended_s for b in batches] == sorted(b.ended_s for b in batches)
    assert outcome.log.header["provenance"] == dict(outcome.front.provenance)


@pytest.mark.parametrize("name", NAMES)
def test_a_soft_score_is_what_is_sought(name: str, kinds: Kinds) -> None:
    soft = "accuracy - 0.01*latency_ms"
    outcome = get_searcher(name)(kinds["curves"](), SearchSettings(**SMALL, soft=soft))
    best = outcome.best
    assert len(best) == 1
    score = best.accuracy - 0.01 * best.latency_ms
    front = outcome.front.accuracy - 0.01 * outcome.front.latency_ms
    assert score[0] >= front.max() - 1e-12


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("kind", "objectives"),
    [
        ("points", ("error", "latency_ms")),
        ("curves", ("error", "latency_ms")),
        ("curves", ("accuracy", "macs", "peak_memory_mib")),
    ],
)
def test_front_is_that_of_everything_evaluated(
    name: str, kind: str, objectives: tuple[str, ...], kinds: Kinds
) -> None:
    evaluator = kinds[kind]()
    outcome = get_searcher(name)(evaluator, SearchSettings(objectives=objectives, **SMALL))
    values = front_values(outcome.front, objectives)
    assert len(nondominated(values)) == len(values)
    if kind == "points":
        everything = [evaluator.points(c) for c in evaluator.seen]
    else:
        everything = [evaluator.all_points(c.little, c.big) for c in evaluator.seen]
    pool = np.concatenate([front_values(p, objectives) for p in everything])
    assert np.array_equal(pool[nondominated(pool)], values)
    assert np.array_equal(outcome.history[-1].values, values)


@pytest.mark.parametrize("name", NAMES)
def test_only_what_is_allowed_is_tried(name: str, kinds: Kinds) -> None:
    evaluator = kinds["points"]()
    get_searcher(name)(evaluator, SearchSettings(**SMALL))
    legal = set(evaluator.space.allowed(evaluator.choices).tolist())
    for batch in evaluator.seen:
        assert set(np.unique(batch.little)) | set(np.unique(batch.big)) <= legal
        assert 0 <= batch.gate.min() <= batch.gate.max() < len(evaluator.gates)
        assert 0 <= batch.cut.min() <= batch.cut.max() <= N_CODES


@pytest.mark.parametrize("name", NAMES)
def test_limits_are_respected(name: str, kinds: Kinds) -> None:
    limits = {"latency_ms": 7.0, "accuracy": 0.7}
    outcome = get_searcher(name)(kinds["points"](), SearchSettings(limits=limits, **SMALL))
    assert outcome.front.latency_ms.max() <= 7.0
    assert outcome.front.accuracy.min() >= 0.7
    assert outcome.n_infeasible > 0


@pytest.mark.parametrize("name", NAMES)
def test_impossible_limits_name_the_best_reachable(name: str, kinds: Kinds) -> None:
    evaluator = kinds["points"]()
    settings = SearchSettings(limits={"latency_ms": 0.5, "accuracy": 0.1}, **SMALL)
    with pytest.raises(ConstraintError) as caught:
        get_searcher(name)(evaluator, settings)
    tried = [*evaluator.seen, *(c for _, c in evaluator.rough)]
    pool = [evaluator.points(c) for c in tried]
    assert f"latency_ms {min(p.latency_ms.min() for p in pool):.4g}" in str(caught.value)
    assert f"accuracy {max(p.accuracy.max() for p in pool):.4g}" in str(caught.value)


@pytest.mark.parametrize("name", NAMES)
def test_candidates_without_figures_are_never_ranked(name: str, kinds: Kinds) -> None:
    evaluator = kinds["points"](missing_share=1.0)
    outcome = get_searcher(name)(evaluator, SearchSettings(**SMALL))
    assert 0 < outcome.n_unusable < outcome.n_evaluations
    assert np.isfinite(outcome.front.latency_ms).all()
    assert not any(a.startswith("0") for a in (*outcome.front.little, *outcome.front.big))
    assert np.isfinite(best_single(outcome.front, outcome.singles).latency_ms).any()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "settings", [{"objectives": ("error", "energy_mj")}, {"limits": {"energy_mj": 3}}]
)
def test_a_figure_that_nothing_has_is_said(
    name: str, settings: dict[str, object], kinds: Kinds
) -> None:
    with pytest.raises(ConstraintError, match="energy_mj"):
        get_searcher(name)(kinds["points"](), SearchSettings(**SMALL, **settings))


@pytest.mark.parametrize("name", NAMES)
def test_singles_are_networks_of_the_search_and_answer_the_same(name: str, kinds: Kinds) -> None:
    evaluator = kinds["points"]()
    outcome = get_searcher(name)(evaluator, SearchSettings(**SMALL))
    candidates = [*evaluator.seen, *(c for _, c in evaluator.rough)]
    tried = {a for c in candidates for g in (c.little, c.big) for a in evaluator.space.format(g)}
    assert set(outcome.singles.architecture) <= tried
    assert outcome.n_networks == len(tried)
    every = evaluator.networks(evaluator.space.parse(sorted(tried)))
    best = best_single(outcome.front, outcome.singles)
    for i, budget in enumerate(outcome.front.latency_ms):
        cheap = every.accuracy[every.costs.latency_ms <= budget]
        assert (best.accuracy[i] == cheap.max()) if len(cheap) else np.isnan(best.accuracy[i])


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
