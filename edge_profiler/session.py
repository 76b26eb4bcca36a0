"""What is asked of the profiler, in the words of the command line, and how it is carried out."""

from __future__ import annotations

import dataclasses
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..bench.errors import ProfileError
from ..bench.files import check_writable
from ..bench.id_lists import read_ids, read_pairs
from ..bench.locks import holding
from ..bench.plain_text import plain
from ..bench.precision import FP32, with_precision
from ..bench.spaces import SearchSpace, get_space
from .alternation import alternating_protocol
from .anchors import anchor_networks
from .block_profile import profile_blocks
from .noise import in_vain, noisy_networks
from .onnx_plain import parse_shape
from .profile import Progress, profile_networks
from .profile_file import GROUPS, Profile, read_profile
from .protocol import Protocol
from .runtimes import get_runtime
from .subject import each_file, onnx_files

ANCHORS, NOISY = "anchors", "noisy"
NOTHING_NEW = "Nothing was measured: {} has all of these already."
#: Figures of an entry that no later session changes.
RAW = ("raw_median_ms", "reference_ms", "error")
_FEWER = re.compile(rf"{ANCHORS}:([1-9][0-9]{{0,2}})")


@dataclass(frozen=True)
class ProfileRequest:
    """One run of the profiler.

    Attributes:
        networks: "anchors", "anchors:10", a file with one id a line, ids separated by commas, or
            ONNX files separated by commas.
        pairs: file with "LITTLE BIG" a line, or "LITTLE:BIG" separated by commas; empty: none.
        gate: metric of the gate of those pairs.
        space: name of the search space.
        n_classes: number of classes of the classifiers.
        runtime: key of a runtime.
        precision: None: the runtime's usual one; ``int8`` on the processor: every network and pair
            is measured quantised, beside the fp32 networks of the same profile.
        threads: threads that the runtime uses inside an operator.
        meter: key of an energy meter, or "auto".
        reference: architecture that brackets all others; None: the space's default.
        rounds: rounds that count, of every network; None: the protocol's default.
        author: who measured, as it shall stand in the profile.
        files: ONNX files to measure instead of ``networks``.
        name: of the device, in place of the processor's; None: that, or what the file says.
        again: networks to measure once more, and no others: "noisy", ids, or a file of them.
        shape: of the input of ONNX files that leave it open, for example "1,3,224,224".
        blocks: whether every distinct block of the space is measured, and a table made of them;
            ``networks`` are then further whole networks, and none unless named.
    """

    networks: str = ANCHORS
    pairs: str = ""
    gate: str = "margin"
    space: str = "fbnet"
    n_classes: int = 10
    runtime: str = "ort-cpu"
    precision: str | None = None
    threads: int = 1
    meter: str = "none"
    reference: str | None = None
    rounds: int | None = None
    author: str | None = None
    files: tuple[Path, ...] = ()
    name: str | None = None
    again: str = ""
    shape: str = ""
    blocks: bool = False

    @property
    def protocol(self) -> Protocol:
        """How often what is run."""
        if self.blocks:
            return alternating_protocol(self.threads, self.rounds)
        if self.rounds is None:
            return Protocol(threads=self.threads)
        return Protocol(threads=self.threads, rounds=self.rounds)


def profile_command(networks: Sequence[str], space: str, n_classes: int) -> str:
    """The command that measures some networks, without pairs and without its output.

    Args:
        networks: names of the networks, or how many anchors.
        space: name of their search space.
        n_classes: number of classes of their classifiers.
    """
    command = f"biglittle profile --networks {','.join(networks)}"
    if space != ProfileRequest.space:
        command += f" --space {space}"
    if n_classes != ProfileRequest.n_classes:
        command += f" --classes {n_classes}"
    return command


