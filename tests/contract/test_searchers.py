"""Every searcher keeps the same promises. Run as a script it prints one searcher's front."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field

import numpy as np
import pytest

from biglittle.bench import Candidates, NetworkCosts, NetworkFigures, Points, SearchSpace, get_space
from biglittle.bench.cost import analytic_memory, pair_costs, pair_provenance
from biglittle.bench.errors import BigLittleError, ConstraintError, UnknownNameError
from biglittle.bench.gates import N_CODES, get_metric
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
SMALL = {"budget": 330, "population": 50}  # no multiple: the last batch has to be trimmed


@dataclass
class Analytic:
    """An evaluator in closed form: accuracy and latency of a network from its genome."""

    space: SearchSpace = field(default_factory=lambda: get_space("fbnet"))
    choices: tuple[str, ...] = ("k3_e1", "k3_e3", "skip")
    gates: tuple[str, ...] = ("margin", "max_prob")
    missing_share: float = 0.0
    seen: list[Candidates] = field(default_factory=list)

    def networks(self, genomes: np.ndarray) -> NetworkFigures:
        weight = np.linspace(1.0, 2.0, self.space.n_layers)
        gain = np.zeros(len(self.space.choices))
        gain[[0, 2]] = 0.5, 1.0  # k3_e1 and k3_e3; a skip adds nothing
        quality = (gain[genomes] * weight).sum(axis=1) / weight.sum()
        macs = self.space.macs(genomes, 10).astype(float)
        weights, activation = analytic_memory(self.space, genomes, 10)
        latency = 1.0 + macs / 1e7
        if self.missing_share:
            latency = np.where(genomes[:, 0] == 0, np.nan, latency)
        costs = NetworkCosts(
            latency_ms=latency,
            energy_mj=np.full(len(genomes), np.nan),
            macs=macs,
            weights_mib=weights,
            activation_mib=activation,
            gate_ms=0.05,
            provenance={"latency_ms": "modelled", "energy_mj": "modelled"},
        )
        return NetworkFigures(0.5 + 0.45 * np.sqrt(quality), costs, "predicted")

    def evaluate(self, candidates: Candidates) -> Points:
        self.seen.append(candidates)
        little, big = self.networks(candidates.little), self.networks(candidates.big)
        rate = (candidates.cut / N_CODES) ** 2
        useful = 1.0 - (1.0 - rate) ** 8  # the hardest inputs are escalated first
        useful *= np.where(candidates.gate == 0, 1.0, 0.9)
        accuracy = little.accuracy + useful * (big.accuracy - little.accuracy)
        edges = np.stack([get_metric(g).thresholds(10) for g in self.gates])
        return Points(
            little=np.array(self.space.format(candidates.little)),
            big=np.array(self.space.format(candidates.big)),
            gate=np.array(self.gates)[candidates.gate],
            threshold=edges[candidates.gate, candidates.cut],
            accuracy=accuracy,
            escalation_rate=rate,
            **pair_costs(little.costs, big.costs, rate),
            provenance={
                "accuracy": "predicted",
                "escalation_rate": "predicted",
                **pair_provenance(little.costs.provenance),
            },
        )


def front_of(name: str, **settings: object) -> list[dict[str, object]]:
    settings = {**SMALL, **settings}
    return get_searcher(name)(Analytic(), SearchSettings(**settings)).front.records()


@pytest.mark.parametrize("name", NAMES)
def test_budget_is_spent_exactly(name: str) -> None:
    evaluator, told = Analytic(), []
    outcome = get_searcher(name)(evaluator, SearchSettings(**SMALL), told.append)
    assert sum(len(c) for c in evaluator.seen) == outcome.n_evaluations == SMALL["budget"]
    assert all(isinstance(t, Progress) for t in told)
    assert told[-1].n_evaluations == SMALL["budget"]
    assert told[-1].n_front == len(outcome.front)
    assert [s.n_evaluations for s in outcome.history] == [t.n_evaluations for t in told]
    assert 0 < outcome.seconds_evaluating < outcome.seconds_total


@pytest.mark.parametrize("name", NAMES)
def test_same_seed_same_front_and_global_state_is_left_alone(name: str) -> None:
    np.random.seed(1)  # noqa: NPY002  (that it has no influence is what is tested)
    first = front_of(name, seed=3)
    np.random.seed(2)  # noqa: NPY002
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    assert front_of(name, seed=3) == first
    assert np.array_equal(before, np.random.get_state()[1])  # noqa: NPY002
    assert front_of(name, seed=4) != first


@pytest.mark.parametrize("name", NAMES)
def test_same_seed_same_front_in_another_process(name: str) -> None:
    environment = {**os.environ, "PYTHONHASHSEED": "77"}
    done = subprocess.run(
        [sys.executable, __file__, name, "5"], capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == json.loads(json.dumps(front_of(name, seed=5)))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "objectives", [("error", "latency_ms"), ("accuracy", "macs", "peak_memory_mib")]
)
def test_front_is_that_of_everything_evaluated(name: str, objectives: tuple[str, ...]) -> None:
    evaluator = Analytic()
    outcome = get_searcher(name)(evaluator, SearchSettings(objectives=objectives, **SMALL))
    values = front_values(outcome.front, objectives)
    assert len(nondominated(values)) == len(values)
    everything = [front_values(evaluator.evaluate(c), objectives) for c in list(evaluator.seen)]
    pool = np.concatenate(everything)
    assert np.array_equal(pool[nondominated(pool)], values)
    assert np.array_equal(outcome.history[-1].values, values)


@pytest.mark.parametrize("name", NAMES)
def test_only_what_is_allowed_is_tried(name: str) -> None:
    evaluator = Analytic()
    get_searcher(name)(evaluator, SearchSettings(**SMALL))
    legal = set(evaluator.space.allowed(evaluator.choices).tolist())
    for batch in evaluator.seen:
        assert set(np.unique(batch.little)) | set(np.unique(batch.big)) <= legal
        assert 0 <= batch.gate.min() <= batch.gate.max() < len(evaluator.gates)
        assert 0 <= batch.cut.min() <= batch.cut.max() <= N_CODES


@pytest.mark.parametrize("name", NAMES)
def test_limits_are_respected(name: str) -> None:
    limits = {"latency_ms": 7.0, "accuracy": 0.7}
    outcome = get_searcher(name)(Analytic(), SearchSettings(limits=limits, **SMALL))
    assert outcome.front.latency_ms.max() <= 7.0
    assert outcome.front.accuracy.min() >= 0.7
    assert outcome.n_infeasible > 0


@pytest.mark.parametrize("name", NAMES)
def test_impossible_limits_name_the_best_reachable(name: str) -> None:
    evaluator = Analytic()
    settings = SearchSettings(limits={"latency_ms": 0.5, "accuracy": 0.1}, **SMALL)
    with pytest.raises(ConstraintError) as caught:
        get_searcher(name)(evaluator, settings)
    pool = [evaluator.evaluate(c) for c in list(evaluator.seen)]
    assert f"latency_ms {min(p.latency_ms.min() for p in pool):.4g}" in str(caught.value)
    assert f"accuracy {max(p.accuracy.max() for p in pool):.4g}" in str(caught.value)


@pytest.mark.parametrize("name", NAMES)
def test_candidates_without_figures_are_never_ranked(name: str) -> None:
    evaluator = Analytic(missing_share=1.0)
    outcome = get_searcher(name)(evaluator, SearchSettings(**SMALL))
    assert 0 < outcome.n_unusable < outcome.n_evaluations == SMALL["budget"]
    assert np.isfinite(outcome.front.latency_ms).all()
    assert not any(a.startswith("0") for a in (*outcome.front.little, *outcome.front.big))
    assert np.isfinite(best_single(outcome.front, outcome.singles).latency_ms).any()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "asked", [{"objectives": ("error", "energy_mj")}, {"limits": {"energy_mj": 3}}]
)
def test_a_figure_that_nothing_has_is_said(name: str, asked: dict[str, object]) -> None:
    with pytest.raises(ConstraintError, match="energy_mj"):
        get_searcher(name)(Analytic(), SearchSettings(**SMALL, **asked))


@pytest.mark.parametrize("name", NAMES)
def test_singles_are_networks_of_the_search_and_answer_the_same(name: str) -> None:
    evaluator = Analytic()
    outcome = get_searcher(name)(evaluator, SearchSettings(**SMALL))
    tried = {
        a for c in evaluator.seen for g in (c.little, c.big) for a in evaluator.space.format(g)
    }
    assert set(outcome.singles.architecture) <= tried
    assert outcome.n_networks == len(tried)
    every = evaluator.networks(evaluator.space.parse(sorted(tried)))
    best = best_single(outcome.front, outcome.singles)
    for i, budget in enumerate(outcome.front.latency_ms):
        cheap = every.accuracy[every.costs.latency_ms <= budget]
        assert (best.accuracy[i] == cheap.max()) if len(cheap) else np.isnan(best.accuracy[i])


def test_nsga2_beats_random_at_equal_budget() -> None:
    ideal, nadir = (0.05, 2.0), (0.5, 12.0)
    for seed in range(3):
        found = {}
        for name in ("nsga2", "random"):
            settings = SearchSettings(budget=1500, population=100, seed=seed)
            outcome = get_searcher(name)(Analytic(), settings)
            values = front_values(outcome.front, settings.objectives)
            found[name] = hypervolume(values, ideal, nadir)
        assert found["nsga2"] > found["random"] + 0.02


def test_nsga2_evaluates_nothing_twice_and_ends_where_a_space_does() -> None:
    evaluator = Analytic(choices=("skip",), gates=("margin",))
    outcome = get_searcher("nsga2")(evaluator, SearchSettings(budget=2000, population=50))
    keys = [(g, k) for c in evaluator.seen for g, k in zip(c.gate, c.cut, strict=True)]
    assert len(keys) == len(set(keys)) == outcome.n_evaluations <= N_CODES + 1
    assert outcome.n_evaluations > 0.9 * N_CODES


def test_an_evaluator_that_returns_too_little_is_told() -> None:
    class Short(Analytic):
        def evaluate(self, candidates: Candidates) -> Points:
            return super().evaluate(candidates).take(np.arange(3))

    with pytest.raises(BigLittleError, match="3 operating points for 50"):
        get_searcher("random")(Short(), SearchSettings(**SMALL))


def test_an_evaluator_may_not_change_its_provenance() -> None:
    class Mixed(Analytic):
        def evaluate(self, candidates: Candidates) -> Points:
            points = super().evaluate(candidates)
            word = {**points.provenance, "accuracy": "measured"}
            return Points(**{**vars(points), "provenance": word}) if len(self.seen) > 1 else points

    with pytest.raises(BigLittleError, match="provenance"):
        get_searcher("random")(Mixed(), SearchSettings(**SMALL))


def test_unknown_searcher_names_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="nsga2"):
        get_searcher("nsga-2")


if __name__ == "__main__":
    print(json.dumps(front_of(sys.argv[1], seed=int(sys.argv[2]))))
