"""Costs of networks and pairs: what is added up, what is shared, and what is not known."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biglittle.bench.cost import (
    PAIR_COSTS,
    TAIL,
    NetworkCosts,
    SharedCosts,
    answered_ms,
    cascade_costs,
    cascade_figure,
    mean_cost,
    network_costs,
    pair_costs,
    pair_figure,
)
from biglittle.bench.errors import UnknownNameError
from biglittle.bench.provenance import MemberWords
from biglittle.bench.spaces import get_space

SPACE = get_space("fbnet")
WORDS = {"latency_ms": "measured", "energy_mj": "modelled"}
positive = st.floats(0.01, 1e3)


def _alone(
    latency_ms: float, weights_mib: float = 1.0, activation_mib: float = 1.0
) -> NetworkCosts:
    params = weights_mib * 2**18
    one = [latency_ms, 2 * latency_ms, 1e6 * latency_ms, params, weights_mib, activation_mib]
    return NetworkCosts(*(np.array([v]) for v in one), gate_ms=0.5, provenance=WORDS)


def test_a_network_is_counted_from_its_space() -> None:
    genomes = SPACE.parse(["8" * 22, "3" * 22])
    latency, energy = np.array([1.0, 2.0]), np.array([3.0, np.nan])
    costs = network_costs(SPACE, genomes, 10, latency, energy, 0.1, WORDS)
    assert costs.macs.tolist() == SPACE.macs(genomes, 10).tolist()
    np.testing.assert_allclose(costs.weights_mib * 2**20 / 4, SPACE.params(genomes, 10))
    np.testing.assert_allclose(costs.activation_mib * 2**20 / 4, SPACE.peak_activation(genomes))
    counted = network_costs(
        SPACE, genomes, 10, latency, energy, 0.1, WORDS, np.array([5, 6]), np.array([7.0, 8.0])
    )
    assert counted.macs.tolist() == [5.0, 6.0]
    assert counted.activation_mib.tolist() == [7.0, 8.0]


def test_what_is_missing_has_no_figure_at_all() -> None:
    costs = network_costs(
        SPACE, SPACE.parse(["8" * 22] * 2), 10, np.ones(2), np.ones(2), 0.0, WORDS
    )
    some = costs.without(np.array([False, True]))
    assert np.isnan([some.macs[1], some.weights_mib[1], some.latency_ms[1]]).all()
    assert some.one(0) == costs.one(0)
    assert costs.without(np.zeros(2, np.bool_)) is costs


def test_the_worst_device_is_the_worst_in_every_figure() -> None:
    slow, thirsty = _alone(3.0), _alone(2.0)
    thirsty = NetworkCosts(**{**vars(thirsty), "energy_mj": np.array([99.0]), "gate_ms": 0.7})
    worst = NetworkCosts.worst([slow, thirsty])
    assert (worst.latency_ms[0], worst.energy_mj[0], worst.gate_ms) == (3.0, 99.0, 0.7)
    assert worst.provenance == WORDS


def test_on_several_devices_each_network_has_the_word_of_the_device_that_is_least_sure() -> None:
    energy = {"energy_mj": "modelled"}
    sums = replace(_alone(3.0), provenance={"latency_ms": "block-sum", **energy})
    both = sums.take([0, 0])
    ranks = np.array([0, 2], np.uint8)  # measured, predicted
    other = replace(both, provenance=MemberWords({"latency_ms": ranks}, energy))
    worst = NetworkCosts.worst([both, other])
    assert dict(worst.provenance) == {"latency_ms": "predicted", **energy}
    assert worst.one(0).provenance == {"latency_ms": "block-sum", **energy}
    assert worst.one(1).provenance == {"latency_ms": "predicted", **energy}
    assert dict(worst.take([0]).provenance) == {"latency_ms": "block-sum", **energy}


@given(positive, positive, st.floats(0, 1))
def test_a_pair_costs_little_and_for_the_escalated_big(little: float, big: float, r: float) -> None:
    costs = pair_costs(_alone(little), _alone(big), np.array([r]))
    assert costs["latency_ms"][0] == pytest.approx(little + 0.5 + r * big)
    assert costs["latency_p95_ms"][0] == pytest.approx(little + 0.5 + (big if r > TAIL else 0))
    assert costs["latency_worst_ms"][0] == pytest.approx(little + 0.5 + (big if r > 0 else 0))
    assert costs["energy_mj"][0] == pytest.approx(2 * (little + r * big))
    assert costs["params"][0] == (2**19 if r > 0 else 2**18)
    assert costs["macs"][0] == pytest.approx(1e6 * (little + r * big))


@given(positive, positive, st.floats(0, 1), st.floats(0, 1))
def test_what_is_shared_is_paid_once(little: float, more: float, r: float, share: float) -> None:
    """A prefix: the trunk is part of both networks."""
    trunk = share * little
    big = trunk + more
    shared = SharedCosts(latency_ms=trunk, energy_mj=2 * trunk, macs=1e6 * trunk, weights_mib=0.5)
    pair = pair_costs(_alone(little), _alone(big), np.array([r]), shared)
    apart = pair_costs(_alone(little), _alone(big), np.array([r]))
    assert pair["latency_ms"][0] == pytest.approx(little + 0.5 + r * more)
    assert pair["macs"][0] == pytest.approx(1e6 * (little + r * more))
    saved = 0.5 if r > 0 else 0.0  # without big there is nothing to share
    assert pair["peak_memory_mib"][0] == pytest.approx(apart["peak_memory_mib"][0] - saved)
    assert all(pair[name][0] <= apart[name][0] + 1e-9 for name in PAIR_COSTS)


@given(positive, positive, st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_means_are_affine_in_the_escalation_rate(
    little: float, big: float, one: float, other: float, w: float
) -> None:
    """What the exact engine's bounds rest on, with a shared part as without."""
    shared = SharedCosts(latency_ms=0.3 * big, energy_mj=0.1 * big, macs=5.0)
    for name in ("latency_ms", "energy_mj", "macs"):
        at = [
            pair_figure(name, _alone(little), _alone(big), np.array([r]), shared)[0]
            for r in (one, other, w * one + (1 - w) * other)
        ]
        assert at[2] == pytest.approx(w * at[0] + (1 - w) * at[1], rel=1e-9, abs=1e-9)


