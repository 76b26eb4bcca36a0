"""What a device takes for networks of another precision than the one its profile is of.

The networks that were measured in that precision stand as they were measured. Any other one takes
what it takes in the profile's own precision times a factor: the one the profile states, which was
published or measured as a ratio, or that of the networks it lists in both precisions. Every figure
made with it is ``predicted``. Without a factor there is no figure. Energy is modelled with the
profile's own power, where it has one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .errors import DeviceError
from .latency_listed import Listed, filled
from .latency_terms import Blocks, OperatorSum, modelled_energy_mj
from .operator_features import Array
from .operator_model import MIN_ROWS
from .provenance import chosen, least_founded
from .spaces import Exits, Genomes

if TYPE_CHECKING:
    from .latency import LatencyModel


@dataclass(frozen=True)
class Factor:
    """How much longer or shorter a device takes in another precision.

    Attributes:
        ratio: latency in that precision over latency in the profile's own.
        low: lower end of the ratio's interval.
        high: upper end of the ratio's interval.
        coverage: nominal share of networks inside the interval.
        source: whose ratios these are, and of which networks.
    """

    ratio: float
    low: float
    high: float
    coverage: float
    source: str


def fitted_factor(own_ms: Mapping[str, float], other_ms: Mapping[str, float]) -> Factor | None:
    """The ratio of networks that were measured in both precisions; None where they are few.

    It is their median, and the interval goes from the smallest to the largest.

    Args:
        own_ms: latency by name in the profile's own precision.
        other_ms: latency by the same names in the other precision.
    """
    ratios = [other_ms[name] / ms for name, ms in own_ms.items() if name in other_ms and ms > 0]
    if len(ratios) < MIN_ROWS:
        return None
    n, source = len(ratios), f"{len(ratios)} networks measured in both precisions"
    return Factor(float(np.median(ratios)), min(ratios), max(ratios), (n - 1) / (n + 1), source)


@dataclass(frozen=True)
class Scaled:
    """Latencies in another precision: as listed, else the profile's own times a factor.

    Attributes:
        precision: the precision that these latencies are in.
        listed: networks that were measured in it; perhaps none.
        base: latencies in the profile's own precision.
        factor: their ratio; None: nobody states one, and networks not listed have no figure.
        power_mw: energy is modelled as latency times this; None: no energy.
    """

    precision: str
    listed: Listed
    base: LatencyModel
    factor: Factor | None
    power_mw: float | None

    @property
    def complete(self) -> bool:
        """See `latency.LatencyModel`."""
        return self.factor is not None and self.base.complete

    @property
    def coverage(self) -> float | None:
        """See `latency.LatencyModel`."""
        return None if self.factor is None else self.factor.coverage

    @property
    def promise(self) -> str:
        """See `latency.LatencyModel`."""
        if self.factor is None:
            return (
                f"Of networks in {self.precision} only those measured in it have a latency, here "
                f"{len(self.listed.figures.latency_ms)}: the profile states no ratio to its own "
                f"precision. Measure some: biglittle profile --precision {self.precision}."
            )
        f = self.factor
        return (
            f"Latencies in {self.precision} are predicted: those in the profile's own precision "
            f"times {f.ratio:.3g} ({f.coverage:.0%} interval of the factor: {f.low:.3g} to "
            f"{f.high:.3g})."
        )

    warning = ""

    @property
    def _ratio(self) -> float:
        return float("nan") if self.factor is None else self.factor.ratio

    def _listed_ms(self, genomes: Genomes, exits: Exits | None) -> Array:
        if not self.listed.figures.latency_ms:
            return np.full(len(np.atleast_2d(genomes)), np.nan)
        return self.listed.latency_ms(genomes, exits)

    def latency_ms(self, genomes: Genomes, exits: Exits | None = None) -> Array:
        """See `latency.LatencyModel`."""
        predicted = self._ratio * self.base.latency_ms(genomes, exits)
        return filled(self._listed_ms(genomes, exits), predicted)

    def trunk_ms(self, genomes: Genomes, exits: Exits) -> Array:
        """See `latency.LatencyModel`."""
        return self._ratio * self.base.trunk_ms(genomes, exits)

    def stem_ms(self) -> float:
        """See `latency.LatencyModel`."""
        return self._ratio * self.base.stem_ms()

    def interval_ms(self, genomes: Genomes, exits: Exits | None = None) -> tuple[Array, Array]:
        """See `latency.LatencyModel`; that of the factor, widened by that of the base."""
        none = np.full(len(np.atleast_2d(genomes)), np.nan)
        if self.factor is None:
            return none, none
        latency = self.base.latency_ms(genomes, exits)
        low, high = (filled(e, latency) for e in self.base.interval_ms(genomes, exits))
        there = np.isfinite(self._listed_ms(genomes, exits))
        ends = low * self.factor.low, high * self.factor.high
        return np.where(there, np.nan, ends[0]), np.where(there, np.nan, ends[1])

    def energy_mj(self, genomes: Genomes, exits: Exits | None = None) -> Array:
        """See `latency.LatencyModel`."""
        return modelled_energy_mj(self.latency_ms(genomes, exits), self.power_mw)

    def latency_and_energy(
        self, genomes: Genomes, exits: Exits | None = None
    ) -> tuple[Array, Array]:
        """See `latency.LatencyModel`."""
        latency = self.latency_ms(genomes, exits)
        return latency, modelled_energy_mj(latency, self.power_mw)

    def provenance(
        self, genomes: Genomes | None = None, exits: Exits | None = None
    ) -> Mapping[str, str]:
        """See `latency.LatencyModel`."""
        words = {"latency_ms": "predicted", "energy_mj": "modelled"}
        if genomes is None:
            return words
        there = np.isfinite(self._listed_ms(genomes, exits))
        own = least_founded([self.listed.figures.latency_word], "measured")
        return chosen(there, {"latency_ms": own}, words)

    def blocks(self) -> Blocks:
        """See `latency.LatencyModel`."""
        if self.factor is None:
            raise self._no_factor()
        own = self.base.blocks()
        return Blocks(self._ratio * own.constant_ms, self._ratio * own.blocks_ms)

    def operators(self) -> OperatorSum:
        """See `latency.LatencyModel`; operators differ in what another precision gains."""
        raise DeviceError(
            f"the profile does not say what operators take in {self.precision}; expected a network "
            "in the profile's own precision."
        )

    def _no_factor(self) -> DeviceError:
        return DeviceError(
            f"the profile states no factor for {self.precision}, so that networks nobody measured "
            f"have no figure. Measure some: biglittle profile --precision {self.precision}."
        )
