"""A router as a gate: what it decides, and the price of deciding behind trunk or stem."""

from __future__ import annotations

import numpy as np
import pytest

from biglittle.bench import load_device
from biglittle.bench.cost import NetworkCosts, SharedCosts, network_costs, pair_costs
from biglittle.bench.coupling import Couplings
from biglittle.bench.device import shipped_devices
from biglittle.bench.errors import GateError, UnknownNameError
from biglittle.bench.router import Router
from biglittle.bench.router_gate import (
    RouterGate,
    best_threshold,
    features_of,
    routed_costs,
    router_ms,
)
from biglittle.bench.spaces import get_space, parse_networks

FBNET, PI = get_space("fbnet"), load_device("raspberry-pi-4")
BIG, OTHER = "2863848418780625260277", "8" * 22
EXIT = f"{BIG}@12"


def router(channels: int, confident: bool = False, hidden: int = 8) -> Router:
    n = channels + 3 * confident
    return Router(
        np.zeros(n), np.ones(n), np.zeros((n, hidden)), np.zeros(hidden), np.zeros(hidden), 0.0,
        channels,
    )  # fmt: skip


def gate(little: str, place: str, confident: bool = False) -> RouterGate:
    return RouterGate(router(features_of(FBNET, little, place)[0], confident), 0.5, place)


def pair(little: str, big: str) -> tuple[NetworkCosts, NetworkCosts, SharedCosts | None]:
    genomes, exits = parse_networks(FBNET, [little, big])
    ms = PI.latency_ms(FBNET, genomes, exits)
    costs = network_costs(
        FBNET, genomes, 10, ms, 2 * ms, PI.gate_ms, {"latency_ms": "predicted"},
        exits=exits, trunk_ms=PI.trunk_ms(FBNET, genomes, exits),
    )  # fmt: skip
    both = Couplings(FBNET, 10, genomes, exits, np.zeros(2, np.int64))
    return costs.take([0]), costs.take([1]), both.shared([0], [1], costs)


def test_it_keeps_what_scores_at_the_threshold_or_above() -> None:
    one = gate(EXIT, "trunk")
    assert one.escalated([0.4, 0.5, 0.6]).tolist() == [True, False, False]
    assert (one.early, gate(EXIT, "trunk", True).early) == (True, False)
    with pytest.raises(UnknownNameError, match="Did you mean 'stem'"):
        RouterGate(router(16), 0.5, "steam")
    with pytest.raises(GateError, match="not a number"):
        RouterGate(router(16), float("nan"))


def test_features_are_those_of_head_and_stem() -> None:
    exit_ = FBNET.get_exit("12")
    assert exit_ is not None
    first = exit_.operators[0]
    assert features_of(FBNET, EXIT, "trunk") == (first.in_channels, first.height)
    assert features_of(FBNET, BIG, "trunk")[0] == FBNET.head[0].in_channels
    assert features_of(FBNET, EXIT, "stem") == (16, 32)


@pytest.mark.parametrize("device", shipped_devices())
def test_no_device_gives_a_router_away(device: str) -> None:
    profile = load_device(device)
    took = [router_ms(profile, router(112, hidden=h), 8) for h in (8, 64)]
    assert 0 < took[0] < took[1] < 1.0
    confident = router_ms(profile, router(112, True), 8)
    assert confident >= took[0] + profile.gate_ms


def test_behind_the_trunk_the_head_is_saved_for_what_is_sent_on() -> None:
    little, big, shared = pair(EXIT, BIG)
    assert shared is not None
    early, late = gate(EXIT, "trunk"), gate(EXIT, "trunk", True)
    took = router_ms(PI, early.router, features_of(FBNET, EXIT, "trunk")[1])
    trunk, rate = np.asarray(shared.latency_ms), 0.3
    priced, both = routed_costs(FBNET, PI, early, EXIT, little, shared)
    costs = pair_costs(priced, big, rate, both)
    spent = trunk + took
    kept, sent = little.latency_ms - trunk, big.latency_ms - trunk
    assert costs["latency_ms"] == pytest.approx(spent + (1 - rate) * kept + rate * sent)
    assert costs["latency_worst_ms"] == pytest.approx(trunk + took + sent)
    macs = np.asarray(shared.macs) + early.router.macs()
    later = (1 - rate) * (little.macs - shared.macs) + rate * (big.macs - shared.macs)
    assert costs["macs"] == pytest.approx(macs + later)
    assert costs["params"] == little.params + big.params - shared.params + early.router.params()
    priced, both = routed_costs(FBNET, PI, late, EXIT, little, shared)
    assert both is shared
    assert pair_costs(priced, big, rate, both)["latency_ms"] > costs["latency_ms"]


@pytest.mark.parametrize(("names", "prefix"), [((EXIT, BIG), True), ((OTHER, BIG), False)])
def test_behind_the_stem_only_the_stem_has_run(names: tuple[str, str], prefix: bool) -> None:
    little, big, shared = pair(*names)
    one, rate = gate(names[0], "stem"), 0.4
    priced, both = routed_costs(FBNET, PI, one, names[0], little, shared)
    costs = pair_costs(priced, big, rate, both)
    stem, took = PI.latency.stem_ms(), router_ms(PI, one.router, 32)
    sent = big.latency_ms - stem if prefix else big.latency_ms  # two networks pay two stems
    spent = took + (1 - rate) * little.latency_ms + rate * (stem + sent)
    assert costs["latency_ms"] == pytest.approx(spent)
    assert costs["energy_mj"] == pytest.approx(2 * (spent - took))
    macs = sum(op.macs for op in FBNET.stem)
    rest = big.macs - macs if prefix else big.macs
    counted = one.router.macs() + (1 - rate) * little.macs + rate * (macs + rest)
    assert costs["macs"] == pytest.approx(counted)


def test_a_graph_that_holds_the_trunk_twice_is_not_said_to_hold_it_once() -> None:
    little, big, shared = pair(EXIT, BIG)
    memory = [
        pair_costs(priced, big, 0.5, both)["peak_memory_mib"].item()
        for priced, both in (
            routed_costs(FBNET, PI, gate(EXIT, place), EXIT, little, shared)
            for place in ("trunk", "stem")
        )
    ]
    assert memory[1] > memory[0]


def test_a_router_of_other_features_is_refused() -> None:
    little, _, shared = pair(EXIT, BIG)
    with pytest.raises(GateError, match="does not fit the stem of"):
        routed_costs(FBNET, PI, RouterGate(router(112), 0.5, "stem"), EXIT, little, shared)


@pytest.mark.parametrize("rate", [0.0, 0.2, 0.7, 1.0])
def test_the_threshold_is_the_best_that_the_rate_allows(rate: float) -> None:
    rng = np.random.default_rng(0)
    scores = np.round(rng.random(60), 1)  # with many ties
    little, big = rng.random(60) < 0.5, rng.random(60) < 0.7

    def accuracy(limit: float) -> float:
        return float(np.where(scores < limit, big, little).mean())

    limits = [-np.inf, *(np.unique(scores) + 0.05)]
    allowed = [t for t in limits if (scores < t).mean() <= rate]
    chosen = best_threshold(scores, little, big, rate)
    assert (scores < chosen).mean() <= rate
    assert accuracy(chosen) == pytest.approx(max(accuracy(t) for t in allowed))