@given(
    st.lists(positive, min_size=6, max_size=6),
    st.lists(st.floats(0, 1), min_size=7, max_size=7),
    st.sampled_from([0.0, 1e-9, TAIL, 0.3, 1.0]),
)
def test_a_cascade_of_two_is_the_pair_to_the_last_bit(
    sizes: list[float], shares: list[float], r: float
) -> None:
    little, big = (_alone(*sizes[start : start + 3]) for start in (0, 3))
    parts = [share * size for share, size in zip(shares, [*sizes, 1.0], strict=True)]
    for both in (None, SharedCosts(*parts[:6]), SharedCosts(*parts[:6], whole_ms=parts[6])):
        assert cascade_costs((little, big), (r,), (both,)) == pair_costs(little, big, r, both)
        rates = np.array([0.0, r, 1.0])
        pair = pair_costs(little, big, rates, both)
        cascade = cascade_costs((little, big), (rates,), (both,))
        assert all(np.array_equal(cascade[name], pair[name]) for name in PAIR_COSTS)


@given(
    st.lists(positive, min_size=4, max_size=4),
    st.lists(st.integers(0, 20), min_size=20, max_size=20),
    st.lists(st.floats(0, 1), min_size=3, max_size=3),
)
def test_costs_of_a_cascade_are_those_of_its_inputs(
    sizes: list[float], stages: list[int], shares: list[float]
) -> None:
    """Twenty inputs, each answered at a stage: their mean, their 95th percentile, the worst."""
    answered_at = np.sort(np.array(stages) % 4)
    networks = [_alone(size) for size in sizes]
    shared = [SharedCosts(f * size, f * size) for f, size in zip(shares, sizes, strict=False)]
    reach = [float(np.mean(answered_at > stage)) for stage in range(3)]
    costs = cascade_costs(networks, reach, shared)
    steps = [sizes[0] + 0.5]
    for stage in (1, 2, 3):
        before = float(shared[stage - 1].latency_ms)
        steps.append(sizes[stage] - before + (0.5 if stage < 3 else 0.0))
    each = np.cumsum(steps)[answered_at]
    assert costs["latency_ms"][0] == pytest.approx(each.mean())
    worst = np.cumsum(steps)[answered_at.max()]
    assert costs["latency_worst_ms"][0] == pytest.approx(worst)
    if min(steps) >= 0:  # no network that is cheaper than what it shares
        p95 = np.quantile(each, 0.95, method="inverted_cdf")
        assert costs["latency_p95_ms"][0] == pytest.approx(p95)
    deepest = int(answered_at.max())
    assert costs["params"][0] == (1 + deepest) * 2**18
    assert cascade_figure("escalation_rate", networks, reach, shared) == reach[0]