def architectures(text: str, space: SearchSpace, n_classes: int) -> list[str]:
    """Ids of what a user asked to measure.

    Args:
        text: "anchors", "anchors:10" for the ten most telling, a file with one id a line (# begins
            a comment), or ids and commas.
        space: search space that the ids belong to.
        n_classes: number of classes of the classifiers.

    Raises:
        ArchitectureError: no id of the space.
        ProfileError: anchors, but not a number of them.
        BigLittleError: the file cannot be read, or names nothing.
    """
    if text == ANCHORS:
        return anchor_networks(space, n_classes=n_classes)
    if fewer := _FEWER.fullmatch(text):
        return anchor_networks(space, int(fewer[1]), n_classes)
    if text.partition(":")[0] == ANCHORS:
        raise ProfileError(
            f"{text[:60]!r} names no networks; expected {ANCHORS!r}, or how many of them, from 1 "
            f"to 999, as in '{ANCHORS}:10'."
        )
    return read_ids(text, space)


def run_request(
    request: ProfileRequest,
    out: Path | None,
    on_progress: Progress | None = None,
    measure: Callable[..., Profile] = profile_networks,
    measure_blocks: Callable[..., Profile] = profile_blocks,
) -> Profile:
    """The profile that was asked for, measured on this machine.

    Args:
        request: networks and settings that the profiler was asked for.
        out: JSON file to write and to go on from.
        on_progress: called after every network.
        measure: measures networks; another one for tests.
        measure_blocks: measures blocks; another one for tests.

    Raises:
        InUseError: another process writes ``out``.
        BigLittleError: the request cannot be carried out, as `profile_networks` says.
    """
    if out is not None:
        check_writable(out.parent, out.name)
    with holding(out):
        if request.blocks:
            return _run_blocks(request, out, on_progress, measure_blocks)
        again: list[str] = []
        if request.again:
            request, again = once_more(request, out)
        space = get_space(request.space)
        runtime = get_runtime(request.runtime, request.precision)
        in_graph = getattr(runtime, "in_graph", None)
        files = [] if again else [*request.files, *onnx_files(request.networks)]
        wanted = again
        if not again and not files:
            wanted = architectures(request.networks, space, request.n_classes)
        pairs = read_pairs(request.pairs, space) if request.pairs else []
        if request.precision is not None and in_graph is not None:
            wanted = [with_precision(name, in_graph) for name in wanted]
            pairs = [(with_precision(a, in_graph), with_precision(b, in_graph)) for a, b in pairs]
        return measure(
            space,
            wanted,
            request.n_classes,
            request.protocol,
            runtime,
            reference=request.reference,
            on_progress=on_progress,
            out=out,
            meter=request.meter,
            pairs=pairs,
            gate=request.gate,
            author=request.author,
            models=each_file(
                files, parse_shape(request.shape) if request.shape else None, in_graph
            ),
            again=again,
            name=request.name,
        )


def further_networks(request: ProfileRequest, space: SearchSpace) -> list[str]:
    """Ids of the networks that are measured beside blocks: those that were named, if any.

    Raises:
        ProfileError: blocks together with pairs, ONNX files or --again.
        ArchitectureError: no id of the space.
    """
    files = request.files or onnx_files(request.networks)
    others = {"--pairs": request.pairs, "--again": request.again, "ONNX files": files}
    if given := next((name for name, value in others.items() if value), None):
        raise ProfileError(
            f"--blocks and {given} are of two kinds of measurement; measure {given} into another "
            "file, without --blocks."
        )
    if request.networks == ANCHORS:
        return []
    return architectures(request.networks, space, request.n_classes)


def _run_blocks(
    request: ProfileRequest,
    out: Path | None,
    on_progress: Progress | None,
    measure: Callable[..., Profile],
) -> Profile:
    space = get_space(request.space)
    runtime = get_runtime(request.runtime, request.precision)
    if getattr(runtime, "in_graph", FP32) != FP32:
        raise ProfileError(
            f"--blocks and --precision {request.precision} do not go together: blocks are written "
            f"in {FP32}. Measure networks in {request.precision}, without --blocks."
        )
    return measure(
        space,
        request.n_classes,
        request.protocol,
        runtime,
        networks=further_networks(request, space),
        reference=request.reference,
        on_progress=on_progress,
        out=out,
        meter=request.meter,
        author=request.author,
        name=request.name,
    )


