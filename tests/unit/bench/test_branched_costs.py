"""Two branches on two processors: the formula against a simulation of events."""

from __future__ import annotations

import heapq
from collections.abc import Generator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biglittle.bench import get_space
from biglittle.bench.branched_costs import BranchedOnPlatform, Powers, Segment, total
from biglittle.bench.platform import EXAMPLE, Link, parse_platform

pytest.importorskip("scipy")
SPACE = get_space("branched")
Process = Generator[tuple[str, Any], None, None]


class World:
    """Processes that work, wait for marks and leave them; power is integrated between events."""

    def __init__(self, powers: dict[str, tuple[float, float]]) -> None:
        self.now, self.energy_mj, self._n = 0.0, 0.0, 0
        self._queue: list[tuple[float, int, Process, str | None]] = []
        self.powers, self.busy = powers, set[str]()
        self.marks, self._waiting = set[str](), list[tuple[str, Process]]()

    def start(self, process: Process) -> None:
        self._step(process)

    def _at(self, time: float, process: Process, name: str | None) -> None:
        self._n += 1
        heapq.heappush(self._queue, (time, self._n, process, name))

    def _step(self, process: Process) -> None:
        try:
            what, value = next(process)
        except StopIteration:
            return
        if what == "mark":
            self.marks.add(value)
            for mark, waiting in [w for w in self._waiting if w[0] == value]:
                self._waiting.remove((mark, waiting))
                self._step(waiting)
            self._step(process)
        elif what == "wait":
            if value in self.marks:
                self._step(process)
            else:
                self._waiting.append((value, process))
        else:  # a processor's name, or "delay": at work for so long
            if what != "delay":
                self.busy.add(what)
            self._at(self.now + value, process, what)

    def run(self) -> None:
        while self._queue:
            time, _, process, name = heapq.heappop(self._queue)
            for device, (load, idle) in self.powers.items():
                power = load if device in self.busy else idle
                self.energy_mj += power * (time - self.now) / 1000.0
            self.now = time
            self.busy.discard(name or "")
            self._step(process)


def simulated(segments: list[Segment], link: Link, powers: Powers) -> tuple[float, float]:
    """Latency and energy of a network as two processes that send each other messages."""
    world = World(
        {
            "host": (powers.load_mw[0], powers.idle_mw[0]),
            "other": (powers.load_mw[1], powers.idle_mw[1]),
            "link": (link.power_mw, 0.0),
        }
    )

    def send(n_bytes: int) -> Process:
        yield "link", n_bytes * 8 / (1000.0 * link.bandwidth_mbit_s)
        yield "delay", link.latency_ms

    def host() -> Process:
        for i, part in enumerate(segments):
            if part.in_bytes:
                yield from send(part.in_bytes)
                yield "mark", f"begin {i}"
            yield "host", part.host_ms
            if part.in_bytes:
                # The answer is sent when both are done: the link is asked by the later one.
                yield "mark", f"host {i}"
                yield "wait", f"sent {i}"
            yield "host", part.join_ms

    def other() -> Process:
        for i, part in enumerate(segments):
            if part.in_bytes:
                yield "wait", f"begin {i}"
                yield "other", part.other_ms
                yield "wait", f"host {i}"
                yield from send(part.out_bytes)
                yield "mark", f"sent {i}"

    world.start(other())
    world.start(host())
    world.run()
    return world.now, world.energy_mj


ms, power = st.floats(0.0, 40.0), st.floats(0.0, 9000.0)
alone = st.builds(Segment, ms)
split = st.builds(Segment, ms, ms, st.integers(1, 10**6), st.integers(1, 10**6), ms)


@settings(max_examples=300, deadline=None)
@given(
    segments=st.lists(alone | split, min_size=1, max_size=8),
    link=st.builds(Link, st.floats(0.0, 5.0), st.floats(1.0, 1e4), power),
    powers=st.builds(Powers, st.tuples(power, power), st.tuples(power, power)),
)
def test_the_formula_is_what_the_events_come_to(
    segments: list[Segment], link: Link, powers: Powers
) -> None:
    cost = total(segments, link, powers)
    latency_ms, energy_mj = simulated(segments, link, powers)
    assert cost.latency_ms == pytest.approx(latency_ms, abs=1e-9)
    assert cost.energy_mj == pytest.approx(energy_mj, rel=1e-9, abs=1e-6)


def platform(second: str = "raspberry-pi-4", **more: Any) -> Any:
    raw = {**EXAMPLE, "first": {"device": "raspberry-pi-4"}, "second": {"device": second}, **more}
    return parse_platform(raw, "two.json")


def test_a_published_network_leaves_the_other_processor_idle() -> None:
    costs = BranchedOnPlatform(platform(), SPACE, 10)
    cost = costs.cost("mobilenet-v2")
    assert cost.other_ms == cost.sending_ms == 0.0
    assert cost.latency_ms == cost.host_ms
    powers = costs.powers
    assert powers is not None
    expected = (powers.load_mw[0] + powers.idle_mw[1]) * cost.latency_ms / 1000
    assert cost.energy_mj == pytest.approx(expected)


@pytest.mark.parametrize("size", [32, 224])
def test_stages_are_what_the_whole_network_is_predicted_to_take(size: int) -> None:
    from biglittle.bench.latency_exits import with_dense
    from biglittle.bench.operator_features import network_features

    space = get_space(f"branched-{size}")
    costs = BranchedOnPlatform(platform(), space, 10)
    coefficients = with_dense(costs._sites[0].model.coefficients)
    for name in ("mobilenet-v2", "fbnet-c", "4444446", "2222222", "8888888"):
        cost, row = costs.cost(name), space.genomes(name)
        whole = float((network_features(space, row, 10) @ coefficients)[0])
        assert cost.host_ms + cost.other_ms == pytest.approx(whole)


def test_only_joins_and_beginnings_are_sent() -> None:
    costs = BranchedOnPlatform(platform(), SPACE, 10)
    every, last = costs.segments("6666666"), costs.segments("4444444")
    assert [bool(s.in_bytes) for s in every] == [False, *[True] * 7, False]
    # Without synchronisation there is one segment, at whose end the branches are concatenated.
    assert [bool(s.in_bytes) for s in last] == [False, True, False]
    assert last[1].in_bytes == 32 * 32 * 32 * 4
    assert last[1].out_bytes == 240 * 4 * 4 * 4
    (summed,) = [s for s in costs.segments("4444445") if s.in_bytes]
    assert summed.join_ms > 0
    assert summed.out_bytes == last[1].out_bytes


def test_a_better_link_never_costs_more_and_powers_that_nobody_knows_are_no_energy() -> None:
    slow = platform(link={"latency_ms": 1.0, "bandwidth_mbit_s": 50.0})
    fast = platform(link={"latency_ms": 0.1, "bandwidth_mbit_s": 900.0})
    costs = [BranchedOnPlatform(p, SPACE, 10).cost("5555555") for p in (slow, fast)]
    assert costs[0].latency_ms > costs[1].latency_ms
    without = BranchedOnPlatform(platform("raspberry-pi-5"), SPACE, 10)
    assert without.cost("5555555").energy_mj is None
    other_host = BranchedOnPlatform(platform("raspberry-pi-5"), SPACE, 10, host=1)
    assert other_host.cost("0000000").latency_ms < without.cost("0000000").latency_ms
