"""How well the profiler repeats itself on this machine, what it costs, and how long it takes.

``python -m biglittle.edge_profiler --repeatability``, with nothing else running, prints one JSON
document: for three anchors the ratio to the reference in five sessions with networks loaded anew,
the same for their raw medians, the harness on a null network, and the seconds that a profile of all
anchors takes.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from ..bench.errors import ProfileError
from ..bench.precision import FP32
from ..bench.spaces import SearchSpace, get_space
from .anchors import N_ANCHORS, anchor_networks
from .machine import device_name, environment
from .onnx_network import onnx_model
from .profile import profile_networks
from .profile_start import default_reference
from .protocol import Clock, Protocol, measure
from .runtimes import Runtime, get_runtime
from .session import ANCHORS, ProfileRequest, architectures

REPEATS = 5
WITHIN = 0.01  # what the ratio shall repeat within


def repeatability(
    space: SearchSpace,
    engine: Runtime,
    protocol: Protocol | None = None,
    repeats: int = REPEATS,
    n_classes: int = 10,
    clock: Clock = time.perf_counter_ns,
    log: Callable[[str], object] = lambda _: None,
) -> list[dict[str, Any]]:
    """Of the smallest, a middling and the largest anchor: ratios of every session, and spreads.

    ``ratio_range`` and ``raw_range`` are largest minus smallest over the median: the first of what
    a profile keeps, the second of what a stopwatch would say.

    Args:
        space: search space whose anchors are measured.
        engine: the runtime that runs the networks.
        protocol: number of warm-up runs, rounds, and runs a round; None: the default.
        repeats: sessions; each loads all networks anew.
        n_classes: number of classes of the classifiers.
        clock: a clock in ns; another one for tests.
        log: told what is being done.

    Raises:
        ProfileError: the machine is too unsteady.
    """
    protocol = protocol or Protocol()
    anchors = anchor_networks(space, n_classes=n_classes)
    macs = space.macs(space.parse(anchors), n_classes)
    order = np.argsort(macs)
    chosen = [anchors[order[i]] for i in (0, len(order) // 2, -1)]
    reference = default_reference(space)
    ratios: dict[str, list[float]] = {a: [] for a in chosen}
    raw: dict[str, list[float]] = {a: [] for a in chosen}
    for repeat in range(repeats):
        log(f"session {repeat + 1} of {repeats}")
        base = engine.load(
            onnx_model(space, reference, n_classes).SerializeToString(), protocol.threads
        )
        for a in chosen:
            model = onnx_model(space, a, n_classes).SerializeToString()
            measurement = measure(engine.load(model, protocol.threads), base, protocol, clock)
            ratios[a].append(measurement.ratio)
            raw[a].append(measurement.median_ms)
    return [
        {
            "architecture": a,
            "ratios": [round(r, 6) for r in ratios[a]],
            "ratio_range": round(_range(ratios[a]), 6),
            "raw_range": round(_range(raw[a]), 6),
            "repeats_within_1_percent": _range(ratios[a]) <= WITHIN,
        }
        for a in chosen
    ]


def _range(values: list[float]) -> float:
    return float((max(values) - min(values)) / np.median(values))


def report(
    space: SearchSpace,
    engine: Runtime,
    protocol: Protocol | None = None,
    repeats: int = REPEATS,
    anchors: int = N_ANCHORS,
    clock: Clock = time.perf_counter_ns,
    log: Callable[[str], object] = lambda _: None,
) -> dict[str, Any]:
    """The profiler's own figures on this machine, as plain JSON.

    Args:
        space: search space whose anchors are measured.
        engine: the runtime that runs the networks.
        protocol: number of warm-up runs, rounds, and runs a round; None: the default.
        repeats: sessions of three anchors.
        anchors: number of anchors whose profile is timed; 0: none is.
        clock: a clock in ns; another one for tests.
        log: told what is being done.

    Raises:
        ProfileError: the machine is too unsteady.
    """
    protocol = protocol or Protocol()
    before = environment()
    document: dict[str, Any] = {
        "device": device_name(),
        "runtime": engine.description,
        "load_average": before["load_average"],
        "protocol": dataclasses.asdict(protocol),
        "repeats": repeats,
        "networks": repeatability(space, engine, protocol, repeats, clock=clock, log=log),
    }
    if anchors:
        log(f"profile of {anchors} anchors")
        began = time.perf_counter()
        with TemporaryDirectory() as folder:
            profile = profile_networks(
                space,
                anchor_networks(space, anchors),
                10,
                protocol,
                runtime=engine,
                out=Path(folder) / "profile.json",
                clock=clock,
            )
        document |= {
            "anchors": anchors,
            "anchors_s": round(time.perf_counter() - began, 1),
            "failed": sum(n["latency_ms"] is None for n in profile["networks"]),
            "self_ratio": profile["reference"]["self_ratio"],
            "null_network_us": round(1000 * profile["harness_overhead_ms"], 3),
        }
    return document


def report_of(
    request: ProfileRequest, repeats: int, log: Callable[[str], object] = lambda _: None
) -> dict[str, Any]:
    """The profiler's own figures as the command line asks for them, as plain JSON.

    Args:
        request: its space, runtime, precision, threads and rounds are used, and as many anchors
            are timed as its ``networks`` name.
        repeats: number of sessions of three anchors.
        log: told what is being done.

    Raises:
        ProfileError: other networks than anchors, fewer than one session, or an unsteady machine.
    """
    if not request.networks.startswith(ANCHORS):
        raise ProfileError(
            f"the profiler is tried on anchors, got --networks {request.networks[:60]!r}; expected "
            f"'{ANCHORS}' or '{ANCHORS}:10'."
        )
    if repeats < 1:
        raise ProfileError(f"--repeatability is {repeats}, expected at least 1 session.")
    space = get_space(request.space)
    anchors = architectures(request.networks, space, request.n_classes)
    engine = get_runtime(request.runtime, request.precision)
    if getattr(engine, "in_graph", FP32) != FP32:
        raise ProfileError(
            f"--repeatability is tried on networks in {FP32}, got --precision {request.precision}; "
            "leave it out: the protocol is the same."
        )
    return report(space, engine, request.protocol, repeats, len(anchors), log=log)


def repeats_well(document: Mapping[str, Any]) -> bool:
    """Whether every ratio of a document from `report` repeats within 1 %."""
    return all(network["repeats_within_1_percent"] for network in document["networks"])
