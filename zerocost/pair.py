"""From two networks' proxies to a prediction for the pair.

A pair at escalation rate r answers the share 1 - r with its little network and r with its big one,
so if a proxy ranks networks, the pair ought to lie between its two. But the gate escalates what the
little network is unsure of: the gain of escalating is largest first, and of the big network's
advantage the pair gets more than its share r. ``pair_features`` therefore offers, next to the plain
combinations, a mixture with the weight sqrt(r) on the big network. How far each is right is
measured on the table, by the step ``zerocost/report`` of the evidence.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..bench.errors import BigLittleError
from .rank import rank


def pair_features(
    scores: ArrayLike, little: ArrayLike, big: ArrayLike, escalation_rate: float
) -> dict[str, NDArray[np.float64]]:
    """Combinations of one proxy's scores of two networks, shape (m,) each.

    Scores are replaced by their rank among the networks, from 0 to 1, so that proxies of any scale
    and of any direction of growth combine alike.

    Args:
        scores: scores of all networks, shape (n,); NaN where there is none.
        little: row of each pair's little network, shape (m,).
        big: row of each pair's big network, shape (m,).
        escalation_rate: share r of images that is escalated, from 0 to 1.

    Returns:
        ``little`` and ``big`` alone; ``gap``, big minus little, for what escalation is worth;
        ``mixture``, (1 - r) little + r big; ``early``, the same with sqrt(r) in place of r;
        ``best``, the greater of both.

    Raises:
        BigLittleError: the escalation rate lies outside [0, 1].

    >>> features = pair_features([10.0, 30.0, 20.0], [0], [1], 0.25)
    >>> {name: float(value[0]) for name, value in features.items()}
    {'little': 0.0, 'big': 1.0, 'gap': 1.0, 'mixture': 0.25, 'early': 0.5, 'best': 1.0}
    """
    if not 0 <= escalation_rate <= 1:
        raise BigLittleError(f"escalation rate {escalation_rate}; expected one from 0 to 1.")
    ranks = rank(scores)
    span = max(int(np.count_nonzero(~np.isnan(ranks))) - 1, 1)
    unit = (ranks - 1) / span
    a, b = unit[np.asarray(little, np.intp)], unit[np.asarray(big, np.intp)]
    r = float(escalation_rate)
    return {
        "little": a,
        "big": b,
        "gap": b - a,
        "mixture": (1 - r) * a + r * b,
        "early": (1 - r**0.5) * a + r**0.5 * b,
        "best": np.maximum(a, b),
    }
