"""How a measuring session begins: a new profile of this machine, or one that is gone on with."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import __version__
from ..bench.device import NAME
from ..bench.device_document import FORMAT_2
from ..bench.errors import BigLittleError, ProfileError
from ..bench.graph import simplified
from ..bench.spaces import SearchSpace
from .energy import idle_power
from .machine import cpu_model, device_name, environment
from .meters import Meter
from .onnx_network import null_model, onnx_model
from .pair_latency import measure_gate
from .profile_file import (
    DIGITS,
    Profile,
    check_identity,
    check_session,
    read_profile,
    rescale,
    write_profile,
)
from .protocol import Clock, Measurement, Protocol, measure, time_runs
from .runtimes import Run, Runtime

if TYPE_CHECKING:
    import onnx

SOURCE = "measured by biglittle profile"


@dataclass(frozen=True)
class Place:
    """Where a session measures, and what it writes.

    Attributes:
        space: search space of the networks.
        n_classes: number of classes of the classifiers.
        protocol: number of warm-up runs, rounds, and runs a round.
        engine: the runtime that networks are run by.
        meter: the energy meter of the session.
        reference: architecture that brackets all others; None: that of ``out`` if it exists, else
            ``default_reference``.
        out: JSON file to write, and to resume from.
        clock: a clock in ns.
        root: folder that holds /proc and /sys.
        sleep: rests for some seconds.
        author: who measured; None: what ``out`` says, or nobody.
        name: name of the device, in place of the processor's; None: what ``out`` says, or that.
    """

    space: SearchSpace
    n_classes: int
    protocol: Protocol
    engine: Runtime
    meter: Meter
    reference: str | None
    out: Path | None
    clock: Clock
    root: Path
    sleep: Callable[[float], None]
    author: str | None
    name: str | None

    def load(self, model: onnx.ModelProto) -> Run:
        """A callable that runs a model once in the session's runtime."""
        return self.engine.load(model.SerializeToString(), self.protocol.threads)


def default_reference(space: SearchSpace) -> str:
    """The architecture that brackets all others unless one is named: one choice everywhere.

    It is the first choice with which the answer depends on the image. It depends on the space
    alone, so that ratios of two profiles of a space compare.
    """
    uniform = (space.digits[c] * space.n_layers for c in range(len(space.choices)))
    return next(a for a in uniform if simplified(space.graph(a, 2)))


def begin_profile(
    place: Place, protocol: Mapping[str, Any], lists: Mapping[str, Any]
) -> tuple[Profile, Run, bool]:
    """The profile to fill, the reference loaded, and whether the profile was there before.

    Args:
        place: where the session measures, and what it writes.
        protocol: protocol as it stands in the file, with its name.
        lists: empty lists of what will be measured, by their name in the file.

    Raises:
        ProfileError: ``out`` is of another device, protocol, space, runtime or reference; or the
            reference cannot be measured.
        MissingExtraError: ``onnx`` or the runtime is not installed.
    """
    space, root = place.space, place.root
    if place.name is not None and not NAME.fullmatch(place.name):
        raise ProfileError(
            f"{place.name!r} cannot be the name of a device; expected to match {NAME.pattern}."
        )
    fresh: Profile = {
        "format": FORMAT_2,
        "device": place.name or device_name(root),
        "description": cpu_model(root) or "a processor whose model the system does not give",
        "soc": cpu_model(root),
        "space": space.name,
        "space_hash": space.hash,
        "n_classes": place.n_classes,
        "runtime": place.engine.description,
        "precision": place.engine.precision,
        "threads": place.protocol.threads,
        "batch": place.protocol.batch,
        "protocol": dict(protocol),
    }
    before = read_profile(place.out) if place.out is not None and place.out.exists() else None
    reference = place.reference
    if before is not None:
        check_identity(before, fresh, reference, place.meter, str(place.out))
        check_session(before, Path(str(place.out)))
        reference = before["reference"]["architecture"]
    reference = reference or default_reference(space)
    brackets = place.load(onnx_model(space, reference, place.n_classes))
    profile = before
    if before is not None and place.out is not None:
        given = {"author": place.author, "device": place.name}
        changed = {k: v for k, v in given.items() if v is not None and v != before.get(k)}
        if changed:  # at once, because nothing else may be left to measure and to write
            write_profile(place.out, {**before, **changed})
    if profile is None:
        profile = {
            **fresh,
            "environment": environment(root),
            "meter": idle_power(place.meter, place.protocol, place.clock, place.sleep),
            **_session_facts(place, reference, brackets),
            "source": SOURCE,
            "author": None,
            **lists,
        }
        rescale(profile)
    if place.author is not None:
        profile["author"] = place.author
    if place.name is not None:
        profile["device"] = place.name
    profile["tool_version"] = __version__
    profile["date"] = datetime.datetime.now(datetime.UTC).date().isoformat()
    return profile, brackets, before is not None


