"""How good a surrogate is on networks it never saw, beside two baselines.

Pairs count only if both networks were held out. Each curve is looked at where the true escalation
rate on ``val`` is 0, 1/8 ... 1, both ends included. ``test`` figures compare the same prediction
with ``test`` images; the row ``table`` there is the exact table on ``val``: what remains between
the two splits, which no surrogate can undercut for good.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..bench import Candidates, Table
from ..bench.spaces._space import Genomes
from .baselines import MacsOnly, NearestNeighbour, exact
from .curve import escalation_rates
from .extras import import_extra
from .fit import FitData, FitSettings, fit_data, fit_models, held_out
from .surrogate import Surrogate

Array = NDArray[np.float64]

RATES = np.arange(9) / 8
LEVEL = 0.9  # of the intervals
MAX_PAIRS = 1000  # held-out pairs per split of the networks, to bound the time


class _Predictor(Protocol):
    def accuracy(self, genomes: Genomes) -> Array: ...
    def predict(self, candidates: Candidates) -> tuple[Array, Array]: ...


class _Fitted:
    def __init__(self, surrogate: Surrogate) -> None:
        self.predict = surrogate.predict
        self._surrogate = surrogate

    def accuracy(self, genomes: Genomes) -> Array:
        return self._surrogate.predict_networks(genomes).accuracy


def kendall_tau(a: Array, b: Array) -> float:
    """Kendall's tau-b of two rankings; NaN where one is constant.

    Raises:
        MissingExtraError: scipy is not installed.
    """
    return float(import_extra("scipy.stats", "reporting on a surrogate").kendalltau(a, b).statistic)


def _agreement(predicted: Array, truth: Array) -> dict[str, float]:
    return {
        "mae": float(np.abs(predicted - truth).mean()),
        "kendall_tau": kendall_tau(predicted, truth),
    }


def _points(
    data: FitData, split_seed: int
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.int64], NDArray[np.int64]]:
    """Little, big, gate and cut of every point that is looked at, each of shape (n,)."""
    little, big = np.nonzero(~np.eye(len(data), dtype=bool))
    if len(little) > MAX_PAIRS:
        rows = np.sort(np.random.default_rng(split_seed).permutation(len(little))[:MAX_PAIRS])
        little, big = little[rows], big[rows]
    cuts = np.stack(
        [
            np.abs(escalation_rates(codes)[:, None, :] - RATES[:, None]).argmin(axis=2)
            for codes in data.codes("val")
        ]
    )  # (n_gates, n_networks, n_rates)
    cuts[:, :, 0], cuts[:, :, -1] = 0, escalation_rates(data.codes("val")[0]).shape[1] - 1
    shape = (len(cuts), len(little), len(RATES))
    gate = np.broadcast_to(np.arange(len(cuts))[:, None, None], shape).ravel()
    both = [np.broadcast_to(rows[None, :, None], shape).ravel() for rows in (little, big)]
    return both[0], both[1], gate, cuts[:, little].ravel()


def _one_split(
    data: FitData, seed: int, settings: FitSettings
) -> tuple[dict[str, Any], dict[str, Array]]:
    outside = held_out(len(data), seed)
    inside = np.setdiff1d(np.arange(len(data)), outside)
    train, unseen = data.take(inside), data.take(outside)
    fitted = _Fitted(Surrogate(*fit_models(train, seed, settings)))
    predictors: dict[str, _Predictor] = {
        "surrogate": fitted,
        "macs_only": MacsOnly(train),
        "nearest_neighbour": NearestNeighbour(train),
    }
    little, big, gate, cut = _points(unseen, seed)
    candidates = Candidates(unseen.genomes[little], unseen.genomes[big], gate, cut)
    truth = {s: exact(unseen, s, little, big, gate, cut) for s in ("val", "test")}
    single = {s: unseen.predictions[s].correct.mean(axis=1) for s in ("val", "test")}
    said = {n: (p.accuracy(unseen.genomes), *p.predict(candidates)) for n, p in predictors.items()}
    out: dict[str, Any] = {}
    for split in ("val", "test"):
        rows = dict(said)
        if split == "test":
            rows["table"] = (single["val"], *truth["val"])
        accuracy, rate = truth[split]
        out[split] = {
            name: {
                "network": _agreement(alone, single[split]),
                "pair": _agreement(points, accuracy),
                "escalation_rate": {"mae": float(np.abs(rates - rate).mean())},
            }
            for name, (alone, points, rates) in rows.items()
        }
    alone, points, rates = said["surrogate"]
    residuals = {
        "network_accuracy": np.abs(alone - single["val"]),
        "accuracy": np.abs(points - truth["val"][0]),
        "escalation_rate": np.abs(rates - truth["val"][1]),
    }
    return out, residuals


def _summary(trials: Sequence[Any]) -> Any:
    if isinstance(trials[0], Mapping):
        return {key: _summary([t[key] for t in trials]) for key in trials[0]}
    values = np.array(trials, np.float64)
    spread = float(values.std(ddof=1)) if len(values) > 1 else 0.0
    return {"mean": float(values.mean()), "spread": spread}


def held_out_report(
    data: FitData,
    seeds: Sequence[int],
    settings: FitSettings,
    progress: Callable[[str], None],
) -> tuple[dict[str, Any], dict[str, Array]]:
    """The report as plain JSON, and the surrogate's absolute errors on ``val`` over all splits."""
    trials, residuals = [], []
    for seed in seeds:
        progress(f"fitting without the networks held out by seed {seed}")
        figures, errors = _one_split(data, seed, settings)
        trials.append(figures)
        residuals.append(errors)
    if not trials:
        return {}, {}
    measured = {
        "split": "by architecture, both networks of a pair held out; fitted on val",
        "seeds": list(seeds),
        "n_networks": len(data),
        "n_held_out": len(held_out(len(data), seeds[0])),
        "rates": RATES.tolist(),
        "spread": "standard deviation over the seeds",
        **_summary(trials),
    }
    return measured, {k: np.concatenate([r[k] for r in residuals]) for k in residuals[0]}


def half_widths(residuals: Mapping[str, Array], level: float = LEVEL) -> dict[str, float]:
    """Half-widths of split-conformal intervals at ``level`` by figure, from held-out errors.

    Points of one pair depend on each other, so the level holds over networks on average, not for
    any one pair.

    Source: Lei et al. 2018, "Distribution-Free Predictive Inference for Regression" (algorithm 2).
    """
    if not residuals:
        return {}
    out = {"level": level}
    for name, errors in residuals.items():
        rank = min(int(np.ceil((len(errors) + 1) * level)), len(errors)) - 1
        out[name] = float(np.sort(errors)[rank])
    return out


def report_surrogate(
    table: Table,
    seeds: Sequence[int] = (0, 1, 2, 3, 4),
    settings: FitSettings | None = None,
    progress: Callable[[str], None] | None = None,
) -> dict[str, Any]:
    """The figures of a surrogate fitted on a table, on networks held out of the fit.

    ``[split][predictor]["network" | "pair"]["mae" | "kendall_tau"]["mean" | "spread"]`` with
    predictors ``surrogate``, ``macs_only`` and ``nearest_neighbour``.

    Args:
        table: with the inherited networks.
        seeds: of the held-out splits.
        settings: of the fits.
        progress: called with a line at each step.

    Raises:
        MissingExtraError: xgboost, onnx or scipy is not installed.
        SurrogateError: too few networks.
    """
    say = progress or (lambda line: None)
    return held_out_report(fit_data(table), seeds, settings or FitSettings(), say)[0]