def progress_line(entry: Mapping[str, Any]) -> str:
    """What was just measured, for a log."""
    name, figure = entry.get("architecture") or entry.get("block"), "latency_ms"
    if "little" in entry:
        name, figure = f"{entry['little']} -> {entry['big']}", "escalated_ms"
    name = name or " ".join((entry["file"], entry.get("branch", ""))).strip()
    if entry.get(figure) is None:
        return f"{name} failed: {plain(entry['error'])[:200]}"
    return f"{name} {entry[figure]} ms"


def once_more(request: ProfileRequest, out: Path | None) -> tuple[ProfileRequest, list[str]]:
    """A request to measure some networks again, as those were measured, and their ids.

    Args:
        request: a request whose ``again`` is not empty.
        out: the profile, whose space, classes, threads, rounds and meter are taken.

    Raises:
        ProfileError: there is no profile, it lacks one of the networks, or none is noisy.
    """
    if out is None or not out.exists():
        raise ProfileError(
            f"there is no profile {out}, so nothing can be measured again; name one with --out, or "
            "measure without --again."
        )
    document = read_profile(out)
    if document.get("blocks"):
        raise ProfileError(
            f"{out} is a table of blocks, whose passes are not repeated for a few of them; measure "
            "it anew into another file: biglittle profile --blocks --out quiet.json."
        )
    ids = noisy_networks(document["networks"])
    if request.again != NOISY:
        ids = read_ids(request.again, get_space(document["space"]))
    elif not ids:
        raise ProfileError(
            f"no network of {out} is noisy, so there is nothing to measure again; --again also "
            "takes ids."
        )
    there = {n["architecture"] for n in document["networks"]}
    if missing := [a for a in ids if a not in there]:
        raise ProfileError(
            f"network {missing[0]} is not in {out}, so it cannot be measured again; measure it "
            "with --networks."
        )
    same = {k: document[k] for k in ("space", "n_classes", "threads")}
    same["rounds"] = (document.get("protocol") or {}).get("rounds")
    same["meter"] = (document.get("meter") or {}).get("name") or "none"
    return dataclasses.replace(request, **same), ids


def failed_files(request: ProfileRequest, profile: Profile) -> str | None:
    """One message of the ONNX files asked for that have no figure; None if every one has one.

    Args:
        request: networks and settings that the profiler was asked for.
        profile: the profile that was measured.
    """
    files = {path.name for path in (*request.files, *onnx_files(request.networks))}
    entries = profile.get("models") or []
    measured = {m["file"] for m in entries if m["latency_ms"] is not None}
    reasons = {m["file"]: m["error"] for m in entries if m["file"] in files - measured}
    if not reasons:
        return None
    head = f"{len(reasons)} of {len(files)} ONNX files have no figure:"
    told = (f"{name}: {reason.removeprefix(name).lstrip(': ')}" for name, reason in reasons.items())
    return "\n".join([head, *(f"  {line}" for line in told)])


def earlier(out: Path) -> Profile | None:
    """The profile that a session goes on with; None where there is none, or it cannot be read."""
    try:
        return read_profile(out) if out.exists() else None
    except ProfileError:
        return None


def _timings(profile: Profile) -> list[Any]:
    """What was timed for a profile: the entries as they were measured, before they are scaled."""
    entries = [e for group in GROUPS for e in profile.get(group) or []]
    return [*[[e.get(n) for n in RAW] for e in entries], *(profile.get("pairs") or [])]


def _news(profile: Profile, before: Profile, out: Path) -> list[str]:
    """What a session changed of a profile that was there before."""
    lines = []
    if _timings(profile) == _timings(before):
        lines.append(NOTHING_NEW.format(out))
    for key, what in (("device", "device"), ("author", "author")):
        if profile.get(key) != before.get(key):
            was = before.get(key) or "not given"
            lines.append(f"The {what} is {profile[key]} now, and was {was} before.")
    return lines


