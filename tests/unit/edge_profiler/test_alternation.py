"""Runs in turns with the reference, on a clock that is told what they take."""

from __future__ import annotations

from itertools import cycle

import pytest

from biglittle.bench.errors import ProfileError
from biglittle.edge_profiler.alternation import alternate, alternating_protocol
from biglittle.edge_profiler.protocol import Protocol


class Machine:
    """A clock that the runs move on; both slow down alike, as a machine does."""

    def __init__(self, slowness=(1.0,)):
        self.now_ns, self.order, self.slowness = 0, [], cycle(slowness)

    def clock(self):
        return self.now_ns

    def run(self, name, ms):
        def one():
            self.order.append(name)
            self.now_ns += int(ms * 1e6 * next(self.slowness))

        return one


SHORT = Protocol(warm_up=1, rounds=3, runs_per_round=4, max_dropped=4, idle_gap_s=0)


def test_the_reference_runs_before_every_run():
    machine = Machine()
    got = alternate(machine.run("own", 2.0), machine.run("reference", 4.0), SHORT, machine.clock)
    assert machine.order == ["reference", "own"] * (1 + 3 * 4)
    assert (got.ratio, got.ratio_spread) == (0.5, 0.0)
    assert (got.median_ms, got.p90_ms, got.reference_ms) == (2.0, 2.0, 4.0)
    assert (got.n, got.dropped_rounds) == (12, 0)


def test_rounds_in_which_the_machine_changed_are_repeated():
    # The first round is 1.5 times as slow in its second half; warm-up takes two of the runs.
    slowness = [1.0] * 6 + [1.5] * 4 + [1.0] * 1000
    machine = Machine(slowness)
    got = alternate(machine.run("own", 2.0), machine.run("reference", 4.0), SHORT, machine.clock)
    assert (got.dropped_rounds, got.n, got.ratio) == (1, 12, 0.5)


def test_a_machine_that_never_rests_is_named():
    machine = Machine([1.0] * 2 + ([1.0] * 4 + [2.0] * 4) * 100)
    with pytest.raises(ProfileError, match="too unsteady: 4 rounds drifted"):
        alternate(machine.run("own", 2.0), machine.run("reference", 4.0), SHORT, machine.clock)


def test_a_clock_that_stands_still_is_named():
    machine = Machine()
    with pytest.raises(ProfileError, match="is the clock running"):
        alternate(machine.run("own", 2.0), machine.run("reference", 0.0), SHORT, machine.clock)


def test_rounds_may_be_chosen():
    assert alternating_protocol(2).threads == 2
    assert alternating_protocol(1, 9).rounds == 9
