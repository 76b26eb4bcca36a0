"""The networks that a device profile lists: what it says of them, and of no others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from .errors import DeviceError
from .latency_terms import Blocks, OperatorSum, fitted_operators, modelled_energy_mj
from .operator_features import Array
from .operator_model import MIN_ROWS
from .spaces import Exits, Genomes, SearchSpace, parse_networks

MOST_ROWS = 1000  # to which a model is fitted; a second's work


@dataclass(frozen=True)
class Figures:
    """What a file lists, by architecture.

    Attributes:
        latency_ms: latency of every network that has one.
        low_ms: lower end of its interval, where there is one.
        high_ms: upper end of its interval, where there is one.
        energy_mj: energy, where there is one.
        latency_word: provenance of the latencies; the least founded, if they differ.
        energy_word: provenance of the energies.
        power_mw: energy is latency times this where no energy is listed; None: no energy.
        coverage: nominal share of networks inside the intervals, or None.
    """

    latency_ms: Mapping[str, float]
    low_ms: Mapping[str, float]
    high_ms: Mapping[str, float]
    energy_mj: Mapping[str, float]
    latency_word: str
    energy_word: str
    power_mw: float | None
    coverage: float | None


@dataclass(frozen=True)
class Listed:
    """The networks that a file lists, and no others.

    Attributes:
        space: the search space of the networks.
        n_classes: classes of their classifier.
        figures: figures of networks that the file lists.
    """

    space: SearchSpace
    n_classes: int
    figures: Figures

    complete = False
    promise = warning = ""

    @property
    def coverage(self) -> float | None:
        """See `latency.LatencyModel`."""
        return self.figures.coverage

    @cached_property
    def _parsed(self) -> tuple[Genomes, Exits]:
        return parse_networks(self.space, sorted(self.figures.latency_ms))

    @cached_property
    def genomes(self) -> Genomes:
        """The listed networks in the order of their names, shape (n_listed, n_layers)."""
        return self._parsed[0]

    @cached_property
    def exits(self) -> Exits:
        """Numbers of the exits at which the listed networks are cut, shape (n_listed,)."""
        return self._parsed[1]

    @cached_property
    def _order(self) -> tuple[NDArray[np.bytes_], NDArray[np.intp]]:
        keys = _keys(self.genomes, self.exits)
        order = np.argsort(keys)
        return keys[order], order

    def place(self, genomes: Genomes, exits: Exits | None = None) -> NDArray[np.intp]:
        """Where each network stands among the listed ones, shape (n,); -1 where it does not."""
        keys, order = self._order
        wanted = _keys(np.atleast_2d(genomes), exits)
        at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
        return np.where(keys[at] == wanted, order[at], -1)

    def column(self, figures: Mapping[str, float]) -> Array:
        """A figure of the listed networks, shape (n_listed,); NaN where there is none."""
        ids = sorted(self.figures.latency_ms)
        return np.array([figures.get(a, np.nan) for a in ids], np.float64)

    def _of(
        self, figures: Mapping[str, float], genomes: Genomes, exits: Exits | None = None
    ) -> Array:
        place = self.place(genomes, exits)
        return np.where(place < 0, np.nan, self.column(figures)[place])

    def latency_ms(self, genomes: Genomes, exits: Exits | None = None) -> Array:
        """See `latency.LatencyModel`."""
        return self._of(self.figures.latency_ms, genomes, exits)

    def trunk_ms(self, genomes: Genomes, exits: Exits) -> Array:
        """See `latency.LatencyModel`; a list of networks does not say it."""
        return np.full(len(np.atleast_2d(genomes)), np.nan)

    def stem_ms(self) -> float:
        """See `latency.LatencyModel`; a list of networks does not say it."""
        return float("nan")

    def interval_ms(self, genomes: Genomes, exits: Exits | None = None) -> tuple[Array, Array]:
        """See `latency.LatencyModel`."""
        ends = (self.figures.low_ms, self.figures.high_ms)
        low, high = (self._of(end, genomes, exits) for end in ends)
        return low, high

    def energy_mj(self, genomes: Genomes, exits: Exits | None = None) -> Array:
        """See `latency.LatencyModel`."""
        if self.figures.energy_mj:
            return self._of(self.figures.energy_mj, genomes, exits)
        return modelled_energy_mj(self.latency_ms(genomes, exits), self.figures.power_mw)

    def latency_and_energy(
        self, genomes: Genomes, exits: Exits | None = None
    ) -> tuple[Array, Array]:
        """See `latency.LatencyModel`."""
        return self.latency_ms(genomes, exits), self.energy_mj(genomes, exits)

    def provenance(
        self, genomes: Genomes | None = None, exits: Exits | None = None
    ) -> Mapping[str, str]:
        """See `latency.LatencyModel`."""
        return {"latency_ms": self.figures.latency_word, "energy_mj": self.figures.energy_word}

    def blocks(self) -> Blocks:
        """See `latency.LatencyModel`."""
        raise self._too_few()

    def _too_few(self) -> DeviceError:
        return DeviceError(
            f"{len(self.figures.latency_ms)} listed networks do not say what a layer or an "
            f"operator takes; expected at least {MIN_ROWS}, all above 0 ms, or a block table. "
            "Measure the ten most telling ones: biglittle profile --networks anchors:10."
        )

    def operators(self) -> OperatorSum:
        """See `latency.LatencyModel`."""
        if not enough(self.figures.latency_ms):
            raise self._too_few()
        genomes, exits, n = self.genomes, self.exits, len(self.genomes)
        if n > MOST_ROWS:
            some = np.sort(np.random.default_rng(0).permutation(n)[:MOST_ROWS])
            genomes, exits = genomes[some], exits[some]
        words = f"{len(genomes)} {self.figures.latency_word} {self.space.name} networks"
        return fitted_operators(
            self.space,
            self.n_classes,
            genomes,
            self.latency_ms(genomes, exits),
            words,
            self.power_mw,
            exits=exits,
        )

    @property
    def power_mw(self) -> float | None:
        """Power by which energy is modelled: what is stated, else the listed networks' median."""
        if self.figures.power_mw is not None or not self.figures.energy_mj:
            return self.figures.power_mw
        ratio = self.column(self.figures.energy_mj) / self.column(self.figures.latency_ms)
        return 1000.0 * float(np.nanmedian(ratio))


def _keys(genomes: Genomes, exits: Exits | None) -> NDArray[np.bytes_]:
    cuts = np.zeros(len(genomes), np.uint8) if exits is None else exits
    rows = np.column_stack([genomes, cuts]).astype(np.uint8)
    rows += np.uint8(1)  # bytes may not end in zeros
    return rows.view(f"S{rows.shape[1]}").ravel()


def enough(latency_ms: Mapping[str, float]) -> bool:
    """Whether other networks can be predicted from the latencies of these."""
    return len(latency_ms) >= MIN_ROWS and min(latency_ms.values()) > 0


def filled(listed: Array, predicted: Array) -> Array:
    """What is listed where there is a figure, else what is predicted, shape (n,)."""
    return np.where(np.isnan(listed), predicted, listed)
