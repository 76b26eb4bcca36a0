"""The alternating protocol: what is measured and the reference take turns, run by run.

A block that runs again and again finds its weights in the nearest cache, where in a network it
never does: the blocks before it were there meanwhile. So before every run of it the reference runs
once, which leaves the caches as a network does. It also brackets more closely: what else the
machine does reaches a run and the reference beside it alike.
"""

from __future__ import annotations

import numpy as np

from .protocol import Clock, Measurement, Protocol, Round, steady, time_runs
from .runtimes import Run

#: Turns in a round, rounds that count, and passes over everything that is measured: 160 runs of
#: each, spread over the whole session, since what else a machine does changes within minutes.
TURNS, ROUNDS, PASSES = 16, 5, 5
#: Turns before it is timed; the first ones allocate.
WARM_UP = 3


def alternating_protocol(threads: int, rounds: int | None = None) -> Protocol:
    """How often what is run in turns, in one pass.

    Args:
        threads: threads inside an operator.
        rounds: rounds that count; None: the usual number.
    """
    return Protocol(
        warm_up=WARM_UP,
        rounds=ROUNDS if rounds is None else rounds,
        runs_per_round=TURNS,
        threads=threads,
        max_dropped=2 * ROUNDS,
        idle_gap_s=0.0,
    )


def alternate(subject: Run, reference: Run, protocol: Protocol, clock: Clock) -> Measurement:
    """What ``subject`` takes relative to ``reference`` when the two take turns.

    A round whose first and second half of reference runs differ by more than ``max_drift`` does
    not count and is repeated, as in `protocol.measure`.

    Args:
        subject: runs what is measured once.
        reference: runs the reference once.
        protocol: number of warm-up turns and rounds; ``runs_per_round`` turns make a round.
        clock: a clock in ns.

    Raises:
        ProfileError: the machine drifts too much, or the clock is too coarse for the reference.
    """
    for _ in range(protocol.warm_up):
        reference()
        subject()

    def a_round() -> Round:
        taken = time_runs(_in_turn(reference, subject), 2 * protocol.runs_per_round, clock)
        around, own = taken[0::2], taken[1::2]
        half = len(around) // 2
        first, second = around[:half] if half else around, around[half:]
        return own, float(np.median(around)), (float(np.median(first)), float(np.median(second)))

    return steady(
        a_round,
        protocol,
        "Stop other work or fix the clock (governor 'performance'); the same command goes on.",
    )


def _in_turn(first: Run, second: Run) -> Run:
    """Runs one of two at every call, the first one first."""
    following = [second, first]

    def run() -> None:
        following.reverse()
        following[0]()

    return run