def summary(profile: Profile, out: Path, before: Profile | None = None) -> list[str]:
    """What a profile came to, as lines for a reader.

    Args:
        profile: the profile as it is now.
        out: file of the profile.
        before: the profile that was gone on with; None: it is a new one.
    """
    news = [] if before is None else _news(profile, before, out)
    networks: Sequence[dict[str, Any]] = profile["networks"]
    models: Sequence[dict[str, Any]] = profile.get("models") or []
    entries = [*networks, *models]
    measured = [n for n in entries if n["latency_ms"] is not None]
    reference = profile["reference"]
    lines = [
        *news,
        f"{len(measured)} of {len(entries)} networks measured on {profile['device']}: "
        f"{profile['runtime']}, {profile['precision']}, {profile['threads']} thread, "
        f"batch {profile['batch']}.",
        f"The reference against itself: {reference['self_ratio']:.4f} (1 is perfect). The harness "
        f"takes {1000 * profile['harness_overhead_ms']:.1f} us of every run, on a null network.",
    ]
    failed = [n for n in entries if n["latency_ms"] is None]
    if failed:
        lines.append(f"{len(failed)} failed; the first because: {failed[0]['error']}")
    meter = profile.get("meter")
    if meter is not None:
        idle = meter.get("idle_power_mw")
        n_metered = sum("energy_mj" in n for n in entries)
        lines.append(
            f"Energy of {n_metered} networks by {meter['name']} ({meter['rail']}), idle power "
            + ("not known." if idle is None else f"{idle:.0f} mW, in a column of its own.")
        )
    lines += _block_lines(profile)
    grown = [n["peak_memory_mib"] for n in measured if n.get("peak_memory_mib") is not None]
    if grown:
        lines.append(
            f"Peak memory of {len(grown)} networks, loading included: {min(grown):.1f} to "
            f"{max(grown):.1f} MiB."
        )
    for model in models:
        if model["latency_ms"] is not None:
            branch = f", {model['branch']}" if "branch" in model else ""
            lines.append(
                f"{model['file']}{branch}: {model['latency_ms']:.4g} ms, p90 "
                f"{model['latency_p90_ms']:.4g} ms (measured)."
            )
    for pair in profile.get("pairs") or []:
        name = f"{pair['little']} -> {pair['big']}"
        if "error" in pair:
            lines.append(f"{name} failed: {pair['error']}")
        else:
            lines.append(
                f"{name}: {pair['kept_ms']:.4g} ms kept, {pair['escalated_ms']:.4g} ms escalated, "
                f"{pair['gap']:+.1%} against the sum of its parts."
            )
    if (noisy := noisy_networks(networks)) and not profile.get("blocks"):
        vain = in_vain(networks)
        then = f"{vain} Then measure" if vain else "Measure"
        lines.append(
            f"{len(noisy)} of {len(measured)} networks are noisy. {then} just those again: "
            f"biglittle profile --again {NOISY} --out {shlex.quote(str(out))}"
        )
    following = f" Next: biglittle device check {shlex.quote(str(out))}" if networks else ""
    place = f"{out} is as it was" if news == [NOTHING_NEW.format(out)] else f"Written: {out}"
    lines.append(f"{place}.{following}")
    return lines


def _block_lines(profile: Profile) -> list[str]:
    """What a table of blocks came to."""
    if not (blocks := profile.get("blocks")):
        return []
    there = sum(b["latency_ms"] is not None for b in blocks)
    fit = profile["fit"]
    lines = [
        f"{there} of {len(blocks)} blocks measured. Sums of blocks (block-sum) are corrected by "
        f"{fit['fitted_to']} whole networks: {fit['factor']:.3f} times the blocks, "
        f"{fit['constant_ms']:.4g} ms a network, {fit['per_million_weights_ms']:.3g} ms a million "
        "weights."
    ]
    if fit["held_out"]["networks"]:
        after, before = fit["held_out"], fit["held_out_uncorrected"]
        rank = "" if after["spearman"] is None else f", Spearman {after['spearman']:.3f}"
        lines.append(
            f"On {after['networks']} other whole networks the sums are off by "
            f"{after['median_error']:.1%} in the median, {after['max_error']:.1%} at most{rank}; "
            f"uncorrected by {before['median_error']:.1%}."
        )
    return [*lines, *profile["notes"]]