@given(st.lists(st.lists(st.floats(0, 1), min_size=3, max_size=3), min_size=2, max_size=2))
def test_means_of_a_cascade_are_affine_in_the_shares_that_reach_its_stages(
    two: list[list[float]],
) -> None:
    networks = [_alone(size) for size in (1.0, 3.0, 7.0, 20.0)]
    shared = [SharedCosts(0.5, 0.25, 1e5), None, SharedCosts(2.0, 3.0, 1e6, since=0)]
    reaches = [sorted(reach, reverse=True) for reach in two]
    between = [0.25 * a + 0.75 * b for a, b in zip(*reaches, strict=True)]
    for name in ("latency_ms", "energy_mj", "macs"):
        a, b, c = (
            cascade_figure(name, networks, [np.array([r]) for r in reach], shared)[0]
            for reach in (*reaches, between)
        )
        assert c == pytest.approx(0.25 * a + 0.75 * b)


def test_memory_of_a_cascade_keeps_features_until_they_are_needed() -> None:
    """The third stage goes on from the first, whose features are alive while the second runs."""
    networks = [_alone(1.0, 1.0, activation) for activation in (2.0, 5.0, 5.5)]
    shared = [None, SharedCosts(weights_mib=0.25, features_mib=1.0, since=0)]
    memory = cascade_figure("peak_memory_mib", networks, (0.5, 0.25), shared)
    assert memory == 3.0 - 0.25 + 6.0
    assert cascade_figure("peak_memory_mib", networks, (0.5, 0.0), shared) == 2.0 + 5.0
    assert cascade_figure("peak_memory_mib", networks, (0.0, 0.0), shared) == 1.0 + 2.0
    chain = [SharedCosts(features_mib=4.0), SharedCosts(features_mib=0.25)]
    memory = cascade_figure("peak_memory_mib", networks, (0.5, 0.25), chain)
    assert memory == 3.0 + 6.0  # the first: 2 + 4, the second: 5 + 0.25, the last: 5.5


def test_memory_keeps_the_features_at_an_exit_alive() -> None:
    little, big = _alone(1.0, 1.0, 2.0), _alone(2.0, 4.0, 2.5)
    shared = SharedCosts(weights_mib=0.75, features_mib=1.0)
    memory = pair_figure("peak_memory_mib", little, big, np.ones(1), shared)
    assert memory.tolist() == [1.0 + 4.0 - 0.75 + 3.0]


def test_a_pair_that_never_escalates_has_the_memory_of_its_little_network() -> None:
    little, big = _alone(1.0, 1.0, 2.0), _alone(2.0, 4.0, 2.5)
    shared, rates = SharedCosts(weights_mib=0.5, features_mib=1.0), np.array([0.0, 1e-9, 1.0])
    memory = pair_figure("peak_memory_mib", little, big, rates, shared)
    assert memory.tolist() == [1.0 + 2.0, 4.5 + 3.0, 4.5 + 3.0]
    params = pair_figure("params", little, big, rates, SharedCosts(params=2.0**17))
    assert params.tolist() == [2.0**18, 5 * 2.0**18 - 2**17, 5 * 2.0**18 - 2**17]
    assert pair_figure("params", little, big, 0.0)[0] == 2.0**18


def test_nothing_shared_changes_no_bit() -> None:
    little, big, r = 0.1 + 0.2, 1 / 3, 0.7
    assert mean_cost(little, big, r) == little + r * big


def test_numbers_alone_make_the_same_latency_as_networks() -> None:
    little, big = _alone(2.0), _alone(6.0)
    answered = answered_ms(2.0, little.gate_ms)
    for rate in (0.0, 0.3, 1.0):
        assert pair_figure("latency_ms", little, big, rate) == mean_cost(answered, 6.0, rate)


def test_an_unknown_cost_names_those_there_are() -> None:
    with pytest.raises(UnknownNameError, match="latency_ms"):
        pair_figure("latency", _alone(1.0), _alone(2.0), 0.5)


def test_the_latency_of_a_pair_is_added_up_in_one_place() -> None:
    root = Path(__file__).resolve().parents[3]
    rooms = ("bench", "cotrain", "data_tables", "edge_profiler", "searchers", "surrogates")
    adds = re.compile(r"\+ *[\w.\[\]]*gate_ms|gate_ms\)? *\+")
    places = [
        path.relative_to(root).as_posix()
        for path in (*(p for room in rooms for p in (root / room).rglob("*.py")), root / "cli.py")
        if adds.search(path.read_text(encoding="utf-8"))
    ]
    assert places == ["bench/cost.py"]


def test_shared_costs_of_some_pairs_keep_what_is_the_same_for_all() -> None:
    shared = SharedCosts(latency_ms=np.array([0.0, 2.0, 5.0]), macs=7.0, measured=True)
    some = shared.take(np.array([[2], [1]]))
    assert np.array_equal(some.latency_ms, [[5.0], [2.0]])
    assert (some.macs, some.whole_ms, some.measured) == (7.0, None, True)
