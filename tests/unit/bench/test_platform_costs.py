"""Two devices: every formula against a simulation of events that knows none of them."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from biglittle.bench import get_space
from biglittle.bench.platform import Link, parse_platform
from biglittle.bench.platform_costs import (
    AT_ONCE,
    FEATURES,
    IN_TURN,
    INPUT,
    MAPPINGS,
    NOTHING,
    Mapping,
    PairsOnPlatform,
    Work,
    at_once,
    in_turn,
    on_one,
)
from biglittle.bench.provenance import words_at

SPACE = get_space("fbnet")


class Events:
    """Things that happen in order of time; what is at work is integrated between them."""

    def __init__(self, power_mw: dict[str, float], idle_mw: dict[str, float]) -> None:
        self.now, self._queue, self._order = 0.0, list[Any](), 0
        self.power_mw, self.idle_mw, self.working = power_mw, idle_mw, set[str]()
        self.energy_mj, self.cancelled = 0.0, set[int]()

    def after(self, delay: float, what: Callable[[], None]) -> int:
        self._order += 1
        heapq.heappush(self._queue, (self.now + delay, self._order, what))
        return self._order

    def _spend(self, until: float) -> None:
        for name in self.power_mw:
            power = self.power_mw[name] if name in self.working else self.idle_mw.get(name, 0.0)
            self.energy_mj += power * (until - self.now) / 1000.0
        self.now = until

    def run(self) -> None:
        while self._queue:
            time, order, what = heapq.heappop(self._queue)
            if order not in self.cancelled:
                self._spend(time)
                what()


def simulated(
    order: str, escalate: bool, times: dict[str, float], power: dict[str, float]
) -> tuple[float, float]:
    """Latency of one input, and the energy until it is answered and ``a`` and ``b`` rest."""
    world = Events(
        {"a": power["a"], "b": power["b"], "link": power["link"]},
        {"a": power["idle_a"], "b": power["idle_b"]},
    )
    answered, at_rest = list[float](), list[float]()
    state: dict[str, Any] = {"decided": False, "sending": None, "big": None, "unwanted": False}

    def resting() -> None:
        """The energy so far; the last one told is that until rest."""
        at_rest.append(world.energy_mj)

    def answer() -> None:
        answered.append(world.now)
        resting()

    def send() -> None:
        world.working.add("link")
        state["sending"] = world.after(times["send"], sent)

    def sent() -> None:
        world.working.discard("link")
        state["sending"] = None
        world.after(times["hop"], big_begins)

    def big_begins() -> None:
        world.working.add("b")
        state["big"] = world.after(times["big"], big_ends)

    def big_ends() -> None:
        world.working.discard("b")
        state["big"] = None
        resting()
        if not (state["decided"] and not escalate):
            world.after(times["hop"], big_answers)

    def big_answers() -> None:
        state["big_answer"] = world.now
        if state["decided"] and escalate:
            answer()

    def little_ends() -> None:
        world.working.discard("a")
        world.after(times["gate"], decide)

    def decide() -> None:
        state["decided"] = True
        if not escalate:
            answer()
            if state["sending"] is not None:  # stop at the source: nothing arrives
                world.cancelled.add(state["sending"])
                world.working.discard("link")
            elif order == AT_ONCE:
                world.after(times["hop"], told_to_stop)
        elif order == IN_TURN:
            send()
        elif "big_answer" in state:
            answer()

    def told_to_stop() -> None:
        if state["big"] is not None:
            world.cancelled.add(state["big"])
            world.working.discard("b")
            resting()

    world.working.add("a")
    world.after(times["little"], little_ends)
    if order == AT_ONCE:
        send()
    world.run()
    return answered[0], at_rest[-1]


positive = st.floats(0.01, 50.0)
maybe = st.floats(0.0, 20.0)


@settings(max_examples=300, deadline=None)
@given(little=positive, big=positive, gate=maybe, send=maybe, hop=maybe, data=st.data())
@pytest.mark.parametrize("order", [IN_TURN, AT_ONCE])
def test_latency_and_energy_are_those_of_the_events(
    order: str, little: float, big: float, gate: float, send: float, hop: float, data: Any
) -> None:
    assume(abs(little + gate - send) > 1e-6)  # which of two things at one moment comes first
    power = {k: data.draw(st.floats(0.0, 9000.0)) for k in ("a", "b", "idle_a", "idle_b", "link")}
    link = Link(hop, 8.0, power["link"])
    work = Work(little, power["a"] * little / 1000), Work(big, power["b"] * big / 1000)
    idle = power["idle_a"], power["idle_b"]
    formula = at_once if order == AT_ONCE else in_turn
    outcomes = formula(*work, gate, idle, link, send * 1000.0)
    times = {"little": little, "big": big, "gate": gate, "send": send, "hop": hop}
    for outcome, escalate in zip(outcomes, (False, True), strict=True):
        latency_ms, energy_mj = simulated(order, escalate, times, power)
        assert float(outcome.latency_ms) == pytest.approx(latency_ms)
        assert float(outcome.energy_mj) == pytest.approx(energy_mj, rel=1e-6, abs=1e-6)


def test_one_device_runs_one_after_the_other_while_the_other_waits() -> None:
    kept, escalated = on_one(Work(2.0, 10.0), Work(5.0, 40.0), 1.0, (1000.0, 500.0))
    assert (kept.latency_ms, escalated.latency_ms) == (3.0, 8.0)
    assert kept.energy_mj == pytest.approx(10.0 + 1.0 * 1 + 0.5 * 3)
    assert escalated.energy_mj == pytest.approx(50.0 + 1.0 * 1 + 0.5 * 8)


def test_at_once_is_never_later_and_in_turn_never_takes_more_at_work() -> None:
    rng, link = np.random.default_rng(0), Link(0.5, 10.0)
    little, big = (Work(t, t * 2) for t in rng.uniform(1, 9, (2, 200)))
    turn = in_turn(little, big, 0.1, (0.0, 0.0), link, 3072)
    once = at_once(little, big, 0.1, (0.0, 0.0), link, 3072)
    for a, b in zip(once, turn, strict=True):
        assert (a.latency_ms <= b.latency_ms).all()
        assert (a.energy_mj >= b.energy_mj - 1e-9).all()


def board(name: str, factor: float, **more: Any) -> dict[str, Any]:
    """A board whose every block takes ``factor`` ms, and a constant of 10 times that."""
    rows = [[factor * (1 + c) for c in range(len(SPACE.choices))] for _ in range(SPACE.n_layers)]
    return {
        **{"format": "biglittle-device-profile-2", "device": name, "description": name},
        **{"space": "fbnet", "space_hash": SPACE.hash, "n_classes": 10, "runtime": "none"},
        **{"precision": "fp32", "threads": 1, "batch": 1, "source": "a test", "author": None},
        **{"date": "2026-01-02", "tool_version": None, "gate_latency_ms": 0.25 * factor},
        "block_table": {
            "constant_ms": 10 * factor,
            "latency_ms": rows,
            "start_ms": 4 * factor,
            "heads_ms": {cut.name: 2 * factor for cut in SPACE.exits},
        },
        "load_power": {
            "power_mw": 4000.0,
            "source": "a test",
            "idle_power_mw": 1000.0,
            "rail": "wall",
        },
        **more,
    }


@pytest.fixture
def platform(tmp_path: Any) -> Any:
    import json

    for name, factor in (("slow", 1.0), ("fast", 0.2)):
        (tmp_path / f"{name}.json").write_text(json.dumps(board(name, factor)))
    raw = {
        **{"format": "biglittle-platform-1", "platform": "two", "first": {"device": "slow.json"}},
        "second": {"device": "fast.json", "idle_power_mw": 500.0},
        "link": {"latency_ms": 0.5, "bandwidth_mbit_s": 24.576, "power_mw": 200.0},
    }
    return parse_platform(raw, "two.json", tmp_path)


def test_a_pair_under_every_mapping(platform: Any) -> None:
    little, big = "0" * 22, "1" * 22
    pairs = PairsOnPlatform(platform, [little], [big], np.array([0.25]), np.array([False]))
    assert pairs.input_bytes == 3072  # one ms on this link
    one = pairs.under(Mapping(0, 0, IN_TURN, NOTHING))
    assert one.latency_ms[0] == pytest.approx(32 + 0.25 + 0.25 * 54)
    assert one.latency_p95_ms[0] == one.latency_worst_ms[0] == pytest.approx(32.25 + 54)
    turn = pairs.under(Mapping(0, 1, IN_TURN, INPUT))
    assert turn.latency_worst_ms[0] == pytest.approx(32.25 + 1 + 0.5 + 10.8 + 0.5)
    once = pairs.under(Mapping(0, 1, AT_ONCE, INPUT))
    assert once.latency_worst_ms[0] == pytest.approx(32.25)  # big was done long before
    assert once.latency_ms[0] == pytest.approx(32.25)
    # Kept: big ran through, and both wait for little; escalated: the same.
    expected = 4 * 32 + 1 * 0.25 + 4 * 10.8 + 0.5 * (32.25 - 10.8) + 0.2 * 1
    assert once.energy_mj[0] == pytest.approx(expected)
    assert dict(once.provenance) == {"latency_ms": "modelled", "energy_mj": "modelled"}
    assert dict(one.provenance) == {"latency_ms": "block-sum", "energy_mj": "modelled"}
    assert np.isnan(pairs.under(Mapping(0, 1, IN_TURN, FEATURES)).latency_ms).all()


def test_features_travel_where_the_trunk_is_shared(platform: Any) -> None:
    big, little = "0" * 22, "0" * 22 + "@4"
    pairs = PairsOnPlatform(platform, [little], [big], np.array([1.0]), np.array([True]))
    features = int(SPACE.trunk_features(SPACE.exit_numbers(["4"]))[0]) * 4
    got = pairs.under(Mapping(0, 1, IN_TURN, FEATURES))
    first, rest = 4 + 5 + 2 + 0.25, 0.2 * (32 - 9)
    sending = features / 3072
    assert got.latency_ms[0] == pytest.approx(first + sending + 1.0 + rest)
    alone = pairs.under(Mapping(0, 0, IN_TURN, NOTHING))
    assert alone.latency_ms[0] == pytest.approx(first + (32 - 9))


def test_nothing_escalated_is_little_alone_and_every_mapping_is_listed(platform: Any) -> None:
    pairs = PairsOnPlatform(platform, ["0" * 22], ["1" * 22], np.array([0.0]), np.array([False]))
    for mapping in MAPPINGS:
        got = pairs.under(mapping)
        if mapping.sent != FEATURES:
            decided = 32.25 * (1.0 if mapping.little_on == 0 else 0.2)
            assert got.latency_ms[0] == got.latency_worst_ms[0] == pytest.approx(decided)
    assert len(set(MAPPINGS)) == len(MAPPINGS) == 8


def test_on_one_device_each_pair_has_the_word_of_its_weakest_network(platform: Any) -> None:
    import dataclasses

    slow, fast = platform.sites
    whole, cut = "0" * 22, "0" * 22 + "@4"
    latency = dataclasses.replace(slow.profile.latency, ends=None)  # the heads are predicted
    profile = dataclasses.replace(slow.profile)
    profile.__dict__["latency"] = latency
    pairs = PairsOnPlatform(
        dataclasses.replace(platform, sites=(dataclasses.replace(slow, profile=profile), fast)),
        [whole, cut, whole, whole],
        ["1" * 22, whole, cut, cut],
        np.array([0.5, 0.5, 0.5, 0.0]),
        np.array([False, True, False, False]),
    )
    words = pairs.under(Mapping(0, 0, IN_TURN, NOTHING)).provenance
    got = [words_at(words, i)["latency_ms"] for i in range(4)]
    assert got == ["block-sum", "predicted", "predicted", "block-sum"]
    words = pairs.under(Mapping(1, 1, IN_TURN, NOTHING)).provenance
    assert {words_at(words, i)["latency_ms"] for i in range(4)} == {"block-sum"}
    words = pairs.under(Mapping(0, 1, IN_TURN, INPUT)).provenance
    assert {words_at(words, i)["latency_ms"] for i in range(4)} == {"modelled"}


def test_networks_in_int8_are_asked_of_what_a_device_measured_in_int8(platform: Any) -> None:
    import dataclasses

    slow, fast = platform.sites
    listed = {"int8": {"0" * 22: 16.0}}
    profile = dataclasses.replace(slow.profile, others_ms=listed)
    sites = dataclasses.replace(slow, profile=profile), fast
    little = ["0" * 22 + ":int8", "0" * 22]
    pairs = PairsOnPlatform(
        dataclasses.replace(platform, sites=sites),
        *(little, ["1" * 22] * 2, np.array([0.0, 0.0]), np.array([False, False])),
    )
    got = pairs.under(Mapping(0, 1, IN_TURN, INPUT))
    assert got.latency_ms.tolist() == pytest.approx([16.25, 32.25])
