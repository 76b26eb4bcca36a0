"""Device profiles measured on this machine, and the cost of a cascade against its parts."""

from __future__ import annotations

import dataclasses
import datetime
import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import __version__
from ..bench.device import FORMAT, FORMAT_2, NAME
from ..bench.errors import BigLittleError, ProfileError
from ..bench.graph import simplified
from ..bench.spaces import SearchSpace
from ..bench.text_files import read_text
from .machine import conditions, cpu_model, device_name, environment
from .memory import rise_of
from .meters import EVERYTHING, Meter, check_covers, get_meter
from .meters._power import put_energy
from .noise import steadier
from .onnx_network import (
    cascade_model,
    classifier_model,
    forced_threshold,
    gated_model,
    null_model,
    onnx_model,
)
from .protocol import Clock, Measurement, Protocol, measure, time_runs
from .runtimes import Run, Runtime, get_runtime
from .subject import Subject, architecture_subjects, identity

if TYPE_CHECKING:
    import onnx

SOURCE = "measured by biglittle profile"
#: What two sessions must share for their figures to stand in one file.
IDENTITY = (
    "format",
    "space",
    "space_hash",
    "n_classes",
    "runtime",
    "precision",
    "threads",
    "batch",
    "protocol",
)
GROUPS = ("networks", "models")  # of a profile: architectures, and files
_DIGITS = 6  # nanoseconds, in ms: finer than any clock here
_MOST_RUNS = 10**6  # for energy, should the clock stand still

Profile = dict[str, Any]
#: Called after every network and pair with (measured so far, to be measured in all, the entry).
Progress = Callable[[int, int, dict[str, Any]], None]


def default_reference(space: SearchSpace) -> str:
    """The architecture that brackets all others unless one is named: one choice everywhere.

    It is the first choice with which the answer depends on the image. It depends on the space
    alone, so that ratios of two profiles of a space compare.
    """
    uniform = (space.digits[c] * space.n_layers for c in range(len(space.choices)))
    return next(a for a in uniform if simplified(space.graph(a, 2)))


def read_profile(path: Path) -> Profile:
    """A profile from its JSON file.

    Raises:
        ProfileError: the file cannot be read or is no device profile.
    """
    try:
        profile = json.loads(read_text(path))
    except (OSError, ValueError) as error:
        raise ProfileError(f"profile {path.name} cannot be read: {error}") from error
    if isinstance(profile, dict) and profile.get("format") == FORMAT:
        raise ProfileError(
            f"{path.name} is a profile of the first format, which cannot be gone on with; measure "
            "into another file."
        )
    if not isinstance(profile, dict) or profile.get("format") != FORMAT_2:
        raise ProfileError(f"{path.name} is no device profile; expected format {FORMAT_2!r}.")
    return profile


