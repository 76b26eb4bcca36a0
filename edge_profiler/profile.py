"""Device profiles measured on this machine."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..bench.precision import PRECISIONS
from ..bench.spaces import SearchSpace, parse_networks
from .energy import measure_energy
from .machine import conditions
from .memory import rise_of
from .meters import Meter, check_covers, get_meter
from .noise import steadier
from .pair_latency import profile_pair
from .profile_file import DIGITS, GROUPS, Profile, rescale, write_profile
from .profile_start import (
    Place,
    begin_profile,
    failed_entry,
    measured_entry,
    protocol_facts,
    reason_of,
)
from .protocol import Clock, Protocol, measure, time_runs
from .runtimes import Run, Runtime, get_runtime
from .subject import Subject, architecture_subjects, identity

#: Called after every network and pair with (measured so far, to be measured in all, the entry).
Progress = Callable[[int, int, dict[str, Any]], None]


def profile_networks(
    space: SearchSpace,
    architectures: Sequence[str],
    n_classes: int,
    protocol: Protocol | None = None,
    runtime: str | Runtime = "ort-cpu",
    reference: str | None = None,
    on_progress: Progress | None = None,
    out: Path | None = None,
    clock: Clock = time.perf_counter_ns,
    root: Path = Path("/"),
    meter: str | Meter = "none",
    pairs: Sequence[tuple[str, str]] = (),
    gate: str = "margin",
    sleep: Callable[[float], None] = time.sleep,
    author: str | None = None,
    models: Sequence[Subject] = (),
    again: Sequence[str] = (),
    name: str | None = None,
) -> Profile:
    """The profile of networks on this machine, as a dict in the format of device profiles.

    ``latency_ms`` of a network is its ratio to the reference times the reference's latency, the
    median over all networks of what the reference took around each. ``latency_p90_ms`` is scaled
    the same way: raw p90 times ``latency_ms`` / raw median. ``gate_latency_ms`` is what softmax,
    margin and comparison add to a classifier, 0 if the difference came out negative, in which
    case ``gate_latency_clipped`` is true. Networks carry random weights, on which latency does
    not depend.

    ``cold_start_ms`` is the first run after ``idle_gap_s`` of rest. With a meter ``energy_mj`` is
    what one run takes on its rail, idle power and all; ``energy_net_mj`` is that less the idle
    power, which is measured once at the start. ``clock_mhz`` and ``temperature_c`` are read after
    each network, where the system gives them. ``peak_memory_mib`` is by how much the process grew
    at its highest while the network was loaded and run once, ``resident_memory_mib`` what it kept
    of that; None where the system keeps no count, or the network lies in a GPU's memory.

    With ``out`` the file is written after every network. If it exists already, networks measured
    there are kept and not measured again; those that failed are tried again. Of a network in
    ``again`` the steadier of both measurements stands.

    Args:
        space: search space of the architectures and pairs.
        architectures: names of networks in ``space``; one that is named twice is measured once.
        n_classes: number of classes of the classifiers.
        protocol: number of warm-up runs, rounds, and runs a round; None: the default.
        runtime: key of a runtime, or one.
        reference: architecture that brackets all others; None: that of ``out`` if it exists, else
            ``default_reference``.
        on_progress: called after every network and pair; nothing is printed.
        out: JSON file to write, and to resume from.
        clock: a clock in ns; another one for tests.
        root: folder that holds /proc and /sys; another one for tests.
        meter: key of an energy meter, a meter, or "auto": the first here that sees what runs.
        pairs: (little, big) to measure end to end as one graph, after the networks.
        gate: metric of the gate between them.
        sleep: rests for some seconds; another one for tests.
        author: who measured; None: what ``out`` says, or nobody.
        models: ONNX files, from `subject.file_subjects`; their figures stand under ``models``.
        again: ids to measure although ``out`` has them, and all the others of ``architectures``
            that it lacks.
        name: of the device, in place of the processor's; None: what ``out`` says, or that.

    Returns:
        The profile. A network that the runtime cannot run, or for which the machine was too
        unsteady, has ``latency_ms`` None and says why in ``error``.

    Raises:
        ArchitectureError: an architecture that is not in ``space``; nothing was measured.
        ProfileError: ``out`` is of another device, protocol, space, runtime or reference; or the
            reference cannot be measured.
        MissingExtraError: ``onnx`` or the runtime is not installed.
        UnknownNameError: no runtime or energy meter has that name.
    """
    protocol = protocol or Protocol()
    wanted = list(dict.fromkeys(architectures))
    parse_networks(space, [*wanted, *again, *(a for pair in pairs for a in pair)], PRECISIONS)
    engine = get_runtime(runtime) if isinstance(runtime, str) else runtime
    runs_on = getattr(engine, "runs_on", None)
    measuring = get_meter(meter, root, runs_on) if isinstance(meter, str) else meter
    check_covers(measuring, runs_on)
    place = Place(
        space=space,
        n_classes=n_classes,
        protocol=protocol,
        engine=engine,
        meter=measuring,
        reference=reference,
        out=out,
        clock=clock,
        root=root,
        sleep=sleep,
        author=author,
        name=name,
    )
    named = protocol_facts("bracketed-ratio", protocol)
    profile, brackets, there = begin_profile(place, named, {"networks": [], "pairs": []})

    wanted += [a for a in dict.fromkeys(again) if a not in wanted]
    subjects = [*architecture_subjects(space, wanted, n_classes), *models]
    entries = {identity(g, e): e for g in GROUPS for e in profile.get(g) or []}
    missing = [
        s
        for s in subjects
        if s.names.get("architecture") in again or entries.get(s.key, {}).get("latency_ms") is None
    ]
    done = {(p["little"], p["big"], p["gate"]): p for p in profile.setdefault("pairs", [])}
    to_pair = [p for p in dict.fromkeys(pairs) if "error" in done.get((*p, gate), {"error": ""})]
    total = len(missing) + len(to_pair)

    def told(number: int, entry: dict[str, Any]) -> None:
        if out is not None:
            write_profile(out, profile)
        if on_progress is not None:
            on_progress(number, total, entry)

    for number, subject in enumerate(missing, start=1):
        try:
            network, memory = _load_counted(engine, subject.model(), protocol.threads, root)
            entry = measured_entry(subject.names, measure(network, brackets, protocol, clock))
            entry |= {**conditions(root), **memory}
            entry["cold_start_ms"] = _cold_start_ms(network, protocol, clock, sleep)
            measure_energy(entry, network, measuring, profile["meter"], protocol, clock)
            if (facts := getattr(network, "facts", None)) is not None:
                entry["engine"] = facts
            if event_ms := getattr(network, "event_ms", None):
                entry["event_ms"] = round(float(np.median(event_ms)), DIGITS)
            del network  # or its memory would be there to be used again by the next one
        except Exception as error:
            entry = failed_entry(subject.names, error)
        stands = entries[subject.key] = steadier(entries.get(subject.key), entry)
        for group in {"networks", subject.group}:
            profile[group] = [e for key, e in entries.items() if key[0] == group]
        rescale(profile)
        told(number, entry if entry["latency_ms"] is None else stands)
    for number, (little, big) in enumerate(to_pair, start=len(missing) + 1):
        try:
            pair = profile_pair(space, little, big, n_classes, protocol, gate, engine, clock)
        except Exception as error:
            pair = {
                "little": little,
                "big": big,
                "gate": gate,
                "provenance": "measured",
                "error": reason_of(error),
            }
        done[little, big, gate] = pair
        profile["pairs"] = list(done.values())
        told(number, pair)
    profile["environment_end"] = conditions(root)
    if out is not None and (total or not there):
        write_profile(out, profile)
    return profile


def _load_counted(
    engine: Runtime, model: bytes, threads: int, root: Path
) -> tuple[Run, dict[str, float | None]]:
    """A loaded network and the resident memory that loading and a first run took.

    None where the system keeps no count, where the network lies in another memory than the
    processor's, and where less would have been taken than the weights alone need: then memory that
    was free in the process already was used.
    """

    def load() -> Run:
        return engine.load(model, threads)

    taken: dict[str, float | None] = {"peak_memory_mib": None, "resident_memory_mib": None}
    if not getattr(engine, "in_host_memory", False):
        return load(), taken
    network, rise = rise_of(load, root)
    if rise is not None and min(rise.peak_mib, rise.kept_mib) >= 0.9 * len(model) / 2**20:
        taken = {
            "peak_memory_mib": round(rise.peak_mib, 3),
            "resident_memory_mib": round(rise.kept_mib, 3),
        }
    return network, taken


def _cold_start_ms(
    network: Run, protocol: Protocol, clock: Clock, sleep: Callable[[float], None]
) -> float | None:
    if protocol.idle_gap_s == 0:
        return None
    sleep(protocol.idle_gap_s)
    return round(float(time_runs(network, 1, clock)[0]), DIGITS)
