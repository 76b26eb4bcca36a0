"""What two networks' scores say of their pair."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....bench import Benchmark, Pair
from ....bench.agreement import spearman
from ....zerocost import pair_features
from ._agreement import Values
from ._sets import SAMPLE_SEED

DEVICE, GATE = "raspberry-pi-4", "margin"
PAIRS, RATES, WITHIN = 2000, (0.1, 0.25, 0.5), 0.01
GROUPS = 10  # of networks, left out in turn, for the interval of pairs


def pair_targets(
    bench: Benchmark, ids: Sequence[str], n_pairs: int = PAIRS
) -> tuple[NDArray[np.intp], NDArray[np.intp], dict[str, Values]]:
    """Random pairs of the table, and what proxies are to predict of them, on test.

    Returns:
        Index into ``ids`` of little (fewer MACs) and big, and by name: ``accuracy at r`` under
        ``margin`` for escalation rates r, and ``escalation``, minus the least rate from which on
        the pair is within a point of its big network (so that more is better). A pair whose big
        network is worse than its little one by more than that has rate 0.
    """
    rng = np.random.default_rng(SAMPLE_SEED)
    macs = np.array([bench.table.networks["macs"][bench.row(a)] for a in ids])
    drawn = np.array([rng.choice(len(ids), 2, replace=False) for _ in range(n_pairs)])
    order = np.argsort(macs[drawn], axis=1, kind="stable")
    little, big = np.take_along_axis(drawn, order, axis=1).T
    names = (*(f"accuracy at {r:g}" for r in RATES), "escalation")
    targets: dict[str, list[float]] = {name: [] for name in names}
    for a, b in zip(little, big, strict=True):
        curve = bench.curve(Pair(ids[a], ids[b]), GATE, DEVICE)
        for r in RATES:
            at = np.interp(r, curve.escalation_rate, curve.accuracy)
            targets[f"accuracy at {r:g}"].append(float(at))
        enough = curve.accuracy >= curve.accuracy[-1] - WITHIN
        targets["escalation"].append(-float(curve.escalation_rate[enough].min()))
    return little, big, {name: np.array(values) for name, values in targets.items()}


def pair_agreement(
    scores: Sequence[Values],
    little: NDArray[np.intp],
    big: NDArray[np.intp],
    target: Values,
    rate: float,
) -> dict[str, Any]:
    """Spearman of every combination of two networks' scores with a figure of their pair.

    The interval leaves out tenths of the networks in turn (jackknife), since pairs share networks.
    """

    def mean_of(keep: NDArray[np.bool_]) -> dict[str, float]:
        out: dict[str, list[float]] = {}
        for column in scores:
            for name, values in pair_features(column, little, big, rate).items():
                scored = keep & ~np.isnan(values)
                at = spearman(values[scored], target[scored]) if scored.sum() > 2 else float("nan")
                out.setdefault(name, []).append(at)
        return {name: float(np.mean(values)) for name, values in out.items()}

    everything = np.ones(len(little), bool)
    whole = mean_of(everything)
    group = np.random.default_rng(1).permutation(len(scores[0])) % GROUPS
    left = [mean_of((group[little] != g) & (group[big] != g)) for g in range(GROUPS)]
    out = {}
    for name, value in whole.items():
        each = np.array([one[name] for one in left])
        error = float(np.sqrt((GROUPS - 1) / GROUPS * ((each - each.mean()) ** 2).sum()))
        out[name] = {"spearman": value, "standard_error": error}
    return out
