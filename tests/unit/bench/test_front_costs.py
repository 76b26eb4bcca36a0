"""No cost of a pair is below its floor between two rates, whatever it shares."""

from __future__ import annotations

import numpy as np
import pytest

from biglittle.bench.cost import PAIR_COSTS, NetworkCosts, SharedCosts
from biglittle.bench.front_costs import PairCosts


def _pairs(shared: SharedCosts | None, limits: dict[str, float]) -> PairCosts:
    rng = np.random.default_rng(0)
    costs = NetworkCosts(*(rng.random(8) for _ in range(6)), gate_ms=0.1, provenance={})
    return PairCosts(costs.take([0]), costs, shared, (*PAIR_COSTS, "escalation_rate"), limits)


RUNS = SharedCosts(latency_ms=np.linspace(0, 2, 8), whole_ms=np.linspace(-0.2, 0.2, 8))
TRUNK = SharedCosts(latency_ms=0.01, params=np.linspace(0, 0.1, 8), features_mib=0.3)


@pytest.mark.parametrize("shared", [None, TRUNK, RUNS])
def test_floors_hold_between_their_rates_and_are_reached(shared: SharedCosts | None) -> None:
    pairs = _pairs(shared, {})
    rate = np.linspace(0.001, 1, 200)[:, None]
    falling = pairs.falling(rate[0], rate[-1])
    assert ("latency_ms" in falling) == (shared is RUNS)
    assert "macs" not in falling
    first, last = rate[[0, 40, 120]], rate[[9, 120, 199]]
    floors, allowed = pairs.floors(first, last, falling)
    assert allowed.all()
    for floor, values in zip(floors, pairs.at(rate), strict=True):
        for k, (low, high) in enumerate(((0, 9), (40, 120), (120, 199))):
            assert np.array_equal(floor[k], values[low : high + 1].min(axis=0))


@pytest.mark.parametrize("shared", [None, TRUNK, RUNS])
def test_limits_that_any_rate_meets_can_be_met(shared: SharedCosts | None) -> None:
    rate = np.linspace(0.001, 1, 200)[:, None]
    at_half = dict(zip(PAIR_COSTS, _pairs(shared, {}).at(np.array([[0.5]])), strict=False))
    limits = {n: float(np.median(at_half[n])) for n in ("latency_ms", "params")}
    pairs = _pairs(shared, limits)
    falling = pairs.falling(rate[0], rate[-1])
    can = pairs.floors(rate[:1], rate[-1:], falling)[1][0]
    assert 0 < can.sum() < 8
    assert not (pairs.allowed(rate).any(axis=0) & ~can).any()


def test_some_are_the_costs_of_these_bigs() -> None:
    pairs, rate = _pairs(RUNS, {}), np.array([[0.2], [0.7]])
    big = np.array([5, 1])
    for some, every in zip(pairs.some(big).at(rate), pairs.at(rate), strict=True):
        assert np.array_equal(some, every[:, big])
