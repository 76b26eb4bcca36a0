"""The bracketed-ratio protocol on simulated machines."""

import pytest

from biglittle.bench.errors import ProfileError
from biglittle.edge_profiler import Protocol, measure
from biglittle.edge_profiler.protocol import time_runs


class Machine:
    """A machine with its own clock; networks take ``cost_ms`` times its present slowness."""

    def __init__(self, slowness=lambda now_s: 1.0):
        self.now_ns, self.slowness, self.runs = 0, slowness, 0

    def clock(self):
        return self.now_ns

    def network(self, cost_ms):
        def run():
            self.runs += 1
            self.now_ns += round(cost_ms * 1e6 * self.slowness(self.now_ns / 1e9))

        return run


def test_a_steady_machine_gives_the_exact_ratio():
    machine = Machine()
    got = measure(machine.network(6.0), machine.network(2.0), Protocol(), machine.clock)
    assert got.ratio == pytest.approx(3.0)
    assert (got.ratio_spread, got.dropped_rounds, got.n) == (0.0, 0, 240)
    assert (got.median_ms, got.p90_ms, got.reference_ms) == pytest.approx((6.0, 6.0, 2.0))


def test_a_drift_of_twenty_percent_cancels():
    session_s = 12 * 20 * (5.0 + 2 * 2.0) / 1e3
    machine = Machine(lambda now_s: 1.0 + 0.2 * now_s / session_s)
    got = measure(machine.network(5.0), machine.network(2.0), Protocol(), machine.clock)
    assert got.ratio == pytest.approx(2.5, rel=0.01)
    assert got.median_ms > 1.05 * 5.0  # the raw figure carries the drift


def test_a_round_in_which_the_machine_changes_is_dropped_and_repeated():
    # Slower by half from the middle of the third round on: only that round straddles the change.
    round_s = 20 * (5.0 + 2 * 2.0) / 1e3
    machine = Machine(lambda now_s: 1.0 if now_s < 2.5 * round_s else 1.5)
    protocol = Protocol(warm_up=0)
    got = measure(machine.network(5.0), machine.network(2.0), protocol, machine.clock)
    assert (got.dropped_rounds, got.n) == (1, 240)
    assert got.ratio == pytest.approx(2.5)


def test_a_machine_that_never_rests_is_refused_after_the_limit():
    machine = Machine(lambda now_s: 1.0 + 10.0 * now_s)
    protocol = Protocol(warm_up=0, max_dropped=4, max_drift=0.001)
    with pytest.raises(ProfileError, match="too unsteady: 4 rounds"):
        measure(machine.network(5.0), machine.network(2.0), protocol, machine.clock)
    assert machine.runs == 4 * 60


def test_fewer_rounds_are_used_when_half_of_them_held():
    round_s = 20 * (5.0 + 2 * 2.0) / 1e3
    machine = Machine(lambda now_s: 1.0 if now_s < 6.5 * round_s else 1.0 + 9.0 * now_s)
    protocol = Protocol(warm_up=0, max_dropped=1)
    got = measure(machine.network(5.0), machine.network(2.0), protocol, machine.clock)
    assert (got.n, got.dropped_rounds) == (120, 1)


def test_the_spread_is_that_of_the_rounds():
    machine = Machine()
    calls = iter(range(10**6))

    def jittering():
        # Rounds of one run each take 4, 5 and 6 ms in turn: the MAD of the ratios is 0.5.
        machine.now_ns += (4 + next(calls) % 3) * 10**6

    protocol = Protocol(warm_up=0, rounds=6, runs_per_round=1)
    got = measure(jittering, machine.network(2.0), protocol, machine.clock)
    assert got.ratio == pytest.approx(2.5)
    assert got.ratio_spread == pytest.approx(1.4826 * 0.5)


def test_runs_are_warmed_up_but_not_counted():
    machine = Machine()
    measure(
        machine.network(1.0),
        machine.network(1.0),
        Protocol(7, rounds=1, runs_per_round=2),
        machine.clock,
    )
    assert machine.runs == 2 * 7 + 3 * 2


def test_durations_are_in_milliseconds():
    machine = Machine()
    assert time_runs(machine.network(1.5), 3, machine.clock).tolist() == [1.5, 1.5, 1.5]


def test_a_clock_that_stands_still_is_refused():
    with pytest.raises(ProfileError, match="no time at all"):
        measure(lambda: None, lambda: None, Protocol(), lambda: 0)


@pytest.mark.parametrize(
    "wrong",
    [{"rounds": 0}, {"runs_per_round": 0}, {"threads": 0}, {"batch": 2}, {"max_drift": 0.0}],
)
def test_a_protocol_that_measures_nothing_is_refused(wrong):
    with pytest.raises(ProfileError, match=next(iter(wrong))):
        Protocol(**wrong)
