"""Latency of networks on a device of which only some networks were measured.

Three candidates: a ridge on sums over operators alone, for a handful of measurements; a ridge on
those and the choice at each layer, which adds up what layers cost; and the latter with boosted
trees on what it leaves over. Cross-validation chooses, and the figures of all are kept. A device
with a block table needs none of this.

Source: the operator-level sums follow Cai et al. 2019, "ProxylessNAS" (latency as a sum over
operators).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bench import DeviceProfile, SearchSpace
from ..bench.block_model import block_model
from ..bench.cost import BYTES_PER_VALUE
from ..bench.errors import SurrogateError
from ..bench.operators import Operator
from ..bench.spaces._space import Genomes
from .features import check_genomes
from .regressor import BoostSettings, fit_regressor, network_folds

SUMS = (
    "macs_pointwise",
    "macs_depthwise",
    "macs_other",
    "activation_bytes",
    "weight_bytes",
    "operators",
)
MIN_MEASURED = 20  # fewer rows than that, and five folds say nothing
SETTINGS = BoostSettings(rounds=(0, 100, 300), learning_rate=0.1)


def _sums(operators: Sequence[Operator]) -> list[float]:
    out = dict.fromkeys(SUMS, 0.0)
    for op in operators:
        if op.kind == "conv" and op.groups > 1 and op.groups == op.in_channels:
            out["macs_depthwise"] += op.macs
        elif op.kind == "conv" and op.kernel == 1:
            out["macs_pointwise"] += op.macs
        else:
            out["macs_other"] += op.macs
        out["activation_bytes"] += (op.in_size + op.out_size) * BYTES_PER_VALUE
        out["weight_bytes"] += op.params * BYTES_PER_VALUE
        out["operators"] += 1
    return [out[name] for name in SUMS]


def latency_feature_names(space: SearchSpace, choices: Sequence[str]) -> tuple[str, ...]:
    """Names of the columns of ``latency_features``."""
    kept = [space.choices[c] for c in space.allowed(choices)]
    return (*(f"layer{ly.index}={name}" for ly in space.layers for name in kept), *SUMS)


def latency_features(
    space: SearchSpace, genomes: Genomes, choices: Sequence[str]
) -> NDArray[np.float32]:
    """Features of single networks, shape (n, k) float32.

    One-hot choices, then sums over all operators of the layers in units of 1e6: MACs of pointwise,
    depthwise and other convolutions, bytes read and written by activations, bytes of weights, and
    the number of operators.

    Args:
        space: of the networks.
        genomes: shape (n, n_layers).
        choices: the space's choices that may occur.

    Raises:
        SurrogateError: genomes of another space, or a choice outside ``choices``.
    """
    rows, allowed = check_genomes(space, genomes, choices), space.allowed(choices)
    table = np.array(
        [
            [_sums(space.build_layer(ly, c)) for c in range(len(space.choices))]
            for ly in space.layers
        ]
    )
    sums = table[np.arange(space.n_layers), rows].sum(axis=1)
    onehot = (rows[:, :, None] == allowed).reshape(len(rows), -1)
    return np.concatenate([onehot, sums / 1e6], axis=1).astype(np.float32)


@dataclass(frozen=True)
class FittedLatency:
    """A latency model of one device with what has to be stored of it.

    Attributes:
        document: the regressor, what was chosen, and the figures of all candidates, plain JSON.
        model: the trees as ONNX, or None.
    """

    document: dict[str, Any]
    model: bytes | None


def spearman(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Rank correlation of two arrays of shape (n,); ties are broken by order."""
    ranks = np.stack([np.argsort(np.argsort(v)) for v in (a, b)]).astype(float)
    return float(np.corrcoef(ranks)[0, 1])


def latency_figures(
    predicted: NDArray[np.float64], measured: NDArray[np.float64]
) -> dict[str, float]:
    """How good predicted latencies are: MAPE, share within 10 %, Spearman's rho."""
    error = np.abs(predicted - measured) / measured
    return {
        "mape": float(error.mean()),
        "share_within_10_percent": float((error <= 0.1).mean()),
        "spearman": spearman(predicted, measured),
    }


def fit_latency(
    space: SearchSpace,
    choices: Sequence[str],
    genomes: Genomes,
    latency_ms: NDArray[np.float64],
    seed: int = 0,
    settings: BoostSettings = SETTINGS,
    n_folds: int = 5,
) -> FittedLatency:
    """A latency model; which of the three candidates is chosen by cross-validated MAPE.

    Args:
        space: of the networks.
        choices: the space's choices that may occur.
        genomes: of what was measured, shape (n, n_layers).
        latency_ms: shape (n,), above 0.
        seed: of folds and trees.
        settings: of the trees; the other two candidates have none.
        n_folds: of the cross-validation.

    Raises:
        SurrogateError: too few networks, or a latency that is not above 0.
        MissingExtraError: xgboost or onnx is not installed.
    """
    if len(genomes) < MIN_MEASURED:
        raise SurrogateError(
            f"{len(genomes)} measured networks are too few for a latency model; expected at least "
            f"{MIN_MEASURED}. Measure more: biglittle profile."
        )
    if not (np.isfinite(latency_ms).all() and (latency_ms > 0).all()):
        raise SurrogateError("a measured latency is not above 0 ms; leave such networks out.")
    features = latency_features(space, genomes, choices)
    folds, targets = network_folds(len(genomes), n_folds, seed), latency_ms[:, None]
    grown = tuple(r for r in settings.rounds if r) or (0,)
    bare, sums = replace(settings, rounds=(0,)), features.copy()
    sums[:, : -len(SUMS)] = 0.0  # a constant column gets coefficient 0
    candidates = {
        "operators": fit_regressor(sums, targets, folds, bare, seed),
        "additive": fit_regressor(features, targets, folds, bare, seed),
        "boosted": fit_regressor(features, targets, folds, replace(settings, rounds=grown), seed),
    }
    figures = {
        name: latency_figures(fitted.out_of_fold[:, 0], latency_ms)
        for name, fitted in candidates.items()
    }
    # In this order, a candidate has to be better by a fiftieth to displace a simpler one.
    best = "operators"
    for name in ("additive", "boosted"):
        if figures[name]["mape"] < 0.98 * figures[best]["mape"]:
            best = name
    document = {
        **candidates[best].document,
        "chosen": best,
        "cross_validated": figures,
        "n_measured": len(genomes),
        "floor_ms": float(latency_ms.min() / 2),  # no extrapolation to nothing, or below
    }
    return FittedLatency(document, candidates[best].model)


def fit_profile_latency(
    profile: DeviceProfile, space: SearchSpace, choices: Sequence[str], seed: int = 0
) -> FittedLatency | None:
    """The latency model of a device profile; None where its block table or model makes it needless.

    Measured networks with a choice outside ``choices`` are left out.

    Raises:
        SurrogateError: another space, or too few networks.
    """
    if profile.block_ms is not None or block_model(profile, space) is not None:
        return None
    if profile.space_hash != space.hash:
        raise SurrogateError(
            f"device profile {profile.name!r} is of space {profile.space!r} "
            f"({profile.space_hash[:8]}), the surrogate of {space.name!r} ({space.hash[:8]})."
        )
    genomes = space.parse(sorted(profile.measured_ms))
    genomes = genomes[np.isin(genomes, space.allowed(choices)).all(axis=1)]
    latency = profile.latency_ms(space, genomes) if len(genomes) else np.zeros(0)
    return fit_latency(space, choices, genomes, latency, seed)
