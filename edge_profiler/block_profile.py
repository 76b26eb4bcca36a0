"""Profiles of blocks: a table from which every network of a space is a sum, measured here."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..bench.errors import ProfileError
from ..bench.spaces import SearchSpace, parse_networks
from .alternation import PASSES, alternate, alternating_protocol
from .block_graphs import Block, block_model, distinct_blocks
from .block_table import corrected_table, whole_networks
from .machine import conditions
from .meters import Meter, get_meter
from .profile import Progress
from .profile_file import DIGITS, GROUPS, Profile, rescale, write_profile
from .profile_start import Place, begin_profile, failed_entry, measured_entry, protocol_facts
from .protocol import Clock, Protocol, spread
from .runtimes import Run, Runtime, get_runtime
from .subject import Subject, architecture_subjects, identity

#: Figures of a pass of which the median over the passes stands.
_OVER_PASSES = ("ratio", "raw_median_ms", "raw_p90_ms", "reference_ms")


def profile_blocks(
    space: SearchSpace,
    n_classes: int,
    protocol: Protocol | None = None,
    runtime: str | Runtime = "ort-cpu",
    passes: int | None = None,
    networks: Sequence[str] = (),
    reference: str | None = None,
    on_progress: Progress | None = None,
    out: Path | None = None,
    clock: Clock = time.perf_counter_ns,
    root: Path = Path("/"),
    meter: str | Meter = "none",
    sleep: Callable[[float], None] = time.sleep,
    author: str | None = None,
    name: str | None = None,
) -> Profile:
    """The profile of a space's blocks on this machine, in the format of device profiles.

    Every distinct block, stem and head and the heads of exits among them, is run in turns with a
    reference network, and so are the whole networks of `whole_networks`. All of them are gone
    through in several passes, whose median stands: what else a machine does changes within
    minutes. ``block_table`` holds the blocks as they are in networks, corrected as `block_table`
    says, and ``fit`` how far its sums are from whole networks that nothing was fitted to.

    With ``out`` the file is written after every block, and a run that was stopped goes on from it;
    blocks that failed are tried again. A block that the runtime cannot run has no figure and says
    why, and neither has any network with it.

    Args:
        space: search space whose layers follow one another.
        n_classes: number of classes of the classifiers.
        protocol: number of turns and rounds of a pass; None: the default.
        runtime: key of a runtime, or one.
        passes: passes over everything; None: 5, and 1 in a runtime that builds an engine for every
            block, on a GPU.
        networks: names of further networks to measure, to which nothing is fitted.
        reference: architecture that takes turns with all others; None: that of ``out`` if it
            exists, else ``default_reference``.
        on_progress: called after every measurement; nothing is printed.
        out: JSON file to write, and to resume from.
        clock: a clock in ns; another one for tests.
        root: folder that holds /proc and /sys; another one for tests.
        meter: "none", or "auto", which here means the same: energies of blocks are not measured.
        sleep: rests for some seconds; another one for tests.
        author: who measured; None: what ``out`` says, or nobody.
        name: of the device, in place of the processor's; None: what ``out`` says, or that.

    Raises:
        ArchitectureError: a network that is not in ``space``; nothing was measured.
        ProfileError: a space without blocks, a meter, ``out`` of another device, protocol, space,
            runtime or reference; or the reference, stem, head or too many networks cannot be run.
        MissingExtraError: ``onnx`` or the runtime is not installed.
        UnknownNameError: no runtime has that name.
    """
    protocol = protocol or alternating_protocol(1)
    blocks = distinct_blocks(space, n_classes)
    parse_networks(space, list(networks))
    engine = get_runtime(runtime) if isinstance(runtime, str) else runtime
    measuring = meter
    if isinstance(measuring, str):
        measuring = get_meter("none" if measuring == "auto" else measuring, root)
    if measuring.name != "none":
        raise ProfileError(
            f"--meter {measuring.name} has nothing to measure with --blocks: a block is over "
            "before a meter sees it. Measure energies of whole networks into another file, without "
            "--blocks."
        )
    if passes is None:
        passes = 1 if getattr(engine, "runs_on", "cpu") == "gpu" else PASSES
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
    named = protocol_facts("alternating-ratio", protocol, passes=passes)
    profile, brackets, _ = begin_profile(place, named, {"blocks": [], "networks": []})
    fitted, held_out = whole_networks(space)
    wanted = list(dict.fromkeys([*fitted, *held_out, *networks]))
    subjects = [*map(_subject, blocks), *architecture_subjects(space, wanted, n_classes)]
    _measure_all(place, profile, brackets, subjects, passes, on_progress)
    profile["block_table"], profile["fit"] = corrected_table(space, blocks, profile)
    profile["notes"] = _notes(profile)
    profile["environment_end"] = conditions(root)
    if out is not None:
        write_profile(out, profile)
    return profile


def _subject(block: Block) -> Subject:
    return Subject(
        "blocks",
        {"block": block.name},
        lambda: block_model(block.name, block.operators).SerializeToString(),
    )


def _measure_all(
    place: Place,
    profile: Profile,
    brackets: Run,
    subjects: Sequence[Subject],
    passes: int,
    on_progress: Progress | None,
) -> None:
    """Fills a profile's lists, pass by pass; what is there already stays."""
    entries = {identity(g, e): e for g in GROUPS for e in profile.get(g) or []}
    done = {s.key: len(entries.get(s.key, {}).get("passes") or ()) for s in subjects}
    total = sum(max(passes - n, 0) for n in done.values())
    number, failed = 0, set[tuple[str, ...]]()
    for this in range(passes):
        for subject in subjects:
            if done[subject.key] > this or subject.key in failed:
                continue
            entry = _one_pass(place, brackets, subject)
            before = entries.get(subject.key)
            if entry["latency_ms"] is None:
                failed.add(subject.key)
            if before is None or not before.get("passes") or entry["latency_ms"] is not None:
                entries[subject.key] = entry = _with_pass(before, entry)
            for group in ("blocks", "networks"):
                profile[group] = [e for key, e in entries.items() if key[0] == group]
            rescale(profile)
            number += 1
            if place.out is not None:
                write_profile(place.out, profile)
            if on_progress is not None:
                on_progress(number, total, entry)