def protocol_facts(name: str, protocol: Protocol, **more: Any) -> dict[str, Any]:
    """A protocol as it stands in a file."""
    return {"name": name, **dataclasses.asdict(protocol), **more}


def reason_of(error: Exception) -> str:
    """Why something has no figure; what is wrong with the request itself is raised.

    A runtime's errors share no base of their own: what it cannot run is marked, and the others are
    measured all the same.
    """
    if isinstance(error, BigLittleError) and not isinstance(error, ProfileError):
        raise error
    return f"{error}"[:2000] or type(error).__name__


def measured_entry(names: Mapping[str, str], measured: Measurement) -> dict[str, Any]:
    """What a profile keeps of one measurement; its latencies follow in ``rescale``."""
    return {
        **names,
        "latency_ms": 0.0,
        "latency_p90_ms": 0.0,
        "ratio": round(measured.ratio, DIGITS),
        "ratio_spread": round(measured.ratio_spread, DIGITS),
        "raw_median_ms": round(measured.median_ms, DIGITS),
        "raw_p90_ms": round(measured.p90_ms, DIGITS),
        "reference_ms": round(measured.reference_ms, DIGITS),
        "n": measured.n,
        "dropped_rounds": measured.dropped_rounds,
        "provenance": "measured",
    }


def failed_entry(names: Mapping[str, str], error: Exception) -> dict[str, Any]:
    """What a profile keeps of something that could not be measured."""
    return {
        **names,
        "latency_ms": None,
        "latency_p90_ms": None,
        "provenance": "measured",
        "error": reason_of(error),
    }


def _session_facts(place: Place, reference: str, brackets: Run) -> Profile:
    """What is measured once: the reference against itself, the harness, the gate."""
    space, n_classes, protocol, clock = place.space, place.n_classes, place.protocol, place.clock
    network = place.load(onnx_model(space, reference, n_classes))
    own = measure(network, brackets, protocol, clock)
    gate_ms, clipped = measure_gate(space, n_classes, protocol, place.load, clock)
    return {
        "reference": {
            "architecture": reference,
            "latency_ms": round(own.reference_ms, DIGITS),
            "latency_p90_ms": None,
            # A second copy of the reference against the first: 1, if the protocol does its work.
            "self_ratio": round(own.ratio, DIGITS),
            "self_ratio_spread": round(own.ratio_spread, DIGITS),
            "self_reference_ms": round(own.reference_ms, DIGITS),
            "self_raw_median_ms": round(own.median_ms, DIGITS),
            "self_raw_p90_ms": round(own.p90_ms, DIGITS),
        },
        "harness_overhead_ms": round(_overhead_ms(place), DIGITS),
        "gate_latency_ms": round(gate_ms, DIGITS),
        "gate_latency_clipped": clipped,
    }


def _overhead_ms(place: Place) -> float:
    null, protocol = place.load(null_model(place.space)), place.protocol
    for _ in range(protocol.warm_up):
        null()
    durations = time_runs(null, protocol.rounds * protocol.runs_per_round, place.clock)
    durations.sort()
    return float(durations[len(durations) // 2])
