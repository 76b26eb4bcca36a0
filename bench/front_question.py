"""What an exact front is asked of: networks, gates, costs, objectives and limits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from .cost import NetworkCosts, SharedCosts
from .gates import N_CODES
from .tally import Tally


@dataclass(frozen=True)
class Question:
    """What a front is asked of.

    Attributes:
        tally: who of n networks is right about which image.
        gates: rules that decide, one entry a gate: a function that gives the codes (n_images,) of a
            network, or for a pairwise gate its codes by [little is right, big is right], (2, 2).
        costs: costs of the same networks; no NaN in what ``objectives`` and ``limits`` need. A pair
            for which NaN is shared has no such cost, and no point on the front.
        objectives: names of figures; "error" and "accuracy" are the same.
        limits: largest value by name (for accuracy: smallest).
        cuts: cuts to look at, rising, both ends included.
        shared: gives what one little network shares with all networks under a gate, both by index,
            as prefix pairs, nested pairs and those measured end to end do; None: nothing. It is
            called once per little and gate, from several threads. Gates for which it returns the
            same object are looked at together, which is faster.
        allowed: gives the big networks that one little network may be paired with, a mask of shape
            (n,), by index; None: all. A network alone counts as a pair with one of these.
    """

    tally: Tally
    gates: Sequence[Callable[[int], NDArray[np.uint8]] | NDArray[np.uint8]]
    costs: NetworkCosts
    objectives: Sequence[str]
    limits: dict[str, float] = field(default_factory=dict)
    cuts: NDArray[np.int64] = field(default_factory=lambda: np.arange(N_CODES + 1))
    shared: Callable[[int, int], SharedCosts | None] | None = None
    allowed: Callable[[int], NDArray[np.bool_]] | None = None

    def bigs(self, little: int) -> NDArray[np.bool_] | None:
        """The bigs that a little network may be paired with, shape (n,); None: all."""
        return None if self.allowed is None else self.allowed(little)

    @property
    def axes(self) -> list[str]:
        """The objectives that are costs."""
        return [o for o in self.objectives if o not in ("error", "accuracy")]

    @property
    def by_accuracy(self) -> bool:
        """Whether right answers count."""
        return len(self.axes) < len(self.objectives)

    @property
    def cost_limits(self) -> dict[str, float]:
        """The limits on costs, the largest value by name."""
        return {k: v for k, v in self.limits.items() if k not in ("error", "accuracy")}

    @property
    def fewest_hits(self) -> int:
        """Right answers below which the limits on accuracy or error are not met."""
        n, least = self.tally.n_images, 0.0
        if "accuracy" in self.limits:
            least = max(least, self.limits["accuracy"])
        if "error" in self.limits:
            least = max(least, 1.0 - self.limits["error"])
        hits = np.arange(n + 1)
        return int(np.searchsorted(hits / n, least - 1e-12))
