"""The admission test of a profile's figures: units, order, noise, and sums posing as measured."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bench.agreement import spearman
from ..bench.device import user_devices
from ..bench.device_profile import DeviceProfile
from ..bench.errors import ArchitectureError, UnknownNameError
from ..bench.operator_model import MIN_ROWS
from ..bench.spaces import SearchSpace, get_space, parse_networks
from .finding import Finding
from .meters._misfit import misfit
from .noise import NOISY_SPREAD, NOISY_TAIL, in_vain, noisy_networks
from .protocol import Protocol
from .session import profile_command

#: Fewer predict no other network; and fewer than a contribution wants, for the anchors are 40.
LEAST_NETWORKS, LEAST_CONTRIBUTED = MIN_ROWS, 20
#: Multiply-accumulates per second: slower than any microcontroller that holds these networks,
#: faster than any accelerator runs a small network at batch 1.
LEAST_MACS_PER_S, MOST_MACS_PER_S = 1e7, 2e12
#: Of one thread of a processor: twice the peak of two 512-bit units at 3 GHz.
MOST_MACS_PER_S_THREAD = 2e11
LEAST_POWER_MW, MOST_POWER_MW = 1.0, 2e6
#: Two networks of one profile differ in speed per MAC by less than this, as far as we measured.
ODD_ONE_OUT = 30.0
LEAST_RANK, POOR_RANK = 0.4, 0.7
#: A repeat differs by some 0.3 % at best: a column closer to a sum than this was computed.
ADDITIVE = 5e-4
#: Sums of blocks that are further from whole networks than this were measured on a busy machine.
MOST_SUM_ERROR = 0.05
ANEW = "biglittle profile --blocks --out quiet.json"
LEAST_REDUNDANT = 8  # rows that the others predict, before additivity is believed
NAMED = 5  # noisy networks that a message names


def figure_findings(profile: DeviceProfile, raw: dict[str, Any], out: str) -> Iterator[Finding]:
    """What is wrong with the figures of a profile whose form is right.

    Args:
        profile: the profile as loaded.
        raw: the same as plain JSON.
        out: its file, quoted for the commands of the advice.
    """
    try:
        space = get_space(profile.space)
        if space.hash != profile.space_hash:
            message = f"space {profile.space!r} has hash {space.hash[:12]}, the profile names "
            message += f"{profile.space_hash[:12]}: its networks are others; measure them anew."
            yield Finding("error", "other-space", message)
            return
        ids = sorted(profile.measured_ms)
        genomes, exits = parse_networks(space, ids)
    except UnknownNameError as error:
        yield Finding("error", "other-space", str(error))
        return
    except ArchitectureError as error:
        message = f"a network is none of space {profile.space!r}: {error}"
        yield Finding("error", "other-space", message)
        return
    if not ids:
        return  # a block table says nothing of whole networks
    batch = int(raw.get("batch") or 1)
    rows = _Rows(
        space=space,
        ids=ids,
        genomes=genomes,
        exits=exits,
        macs=space.macs(genomes, profile.n_classes, exits).astype(np.float64) * batch,
        latency_ms=np.array([profile.measured_ms[a] for a in ids]),
        entries={n["architecture"]: n for n in raw["networks"]},
        measured=profile.latency_provenance == "measured",
    )
    yield from _forced(raw)
    yield from _number_of_networks(rows, raw, out)
    yield from _units(rows, profile, raw)
    yield from _order(rows)
    yield from _other_figures(rows, profile, raw)
    yield from _block_sums(raw)
    if rows.measured:
        yield from _noise(rows, raw, out)
        yield from _additive(rows)


@dataclass(frozen=True)
class _Rows:
    """The networks with a latency, in one order."""

    space: SearchSpace
    ids: list[str]
    genomes: NDArray[np.uint8]
    exits: NDArray[np.uint8]
    macs: NDArray[np.float64]
    latency_ms: NDArray[np.float64]
    entries: dict[str, dict[str, Any]]
    measured: bool

    def column(self, name: str) -> NDArray[np.float64]:
        """A figure of every network, NaN where it has none."""
        values = [self.entries[a].get(name) for a in self.ids]
        return np.array([np.nan if v is None else float(v) for v in values], np.float64)


def _forced(raw: dict[str, Any]) -> Iterator[Finding]:
    if forced := raw.get("forced"):
        message = f"it was added by force on {forced.get('date')}, although it did not pass for "
        message += f"{', '.join(forced.get('codes', []))}; the reason given: {forced.get('reason')}"
        yield Finding("note", "forced", message)


def _number_of_networks(rows: _Rows, raw: dict[str, Any], out: str) -> Iterator[Finding]:
    failed = [n for n in rows.entries.values() if n["latency_ms"] is None]
    n, cut = len(rows.ids), bool(rows.exits.all())
    if cut and not (raw.get("blocks") or raw.get("model")):
        message = f"all {n} networks with a latency are cut at exits, from which nobody knows what "
        message += f"whole ones take; expected at least {LEAST_NETWORKS} whole networks beside "
        message += "them. Measure some into the same file, which keeps what it has."
        yield Finding("error", "exits-alone", message, _measured_too("anchors:10", raw, out))
    elif n < LEAST_NETWORKS:
        message = f"{n} networks have a latency, too few to predict any other from; expected at "
        message += f"least {LEAST_NETWORKS}."
        yield Finding("error", "too-few", message, _measured_too("anchors:10", raw, out))
    elif n < LEAST_CONTRIBUTED and rows.measured:
        message = f"{n} networks have a latency: enough to search with, but a contribution wants "
        message += f"{LEAST_CONTRIBUTED} at least."
        yield Finding("warning", "few", message, _measured_too("anchors", raw, out))
    if failed:
        first = failed[0].get("error", "no reason given")
        message = f"{len(failed)} of {len(rows.entries)} networks could not be measured; the first "
        message += f"because: {first}"
        many = len(failed) > len(rows.ids)
        yield Finding("error" if many else "warning", "failed-networks", message)


def _measured_too(networks: str, raw: dict[str, Any], out: str) -> str:
    """The command that measures further networks into a profile, as those in it were measured."""
    command = profile_command([networks], raw["space"], raw["n_classes"])
    protocol = raw.get("protocol")
    facts = protocol if isinstance(protocol, dict) else {}
    for name in ("threads", "rounds"):
        usual = getattr(Protocol, name)
        if facts.get(name, usual) != usual:
            command += f" --{name} {facts[name]}"
    return f"{command} --out {out}"


def _units(rows: _Rows, profile: DeviceProfile, raw: dict[str, Any]) -> Iterator[Finding]:
    rate = rows.macs / rows.latency_ms * 1000.0
    middle = float(np.median(rate))
    most = MOST_MACS_PER_S
    if "cpu" in profile.runtime.lower() and raw.get("threads"):
        most = min(most, MOST_MACS_PER_S_THREAD * raw["threads"])
    if middle > most:
        message = f"the networks run at {middle:.1e} MACs per second by these latencies, expected "
        message += f"at most {most:.0e}: are they in seconds? The unit is milliseconds."
        yield Finding("error", "units", message)
    elif middle < LEAST_MACS_PER_S:
        message = f"the networks run at {middle:.1e} MACs per second by these latencies, expected "
        message += f"at least {LEAST_MACS_PER_S:.0e}: are they in microseconds? The unit is "
        message += "milliseconds."
        yield Finding("error", "units", message)
    if len(rows.ids) >= 5:
        # Latencies between constant and in step with the MACs are all in order.
        log_macs, log_ms = np.log(rows.macs), np.log(rows.latency_ms)
        off = np.abs(log_ms - np.median(log_ms))
        off_trend = np.abs((log_ms - log_macs) - np.median(log_ms - log_macs))
        odd = np.flatnonzero(np.minimum(off, off_trend) > np.log(ODD_ONE_OUT))
        if len(odd):
            i = odd[0]
            message = f"{len(odd)} networks are over {ODD_ONE_OUT:.0f} times off the others, for "
            message += f"example {rows.ids[i]} with {rows.latency_ms[i]:g} ms beside a median of "
            message += f"{np.median(rows.latency_ms):g} ms: another unit, or another clock?"
            yield Finding("error", "mixed-units", message)
    overhead = raw.get("harness_overhead_ms")
    if overhead is not None and overhead > rows.latency_ms.min():
        message = f"the harness alone takes {overhead:g} ms, more than the fastest network "
        message += f"({rows.latency_ms.min():g} ms); the figures measure the harness."
        yield Finding("error", "harness", message)


def _order(rows: _Rows) -> Iterator[Finding]:
    if len(rows.ids) < 10 or rows.macs.max() < 1.5 * rows.macs.min():
        return
    rank = spearman(rows.macs, rows.latency_ms)
    if math.isnan(rank):
        message = "all networks take the same time, whatever their size; was the network run?"
        yield Finding("error", "order", message)
    elif rank < LEAST_RANK:
        message = f"latency hardly grows with the MACs (Spearman {rank:.2f}, expected at least "
        message += f"{LEAST_RANK}): are the rows shuffled, or sorted otherwise than the ids?"
        yield Finding("error", "order", message)
    elif rank < POOR_RANK:
        message = f"latency grows little with the MACs (Spearman {rank:.2f}); say in the notes why."
        yield Finding("warning", "order", message)


def _block_sums(raw: dict[str, Any]) -> Iterator[Finding]:
    error = ((raw.get("fit") or {}).get("held_out") or {}).get("median_error")
    if raw.get("blocks") and isinstance(error, float | int) and error > MOST_SUM_ERROR:
        message = f"sums of blocks are {error:.1%} from whole networks in the median, expected at "
        message += f"most {MOST_SUM_ERROR:.0%}: something else ran, or networks here are no sums."
        yield Finding("warning", "block-sums", message, ANEW)


def _other_figures(rows: _Rows, profile: DeviceProfile, raw: dict[str, Any]) -> Iterator[Finding]:
    energy = rows.column("energy_mj")
    if np.isfinite(energy).any():
        power = float(np.nanmedian(energy / rows.latency_ms)) * 1000.0
        if not LEAST_POWER_MW <= power <= MOST_POWER_MW:
            message = f"energy over latency makes {power:.3g} mW, expected {LEAST_POWER_MW:g} to "
            message += f"{MOST_POWER_MW:.0e}: are energies in joules or microjoules? The unit is "
            message += "millijoules."
            yield Finding("error", "units", message)
        if profile.energy_provenance == "measured" and not raw.get("meter"):
            message = "energies are called measured, but no meter is named; fill in meter.name and "
            yield Finding("error", "meter", message + "meter.rail.")
        if (wrong := misfit(raw)) is not None:
            yield Finding("warning", "meter", wrong)
    memory = rows.column("peak_memory_mib")
    if np.isfinite(memory).any():
        weights_mib = rows.space.params(rows.genomes, profile.n_classes, rows.exits) / 2**20
        if (memory < weights_mib / 2).any() or np.nanmax(memory) > 1e6:
            message = "peak memories are below the weights at half a byte each, or beyond a "
            yield Finding("error", "units", message + "tebibyte; the unit is MiB.")
    p90 = rows.column("latency_p90_ms")
    below = int((p90 < rows.latency_ms * (1 - 1e-6)).sum())
    if below:
        message = f"{below} networks have a 90th percentile below their median; are the columns "
        yield Finding("error", "percentile", message + "swapped?")


def _noise(rows: _Rows, raw: dict[str, Any], out: str) -> Iterator[Finding]:
    n = rows.column("n")
    if np.isnan(n).any():
        message = f"{int(np.isnan(n).sum())} measured networks do not say how many runs count (n)."
        yield Finding("error", "repeats", message)
    elif n.min() < 30:
        message = f"a network rests on {int(n.min())} runs; 30 and more make a median."
        yield Finding("warning", "repeats", message)
    spread, tail = rows.column("ratio_spread"), rows.column("latency_p90_ms") / rows.latency_ms
    spread = spread / rows.column("ratio")
    noisy = noisy_networks([rows.entries[a] for a in rows.ids])
    named = ", ".join(noisy[:NAMED]) + (", ..." if len(noisy) > NAMED else "")
    vain = in_vain([rows.entries[a] for a in rows.ids])
    again = f"measure just those again: biglittle profile --again noisy --out {out}"
    if raw.get("blocks"):
        again = f"measure the table anew on a quiet machine: {ANEW}"
    advice = f"{vain} Then {again}" if vain else again
    forced = "" if "forced" in raw else f"; or {_by_force(raw, out)}"
    reasons = []
    if np.isfinite(spread).any() and np.nanmedian(spread) > NOISY_SPREAD:
        reasons.append(
            f"repeats spread by {np.nanmedian(spread):.1%} in the median, expected at most "
            f"{NOISY_SPREAD:.0%}"
        )
    if np.isfinite(tail).any() and np.nanmedian(tail) > NOISY_TAIL:
        reasons.append(
            f"the 90th percentile is {np.nanmedian(tail):.2f} times the median, expected at most "
            f"{NOISY_TAIL}"
        )
    if reasons:
        message = "; ".join(reasons) + ". Something else ran on the device, its clock moved or it "
        message += f"grew hot: {len(noisy)} of {len(rows.ids)} networks are noisy: {named}."
        yield Finding("error", "noise", message, advice + forced)
    if noisy and not reasons:
        message = f"{len(noisy)} of {len(rows.ids)} networks are noisy: {named}."
        yield Finding("warning", "noisy-networks", message, advice)
    distinct = len(np.unique(rows.latency_ms)) / len(rows.ids)
    if len(rows.ids) >= 10 and distinct < 0.5:
        message = f"only {distinct:.0%} of the latencies are distinct: the clock is too coarse, or "
        yield Finding("error", "clock", message + "figures were copied.")
    own = (raw.get("reference") or {}).get("self_ratio")
    if isinstance(own, float | int) and abs(own - 1) > 0.03:
        message = f"the reference against itself gave {own:.3f}, expected 1: the device's speed "
        yield Finding("warning", "drift", message + "changed while it was measured.")


def _by_force(raw: dict[str, Any], out: str) -> str:
    """How to keep a noisy profile: the whole command, which works as it is printed."""
    replaced = "--replace " if raw["device"] in user_devices() else ""
    command = f'biglittle device add --force {replaced}--reason "the board is shared" {out}'
    return f"keep it as it is, with your reason in the file: {command}"


def _additive(rows: _Rows) -> Iterator[Finding]:
    whole = rows.exits == 0  # the layers of the others are not all run
    for what, design in (("blocks", _blocks(rows)), ("operators", _operators(rows))):
        error = held_out_error(design[whole], rows.latency_ms[whole])
        if error is not None and error < ADDITIVE:
            message = f"every latency is a sum of parts: a sum over {what} predicts rows it was "
            message += f"not fitted on to {error:.1e} of the median, closer than any two "
            message += "measurements are. Call it 'block-sum', or measure whole networks."
            yield Finding("error", "sum-of-parts", message)
            return


def _blocks(rows: _Rows) -> NDArray[np.float64]:
    return rows.space.encode(rows.genomes).astype(np.float64).reshape(len(rows.ids), -1)


def _operators(rows: _Rows) -> NDArray[np.float64]:
    counts = [Counter(rows.space.operators(genome, 1)) for genome in rows.genomes]
    kinds = list(dict.fromkeys(op for c in counts for op in c))
    return np.array([[c[op] for op in kinds] for c in counts], np.float64)


def held_out_error(design: NDArray[np.float64], figures: NDArray[np.float64]) -> float | None:
    """How well a sum of parts predicts rows that it was not fitted on, relative to their median.

    Every row is left out in turn, in closed form. Rows that the others do not determine say
    nothing and do not count; None where fewer than 8 are left.

    Args:
        design: how often each part is in each network, shape (n, n_parts).
        figures: one figure of every network, shape (n,).

    Returns:
        Root mean square of the errors over the median figure.
    """
    if len(design) <= LEAST_REDUNDANT:
        return None
    with_constant = np.hstack([design, np.ones((len(design), 1))])
    left, values, _ = np.linalg.svd(with_constant, full_matrices=False)
    basis = left[:, values > values[0] * 1e-9]
    leverage = (basis**2).sum(axis=1)
    residual = figures - basis @ (basis.T @ figures)
    determined = leverage < 1 - 1e-6
    if determined.sum() < LEAST_REDUNDANT or len(design) - basis.shape[1] < LEAST_REDUNDANT:
        return None
    error = residual[determined] / (1 - leverage[determined])
    return float(np.sqrt((error**2).mean()) / np.median(figures))
