"""Every searcher keeps the same promises. Run as a script it prints one searcher's front."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from biglittle.bench import Candidates, NetworkFigures, Points, SearchSpace, get_space
from biglittle.bench.cost import network_costs, pair_costs
from biglittle.bench.errors import (
    BigLittleError,
    CheckpointError,
    ConstraintError,
    UnknownNameError,
)
from biglittle.bench.evaluator import Sweep
from biglittle.bench.figures import POINT_FIGURES
from biglittle.bench.gates import N_CODES, get_metric
from biglittle.bench.pareto import nondominated
from biglittle.bench.provenance import pair_provenance
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
SMALL = {"budget": 210, "population": 40}  # no multiple: the last batch has to be trimmed


@dataclass
class Analytic:
    """An evaluator in closed form: accuracy and latency of a network from its genome."""

    space: SearchSpace = field(default_factory=lambda: get_space("fbnet"))
    choices: tuple[str, ...] = ("k3_e1", "k3_e3", "skip")
    gates: tuple[str, ...] = ("margin", "max_prob")
    missing_share: float = 0.0
    slower: float = 1.0
    seen: list[Candidates] = field(default_factory=list)
    rough: list[tuple[float, Candidates]] = field(default_factory=list)
    fidelity: float = 1.0
    fidelities: tuple[float, ...] = (0.1, 0.5, 1.0)
    n_classes: int = 10

    def at(self, fidelity: float) -> Analytic:
        return dataclasses.replace(self, fidelity=fidelity)

    def _note(self, candidates: Candidates) -> None:
        if self.fidelity == 1.0:
            self.seen.append(candidates)
        else:
            self.rough.append((self.fidelity, candidates))

    @property
    def spent(self) -> float:
        return sum(map(len, self.seen)) + sum(f * len(c) for f, c in self.rough)

    def networks(self, genomes: np.ndarray) -> NetworkFigures:
        weight = np.linspace(1.0, 2.0, self.space.n_layers)
        gain = np.zeros(len(self.space.choices))
        gain[[0, 2]] = 0.5, 1.0  # k3_e1 and k3_e3; a skip adds nothing
        quality = (gain[genomes] * weight).sum(axis=1) / weight.sum()
        macs = self.space.macs(genomes, 10).astype(float)
        latency = (1.0 + macs / 1e7) * self.slower
        if self.missing_share:
            latency = np.where(genomes[:, 0] == 0, np.nan, latency)
        costs = network_costs(
            self.space,
            genomes,
            10,
            latency_ms=latency,
            energy_mj=np.full(len(genomes), np.nan),
            gate_ms=0.05,
            provenance={"latency_ms": "modelled", "energy_mj": "modelled"},
        )
        return NetworkFigures(0.5 + 0.45 * np.sqrt(quality), costs, "predicted")

    def evaluate(self, candidates: Candidates) -> Points:
        self._note(candidates)
        return self.points(candidates)

    def points(self, candidates: Candidates) -> Points:
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


class Curves(Analytic):
    """The same, but an evaluation is of a pair and gives its whole curve."""

    def sweep(self, little: np.ndarray, big: np.ndarray) -> Sweep:
        self._note(Candidates(little, big, np.zeros(len(little), int), np.zeros(len(little), int)))
        owner, gate, cut = self._grid(len(little))
        points = self.all_points(little, big)
        figures = {name: getattr(points, name) for name in ("threshold", *POINT_FIGURES)}
        return Sweep(owner, gate, cut, figures, points.provenance)

    def all_points(self, little: np.ndarray, big: np.ndarray) -> Points:
        owner, gate, cut = self._grid(len(little))
        return self.points(Candidates(little[owner], big[owner], gate, cut))

    def _grid(self, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        cuts = np.arange(0, N_CODES + 1, 32)
        owner = np.repeat(np.arange(n), len(cuts) * len(self.gates))
        cut = np.tile(cuts, n * len(self.gates))
        gate = np.tile(np.repeat(np.arange(len(self.gates)), len(cuts)), n)
        return owner, gate, cut


class Listed(Curves):
    """The same, but few architectures are known."""

    @property
    def listed(self) -> np.ndarray:
        rng = np.random.default_rng(0)
        skips = rng.random((60, 22)) < rng.random((60, 1))
        return np.unique(np.where(skips, 8, self.space.sample(rng, 60, self.choices)), axis=0)


KINDS = {"points": Analytic, "curves": Curves, "listed": Listed}


def front_of(name: str, kind: str = "curves", **settings: object) -> list[dict[str, object]]:
    settings = {**SMALL, **settings}
    return get_searcher(name)(KINDS[kind](), SearchSettings(**settings)).front.records()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", NAMES)
def test_budget_is_spent_and_never_exceeded(name: str, kind: str) -> None:
    evaluator, told = KINDS[kind](), []
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
def test_nothing_is_evaluated_twice(name: str, kind: str) -> None:
    evaluator = KINDS[kind]()
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
def test_same_seed_same_front_and_global_state_is_left_alone(name: str) -> None:
    np.random.seed(1)  # noqa: NPY002  (that it has no influence is what is tested)
    first = front_of(name, seed=3)
    np.random.seed(2)  # noqa: NPY002
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    assert front_of(name, seed=3) == first
    assert np.array_equal(before, np.random.get_state()[1])  # noqa: NPY002
    assert front_of(name, seed=4) != first


def test_blas_has_one_thread_within_a_search_and_what_it_had_before_after_it() -> None:
    def threads() -> list[int]:
        return [p["num_threads"] for p in threadpool_info() if p["user_api"] == "blas"]

    class Looking(Analytic):
        def evaluate(self, candidates: Candidates) -> Points:
            within.append(threads())
            return super().evaluate(candidates)

    within: list[list[int]] = []
    with threadpool_limits(limits=2, user_api="blas"):
        before = threads()
        get_searcher("random")(Looking(), SearchSettings(budget=20, population=20))
        assert threads() == before
    assert within
    assert all(n == 1 for pools in within for n in pools)


def test_same_seed_same_front_in_another_process() -> None:
    environment = {**os.environ, "PYTHONHASHSEED": "77"}
    done = subprocess.run(
        [sys.executable, __file__, "5"], capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, done.stderr
    printed = json.loads(done.stdout)
    for name in NAMES:
        assert printed[name] == json.loads(json.dumps(front_of(name, seed=5))), name


class KilledError(Exception):
    pass


@pytest.mark.parametrize("kind", ["points", "curves"])
@pytest.mark.parametrize("name", NAMES)
def test_a_killed_search_goes_on_as_if_nothing_had_been(
    name: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("biglittle.searchers.search.SAVE_EVERY_S", -1.0)
    settings, path, evaluator = SearchSettings(**SMALL, seed=2), tmp_path / "log.npz", KINDS[kind]()

    def killer(progress: Progress) -> None:
        if progress.n_evaluations > 120:
            raise KilledError

    with pytest.raises(KilledError):
        get_searcher(name)(evaluator, settings, killer, checkpoint=path)
    before = evaluator.spent
    resumed = get_searcher(name)(evaluator, settings, checkpoint=path)
    assert evaluator.spent - before < SMALL["budget"] - 70  # what is logged is not asked again
    whole = get_searcher(name)(KINDS[kind](), settings)
    assert resumed.front.records() == whole.front.records()
    assert resumed.n_evaluations == whole.n_evaluations
    assert resumed.n_infeasible == whole.n_infeasible
    dead = KINDS[kind]()  # the search is finished: it is asked for no candidate
    dead.points = lambda candidates: pytest.fail("asked again")
    again = get_searcher(name)(dead, settings, checkpoint=path)
    assert again.front.records() == whole.front.records()
    for other in (
        {"seed": 3},
        {"limits": {"latency_ms": 9.0}},
        {"population": 50},
        {"budget_macs": 3e7},
    ):
        changed = SearchSettings(**{**SMALL, "seed": 2, **other})
        with pytest.raises(CheckpointError, match=next(iter(other))):
            get_searcher(name)(KINDS[kind](), changed, checkpoint=path)
    with pytest.raises(CheckpointError, match="domain_sha256"):
        get_searcher(name)(KINDS[kind](choices=("k3_e1", "skip")), settings, checkpoint=path)
    with pytest.raises(
        CheckpointError, match="cheapest_network"
    ):  # a device on which latency is another
        get_searcher(name)(KINDS[kind](slower=1.5), settings, checkpoint=path)


@pytest.mark.parametrize("name", NAMES)
def test_warm_candidates_come_first(name: str) -> None:
    space, evaluator = get_space("fbnet"), Curves()
    little, big = space.parse(["8" * 22, "8" * 21 + "0"]), space.parse(["0" * 22, "2" * 22])
    gates = np.zeros(2, int)
    settings = SearchSettings(**SMALL)
    get_searcher(name)(evaluator, settings, warm=Candidates(little, big, gates, gates))
    first = (evaluator.rough[0][1] if evaluator.rough else evaluator.seen[0]).little[:2]
    assert np.array_equal(first, little)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", NAMES)
def test_the_first_networks_keep_the_budgets_and_later_ones_need_not(name: str, kind: str) -> None:
    space, evaluator, most = get_space("fbnet"), KINDS[kind](), {"macs": 16e6, "params": 8e5}
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
def test_warm_candidates_beyond_the_budgets_are_left_out(name: str) -> None:
    space, evaluator = get_space("fbnet"), Curves()
    little, big = space.parse(["8" * 22, "8" * 21 + "0"]), space.parse(["8" * 22, "2" * 22])
    gates = np.zeros(2, int)
    settings = SearchSettings(**SMALL, budget_macs=16e6)
    get_searcher(name)(evaluator, settings, warm=Candidates(little, big, gates, gates))
    first = evaluator.rough[0][1] if evaluator.rough else evaluator.seen[0]
    assert np.array_equal(first.little[0], little[0])
    assert not (first.big == big[1]).all(axis=1).any()


@pytest.mark.parametrize("name", NAMES)
def test_budgets_that_no_network_keeps_are_refused_before_any_evaluation(name: str) -> None:
    evaluator = Analytic()
    with pytest.raises(ConstraintError, match=r"macs 11,000,000.*macs 11,.*budget_macs"):
        get_searcher(name)(evaluator, SearchSettings(**SMALL, budget_macs=11e6))
    assert not evaluator.seen
    assert not evaluator.rough


@pytest.mark.parametrize("name", NAMES)
def test_a_soft_score_is_what_is_sought(name: str) -> None:
    soft = "accuracy - 0.01*latency_ms"
    outcome = get_searcher(name)(Curves(), SearchSettings(**SMALL, soft=soft))
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
    name: str, kind: str, objectives: tuple[str, ...]
) -> None:
    evaluator = KINDS[kind]()
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
    tried = [*evaluator.seen, *(c for _, c in evaluator.rough)]
    pool = [evaluator.points(c) for c in tried]
    assert f"latency_ms {min(p.latency_ms.min() for p in pool):.4g}" in str(caught.value)
    assert f"accuracy {max(p.accuracy.max() for p in pool):.4g}" in str(caught.value)


@pytest.mark.parametrize("name", NAMES)
def test_candidates_without_figures_are_never_ranked(name: str) -> None:
    evaluator = Analytic(missing_share=1.0)
    outcome = get_searcher(name)(evaluator, SearchSettings(**SMALL))
    assert 0 < outcome.n_unusable < outcome.n_evaluations
    assert np.isfinite(outcome.front.latency_ms).all()
    assert not any(a.startswith("0") for a in (*outcome.front.little, *outcome.front.big))
    assert np.isfinite(best_single(outcome.front, outcome.singles).latency_ms).any()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "settings", [{"objectives": ("error", "energy_mj")}, {"limits": {"energy_mj": 3}}]
)
def test_a_figure_that_nothing_has_is_said(name: str, settings: dict[str, object]) -> None:
    with pytest.raises(ConstraintError, match="energy_mj"):
        get_searcher(name)(Analytic(), SearchSettings(**SMALL, **settings))


@pytest.mark.parametrize("name", NAMES)
def test_singles_are_networks_of_the_search_and_answer_the_same(name: str) -> None:
    evaluator = Analytic()
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


def test_nsga2_beats_random_at_equal_budget() -> None:
    ideal, nadir = (0.05, 2.0), (0.5, 12.0)
    for seed in range(3):
        volumes = {}
        for name in ("nsga2", "random"):
            settings = SearchSettings(budget=1500, population=100, seed=seed)
            outcome = get_searcher(name)(Analytic(), settings)
            values = front_values(outcome.front, settings.objectives)
            volumes[name] = hypervolume(values, ideal, nadir)
        assert volumes["nsga2"] > volumes["random"] + 0.02


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

    with pytest.raises(BigLittleError, match="3 operating points for 40"):
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
    print(json.dumps({name: front_of(name, seed=int(sys.argv[1])) for name in NAMES}))
