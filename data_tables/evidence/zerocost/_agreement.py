"""How well scores rank networks: rank correlations, and the share of the best that is found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....bench.agreement import kendall, spearman

ROUNDS = 1000
FEWEST = 5  # networks, below which a rank correlation says nothing

Values = NDArray[np.float64]


def top_overlap(scores: Values, accuracy: Values, share: float = 0.1) -> float:
    """Share of the best networks by accuracy that are also among the best by score."""
    n = max(1, round(share * len(scores)))
    return len({*np.argsort(-scores)[:n]} & {*np.argsort(-accuracy)[:n]}) / n


def agreement(
    scores: Sequence[Values],
    accuracy: Values,
    rounds: int = ROUNDS,
    macs: Sequence[Values] | None = None,
) -> dict[str, Any]:
    """How scores under several seeds rank networks, against their accuracy (n,).

    Networks without a score are left out; ``macs`` is correlated on the same networks as well.
    """
    scored = ~np.isnan(accuracy) & ~np.isnan(np.stack(scores)).any(axis=0)
    n = int(scored.sum())
    if n < FEWEST:
        return {"n": n, "left_out": len(scored) - n, "spearman": None}
    s, y = [column[scored] for column in scores], accuracy[scored]
    rng = np.random.default_rng(0)
    drawn = []
    for _ in range(rounds):
        rows = rng.integers(0, n, n)
        drawn.append(np.mean([spearman(column[rows], y[rows]) for column in s]))
    low, high = np.nanquantile(drawn, [0.025, 0.975]) if drawn else (np.nan, np.nan)
    each = [spearman(column, y) for column in s]
    return {
        "n": n,
        "left_out": len(scored) - n,
        "seeds": len(s),
        "spearman": float(np.mean(each)),
        "spearman_low": float(low),
        "spearman_high": float(high),
        "spearman_by_seed": each,
        "kendall": float(np.mean([kendall(column, y) for column in s])),
        "top_10_percent_overlap": float(np.mean([top_overlap(column, y) for column in s])),
        "spearman_of_macs": None if macs is None else spearman(macs[0][scored], y),
    }
