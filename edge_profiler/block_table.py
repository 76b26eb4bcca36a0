"""From measured blocks to a table whose sums are what whole networks take, and how far off it is.

A block that is run alone is not what it is in a network: it pays for a call of the runtime (which
is measured, on a null network, and taken off), its input comes from elsewhere, and its weights are
read while nothing else is. So sums are corrected by some whole networks,

    network = constant + factor * sum of blocks + weight * number of trained weights,

with three terms that may not be below zero, by least squares of relative errors. Every term
belongs to a block or to the constant, so that the corrected table is a table of blocks again. What
the correction is worth is measured on other whole networks, to which nothing was fitted. A sum
stays a sum: the correction does not make it measured.

Source: Yu et al. 2022, "GPUNet: Searching the Deployable Convolution Neural Networks for GPUs"
(a table of blocks in the deployed runtime, in place of proxies); the correction is our own.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bench.agreement import spearman
from ..bench.errors import ProfileError
from ..bench.spaces import SearchSpace, parse_networks
from .block_graphs import EXIT, HEAD, STEM, Block
from .profile_file import DIGITS, Profile

Array = NDArray[np.float64]

#: Networks that the correction is fitted to, and others that it is judged by.
N_FITTED, N_HELD_OUT = 20, 20
#: Three terms are not fitted to fewer.
LEAST_FITTED = 6
MILLION = 1e6


def whole_networks(space: SearchSpace) -> tuple[list[str], list[str]]:
    """Ids of the networks that a correction is fitted to, and of those it is judged by.

    Of both half are drawn evenly, which makes networks of middling size, and half favour some
    choices over others, which reaches small and large ones. The same on every machine.

    Args:
        space: search space whose layers follow one another.
    """
    rng, k = np.random.default_rng(20), len(space.choices)
    n = N_FITTED + N_HELD_OUT
    even = space.sample(rng, n // 2)
    shares = rng.dirichlet(np.full(k, 0.3), n // 2)
    drawn = rng.random((n // 2, space.n_layers, 1))
    favoured = (drawn > shares.cumsum(axis=1)[:, None, :]).sum(axis=2).clip(0, k - 1)
    ids = space.format(np.stack([even, favoured.astype(np.uint8)], axis=1).reshape(n, -1))
    return ids[:N_FITTED], ids[N_FITTED:]


@dataclass(frozen=True)
class Correction:
    """What turns sums of blocks into latencies of networks.

    Attributes:
        constant_ms: what a network takes whatever is in it.
        factor: what a block's latency counts.
        per_million_weights_ms: what a million trained weights take beyond that.
    """

    constant_ms: float
    factor: float
    per_million_weights_ms: float

    def applied(self, alone_ms: Any, params: Any) -> Any:
        """What a block takes in a network, without the constant."""
        return self.factor * alone_ms + self.per_million_weights_ms * params / MILLION


def fit_correction(sums_ms: Array, params: Array, latency_ms: Array) -> Correction:
    """The correction under which sums of blocks are nearest to what networks take.

    Args:
        sums_ms: sums of the networks' blocks, stem and head included, shape (n,).
        params: trained weights of the networks, shape (n,).
        latency_ms: what the networks take, above 0, shape (n,).

    Raises:
        ProfileError: fewer than ``LEAST_FITTED`` networks.

    >>> sums = np.array([1.0, 2.0, 3.0, 5.0, 8.0, 9.0])
    >>> fit_correction(sums, np.zeros(6), 0.5 + 2 * sums).factor
    2.0
    """
    if len(sums_ms) < LEAST_FITTED:
        raise ProfileError(
            f"{len(sums_ms)} whole networks have a latency and all their blocks, too few to "
            f"correct sums by; expected at least {LEAST_FITTED}. Fewer failures are to be had on a "
            "machine that does nothing else; the same command goes on."
        )
    columns = np.stack([np.ones(len(sums_ms)), sums_ms, params / MILLION], axis=1)
    design, target = columns / latency_ms[:, None], np.ones(len(sums_ms))
    best, least = np.array([0.0, 1.0, 0.0]), math.inf
    # Three terms: what may be left out is tried, instead of a solver that boards lack.
    for chosen in ([1, *rest] for n in range(3) for rest in combinations((0, 2), n)):
        terms, *_ = np.linalg.lstsq(design[:, chosen], target, rcond=None)
        error = float(((design[:, chosen] @ terms - target) ** 2).sum())
        if (terms >= 0).all() and error < least * (1 - 1e-9):
            best, least = np.zeros(3), error
            best[chosen] = terms
    rounded = [round(float(term), 9) for term in best]
    return Correction(*rounded)


@dataclass(frozen=True)
class _Sums:
    """Blocks alone, without the runtime's call: what sums are made of.

    Attributes:
        layers_ms: latency of each choice at each layer, (n_layers, n_choices); 0 where there is
            no operator, NaN where the runtime could not run it.
        params: trained weights in the same places.
        ends_ms: latency of stem, head and the heads of exits, by name; NaN likewise.
        ends_params: trained weights of these.
    """

    layers_ms: Array
    params: Array
    ends_ms: dict[str, float]
    ends_params: dict[str, int]

    def of(self, space: SearchSpace, ids: Sequence[str]) -> tuple[Array, Array]:
        """Sums and trained weights of whole networks, each (n,)."""
        genomes, _ = parse_networks(space, list(ids))
        at = np.arange(space.n_layers), genomes
        ends = [STEM, HEAD]
        sums = self.layers_ms[at].sum(axis=1) + sum(self.ends_ms[e] for e in ends)
        return sums, self.params[at].sum(axis=1) + sum(self.ends_params[e] for e in ends)


def _sums(space: SearchSpace, blocks: Sequence[Block], profile: Profile) -> _Sums:
    alone = {entry["block"]: entry["latency_ms"] for entry in profile["blocks"]}
    overhead = float(profile["harness_overhead_ms"])
    shape = space.n_layers, len(space.choices)
    layers, params = np.zeros(shape), np.zeros(shape)
    ends_ms, ends_params = dict[str, float](), dict[str, int]()
    for block in blocks:
        given = alone.get(block.name)
        ms = math.nan if given is None else max(float(given) - overhead, 0.0)
        for place in block.places:
            layers[place], params[place] = ms, block.params
        if not block.places:
            ends_ms[block.name], ends_params[block.name] = ms, block.params
    return _Sums(layers, params, ends_ms, ends_params)


def corrected_table(
    space: SearchSpace, blocks: Sequence[Block], profile: Profile
) -> tuple[dict[str, Any], dict[str, Any]]:
    """``block_table`` and ``fit`` of a profile whose blocks and networks were measured.

    Args:
        space: search space of the blocks.
        blocks: its distinct blocks, from `distinct_blocks`.
        profile: what was measured, with the lists ``blocks`` and ``networks``.

    Raises:
        ProfileError: stem or head could not be run, or too few whole networks.
    """
    sums = _sums(space, blocks, profile)
    for end in (STEM, HEAD):
        if math.isnan(sums.ends_ms[end]):
            (error,) = [b.get("error") for b in profile["blocks"] if b["block"] == end] or [None]
            raise ProfileError(
                f"the {end} of space {space.name!r} could not be measured, and every network has "
                f"it: {error}"
            )
    fitted_ids, held_ids = whole_networks(space)
    latencies = {n["architecture"]: n["latency_ms"] for n in profile["networks"]}
    rows, latency_ms = _known(space, sums, fitted_ids, latencies)
    correction = fit_correction(*sums.of(space, rows), latency_ms)
    judged, truth = _known(space, sums, held_ids, latencies)
    plain, weights = sums.of(space, judged)
    corrected = correction.constant_ms + correction.applied(plain, weights)
    ends = {
        name: correction.applied(ms, sums.ends_params[name]) for name, ms in sums.ends_ms.items()
    }
    start, head = correction.constant_ms + ends[STEM], ends[HEAD]
    table = correction.applied(sums.layers_ms, sums.params)
    return (
        {
            "constant_ms": round(start + head, DIGITS),
            "latency_ms": [[_rounded(ms) for ms in row] for row in table],
            "start_ms": round(start, DIGITS),
            "heads_ms": {
                name.removeprefix(f"{EXIT}."): _rounded(ms)
                for name, ms in ends.items()
                if name.startswith(EXIT)
            },
        },
        {
            "kind": "sums of blocks, corrected by whole networks",
            "blocks": len(blocks),
            "overhead_ms": profile["harness_overhead_ms"],
            "constant_ms": correction.constant_ms,
            "factor": correction.factor,
            "per_million_weights_ms": correction.per_million_weights_ms,
            "fitted_to": len(rows),
            "held_out": _errors(corrected, truth),
            "held_out_uncorrected": _errors(plain, truth),
        },
    )


def _known(
    space: SearchSpace, sums: _Sums, ids: Sequence[str], latencies: Mapping[str, float | None]
) -> tuple[list[str], Array]:
    """Of some networks those with a latency and all their blocks, and these latencies."""
    there = np.isfinite(sums.of(space, ids)[0])
    rows = [a for a, ok in zip(ids, there, strict=True) if ok and latencies.get(a) is not None]
    return rows, np.array([latencies[a] for a in rows], np.float64)


def _errors(sums_ms: Array, latency_ms: Array) -> dict[str, Any]:
    """How far sums are from what networks take, in shares; without networks their number alone."""
    if not len(latency_ms):
        return {"networks": 0}
    off, rank = sums_ms / latency_ms - 1, spearman(sums_ms, latency_ms)
    return {
        "networks": len(latency_ms),
        "median_error": round(float(np.median(np.abs(off))), 5),
        "mean_bias": round(float(off.mean()), 5),
        "max_error": round(float(np.abs(off).max()), 5),
        "spearman": None if math.isnan(rank) else round(rank, 4),
    }


def _rounded(ms: float) -> float | None:
    return None if math.isnan(ms) else round(float(ms), DIGITS)
