"""A search for bits per stage: genes, the predictor, and the front beside the exact one."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from biglittle.bench.bits import BITS
from biglittle.bench.errors import ConstraintError
from biglittle.bench.pareto import nondominated
from biglittle.searchers.bit_sensitivity import Sensitivity, random_bits, uniform
from biglittle.searchers.bits_domain import TOP, BitsDomain
from biglittle.searchers.bits_search import exact_values, searched_front

WHOLE, CUT = "8088880080000088808880", "3200002020236000800000@4"


def made_up(network: str, seed: int, accuracy: float = 0.8) -> Sensitivity:
    """A sensitivity whose losses fall with bits, some of them below 0 by chance."""
    rng, n = np.random.default_rng(seed), 3 if "@" in network else 8
    losses = rng.exponential(0.02, (n, 2, 3)) * [1.0, 0.2, 0.0] - [0.002, 0.002, 0.0]
    return Sensitivity("fbnet", network, 10, 1000, accuracy, losses, losses.clip(0) * 3)


@pytest.fixture(scope="module")
def domain() -> BitsDomain:
    return BitsDomain((made_up(WHOLE, 0), made_up(CUT, 1, 0.6)))


def test_losses_are_added_up() -> None:
    one = made_up(WHOLE, 0)
    assert one.predicted_accuracy([uniform(8)]) == one.accuracy
    bits = random_bits(np.random.default_rng(0), 8, 5)
    parts = one.expected_losses
    for pairs, predicted in zip(bits, one.predicted_accuracy(bits), strict=True):
        lost = sum(
            parts[k, side, BITS.index(b)] for k, pair in enumerate(pairs) for side, b in
            enumerate(pair)
        )  # fmt: skip
        assert predicted == pytest.approx(0.8 - lost)
    assert (parts >= 0).all()
    assert (np.diff(parts, axis=-1) <= 0).all()


def test_no_network_is_predicted_to_be_worse_than_chance() -> None:
    poor = Sensitivity("fbnet", WHOLE, 10, 10, 0.3, np.full((8, 2, 3), 0.1), np.zeros((8, 2, 3)))
    assert poor.predicted_accuracy([uniform(8, 4)]) == pytest.approx(0.1)


def test_a_sensitivity_is_read_back_as_it_was_written() -> None:
    one = made_up(CUT, 1)
    again = Sensitivity.from_dict(one.as_dict())
    assert again.network == one.network
    np.testing.assert_allclose(again.losses, one.losses, atol=1e-6)


def test_moves_stay_among_rows_that_mean_something(domain: BitsDomain) -> None:
    rng = np.random.default_rng(0)
    x = domain.sample(rng, 200)
    children = np.concatenate([domain.mutate(rng, x), *domain.cross(rng, x[:100], x[100:])])
    for rows in (x, children):
        assert (rows >= 0).all()
        assert (rows < domain.options).all()
        assert (domain.repaired(rows) == rows).all()
    assert (domain.mutate(rng, x) != x).any(axis=1).all()
    genes = x[x[:, 0] == 1, 1:].reshape(-1, 2, domain.n_entries)
    assert (genes[..., 3:] == TOP).all()  # a network that is cut has no such stages
    assert domain.size == len(BITS) ** 14 + len(BITS) ** 6  # the first stage of one is idle


def test_values_are_those_of_the_networks(domain: BitsDomain) -> None:
    x = domain.sample(np.random.default_rng(1), 20)
    accuracy, bitops = domain.values(x)
    for row, own_accuracy, own_bitops in zip(x, accuracy, bitops, strict=True):
        network, bits = domain.networks[row[0]], domain.stage_bits(row)
        assert own_accuracy == network.predicted_accuracy([bits])[0]
        assert own_bitops == network.costs.bitops(bits)


def test_the_exact_front_is_that_of_all_assignments() -> None:
    one = made_up(CUT, 3)
    pairs = list(itertools.product(BITS, BITS))
    bits = np.array(list(itertools.product(pairs, repeat=3)))
    values = np.column_stack([1 - one.predicted_accuracy(bits), one.costs.bitops(bits)])
    best = values[nondominated(values)]
    np.testing.assert_allclose(exact_values(one), best, rtol=1e-9)


def test_the_search_comes_near_the_exact_front() -> None:
    hypervolume = pytest.importorskip("pymoo.indicators.hv").HV
    one = made_up(WHOLE, 0)
    exact = exact_values(one)
    front = searched_front([one], budget=4000, seed=1)
    found = np.array([[1 - p.accuracy, p.bitops] for p in front])
    scale = exact.max(axis=0)
    volume = hypervolume(ref_point=np.array([1.0, 1.0]))
    assert volume(found / scale) > 0.95 * volume(exact / scale)
    assert volume(found / scale) <= volume(exact / scale) * (1 + 1e-9)
    assert (np.diff(found[:, 1]) > 0).all()
    assert (np.diff(found[:, 0]) < 0).all()
    assert front[0].as_dict()["provenance"]["accuracy"] == "predicted"


def test_the_same_seed_gives_the_same_front(domain: BitsDomain) -> None:
    fronts = [searched_front(domain.networks, budget=600, seed=2) for _ in range(2)]
    assert fronts[0] == fronts[1]
    assert {p.network.network for p in fronts[0]} <= {WHOLE, CUT}


def test_a_search_without_networks_or_budget_is_refused() -> None:
    with pytest.raises(ConstraintError, match="0 networks"):
        searched_front([])
    with pytest.raises(ConstraintError, match="budget of 0"):
        searched_front([made_up(WHOLE, 0)], budget=0)