def write_profile(path: Path, profile: Profile) -> None:
    """Writes a profile as JSON, whole or not at all.

    The text goes to a temporary file beside ``path``, to the disk, and is then renamed: boards
    lose power.

    Raises:
        ProfileError: the file cannot be written.
    """
    partial = path.with_name(path.name + ".partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("w", encoding="utf-8") as file:
            json.dump(profile, file, indent=1, allow_nan=False)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        raise ProfileError(f"profile {path.name} cannot be written: {error}") from error


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
        space: the search space.
        architectures: ids in ``space``; one that is named twice is measured once.
        n_classes: number of classes of the classifiers.
        protocol: how often what is run; None: the default protocol.
        runtime: key of a runtime, or one.
        reference: architecture that brackets all others; None: that of ``out`` if it exists, else
            ``default_reference``.
        on_progress: called after every network and pair; nothing is printed.
        out: JSON file to write, and to resume from.
        clock: a clock in ns; another one for tests.
        root: where /proc and /sys lie; another one for tests.
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
        UnknownNameError: no such runtime.
    """
    protocol = protocol or Protocol()
    wanted = list(dict.fromkeys(architectures))
    space.parse([*wanted, *again, *(a for pair in pairs for a in pair)])
    if name is not None and not NAME.fullmatch(name):
        raise ProfileError(
            f"{name!r} cannot be the name of a device; expected to match {NAME.pattern}."
        )
    engine = get_runtime(runtime) if isinstance(runtime, str) else runtime
    runs_on = getattr(engine, "runs_on", None)
    measuring = get_meter(meter, root, runs_on) if isinstance(meter, str) else meter
    check_covers(measuring, runs_on)
    fresh: Profile = {
        "format": FORMAT_2,
        "device": name or device_name(root),
        "description": cpu_model(root) or "a processor whose model the system does not give",
        "soc": cpu_model(root),
        "space": space.name,
        "space_hash": space.hash,
        "n_classes": n_classes,
        "runtime": engine.description,
        "precision": engine.precision,
        "threads": protocol.threads,
        "batch": protocol.batch,
        "protocol": {"name": "bracketed-ratio", **dataclasses.asdict(protocol)},
    }
    before = read_profile(out) if out is not None and out.exists() else None
    if before is not None:
        _check_identity(before, fresh, reference, measuring, str(out))
        reference = before["reference"]["architecture"]
    reference = reference or default_reference(space)

    def load(model: onnx.ModelProto) -> Run:
        return engine.load(model.SerializeToString(), protocol.threads)

    brackets = load(onnx_model(space, reference, n_classes))
    if before is None:
        profile = {
            **fresh,
            "environment": environment(root),
            "meter": _idle(measuring, protocol, clock, sleep),
            **_session_facts(space, reference, n_classes, brackets, protocol, load, clock),
            "source": SOURCE,
            "author": None,
            "networks": [],
            "pairs": [],
        }
        _rescale(profile)
    else:
        profile = before
    if author is not None:
        profile["author"] = author
    if name is not None:
        profile["device"] = name
    profile["tool_version"] = __version__
    profile["date"] = datetime.datetime.now(datetime.UTC).date().isoformat()

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
            entry = _entry(subject.names, measure(network, brackets, protocol, clock))
            entry |= {**conditions(root), **memory}
            entry["cold_start_ms"] = _cold_start_ms(network, protocol, clock, sleep)
            _measure_energy(entry, network, measuring, profile["meter"], protocol, clock)
            if (facts := getattr(network, "facts", None)) is not None:
                entry["engine"] = facts
            if event_ms := getattr(network, "event_ms", None):
                entry["event_ms"] = round(float(np.median(event_ms)), _DIGITS)
            del network  # or its memory would be there to be used again by the next one
        except Exception as error:
            entry = {
                **subject.names,
                "latency_ms": None,
                "latency_p90_ms": None,
                "provenance": "measured",
                "error": _reason(error),
            }
        entries[subject.key] = steadier(entries.get(subject.key), entry)
        for group in {"networks", subject.group}:
            profile[group] = [e for key, e in entries.items() if key[0] == group]
        _rescale(profile)
        told(number, entry)
    for number, (little, big) in enumerate(to_pair, start=len(missing) + 1):
        try:
            found = profile_pair(space, little, big, n_classes, protocol, gate, engine, clock)
        except Exception as error:
            found = {
                "little": little,
                "big": big,
                "gate": gate,
                "provenance": "measured",
                "error": _reason(error),
            }
        done[little, big, gate] = found
        profile["pairs"] = list(done.values())
        told(number, found)
    profile["environment_end"] = conditions(root)
    if out is not None and (total or before is None):
        write_profile(out, profile)
    return profile


def _reason(error: Exception) -> str:
    """Why something has no figure; what is wrong with the request itself is raised.

    A runtime's errors share no base of their own: what it cannot run is marked, and the others are
    measured all the same.
    """
    if isinstance(error, BigLittleError) and not isinstance(error, ProfileError):
        raise error
    return f"{error}"[:2000] or type(error).__name__


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
    return round(float(time_runs(network, 1, clock)[0]), _DIGITS)


def _idle(
    meter: Meter, protocol: Protocol, clock: Clock, sleep: Callable[[float], None]
) -> dict[str, Any] | None:
    """Facts of the meter with the power of the device at rest; None without a meter."""
    if meter.name == "none":
        return None
    meter.start()
    began = clock()
    sleep(protocol.energy_s)
    took_s = (clock() - began) / 1e9
    total_mj = meter.stop()
    known = total_mj is not None and took_s > 0
    facts: dict[str, Any] = {
        "name": meter.name,
        "rail": meter.rail,
        "covers": sorted(getattr(meter, "covers", EVERYTHING)),
        "sampling_hz": meter.sampling_hz,
        "idle_power_mw": round((total_mj or 0.0) / took_s, 3) if known else None,
        "idle_s": round(took_s, 6),
    }
    if (windows := getattr(meter, "windows", None)) is not None:
        facts["idle_window_s"] = list(windows[-1])
    return facts


def _measure_energy(
    entry: dict[str, Any],
    network: Run,
    meter: Meter,
    facts: dict[str, Any] | None,
    protocol: Protocol,
    clock: Clock,
) -> None:
    """Runs a network for ``energy_s`` under the meter; nothing is written where it says nothing."""
    if facts is None:
        return
    runs, limit_ns = 0, protocol.energy_s * 1e9
    meter.start()
    began = clock()
    while runs < _MOST_RUNS:
        network()
        runs += 1
        if clock() - began >= limit_ns:
            break
    took_s = (clock() - began) / 1e9
    total_mj = meter.stop()
    if (windows := getattr(meter, "windows", None)) is not None:
        entry |= {"energy_window_s": list(windows[-1]), "energy_runs": runs}
    if total_mj is not None and total_mj > 0:
        put_energy(entry, total_mj, took_s, runs, facts.get("idle_power_mw"))


def _check_identity(
    before: Profile, fresh: Profile, reference: str | None, meter: Meter, path: str
) -> None:
    differing = [key for key in IDENTITY if before.get(key) != fresh[key]]
    # A device may have been given a name of its own since; its processor stays what it is.
    processor = (before.get("environment") or {}).get("cpu_model")
    if before.get("device") != fresh["device"] and (processor is None or processor != fresh["soc"]):
        differing.append("device")
    got = {key: before.get(key) for key in differing}
    here = {key: fresh[key] for key in differing}
    measured = before.get("meter") or {}
    if (measured.get("name") or "none") != meter.name:
        got["meter"], here["meter"] = before.get("meter"), meter.name
    elif meter.name not in ("none", "trace") and measured.get("rail") != meter.rail:
        # Energies of two rails do not compare; what a trace's meter is tied to, its owner says.
        got["rail"], here["rail"] = measured.get("rail"), meter.rail
    base = (before.get("reference") or {}).get("architecture")
    if base is None or (reference is not None and reference != base):
        got["reference"], here["reference"] = base, reference
    if got:
        raise ProfileError(
            f"profile {Path(path).name} was measured with {got}, this session has {here}; "
            "give another file, or remove that one."
        )


def _session_facts(
    space: SearchSpace,
    reference: str,
    n_classes: int,
    brackets: Run,
    protocol: Protocol,
    load: Callable[[onnx.ModelProto], Run],
    clock: Clock,
) -> Profile:
    """What is measured once: the reference against itself, the harness, the gate."""
    network = load(onnx_model(space, reference, n_classes))
    own = measure(network, brackets, protocol, clock)
    gate_ms, clipped = measure_gate(space, n_classes, protocol, load, clock)
    return {
        "reference": {
            "architecture": reference,
            "latency_ms": round(own.reference_ms, _DIGITS),
            "latency_p90_ms": None,
            # A second copy of the reference against the first: 1, if the protocol does its work.
            "self_ratio": round(own.ratio, _DIGITS),
            "self_ratio_spread": round(own.ratio_spread, _DIGITS),
            "self_reference_ms": round(own.reference_ms, _DIGITS),
            "self_raw_median_ms": round(own.median_ms, _DIGITS),
            "self_raw_p90_ms": round(own.p90_ms, _DIGITS),
        },
        "harness_overhead_ms": round(_overhead_ms(space, protocol, load, clock), _DIGITS),
        "gate_latency_ms": round(gate_ms, _DIGITS),
        "gate_latency_clipped": clipped,
    }


def _overhead_ms(
    space: SearchSpace,
    protocol: Protocol,
    load: Callable[[onnx.ModelProto], Run],
    clock: Clock,
) -> float:
    null = load(null_model(space))
    for _ in range(protocol.warm_up):
        null()
    durations = time_runs(null, protocol.rounds * protocol.runs_per_round, clock)
    durations.sort()
    return float(durations[len(durations) // 2])


def measure_gate(
    space: SearchSpace,
    n_classes: int,
    protocol: Protocol,
    load: Callable[[onnx.ModelProto], Run],
    clock: Clock = time.perf_counter_ns,
    metric: str = "margin",
) -> tuple[float, bool]:
    """Latency in ms that a gate adds, and whether a negative difference was clipped to 0.

    The gate is put behind a bare classifier, not behind a network: its few microseconds would
    drown in the spread of a network's milliseconds.

    Raises:
        GateError: a metric without ONNX form.
        ProfileError: the machine is too unsteady.
    """
    plain = classifier_model(space, n_classes)
    with_gate = gated_model(plain, metric, forced_threshold(metric, escalate=False))
    measured = measure(load(with_gate), load(plain), protocol, clock)
    difference_ms = (measured.ratio - 1.0) * measured.reference_ms
    return max(0.0, difference_ms), difference_ms < 0


def _entry(names: Mapping[str, str], measured: Measurement) -> dict[str, Any]:
    return {
        **names,
        "latency_ms": 0.0,  # both follow in _rescale
        "latency_p90_ms": 0.0,
        "ratio": round(measured.ratio, _DIGITS),
        "ratio_spread": round(measured.ratio_spread, _DIGITS),
        "raw_median_ms": round(measured.median_ms, _DIGITS),
        "raw_p90_ms": round(measured.p90_ms, _DIGITS),
        "reference_ms": round(measured.reference_ms, _DIGITS),
        "n": measured.n,
        "dropped_rounds": measured.dropped_rounds,
        "provenance": "measured",
    }


def _rescale(profile: Profile) -> None:
    """Sets every latency from its ratio and the reference's latency over the whole session.

    It is done again after every network, from figures in the file alone, so that a session that
    was interrupted ends with the same file as one that was not.
    """
    reference = profile["reference"]
    entries = [e for group in GROUPS for e in profile.get(group) or []]
    measured = [e for e in entries if e["latency_ms"] is not None]
    seen = sorted([reference["self_reference_ms"], *(e["reference_ms"] for e in measured)])
    middle = len(seen) // 2
    base_ms = seen[middle] if len(seen) % 2 else (seen[middle - 1] + seen[middle]) / 2
    tail = reference["self_raw_p90_ms"] / reference["self_raw_median_ms"]
    reference["latency_ms"] = round(base_ms, _DIGITS)
    reference["latency_p90_ms"] = round(base_ms * tail, _DIGITS)
    for entry in measured:
        latency_ms = entry["ratio"] * base_ms
        p90_ms = entry["raw_p90_ms"] * latency_ms / entry["raw_median_ms"]
        entry["latency_ms"] = round(latency_ms, _DIGITS)
        entry["latency_p90_ms"] = round(p90_ms, _DIGITS)


def profile_pair(
    space: SearchSpace,
    little: str,
    big: str,
    n_classes: int,
    protocol: Protocol | None = None,
    metric: str = "margin",
    runtime: str | Runtime = "ort-cpu",
    clock: Clock = time.perf_counter_ns,
) -> dict[str, Any]:
    """What a pair costs end to end, as one graph, against the sum of its parts.

    The cascade is built twice, with thresholds outside of the metric's range, so that every run
    takes the branch it is meant to. All three are measured against the little network and share
    its latency as unit.

    Args:
        space: the search space.
        little: architecture of the little network.
        big: architecture of the big network.
        n_classes: number of classes of both.
        protocol: how often what is run; None: the default protocol.
        metric: gate metric.
        runtime: key of a runtime, or one.
        clock: a clock in ns; another one for tests.

    Returns:
        ``little_ms``, ``big_ms`` and ``gate_ms`` of the parts; ``kept_ms`` and ``escalated_ms``
        of the whole when the little network answers and when it escalates; ``kept_gap`` and
        ``gap``: those over the sum of parts, minus 1 (0.02 = the whole takes 2 % longer).

    Raises:
        ArchitectureError: an architecture that is not in ``space``.
        GateError: a metric without ONNX form.
        ProfileError: the runtime cannot run the pair, or the machine is too unsteady.
        MissingExtraError: ``onnx`` or the runtime is not installed.
    """
    protocol = protocol or Protocol()
    engine = get_runtime(runtime) if isinstance(runtime, str) else runtime

    def load(model: onnx.ModelProto) -> Run:
        return engine.load(model.SerializeToString(), protocol.threads)

    # Different seeds: a runtime may share equal weights.
    small = onnx_model(space, little, n_classes, seed=0)
    large = onnx_model(space, big, n_classes, seed=1)
    cascades = (
        cascade_model(small, large, metric, forced_threshold(metric, escalate))
        for escalate in (False, True)
    )
    unit = load(small)
    parts = [measure(load(m), unit, protocol, clock) for m in (large, *cascades)]
    little_ms = sorted(p.reference_ms for p in parts)[1]
    big_ms, kept_ms, escalated_ms = (p.ratio * little_ms for p in parts)
    gate_ms, _ = measure_gate(space, n_classes, protocol, load, clock, metric)
    return {
        "little": little,
        "big": big,
        "gate": metric,
        "little_ms": round(little_ms, _DIGITS),
        "big_ms": round(big_ms, _DIGITS),
        "gate_ms": round(gate_ms, _DIGITS),
        "kept_ms": round(kept_ms, _DIGITS),
        "escalated_ms": round(escalated_ms, _DIGITS),
        "kept_gap": round(kept_ms / (little_ms + gate_ms) - 1.0, _DIGITS),
        "gap": round(escalated_ms / (little_ms + gate_ms + big_ms) - 1.0, _DIGITS),
        "runtime": engine.description,
        "threads": protocol.threads,
        "batch": protocol.batch,
        "n": min(p.n for p in parts),
        "provenance": "measured",
    }
