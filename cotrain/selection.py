"""Which points of a front are worth co-training: few different pairs, spread over the front."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..bench.points import Points
from ..bench.recommend import alone


@dataclass(frozen=True)
class Selection:
    """Which points of a front are worth training.

    Attributes:
        rows: row numbers of the chosen points, from fast to slow.
        n_points: points of the front.
        n_single: points that are single networks: little is big, or one of the two is asked about
            less than 1 % of the inputs.
        n_pairs: different pairs among the others.
    """

    rows: tuple[int, ...]
    n_points: int
    n_single: int
    n_pairs: int

    def text(self, n_elsewhere: int = 0) -> str:
        """What was chosen, and of what, in two sentences.

        Args:
            n_elsewhere: recommended pairs that are trained too and are not points of the front.
        """
        n = len(self.rows) + n_elsewhere
        if not n:
            chosen = "There is nothing to train."
        else:
            table = f", {n_elsewhere} of them recommended from the table" if n_elsewhere else ""
            chosen = f"{n} {'is' if n == 1 else 'are'} trained{table}."
        return (
            f"{self.n_points} points: {self.n_single} are single networks in effect, which are "
            f"skipped; the others are {self.n_pairs} different pairs. {chosen}"
        )


def select(points: Points, top: int, first: Sequence[int] = ()) -> Selection:
    """Chooses at most ``top`` different pairs of a front.

    Points that are single networks are never chosen: there is nothing to co-train. The rows in
    ``first`` come before all others. Then come pairs that are not less accurate than all of
    ``first``, evenly spread over the front by their rank in latency, and at last the other pairs,
    spread likewise. Of several points of one pair the middle one by latency stands for it.

    Args:
        points: operating points of a front.
        top: number of pairs to choose at most.
        first: rows that are recommended, the most important one first.
    """
    latency, paired = points.latency_ms, alone(points) == ""
    pair_of = list(zip(points.little.tolist(), points.big.tolist(), strict=True))
    chosen: list[int] = []
    for i in first:
        if paired[i] and pair_of[i] not in {pair_of[k] for k in chosen}:
            chosen.append(int(i))
    chosen = chosen[: max(top, 0)]
    taken = {pair_of[i] for i in chosen}
    rows_of: dict[tuple[str, str], list[int]] = {}
    for i in np.flatnonzero(paired)[np.argsort(latency[paired], kind="stable")]:
        rows_of.setdefault(pair_of[i], []).append(int(i))
    middle = [r[(len(r) - 1) // 2] for pair, r in rows_of.items() if pair not in taken]
    middle.sort(key=lambda i: latency[i])
    least = min((float(points.accuracy[i]) for i in chosen), default=-np.inf)
    good = [i for i in middle if points.accuracy[i] >= least]
    for some in (good, [i for i in middle if points.accuracy[i] < least]):
        n = min(max(top - len(chosen), 0), len(some))
        # one alone is the most accurate end of the front and not its worst
        at = np.linspace(0, len(some) - 1, n) if n > 1 else np.array([len(some) - 1.0] * n)
        chosen += [some[k] for k in np.unique(np.rint(at).astype(int))]
    rows = tuple(sorted(chosen, key=lambda i: (latency[i], i)))
    return Selection(rows, len(points), int((~paired).sum()), len(rows_of))