def _one_pass(place: Place, brackets: Run, subject: Subject) -> dict[str, Any]:
    try:
        run = place.engine.load(subject.model(), place.protocol.threads)
        measured = alternate(run, brackets, place.protocol, place.clock)
    except Exception as error:
        return failed_entry(subject.names, error)
    return measured_entry(subject.names, measured)


def _with_pass(before: dict[str, Any] | None, entry: dict[str, Any]) -> dict[str, Any]:
    """An entry with one pass more: the median over the passes, and what each of them gave."""
    if entry["latency_ms"] is None:
        return entry
    one = {key: entry[key] for key in (*_OVER_PASSES, "ratio_spread", "n", "dropped_rounds")}
    each = [*((before or {}).get("passes") or []), one]
    middle = {key: round(float(np.median([p[key] for p in each])), DIGITS) for key in _OVER_PASSES}
    between = spread(np.array([p["ratio"] for p in each]))
    if len(each) <= 2:  # too few to differ from one another
        between = float(np.median([p["ratio_spread"] for p in each]))
    counted = {key: sum(p[key] for p in each) for key in ("n", "dropped_rounds")}
    return {**entry, **middle, **counted, "ratio_spread": round(between, DIGITS), "passes": each}


def _notes(profile: Profile) -> list[str]:
    """What belongs on the profile's face: blocks without a figure, and why."""
    failed = [b for b in profile["blocks"] if b["latency_ms"] is None]
    if not failed:
        return []
    named = ", ".join(b["block"] for b in failed[:10]) + (", ..." if len(failed) > 10 else "")
    return [
        f"{len(failed)} of {len(profile['blocks'])} blocks could not be measured ({named}), and "
        f"networks with one of them have no figure; the first because: {failed[0]['error'][:500]}"
    ]
