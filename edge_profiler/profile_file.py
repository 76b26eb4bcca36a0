"""Device profiles as files: how one is read, written, and gone on with by a later session."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..bench.device_document import FORMAT, FORMAT_2
from ..bench.device_document import Profile as Document
from ..bench.documents import DocumentError, read_json, typed
from ..bench.errors import ProfileError
from ..bench.files import replacing, why_unreadable
from .meters import Meter

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
#: Lists of a profile whose entries were timed: architectures, ONNX files, and blocks.
GROUPS = ("networks", "models", "blocks")
DIGITS = 6  # nanoseconds, in ms: finer than any clock here

Profile = dict[str, Any]


def read_profile(path: Path) -> Profile:
    """A profile from its JSON file.

    Raises:
        ProfileError: the file cannot be read or is not a device profile.
    """
    try:
        profile: Any = read_json(path)
    except (OSError, ValueError) as error:
        why = why_unreadable(error, str(error))
        raise ProfileError(
            f"profile {path.name} cannot be read: {why.rstrip('.')}. To measure a new profile, "
            "name a file that is not there."
        ) from error
    if isinstance(profile, dict) and profile.get("format") == FORMAT:
        raise ProfileError(
            f"{path.name} is a profile of the first format, which cannot be gone on with; measure "
            "into another file."
        )
    if not isinstance(profile, dict) or profile.get("format") != FORMAT_2:
        raise ProfileError(
            f"{path.name} is not a device profile; expected format {FORMAT_2!r}. To measure a new "
            "one, name a file that is not there."
        )
    try:
        typed(profile, Document)
    except DocumentError as error:
        raise ProfileError(f"{path.name} is not a complete device profile: {error}.") from error
    return {"networks": [], **profile}


def write_profile(path: Path, profile: Profile) -> None:
    """Writes a profile as JSON, whole or not at all.

    Raises:
        ProfileError: the file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as partial, partial.open("w", encoding="utf-8") as file:
            json.dump(profile, file, indent=1, allow_nan=False)
            file.write("\n")
    except OSError as error:
        raise ProfileError(f"profile {path.name} cannot be written: {error}") from error


def check_identity(
    before: Profile, fresh: Profile, reference: str | None, meter: Meter, path: str
) -> None:
    """Refuses to go on with a profile that another session measured in another way.

    Args:
        before: the profile in the file.
        fresh: what this session would write at the top of a new one.
        reference: architecture that this session was told to use; None: that of the file.
        meter: the energy meter of this session.
        path: the file, whose name messages give.

    Raises:
        ProfileError: device, protocol, space, runtime, meter or reference differ.
    """
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
        there, now = (_differing(*both) for both in ((got, here), (here, got)))
        raise ProfileError(
            f"profile {Path(path).name} was measured with {there}, this session has {now}; "
            "give another file, or remove that one."
        )


def _differing(mine: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    """What two sessions do not have alike, as the first one has it: "threads 1, rounds 12"."""
    parts: dict[str, Any] = {}
    for key, value in mine.items():
        theirs = other.get(key)
        if isinstance(value, Mapping) and isinstance(theirs, Mapping):
            parts |= {k: v for k, v in value.items() if theirs.get(k) != v}
            parts |= {k: None for k in theirs if k not in value}
        else:
            parts[key] = value
    return ", ".join(f"{k} {'unknown' if v is None else v}" for k, v in parts.items())


#: What a session leaves in its file for a later one to go on from.
_OF_REFERENCE = ("self_reference_ms", "self_raw_median_ms", "self_raw_p90_ms")
_OF_ENTRY = ("ratio", "reference_ms", "raw_median_ms", "raw_p90_ms")


def check_session(profile: Profile, path: Path) -> None:
    """Refuses to go on with a profile that no session of this program measured.

    Raises:
        ProfileError: it lacks what latencies are scaled by.
    """
    entries = [e for group in GROUPS for e in profile.get(group) or []]
    measured = [(e, _OF_ENTRY) for e in entries if e["latency_ms"] is not None]
    for entry, names in [(profile["reference"], _OF_REFERENCE), *measured]:
        if missing := [name for name in names if entry.get(name) is None]:
            what = entry.get("architecture") or entry.get("file") or entry.get("block")
            raise ProfileError(
                f"{path.name} cannot be gone on with: {what} has no {missing[0]}, which every "
                "session of biglittle profile leaves; measure into another file."
            )


def rescale(profile: Profile) -> None:
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
    reference["latency_ms"] = round(base_ms, DIGITS)
    reference["latency_p90_ms"] = round(base_ms * tail, DIGITS)
    for entry in measured:
        latency_ms = entry["ratio"] * base_ms
        p90_ms = entry["raw_p90_ms"] * latency_ms / entry["raw_median_ms"]
        entry["latency_ms"] = round(latency_ms, DIGITS)
        entry["latency_p90_ms"] = round(p90_ms, DIGITS)
