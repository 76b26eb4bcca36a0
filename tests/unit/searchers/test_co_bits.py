"""Bits as genes beside accelerators: candidates, the model of accuracy, and the exact front."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from biglittle.bench import get_space
from biglittle.bench.bits import BITS
from biglittle.bench.gates import N_CODES, get_gate
from biglittle.bench.hypervolume import hypervolume, reference_of
from biglittle.bench.pareto import nondominated
from biglittle.edge_profiler.accelerators.space import parse_space
from biglittle.edge_profiler.accelerators.stage_costs import StageGrid
from biglittle.searchers.algorithms import SEARCHERS
from biglittle.searchers.bit_sensitivity import Sensitivity
from biglittle.searchers.bits_domain import TOP, BitsDomain
from biglittle.searchers.co_bits import BitsCoEvaluator, bits_evaluator
from biglittle.searchers.co_search import CoSettings, co_search
from biglittle.searchers.evaluators.answers import Answers

#: Two stages that compute, of these bits: 81 assignments.
SMALL, OTHER = "8" * 22 + "@4", "3200002020236000800000@4"
N_IMAGES = 60
OBJECTIVES = ("error", "latency_ms", "energy_mj", "area_mm2")


def sensitivity(network: str, seed: int, right: np.ndarray) -> Sensitivity:
    rng = np.random.default_rng(seed)
    losses = rng.exponential(0.03, (3, 2, 3)) * [1.0, 0.3, 0.0]
    return Sensitivity("fbnet", network, 10, N_IMAGES, right.mean(), losses, losses)


def made_up(networks: tuple[str, ...], seed: int = 0) -> BitsCoEvaluator:
    """Networks whose answers and sensitivities are drawn, on four accelerators."""
    rng, n = np.random.default_rng(seed), len(networks)
    right = rng.random((n, N_IMAGES)) < np.linspace(0.6, 0.8, n)[:, None]
    codes = {
        gate: (rng.integers(0, 200, (n, N_IMAGES)) + 50 * right).astype(np.uint8)
        for gate in ("margin", "max_prob")
    }
    each = tuple(sensitivity(name, seed + i, right[i]) for i, name in enumerate(networks))
    space = parse_space(
        {
            "name": "few",
            "rows": [8, 16],
            "columns": 8,
            "weight_buffer_kib": [2, 8],
            "activation_buffer_kib": 16,
            "bandwidth_bits": 64,
            "dataflow": "row-stationary",
        },
        "few",
    )
    grid = StageGrid(space, get_space("fbnet"), networks, 10)
    places = np.arange(len(space))
    return bits_evaluator(BitsDomain(each), Answers(right, codes, 10), grid, places)


@pytest.fixture(scope="module")
def judge() -> BitsCoEvaluator:
    return made_up((SMALL, OTHER))


def test_moves_end_at_candidates(judge: BitsCoEvaluator) -> None:
    domain, rng = judge.domain, np.random.default_rng(0)
    rows = domain.sample_sizes(rng, 40)
    assert rows.shape == (40, domain.n_genes)
    near = domain.neighbours(rows[0])
    for x in (rows, *domain.cross(rng, rows[:20], rows[20:]), domain.mutate(rng, rows), near):
        assert (x < domain.options).all()
        assert np.array_equal(domain.repaired(x), x)
        assert np.array_equal(domain.joined(domain.of_pairs(x), domain.places(x)), x)
        for half in domain.pairs.halves(domain.of_pairs(x)):
            idle = half[half[:, 0] == 0][:, [1, 4]]  # the first stage of the first network
            assert (idle == TOP).all()
    assert len(set(domain.keys(near)) - set(domain.keys(rows[:1]))) == len(near)
    moved = domain.mutate(rng, rows)
    halves = [domain.pairs.halves(domain.of_pairs(x)) for x in (rows, moved)]
    for little_or_big in range(2):
        changed = (halves[0][little_or_big] != halves[1][little_or_big]).any(axis=1)
        assert 0.1 < changed.mean() < 0.9
    assert domain.size == (81 + 9**3) ** 2 * 4
    assert domain.features(rows).shape[0] == 40


def test_accuracy_is_that_at_8_bits_less_what_each_network_loses_on_its_share(
    judge: BitsCoEvaluator,
) -> None:
    domain, answers = judge.domain, judge.answers
    x = domain.sample(np.random.default_rng(1), 12)
    little, big = domain.pairs.halves(domain.of_pairs(x))
    genes, owner, values = judge.values(x, OBJECTIVES)
    points = judge.points(genes)
    for i, own in enumerate(owner.tolist()):
        gate, cut = answers.gates[genes[i, domain.gate]], genes[i, domain.cut]
        a, b = int(little[own, 0]), int(big[own, 0])
        asked = answers.codes[gate][a] < cut
        right = np.where(asked, answers.right[b], answers.right[a]).mean()
        lost = []
        for half in (little[own], big[own]):
            network = judge.bits.networks[int(half[0])]
            bits = judge.bits.stage_bits(half)
            lost.append(
                sum(
                    network.expected_losses[k, side, BITS.index(n)]
                    for k, pair in enumerate(bits)
                    for side, n in enumerate(pair)
                )
            )
        rate = asked.mean()
        expected = right - (1 - rate) * lost[0] - rate * lost[1]
        assert points.accuracy[i] == pytest.approx(max(expected, 0.1))
        assert points.escalation_rate[i] == pytest.approx(rate)
        assert values[i, 0] == pytest.approx(1 - points.accuracy[i])
        assert values[i, 1] == pytest.approx(points.latency_ms[i])
        assert values[i, 2] == pytest.approx(points.energy_mj[i])
    assert points.provenance["accuracy"] == points.provenance["escalation_rate"] == "predicted"
    assert points.provenance["latency_ms"] == points.provenance["energy_mj"] == "modelled"
    assert points[0].peak_memory_mib is None
    assert {n.partition(":")[0] for n in points.little} <= {SMALL, OTHER}


def test_of_a_pair_every_gate_and_cut_that_pays_is_there(judge: BitsCoEvaluator) -> None:
    """Also those that escalate to a big network which is no better, but loses less."""
    domain, answers = judge.domain, judge.answers
    x = domain.sample(np.random.default_rng(2), 6)
    x[-1, domain.pairs.parts[0]] = [1, *[0] * 6]
    x[-1, domain.pairs.parts[1]] = [1, *[TOP] * 6]
    _, owner, values = judge.values(x, OBJECTIVES)
    n_gates, n_cuts = len(answers.gates), N_CODES + 1
    for i in range(len(x)):
        every = np.repeat(x[[i]], n_gates * n_cuts, axis=0)
        every[:, domain.gate] = np.repeat(np.arange(n_gates), n_cuts)
        every[:, domain.cut] = np.tile(np.arange(n_cuts), n_gates)
        points = judge.points(every)
        both = np.column_stack([points.escalation_rate, points.error])
        best = both[nondominated(both)]
        mine = values[owner == i]
        assert len(mine) == len(np.unique(best.round(9), axis=0))
        np.testing.assert_allclose(np.sort(mine[:, 0]), np.unique(best[:, 1].round(9)), atol=1e-8)
    same = values[owner == len(x) - 1]
    assert len(same) > 1  # one network at 4 and at 8 bits: every escalation helps


def test_the_front_is_near_the_exact_one() -> None:
    judge = made_up((SMALL,))
    domain = replace(judge.domain, allowed=judge.domain.allowed[[0, 3]])
    judge = replace(judge, domain=domain)
    one = np.array([np.unravel_index(i, (3,) * 4) for i in range(81)])
    half = np.full((81, 7), TOP)
    half[:, 0] = 0
    half[:, [2, 3, 5, 6]] = one
    pairs = domain.pairs.joined(np.repeat(half, 81, axis=0), np.tile(half, (81, 1)))
    fronts = []
    for place in domain.allowed.tolist():
        x = domain.joined(pairs, np.full(len(pairs), place))
        assert np.array_equal(domain.repaired(x), x)
        values = judge.values(x, OBJECTIVES)[2]
        fronts.append(values[nondominated(values)])
    exact = np.concatenate(fronts)
    exact = exact[nondominated(exact)]
    assert domain.size == len(pairs) * len(domain.allowed)
    box = reference_of(exact, OBJECTIVES)
    shares = []
    for seed in range(2):
        settings = CoSettings(objectives=OBJECTIVES, evaluations=2500, population=100, seed=seed)
        outcome = co_search(judge, settings)
        assert outcome.evaluations < domain.size / 5
        shares.append(hypervolume(outcome.values, box.utopian, box.nadir) / box.hypervolume)
    assert min(shares) > 0.99  # regrets of 0.02 and 0.01 % were seen
    assert max(shares) <= 1 + 1e-9


@pytest.mark.parametrize("name", [n for n in SEARCHERS.names() if n != "successive_halving"])
def test_every_searcher_can_search(judge: BitsCoEvaluator, name: str) -> None:
    settings = CoSettings(evaluations=100, population=30, searcher=name, seed=1)
    outcome = co_search(judge, settings)
    assert 0 < outcome.evaluations <= 100
    assert len(nondominated(outcome.values)) == len(outcome.values) == len(outcome.points)
    assert np.array_equal(co_search(judge, settings).values, outcome.values)


def test_thresholds_are_those_of_the_gate(judge: BitsCoEvaluator) -> None:
    x = judge.values(judge.domain.sample(np.random.default_rng(3), 4), OBJECTIVES)[0]
    points = judge.points(x)
    for gate, threshold, cut in zip(
        points.gate, points.threshold, x[:, judge.domain.cut], strict=True
    ):
        assert get_gate(str(gate)).cut(threshold, 10) == cut
