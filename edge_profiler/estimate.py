"""Roughly how long a measurement will take: before it begins, and from what the first ones took."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..bench.precision import PRECISIONS
from ..bench.spaces import SearchSpace, parse_networks
from .onnx_network import onnx_model
from .profile_start import default_reference
from .protocol import Clock, Protocol, time_runs
from .runtimes import Runtime

_RUNS = 3  # of each of the two networks that are tried
#: A measurement that takes this many times its estimate is told of.
SLOWER = 1.5
_WORTH_S = 10.0  # a delay that is shorter is not worth a line


@dataclass(frozen=True)
class Estimate:
    """Estimated seconds of a measurement, network by network and pair by pair.

    Attributes:
        networks: estimated seconds of each network, by id.
        pairs: estimated seconds of each pair, by (little, big).
    """

    networks: Mapping[str, float] = field(default_factory=dict)
    pairs: Mapping[tuple[str, str], float] = field(default_factory=dict)

    @property
    def total_s(self) -> float:
        """Seconds of all together."""
        return sum(self.networks.values()) + sum(self.pairs.values())

    def of(self, entry: Mapping[str, Any]) -> float:
        """Seconds of one entry of a profile; 0 where it was not estimated."""
        if "little" in entry:
            return self.pairs.get((entry["little"], entry["big"]), 0.0)
        return self.networks.get(entry.get("architecture", ""), 0.0)


class Pace:
    """Holds a measurement against its estimate, and says once how much longer it takes.

    The first network is not counted: what is loaded and tried before it is no part of an estimate.
    """

    def __init__(
        self, estimate: Estimate, say: Callable[[str], None], clock: Clock = time.perf_counter_ns
    ) -> None:
        """A pace that nothing was measured at yet.

        Args:
            estimate: what was estimated beforehand.
            say: called with a line for the reader, once at most.
            clock: a clock in ns; another one for tests.
        """
        self._estimate, self._say, self._clock = estimate, say, clock
        self._since: int | None = None
        self._told = False
        self._expected_s, self._left_s = 0.0, estimate.total_s

    def measured(self, entry: Mapping[str, Any]) -> None:
        """Counts an entry of the profile that was just measured."""
        now, own_s = self._clock(), self._estimate.of(entry)
        self._left_s = max(0.0, self._left_s - own_s)
        if self._since is None:
            self._since = now
            return
        if self._told:
            return
        self._expected_s += own_s
        took_s = (now - self._since) / 1e9
        slower = took_s / self._expected_s if self._expected_s else 0.0
        if slower > SLOWER and (slower - 1) * self._left_s >= _WORTH_S:
            self._say(
                f"This machine is busy or slower than estimated: what was measured so far took "
                f"{slower:.2g} times as long, so the rest takes {in_words(slower * self._left_s)}."
            )
            self._told = True


def estimate(
    space: SearchSpace,
    networks: Sequence[str],
    pairs: Sequence[tuple[str, str]],
    n_classes: int,
    protocol: Protocol,
    runtime: Runtime,
    energy: bool = False,
    clock: Clock = time.perf_counter_ns,
) -> Estimate:
    """Estimated seconds of a measurement on this machine, from a few runs of two networks.

    Latency is taken to grow evenly with multiply-accumulates between the reference and the largest
    network, which is right within a factor of about two on a machine that does nothing else. What
    runs beside it may make it ten times that: `Pace` says so when it shows.

    Args:
        space: search space of the networks and pairs.
        networks: names of networks that are measured alone.
        pairs: (little, big) that are measured end to end.
        n_classes: number of classes of the classifiers.
        protocol: number of warm-up runs, rounds, and runs a round.
        runtime: the runtime that will run the networks.
        energy: whether each network also runs under a meter.
        clock: a clock in ns; another one for tests.
    """
    ids = list(dict.fromkeys([*networks, *(a for pair in pairs for a in pair)]))
    if not ids:
        return Estimate()
    genomes, exits = parse_networks(space, ids, PRECISIONS)
    macs = dict(zip(ids, space.macs(genomes, n_classes, exits).tolist(), strict=True))
    reference = default_reference(space)
    macs.setdefault(reference, int(space.macs(reference, n_classes)[0]))
    ends = (reference, max(ids, key=lambda a: macs[a]))
    took = [_run_ms(space, a, n_classes, protocol, runtime, clock) for a in ends]
    work = [macs[a] for a in ends]
    slope = max(0.0, took[1] - took[0]) / max(1.0, float(work[1] - work[0]))

    def run_ms(architecture: str) -> float:
        return float(max(took[0] / 10, took[0] + slope * (macs[architecture] - work[0])))

    block = protocol.rounds * protocol.runs_per_round
    own, around = protocol.warm_up + block, protocol.warm_up + 2 * block
    resting_s = protocol.idle_gap_s + (protocol.energy_s if energy else 0.0)
    alone = {a: (own * run_ms(a) + around * took[0]) / 1000 + resting_s for a in networks}
    # The big network alone, and the whole graph with either branch taken.
    # Little in the whole graphs and in the trunk of an exit, which is measured as well.
    both = {
        (a, b): (2 * own * (run_ms(a) + run_ms(b)) + (4 if "@" in a else 3) * around * run_ms(a))
        / 1000
        for a, b in pairs
    }
    return Estimate(alone, both)


def _run_ms(
    space: SearchSpace,
    architecture: str,
    n_classes: int,
    protocol: Protocol,
    runtime: Runtime,
    clock: Clock,
) -> float:
    model = onnx_model(space, architecture, n_classes).SerializeToString()
    return float(np.median(time_runs(runtime.load(model, protocol.threads), _RUNS, clock)))


def in_words(seconds: float) -> str:
    """A rough duration for a reader.

    >>> in_words(7), in_words(100), in_words(4000)
    ('about 10 seconds', 'about 2 minutes', 'about 1.1 hours')
    """
    if seconds < 60:
        return f"about {max(10, 10 * round(seconds / 10))} seconds"
    if seconds < 3600:
        minutes = round(seconds / 60)
        return f"about {minutes} minute{'s' if minutes > 1 else ''}"
    return f"about {seconds / 3600:.1f} hours"
