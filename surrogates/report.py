"""How good a surrogate is on networks it never saw, under splits that bite, beside baselines.

Splits of the table's inherited networks, by architecture:

- ``random``: a fifth is held out, another fifth for each seed;
- ``cheap_to_dear``: fitted on the half with fewer MACs, asked about the other half;
- ``dear_to_cheap``: the reverse.

Pairs count only if both networks were held out. Each curve is looked at where the true escalation
rate on ``val`` is 0, 1/8 ... 1, both ends included. ``test`` figures compare the same prediction
with ``test`` images; the row ``table`` there is the exact table on ``val``: what remains between
the two splits, which no surrogate can undercut for good.

Coverage is of intervals calibrated on one half of the held-out networks and counted on the other,
and the reverse.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bench import Candidates, Table
from ..bench.agreement import kendall
from .curve import escalation_rates
from .data import FitData, exact, fit_data
from .fit import FitSettings, Recipe, fit_models, held_out
from .intervals import LEVEL, Residuals, calibrated, coverage
from .surrogate import Surrogate

Array = NDArray[np.float64]
Rows = NDArray[np.intp]

RATES = np.arange(9) / 8
MAX_PAIRS = 1000  # held-out pairs per split of the networks, to bound the time
BASELINES = (
    Recipe("ridge", "item_response", "ridge"),
    Recipe("nearest", "item_response", "nearest"),
    Recipe("macs_only", "item_response", "macs_only"),
)
SPLITS = ("random", "cheap_to_dear", "dear_to_cheap")


def split_rows(data: FitData, split: str, seed: int) -> tuple[Rows, Rows]:
    """Rows to fit on and rows held out, each sorted; no exit is held out that is not fitted on.

    Args:
        data: networks with their predictions.
        split: name of the split, one of ``SPLITS``.
        seed: seeds the random split.
    """
    # Whole networks come first and an exit goes where its architecture goes.
    n_whole = int(data.whole.sum())
    place = {genome.tobytes(): i for i, genome in enumerate(data.genomes[:n_whole])}
    owner = np.array([place.get(genome.tobytes(), n_whole) for genome in data.genomes])
    if split == "random":
        unseen = np.isin(owner, held_out(n_whole, seed))
    else:
        order = np.argsort(data.networks.log_macs[:n_whole], kind="stable")
        low = np.isin(owner, order[: n_whole // 2])
        unseen = ~low if split == "cheap_to_dear" else low
    if data.exits is not None:  # a model says nothing of exits that it was not fitted on
        unseen_exits = ~np.isin(data.exits, data.exits[~unseen])
        return np.flatnonzero(~unseen), np.flatnonzero(unseen & ~unseen_exits)
    return np.flatnonzero(~unseen), np.flatnonzero(unseen)


def _agreement(predicted: Array, truth: Array) -> dict[str, float]:
    return {
        "mae": float(np.abs(predicted - truth).mean()),
        "bias": float((predicted - truth).mean()),
        "kendall_tau": kendall(predicted, truth),
    }


def points_of(
    data: FitData, seed: int, most: int = MAX_PAIRS
) -> tuple[Rows, Rows, NDArray[np.int64], NDArray[np.int64]]:
    """Little, big, gate and cut of every point that is looked at, each of shape (n,).

    Args:
        data: networks to make pairs of.
        seed: seeds the choice of pairs where there are more than ``most``.
        most: largest number of pairs.
    """
    little, big = np.nonzero(~np.eye(len(data), dtype=bool))
    if len(little) > most:
        rows = np.sort(np.random.default_rng(seed).permutation(len(little))[:most])
        little, big = little[rows], big[rows]
    return points_at(data, little, big)


def points_at(
    data: FitData, little: Rows, big: Rows
) -> tuple[Rows, Rows, NDArray[np.int64], NDArray[np.int64]]:
    """The points of some pairs that are looked at: little, big, gate and cut, each (n,).

    Args:
        data: networks of the pairs.
        little: rows of the little networks.
        big: rows of the big networks.
    """
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


def residuals(surrogate: Surrogate, unseen: FitData, seed: int = 0) -> Residuals:
    """Predictions for networks and pairs that a surrogate never saw, and the truth on ``val``."""
    little, big, gate, cut = points_of(unseen, seed)
    accuracy, rate = surrogate.predict(_candidates(unseen, little, big, gate, cut))
    truth, true_rate = exact(unseen, "val", little, big, gate, cut)
    return Residuals(
        network=surrogate.accuracy(unseen.genomes, unseen.exits),
        network_std=surrogate.network_std(unseen.genomes, unseen.exits),
        network_truth=unseen.accuracy(),
        little=little,
        big=big,
        pair=accuracy,
        pair_truth=truth,
        rate=rate,
        rate_truth=true_rate,
    )


def _coverage(cases: Residuals, seed: int) -> dict[str, float]:
    """Coverage, calibrated on one half of the networks and counted on the other, both ways."""
    order = np.random.default_rng(seed).permutation(len(cases.network))
    halves = order[: len(order) // 2], order[len(order) // 2 :]
    both = [coverage(cases, calibrated(cases, networks=a), b) for a, b in (halves, halves[::-1])]
    return {key: float(np.nanmean([c[key] for c in both])) for key in both[0]}


def judged(surrogate: Surrogate, unseen: FitData, seed: int = 0) -> dict[str, Any]:
    """The figures of one surrogate on networks it never saw, by split of the images."""
    cases = residuals(surrogate, unseen, seed)
    little, big, gate, cut = points_of(unseen, seed)
    out: dict[str, Any] = {}
    whole = unseen.whole
    for images in ("val", "test"):
        if images == "val":
            accuracy, rate = cases.pair_truth, cases.rate_truth
        else:
            accuracy, rate = exact(unseen, images, little, big, gate, cut)
        out[images] = {
            "network": _agreement(cases.network[whole], unseen.accuracy(images)[whole]),
            "pair": _agreement(cases.pair, accuracy),
            "escalation_rate": {"mae": float(np.abs(cases.rate - rate).mean())},
        }
        if not whole.all():
            out[images] |= _of_exits(surrogate, unseen, cases.network, images)
    distance = surrogate.distance(unseen.genomes, unseen.exits)
    error = np.abs(cases.network - cases.network_truth)
    outside = distance > surrogate.support.threshold
    out["support"] = {
        "share_outside": float(outside.mean()),
        "distance_error_tau": kendall(distance, error),
        "std_error_tau": kendall(cases.network_std, error),
        "mae_inside": float(error[~outside].mean()) if (~outside).any() else float("nan"),
        "mae_outside": float(error[outside].mean()) if outside.any() else float("nan"),
    }
    out["coverage"] = _coverage(cases, seed)
    return out


def _candidates(data: FitData, little: Rows, big: Rows, gate: Rows, cut: Rows) -> Candidates:
    exits = None if data.exits is None else (data.exits[little], data.exits[big])
    return Candidates(data.genomes[little], data.genomes[big], gate, cut, exits)


def _of_exits(
    surrogate: Surrogate, unseen: FitData, predicted: Array, images: str
) -> dict[str, Any]:
    """Errors for networks that are cut at exits, and for prefix pairs of which big is whole."""
    cut, accuracy = np.flatnonzero(~unseen.whole), unseen.accuracy(images)
    out: dict[str, Any] = {"exit": _agreement(predicted[cut], accuracy[cut])}
    place = {g.tobytes(): i for i, g in enumerate(unseen.genomes) if unseen.whole[i]}
    both = [(i, place[g]) for i in cut.tolist() if (g := unseen.genomes[i].tobytes()) in place]
    if not both:
        return out
    little, big = np.array(both, np.intp).T
    points = points_at(unseen, little, big)
    own, rate = surrogate.predict(_candidates(unseen, *points))
    truth, true_rate = exact(unseen, images, *points)
    return {
        **out,
        "prefix_pair": _agreement(own, truth),
        "prefix_escalation_rate": {"mae": float(np.abs(rate - true_rate).mean())},
    }


def _between_images(unseen: FitData, seed: int) -> dict[str, Any]:
    """The exact table on val against test."""
    points = points_of(unseen, seed)
    (accuracy, rate), (truth, true_rate) = (exact(unseen, s, *points) for s in ("val", "test"))
    return {
        "network": _agreement(unseen.accuracy("val"), unseen.accuracy("test")),
        "pair": _agreement(accuracy, truth),
        "escalation_rate": {"mae": float(np.abs(rate - true_rate).mean())},
    }


def summary(trials: Sequence[Any]) -> Any:
    """Nested figures of several trials as ``{"mean", "median", "spread"}`` of each."""
    if isinstance(trials[0], Mapping):
        return {key: summary([t[key] for t in trials]) for key in trials[0]}
    values = np.array(trials, np.float64)
    finite = values[np.isfinite(values)]
    if not len(finite):
        return {"mean": None, "median": None, "spread": None}
    spread = float(finite.std(ddof=1)) if len(finite) > 1 else 0.0
    return {"mean": float(finite.mean()), "median": float(np.median(finite)), "spread": spread}


def split_report(
    data: FitData,
    split: str,
    recipes: Sequence[Recipe],
    seeds: Sequence[int],
    progress: Callable[[str], None],
) -> dict[str, Any]:
    """The figures of recipes under one split: ``[recipe]["val"]["pair"]["mae"]["mean"]``."""
    trials: dict[str, list[Any]] = {str(recipe): [] for recipe in recipes}
    table: list[Any] = []
    # The halves by MACs are the same for every seed.
    for seed in seeds if split == "random" else seeds[:1]:
        inside, outside = split_rows(data, split, seed)
        train, unseen = data.take(inside), data.take(outside)
        for recipe in recipes:
            progress(f"{split} {seed}: {recipe}, {len(train)} to fit, {len(unseen)} unseen")
            fitted = Surrogate(*fit_models(train, seed, FitSettings(recipe)))
            trials[str(recipe)].append(judged(fitted, unseen, seed))
        table.append(_between_images(unseen, seed))
    figures = {name: summary(each) for name, each in trials.items()}
    return {"recipes": figures, "table": summary(table)}


def held_out_report(
    data: FitData,
    seeds: Sequence[int],
    settings: FitSettings,
    progress: Callable[[str], None],
    others: Sequence[Recipe] = BASELINES,
) -> dict[str, Any]:
    """The report as plain JSON: every split, the surrogate's recipe and the baselines."""
    if not seeds:
        return {}
    recipes = [settings.recipe, *(r for r in others if r != settings.recipe)]
    return {
        "recipe": str(settings.recipe),
        "seeds": list(seeds),
        "n_networks": len(data),
        "n_held_out": len(held_out(int(data.whole.sum()), seeds[0])),
        **({} if data.exits is None else {"n_exits": int((~data.whole).sum())}),
        "rates": RATES.tolist(),
        "level": LEVEL,
        "spread": "standard deviation over the seeds",
        "splits": {s: split_report(data, s, recipes, seeds, progress) for s in SPLITS},
    }


def report_surrogate(
    table: Table,
    seeds: Sequence[int] = (0, 1, 2, 3, 4),
    settings: FitSettings | None = None,
    progress: Callable[[str], None] | None = None,
    others: Sequence[Recipe] = BASELINES,
) -> dict[str, Any]:
    """The figures of a surrogate fitted on a table, on networks held out of the fit.

    ``["splits"][split]["recipes"][recipe][images]["network" | "pair"]["mae"]["mean" | "spread"]``
    with images ``val`` and ``test``; ``["coverage"]`` and ``["support"]`` beside these.

    Args:
        table: holds the inherited networks.
        seeds: one random split for each.
        settings: recipe to fit; None: the default one.
        progress: called with a line at each step.
        others: recipes to compare it with.

    Raises:
        MissingExtraError: xgboost, onnx or scipy is not installed.
        SurrogateError: the table holds too few networks.
    """
    say = progress or (lambda line: None)
    return held_out_report(fit_data(table), seeds, settings or FitSettings(), say, others)
