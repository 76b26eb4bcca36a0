"""Costs of one little network with its bigs at many escalation rates, and below what they stay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .cost import NetworkCosts, SharedCosts, pair_figure

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class PairCosts:
    """Costs of one little network with n big ones; rates broadcast against the bigs.

    Attributes:
        little: costs of the little network, shape (1,).
        bigs: costs of the big networks, of any shape.
        shared: what little shares with each big, of the shape of ``bigs``; None: nothing.
        axes: names of the costs that are objectives.
        limits: largest value of a cost, by name.
    """

    little: NetworkCosts
    bigs: NetworkCosts
    shared: SharedCosts | None
    axes: Sequence[str]
    limits: Mapping[str, float]

    def some(self, big: NDArray[np.intp]) -> PairCosts:
        """Costs with the bigs at ``big``, an index of any shape."""
        shared = None if self.shared is None else self.shared.take(big)
        return PairCosts(self.little, self.bigs.take(big), shared, self.axes, self.limits)

    def _figure(self, name: str, rate: Floats) -> Floats:
        value = pair_figure(name, self.little, self.bigs, rate, self.shared)
        return np.broadcast_to(value, np.broadcast_shapes(rate.shape, self.bigs.macs.shape))

    def at(self, rate: Floats) -> list[Floats]:
        """Each cost that is an objective, at some rates."""
        return [self._figure(name, rate) for name in self.axes]

    def allowed(self, rate: Floats) -> NDArray[np.bool_]:
        """Whether the limits on costs are met at some rates."""
        ok = np.ones(np.broadcast_shapes(rate.shape, self.bigs.macs.shape), np.bool_)
        for name, limit in self.limits.items():
            ok &= self._figure(name, rate) <= limit
        return ok

    def falling(self, first: Floats, last: Floats) -> frozenset[str]:
        """Costs that for any big are lower at the last than at the first of all rates above 0.

        Each cost is monotone between them, so the others fall nowhere.
        """
        names = {*self.axes, *self.limits}
        return frozenset(n for n in names if (self._figure(n, first) > self._figure(n, last)).any())

    def floors(
        self, first: Floats, last: Floats, falling: frozenset[str]
    ) -> tuple[list[Floats], NDArray[np.bool_]]:
        """Below what no cost falls between two rates, and whether the limits can be met there.

        Args:
            first: the lower rates, above 0.
            last: the higher rates, of the same shape.
            falling: costs whose smaller end may be the last.
        """

        def floor(name: str) -> Floats:
            low = self._figure(name, first)
            return np.minimum(low, self._figure(name, last)) if name in falling else low

        floors = {name: floor(name) for name in {*self.axes, *self.limits}}
        ok = np.ones(np.broadcast_shapes(first.shape, self.bigs.macs.shape), np.bool_)
        for name, limit in self.limits.items():
            ok &= floors[name] <= limit
        return [floors[name] for name in self.axes], ok
