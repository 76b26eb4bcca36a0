"""What every searcher has to keep: ``class TestMine(SearcherContract): entry = SEARCHER``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ..bench import Benchmark, Candidates, get_space
from ..bench.errors import CheckpointError, ConstraintError
from ..bench.gates import N_CODES
from ..bench.synthetic import DEVICE, synthetic_table
from ..bench.table_writer import write_table
from ..searchers import SEARCHERS, Progress, SearchSettings, best_single, get_searcher
from ..searchers.evaluators.table import TableEvaluator
from ._contract import Contract
from .analytic import KINDS, Kinds

SMALL: dict[str, Any] = {"budget": 210, "population": 40}  # no multiple: the last batch is trimmed
FEW: dict[str, Any] = {"budget": 60, "population": 20}
COUPLINGS = [None, ("prefix",), ("nested", "sibling")]


class KilledError(Exception):
    """Stops a search in its middle."""


def front_of(kinds: Kinds, name: str, **settings: Any) -> list[dict[str, object]]:
    """The front that a searcher finds among whole curves, as plain JSON."""
    settings = {**SMALL, **settings}
    return get_searcher(name)(kinds["curves"](), SearchSettings(**settings)).front.records()


class SearcherContract(Contract):
    """What every searcher has to keep: budget, seeds, limits, resuming, couplings."""

    registry = SEARCHERS

    @pytest.fixture(scope="class")
    @classmethod
    def kinds(cls) -> Kinds:
        """Classes of evaluators: single points, whole curves, and curves of few architectures."""
        return KINDS

    @pytest.fixture(scope="class")
    @classmethod
    def coupled(cls, tmp_path_factory: pytest.TempPathFactory) -> Benchmark:
        """A made-up table with exits."""
        path = tmp_path_factory.mktemp("exits") / "table.h5"
        contents = synthetic_table(n_networks=14, n_val=100, n_test=100, seed=1, n_exits=6)
        write_table(path, contents, "test", "2020-01-01")
        return Benchmark.load(path)

    @pytest.mark.parametrize("kind", [*KINDS])
    def test_budget_is_spent_and_never_exceeded(self, name: str, kind: str, kinds: Kinds) -> None:
        told: list[Progress] = []
        evaluator = kinds[kind]()
        outcome = get_searcher(name)(evaluator, SearchSettings(**SMALL), told.append)
        assert SMALL["budget"] - 1 < evaluator.spent <= SMALL["budget"] + 1e-6
        assert len(evaluator.rough) or outcome.n_evaluations == SMALL["budget"]
        assert all(isinstance(t, Progress) for t in told)
        assert told[-1].n_evaluations == int(evaluator.spent + 1e-6)
        assert told[-1].n_front == len(outcome.front)
        assert [s.n_evaluations for s in outcome.history] == [t.n_evaluations for t in told]
        assert 0 < outcome.seconds_evaluating < outcome.seconds_total

    @pytest.mark.parametrize("kind", [*KINDS])
    def test_nothing_is_evaluated_twice(self, name: str, kind: str, kinds: Kinds) -> None:
        evaluator = kinds[kind]()
        outcome = get_searcher(name)(evaluator, SearchSettings(**SMALL))
        keys = [
            (c.little[i].tobytes(), c.big[i].tobytes(), int(c.gate[i]), int(c.cut[i]))
            for c in evaluator.seen
            for i in range(len(c))
        ]
        assert len(set(keys)) == len(keys)
        assert outcome.log is not None
        batches = outcome.log.batches
        assert [b.ended_s for b in batches] == sorted(b.ended_s for b in batches)
        assert outcome.log.header["provenance"] == dict(outcome.front.provenance)

    def test_a_soft_score_is_what_is_sought(self, name: str, kinds: Kinds) -> None:
        soft = "accuracy - 0.01*latency_ms"
        outcome = get_searcher(name)(kinds["curves"](), SearchSettings(**SMALL, soft=soft))
        best = outcome.best
        assert best is not None
        assert len(best) == 1
        score = best.accuracy - 0.01 * best.latency_ms
        front = outcome.front.accuracy - 0.01 * outcome.front.latency_ms
        assert score[0] >= front.max() - 1e-12

    def test_only_what_is_allowed_is_tried(self, name: str, kinds: Kinds) -> None:
        evaluator = kinds["points"]()
        get_searcher(name)(evaluator, SearchSettings(**SMALL))
        legal = set(evaluator.space.allowed(evaluator.choices).tolist())
        for batch in evaluator.seen:
            assert set(np.unique(batch.little)) | set(np.unique(batch.big)) <= legal
            assert 0 <= batch.gate.min() <= batch.gate.max() < len(evaluator.gates)
            assert 0 <= batch.cut.min() <= batch.cut.max() <= N_CODES

    def test_limits_are_respected(self, name: str, kinds: Kinds) -> None:
        limits = {"latency_ms": 7.0, "accuracy": 0.7}
        outcome = get_searcher(name)(kinds["points"](), SearchSettings(limits=limits, **SMALL))
        assert outcome.front.latency_ms.max() <= 7.0
        assert outcome.front.accuracy.min() >= 0.7
        assert outcome.n_infeasible > 0

    def test_impossible_limits_name_the_best_reachable(self, name: str, kinds: Kinds) -> None:
        evaluator = kinds["points"]()
        settings = SearchSettings(limits={"latency_ms": 0.5, "accuracy": 0.1}, **SMALL)
        with pytest.raises(ConstraintError) as caught:
            get_searcher(name)(evaluator, settings)
        tried = [*evaluator.seen, *(c for _, c in evaluator.rough)]
        pool = [evaluator.points(c) for c in tried]
        assert f"latency_ms {min(p.latency_ms.min() for p in pool):.4g}" in str(caught.value)
        assert f"accuracy {max(p.accuracy.max() for p in pool):.4g}" in str(caught.value)

    def test_candidates_without_figures_are_never_ranked(self, name: str, kinds: Kinds) -> None:
        evaluator = kinds["points"](missing_share=1.0)
        outcome = get_searcher(name)(evaluator, SearchSettings(**SMALL))
        assert 0 < outcome.n_unusable < outcome.n_evaluations
        assert np.isfinite(outcome.front.latency_ms).all()
        assert not any(a.startswith("0") for a in (*outcome.front.little, *outcome.front.big))
        assert np.isfinite(best_single(outcome.front, outcome.singles).latency_ms).any()

    def test_singles_are_networks_of_the_search_and_answer_the_same(
        self, name: str, kinds: Kinds
    ) -> None:
        evaluator = kinds["points"]()
        outcome = get_searcher(name)(evaluator, SearchSettings(**SMALL))
        candidates = [*evaluator.seen, *(c for _, c in evaluator.rough)]
        tried = {
            a for c in candidates for g in (c.little, c.big) for a in evaluator.space.format(g)
        }
        assert set(outcome.singles.architecture) <= tried
        assert outcome.n_networks == len(tried)
        every = evaluator.networks(evaluator.space.parse(sorted(tried)))
        best = best_single(outcome.front, outcome.singles)
        for i, budget in enumerate(outcome.front.latency_ms):
            cheap = every.accuracy[every.costs.latency_ms <= budget]
            assert (best.accuracy[i] == cheap.max()) if len(cheap) else np.isnan(best.accuracy[i])

    def test_warm_candidates_come_first(self, name: str, kinds: Kinds) -> None:
        space, evaluator = get_space("fbnet"), kinds["curves"]()
        little, big = space.parse(["8" * 22, "8" * 21 + "0"]), space.parse(["0" * 22, "2" * 22])
        gates = np.zeros(2, int)
        settings = SearchSettings(**SMALL)
        get_searcher(name)(evaluator, settings, warm=Candidates(little, big, gates, gates))
        first = (evaluator.rough[0][1] if evaluator.rough else evaluator.seen[0]).little[:2]
        assert np.array_equal(first, little)

    @pytest.mark.parametrize("kind", [*KINDS])
    def test_the_first_networks_keep_the_budgets_and_later_ones_need_not(
        self, name: str, kind: str, kinds: Kinds
    ) -> None:
        space, evaluator, most = get_space("fbnet"), kinds[kind](), {"macs": 16e6, "params": 8e5}
        outcome = get_searcher(name)(
            evaluator,
            SearchSettings(**SMALL, budget_macs=most["macs"], budget_params=most["params"]),
        )
        sizes = {"macs": space.macs, "params": space.params}
        first, *later = evaluator.rough or [(1.0, c) for c in evaluator.seen]
        for figure, of in sizes.items():
            assert max(of(g, 10).max() for g in (first[1].little, first[1].big)) <= most[figure]
        beyond = [of(c.big, 10).max() > most[f] for f, of in sizes.items() for _, c in later]
        assert any(beyond)
        assert outcome.settings.initial == most

    def test_warm_candidates_beyond_the_budgets_are_left_out(self, name: str, kinds: Kinds) -> None:
        space, evaluator = get_space("fbnet"), kinds["curves"]()
        little, big = space.parse(["8" * 22, "8" * 21 + "0"]), space.parse(["8" * 22, "2" * 22])
        gates = np.zeros(2, int)
        settings = SearchSettings(**SMALL, budget_macs=16e6)
        get_searcher(name)(evaluator, settings, warm=Candidates(little, big, gates, gates))
        first = evaluator.rough[0][1] if evaluator.rough else evaluator.seen[0]
        assert np.array_equal(first.little[0], little[0])
        assert not (first.big == big[1]).all(axis=1).any()

    def test_budgets_that_no_network_keeps_are_refused_before_any_evaluation(
        self, name: str, kinds: Kinds
    ) -> None:
        evaluator = kinds["points"]()
        with pytest.raises(ConstraintError, match=r"macs 11,000,000.*macs 11,.*budget_macs"):
            get_searcher(name)(evaluator, SearchSettings(**SMALL, budget_macs=11e6))
        assert not evaluator.seen
        assert not evaluator.rough

    def test_same_seed_same_front_and_global_state_is_left_alone(
        self, name: str, kinds: Kinds
    ) -> None:
        np.random.seed(1)  # noqa: NPY002  (that it has no influence is what is tested)
        first = front_of(kinds, name, seed=3)
        np.random.seed(2)  # noqa: NPY002
        before = np.array(np.random.get_state(legacy=False)["state"]["key"])  # noqa: NPY002
        assert front_of(kinds, name, seed=3) == first
        after = np.random.get_state(legacy=False)["state"]["key"]  # noqa: NPY002
        assert np.array_equal(before, after)
        assert front_of(kinds, name, seed=4) != first

    @pytest.mark.parametrize("kind", ["points", "curves"])
    def test_a_killed_search_goes_on_as_if_nothing_had_been(
        self, name: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kinds: Kinds
    ) -> None:
        monkeypatch.setattr("biglittle.searchers.search.SAVE_EVERY_S", -1.0)
        settings, path, evaluator = (
            SearchSettings(**SMALL, seed=2),
            tmp_path / "log.npz",
            kinds[kind](),
        )

        def killer(progress: Progress) -> None:
            if progress.n_evaluations > 120:
                raise KilledError

        with pytest.raises(KilledError):
            get_searcher(name)(evaluator, settings, killer, checkpoint=path)
        before = evaluator.spent
        resumed = get_searcher(name)(evaluator, settings, checkpoint=path)
        assert evaluator.spent - before < SMALL["budget"] - 70  # what is logged is not asked again
        whole = get_searcher(name)(kinds[kind](), settings)
        assert resumed.front.records() == whole.front.records()
        assert resumed.n_evaluations == whole.n_evaluations
        assert resumed.n_infeasible == whole.n_infeasible
        dead = kinds[kind]()  # the search is finished: it is asked for no candidate
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
                get_searcher(name)(kinds[kind](), changed, checkpoint=path)
        with pytest.raises(CheckpointError, match="domain_sha256"):
            get_searcher(name)(kinds[kind](choices=("k3_e1", "skip")), settings, checkpoint=path)
        with pytest.raises(
            CheckpointError, match="cheapest_network"
        ):  # a device on which latency is another
            get_searcher(name)(kinds[kind](slower=1.5), settings, checkpoint=path)

    @pytest.mark.parametrize("couplings", COUPLINGS)
    def test_searches_keep_to_the_couplings_and_their_figures_are_those_of_the_table(
        self, name: str, couplings: tuple[str, ...] | None, coupled: Benchmark
    ) -> None:
        evaluator = TableEvaluator(coupled, DEVICE)
        outcome = get_searcher(name)(evaluator, SearchSettings(**FEW, couplings=couplings))
        assert outcome.n_unusable == 0  # no network is asked about that is not there
        front = outcome.front
        if couplings is None:  # pairs with one trunk are looked at by themselves
            assert "prefix" in front.coupling
        else:
            assert set(front.coupling) <= {*couplings}
        exact = coupled.reported(front, DEVICE, "val")
        assert np.array_equal(exact.coupling, front.coupling)
        for figure in ("accuracy", "latency_ms", "energy_mj", "macs", "params", "peak_memory_mib"):
            assert getattr(exact, figure) == pytest.approx(getattr(front, figure), rel=1e-12), (
                figure
            )
        assert front.provenance == exact.provenance
        assert outcome.log is not None
        genes = np.concatenate(
            [batch.genes for batch in outcome.log.batches if batch.fidelity == 1.0]
        )
        assert len(np.unique(genes, axis=0)) == len(genes)

    def test_the_same_seed_gives_the_same_coupled_front(
        self, name: str, coupled: Benchmark
    ) -> None:
        settings = SearchSettings(**FEW, seed=4, gate="gene")
        fronts = [
            get_searcher(name)(TableEvaluator(coupled, DEVICE), settings).front.records()
            for _ in range(2)
        ]
        assert fronts[0] == fronts[1]

    def test_budgets_of_the_first_population_hold_for_cut_networks(
        self, name: str, coupled: Benchmark
    ) -> None:
        evaluator, most = TableEvaluator(coupled, DEVICE), 2.2e7
        settings = SearchSettings(**FEW, budget_macs=most)
        outcome = get_searcher(name)(evaluator, settings)
        assert outcome.n_evaluations > 0
