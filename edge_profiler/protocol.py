"""The bracketed-ratio protocol: how long a network takes, on a machine whose speed drifts.

A latency measured alone moves by 10-20 % with whatever else the machine does. So every block of
runs of a network stands between two blocks of runs of one reference network, and what is kept is
the ratio of the two, which repeats better (``repeatability`` says how well). A latency in
milliseconds is that ratio times the reference's latency over the whole session.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..bench.errors import ProfileError
from .runtimes import Run

#: Reads a clock in nanoseconds.
Clock = Callable[[], int]
#: Turns a median absolute deviation into the standard deviation of a normal distribution.
MAD_TO_SIGMA = 1.4826
_NS_PER_MS = 1e6


@dataclass(frozen=True)
class Protocol:
    """What is issued, and how often.

    Attributes:
        warm_up: runs of a network before it is timed; the first ones allocate and fill caches.
        rounds: rounds of reference, network, reference that count.
        runs_per_round: runs in each of a round's three blocks.
        threads: threads inside an operator.
        batch: images per run; only 1 is possible, the case of an edge device.
        max_drift: largest difference of a round's two reference blocks, relative to their mean;
            a round beyond it is dropped and repeated.
        max_dropped: dropped rounds after which no more are repeated.
        idle_gap_s: rest before the run whose latency is the cold start; 0: no such run.
        energy_s: how long a network runs for its energy, and the device idles before all.

    Raises:
        ProfileError: a figure that makes no measurement.

    >>> Protocol(rounds=3).runs_per_round
    20
    """

    warm_up: int = 10
    rounds: int = 12
    runs_per_round: int = 20
    threads: int = 1
    batch: int = 1
    max_drift: float = 0.10
    max_dropped: int = 24
    idle_gap_s: float = 0.25
    energy_s: float = 2.0

    def __post_init__(self) -> None:
        lowest = {"warm_up": 0, "rounds": 1, "runs_per_round": 1, "threads": 1, "max_dropped": 0}
        for name, least in lowest.items():
            if getattr(self, name) < least:
                raise ProfileError(
                    f"protocol: {name} is {getattr(self, name)}, expected at least {least}."
                )
        if self.batch != 1:
            raise ProfileError(f"protocol: batch is {self.batch}, only 1 can be measured.")
        for name in ("idle_gap_s", "energy_s"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise ProfileError(
                    f"protocol: {name} is {getattr(self, name)}, expected seconds of at least 0."
                )
        if not self.max_drift > 0:
            raise ProfileError(f"protocol: max_drift is {self.max_drift}, expected above 0.")


@dataclass(frozen=True)
class Measurement:
    """One network against the reference.

    Attributes:
        ratio: median over rounds of network / mean of the two reference blocks around it.
        ratio_spread: 1.4826 times the median absolute deviation of the rounds' ratios, which is
            a standard deviation if they are normal; of one round, not of ``ratio``.
        median_ms: raw median of the network's runs, drift and all.
        p90_ms: raw 90th percentile of the network's runs.
        n: runs of the network that count.
        dropped_rounds: rounds that drifted and do not count.
        reference_ms: median over rounds of the mean of the two reference blocks.
    """

    ratio: float
    ratio_spread: float
    median_ms: float
    p90_ms: float
    n: int
    dropped_rounds: int
    reference_ms: float


def time_runs(run: Run, n: int, clock: Clock = time.perf_counter_ns) -> NDArray[np.float64]:
    """Durations of ``n`` single runs in ms, shape (n,).

    Python's garbage collector rests meanwhile: a collection in the middle of a run is not the
    network's.
    """
    marks = [0] * (2 * n)
    collecting = gc.isenabled()
    gc.disable()
    try:
        for i in range(0, 2 * n, 2):
            marks[i] = clock()
            run()
            marks[i + 1] = clock()
    finally:
        if collecting:
            gc.enable()
    stamps = np.array(marks, np.int64).reshape(n, 2)
    return np.asarray((stamps[:, 1] - stamps[:, 0]) / _NS_PER_MS, np.float64)


def spread(values: NDArray[np.float64]) -> float:
    """Robust standard deviation of values of shape (n,): 1.4826 times the MAD.

    >>> import numpy as np
    >>> round(spread(np.array([1.0, 2.0, 3.0, 4.0, 100.0])), 4)
    1.4826
    """
    return float(MAD_TO_SIGMA * np.median(np.abs(values - np.median(values))))


def measure(
    network: Run, reference: Run, protocol: Protocol, clock: Clock = time.perf_counter_ns
) -> Measurement:
    """What ``network`` takes relative to ``reference``.

    When ``max_dropped`` rounds have drifted, the rounds that did not are used if they are at
    least half of those asked for; ``n`` tells.

    Args:
        network: runs the network once.
        reference: runs the reference once.
        protocol: warm-up, rounds, and runs in each round.
        clock: a clock in ns; another one for tests.

    Raises:
        ProfileError: the machine drifts too much, or the clock is too coarse for the reference.
    """
    for run in (reference, network):
        for _ in range(protocol.warm_up):
            run()

    def a_round() -> Round:
        before = time_runs(reference, protocol.runs_per_round, clock)
        own = time_runs(network, protocol.runs_per_round, clock)
        after = time_runs(reference, protocol.runs_per_round, clock)
        ends = float(np.median(before)), float(np.median(after))
        return own, (ends[0] + ends[1]) / 2, ends

    advice = "Stop other work, fix the clock (governor 'performance') or allow a larger max_drift."
    return steady(a_round, protocol, advice)


#: One round: runs of what is measured in ms, the reference's in the middle, and at both ends.
Round = tuple[NDArray[np.float64], float, tuple[float, float]]


def steady(a_round: Callable[[], Round], protocol: Protocol, advice: str) -> Measurement:
    """What rounds come to in which the reference did not drift; one that drifted is repeated.

    Args:
        a_round: gives the runs of one round, between two ends of the reference.
        protocol: number of rounds, how many may drift, and by how much.
        advice: what to do where too many drifted, a sentence.

    Raises:
        ProfileError: too many rounds drifted, or the clock is too coarse for the reference.
    """
    ratios: list[float] = []
    references: list[float] = []
    blocks: list[NDArray[np.float64]] = []
    dropped = 0
    while len(ratios) < protocol.rounds:
        own, around, ends = a_round()
        if around <= 0:
            raise ProfileError("the reference network took no time at all; is the clock running?")
        if abs(ends[0] - ends[1]) > protocol.max_drift * around:
            dropped += 1
            if dropped >= protocol.max_dropped:
                break
            continue
        ratios.append(float(np.median(own)) / around)
        references.append(around)
        blocks.append(own)
    if 2 * len(ratios) < protocol.rounds:
        raise ProfileError(
            f"the machine is too unsteady: {dropped} rounds drifted by more than "
            f"{protocol.max_drift:.0%} and only {len(ratios)} of {protocol.rounds} did not. "
            f"{advice}"
        )
    runs = np.concatenate(blocks)
    return Measurement(
        ratio=float(np.median(ratios)),
        ratio_spread=spread(np.array(ratios)),
        median_ms=float(np.median(runs)),
        p90_ms=float(np.quantile(runs, 0.9)),
        n=len(runs),
        dropped_rounds=dropped,
        reference_ms=float(np.median(references)),
    )
