"""A co-search: its candidates, its figures, and what it finds."""

from __future__ import annotations

import numpy as np
import pytest

from biglittle.bench import Benchmark
from biglittle.bench.device import parse_profile
from biglittle.bench.errors import ConstraintError, UnknownNameError
from biglittle.bench.pareto import nondominated
from biglittle.edge_profiler.accelerators.profile import accelerator_profile
from biglittle.edge_profiler.accelerators.space import (
    CHOSEN,
    AcceleratorSpace,
    parse_space,
)
from biglittle.searchers.algorithms import SEARCHERS
from biglittle.searchers.co_domain import N_CHOSEN, CoDomain
from biglittle.searchers.co_evaluator import CoEvaluator
from biglittle.searchers.co_run import co_evaluator, run_co_search
from biglittle.searchers.co_search import CoSettings, co_search
from biglittle.searchers.judge import candidates_of
from biglittle.surrogates import Surrogate, SurrogateEvaluator

OBJECTIVES = ("error", "latency_ms", "energy_mj", "area_mm2")


@pytest.fixture(scope="module")
def few() -> AcceleratorSpace:
    """A space of sixteen accelerators, quickly priced."""
    return parse_space(
        {
            "name": "few",
            "rows": [8, 16],
            "columns": 16,
            "weight_buffer_kib": [4, 16],
            "activation_buffer_kib": [16, 32],
            "bandwidth_bits": 64,
            "dataflow": ["output-stationary", "row-stationary"],
        },
        "few",
    )


@pytest.fixture(scope="module")
def bench() -> Benchmark:
    return Benchmark.load("fbnet-cifar10")


def made(bench: Benchmark, few: AcceleratorSpace, on: str, **settings: object) -> CoEvaluator:
    pair = settings.pop("pair", None)
    return co_evaluator(on, bench, few, CoSettings(**settings), 200.0, pair)[0]  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def of_table(bench: Benchmark, few: AcceleratorSpace) -> CoEvaluator:
    return made(bench, few, "table")


def test_moves_end_at_candidates(bench: Benchmark, few: AcceleratorSpace) -> None:
    limit = float(np.median(few.areas_mm2))
    for on in ("table", "surrogate"):
        domain = made(bench, few, on, area_mm2=limit).domain
        rng = np.random.default_rng(0)
        rows = domain.sample_sizes(rng, 40)
        assert rows.shape == (40, domain.n_genes)
        children = domain.cross(rng, rows[:20], rows[20:])
        near = domain.neighbours(rows[0])
        for x in (rows, *children, domain.mutate(rng, rows), near):
            assert (few.areas_mm2[domain.places(x)] <= limit).all()
            assert (x < domain.options).all()
            assert np.array_equal(domain.repaired(x), x)
            assert np.array_equal(domain.joined(domain.of_pairs(x), domain.places(x)), x)
        assert len(set(domain.keys(near)) - set(domain.keys(rows[:1]))) == len(near)
        mutated = zip(domain.keys(rows), domain.keys(domain.mutate(rng, rows)), strict=True)
        assert np.mean([a == b for a, b in mutated]) < 0.5
        assert domain.features(rows).shape[0] == 40
        assert domain.chosen.stop - domain.chosen.start == N_CHOSEN


def test_figures_are_those_of_the_accelerator_as_a_device(
    bench: Benchmark, few: AcceleratorSpace
) -> None:
    surrogate = Surrogate.load(bench.table.path.parent / "surrogate")
    outcome = co_search(made(bench, few, "surrogate"), CoSettings(evaluations=400, population=50))
    chosen = np.linspace(0, len(outcome.points) - 1, 12).astype(int)
    for i in chosen:
        document = accelerator_profile(
            few.accelerator(int(outcome.places[i])), bench.table.space, bench.table.n_classes
        )
        device = SurrogateEvaluator(surrogate, parse_profile(document, "profile"))
        point = outcome.points.take(np.array([i]))
        plain = device.evaluate(candidates_of(point, device, bench.table.n_classes))
        for name in ("accuracy", "escalation_rate", "latency_ms", "latency_worst_ms", "energy_mj"):
            assert getattr(plain, name)[0] == pytest.approx(getattr(point, name)[0], rel=1e-3)
        assert (plain.coupling == point.coupling).all()
        assert point.provenance["latency_ms"] == "modelled"
        assert point.provenance["accuracy"] == "predicted"
        values = outcome.values[i]
        assert values[0] == pytest.approx(1 - point.accuracy[0])
        assert values[1] == pytest.approx(point.latency_ms[0])
        assert values[2] == pytest.approx(point.energy_mj[0])
        assert values[3] == outcome.areas_mm2[i]


