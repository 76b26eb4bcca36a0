"""Roughly how long a measurement will take, said before it begins."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from ..bench.spaces import SearchSpace
from .onnx_network import onnx_model
from .profile import default_reference
from .protocol import Clock, Protocol, time_runs
from .runtimes import Runtime

_RUNS = 3  # of each of the two networks that are tried


def measuring_s(
    space: SearchSpace,
    networks: Sequence[str],
    pairs: Sequence[tuple[str, str]],
    n_classes: int,
    protocol: Protocol,
    runtime: Runtime,
    energy: bool = False,
    clock: Clock = time.perf_counter_ns,
) -> float:
    """Estimated seconds of a measurement on this machine, from a few runs of two networks.

    Latency is taken to grow evenly with multiply-accumulates between the reference and the largest
    network, which is right within a factor of about two.

    Args:
        space: search space of the networks and pairs.
        networks: ids that are measured alone.
        pairs: (little, big) that are measured end to end.
        n_classes: number of classes of the classifiers.
        protocol: number of warm-up runs, rounds, and runs a round.
        runtime: the runtime that will run the networks.
        energy: whether each network also runs under a meter.
        clock: a clock in ns; another one for tests.
    """
    ids = list(dict.fromkeys([*networks, *(a for pair in pairs for a in pair)]))
    if not ids:
        return 0.0
    macs = dict(zip(ids, space.macs(space.parse(ids), n_classes).tolist(), strict=True))
    reference = default_reference(space)
    ends = (reference, max(ids, key=lambda a: macs[a]))
    took = [_run_ms(space, a, n_classes, protocol, runtime, clock) for a in ends]
    work = space.macs(space.parse(list(ends)), n_classes)
    slope = max(0.0, took[1] - took[0]) / max(1.0, float(work[1]) - float(work[0]))

    def run_ms(architecture: str) -> float:
        return float(max(took[0] / 10, took[0] + slope * (macs[architecture] - work[0])))

    block = protocol.rounds * protocol.runs_per_round
    own, around = protocol.warm_up + block, protocol.warm_up + 2 * block
    total_ms = sum(own * run_ms(a) + around * took[0] for a in networks)
    # The big network alone, and the whole graph with either branch taken.
    total_ms += sum(2 * own * (run_ms(a) + run_ms(b)) + 3 * around * run_ms(a) for a, b in pairs)
    resting_s = protocol.idle_gap_s + (protocol.energy_s if energy else 0.0)
    return total_ms / 1000 + resting_s * len(networks)


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