def test_of_a_pair_all_points_of_use_are_there(of_table: CoEvaluator) -> None:
    domain = of_table.domain
    x = domain.sample(np.random.default_rng(3), 8)
    _, owner, values = of_table.values(x, OBJECTIVES)
    pairs = domain.of_pairs(x)
    answers = of_table.answering.answers(*domain.pairs.networks(pairs), domain.pairs.cuts(pairs))
    for i in range(len(x)):
        own, mine = answers.owner == i, values[owner == i]
        rate, error = answers.escalation_rate[own], 1 - answers.accuracy[own]
        assert len(mine) == len(nondominated(np.stack([rate, error], axis=1)))
        assert mine[:, 0].min() == pytest.approx(error.min())
        assert len(np.unique(mine[:, 3])) == 1


@pytest.mark.parametrize("name", [n for n in SEARCHERS.names() if n != "successive_halving"])
def test_every_searcher_can_search(of_table: CoEvaluator, name: str) -> None:
    settings = CoSettings(
        objectives=OBJECTIVES, evaluations=120, population=30, searcher=name, seed=1
    )
    outcome = co_search(of_table, settings)
    assert 0 < outcome.evaluations <= 120
    assert len(nondominated(outcome.values)) == len(outcome.values) == len(outcome.points)
    again = co_search(of_table, settings)
    assert np.array_equal(again.values, outcome.values)
    assert np.array_equal(again.places, outcome.places)


def test_one_pair_and_all_accelerators_are_gone_through(
    bench: Benchmark, few: AcceleratorSpace
) -> None:
    little, big = (str(name) for name in bench.table.names[bench.table.rows()[[3, 200]]])
    evaluator = made(bench, few, "table", pair=(little, big))
    outcome = co_search(evaluator, CoSettings(evaluations=500, population=20))
    assert outcome.evaluations == len(few)  # none twice, and nothing else to ask
    assert set(outcome.points.little) == {little}
    assert set(outcome.points.big) == {big}
    domain = evaluator.domain
    every = domain.joined(np.repeat(domain.pair, len(few), axis=0), np.arange(len(few)))
    values = evaluator.values(every, CoSettings().objectives)[2]
    assert len(outcome.values) == len(nondominated(values))


def test_an_accelerator_that_is_fixed(bench: Benchmark, few: AcceleratorSpace) -> None:
    one = parse_space(
        {name: options[0] for name, options in _fields(few).items()} | {"name": "one"}, "one"
    )
    objectives = ("error", "latency_ms")
    outcome = co_search(
        made(bench, one, "table", objectives=objectives),
        CoSettings(objectives=objectives, evaluations=200, population=40),
    )
    assert set(outcome.places) == {0}
    with pytest.raises(ConstraintError, match="not a space of them"):
        made(bench, one, "table")


def _fields(space: AcceleratorSpace) -> dict[str, tuple[object, ...]]:
    return dict(zip(CHOSEN, space.options, strict=True))


def test_what_is_reported_was_not_chosen_by(bench: Benchmark, few: AcceleratorSpace) -> None:
    settings = CoSettings(evaluations=200, population=50)
    outcome, document = run_co_search("table", bench, few, settings, 200.0)
    assert outcome.points.split == "test"
    assert document["config"]["chosen_on"] == "val"
    first = document["front"][0]
    assert first["provenance"]["accuracy"] == "measured"
    assert first["provenance"]["area_mm2"] == "modelled"
    assert set(document["accelerators"]) == {record["accelerator"] for record in document["front"]}


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"objectives": ("error",)}, "two to four"),
        ({"objectives": ("error", "error")}, "two to four"),
        ({"evaluations": 0}, "evaluations"),
        ({"population": 1}, "population"),
        ({"seed": -1}, "seed"),
        ({"area_mm2": 0.0}, "more than 0"),
        ({"area_mm2": float("nan")}, "more than 0"),
    ],
)
def test_settings_that_cannot_be_searched_with(settings: dict[str, object], named: str) -> None:
    with pytest.raises(ConstraintError, match=named):
        CoSettings(**settings)  # type: ignore[arg-type]


def test_names_that_there_are_not(bench: Benchmark, few: AcceleratorSpace) -> None:
    with pytest.raises(UnknownNameError, match="latency_ms"):
        CoSettings(objectives=("error", "latencyms"))
    with pytest.raises(UnknownNameError, match="surrogate"):
        made(bench, few, "surogate")
    with pytest.raises(ConstraintError, match="not among the candidates"):
        made(bench, few, "table", pair=("0" * 22, "1" * 22))


def test_a_domain_says_how_many_candidates_there_are(of_table: CoEvaluator) -> None:
    domain = of_table.domain
    assert isinstance(domain, CoDomain)
    assert domain.size == domain.pairs.size * len(of_table.grid.accelerators)
