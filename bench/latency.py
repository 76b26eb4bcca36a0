"""What a device profile knows of single networks, in one of three ways.

A block table gives every network of the space as a sum (`BlockSum`). A list gives the networks in
it and no others (`Listed`). A list beside a model gives those in it as they stand there, and any
other network as predicted (`Predicted`); the model stands in the file, or is fitted to the list
where that holds enough networks. Which one a profile has is decided once, by `latency_model`, and
nobody else asks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from .errors import DeviceError
from .latency_terms import (
    Blocks,
    OperatorSum,
    Terms,
    check_shape,
    fitted_operators,
    held_operators,
    held_terms,
    modelled_energy_mj,
    terms_of,
)
from .operator_features import Array
from .operator_model import MIN_ROWS
from .points import PROVENANCES
from .spaces import SearchSpace
from .spaces._space import Genomes

KIND = "blocks"  # of a model in a file
N_SUMS = 200  # networks of a block table: as many as determine every class of operators
MOST_ROWS = 1000  # to which a model is fitted; a second's work


class LatencyModel(Protocol):
    """Figures of single networks on one device, for genomes of shape (n, n_layers)."""

    @property
    def complete(self) -> bool:
        """Whether every network of the space has a latency."""
        ...

    @property
    def coverage(self) -> float | None:
        """Nominal share of networks inside the intervals; None where there are none."""
        ...

    @property
    def promise(self) -> str:
        """How good its predictions are, in a sentence; empty where it predicts nothing."""
        ...

    def latency_ms(self, genomes: Genomes) -> Array:
        """Latency, shape (n,); NaN for those that are not covered."""
        ...

    def interval_ms(self, genomes: Genomes) -> tuple[Array, Array]:
        """Lower and upper end of the stated interval, each (n,); NaN where none is stated."""
        ...

    def energy_mj(self, genomes: Genomes) -> Array:
        """Energy, shape (n,); NaN where there is no figure."""
        ...

    def latency_and_energy(self, genomes: Genomes) -> tuple[Array, Array]:
        """Both at once, for searches, which ask often."""
        ...

    def provenance(self, genomes: Genomes | None = None) -> dict[str, str]:
        """How latency and energy came about: the least founded word among these networks.

        Args:
            genomes: of the networks; None: of any network of the space.
        """
        ...

    def blocks(self) -> Blocks:
        """The latency as a sum over layers.

        Raises:
            DeviceError: it is not one.
        """
        ...

    def operators(self) -> OperatorSum:
        """A sum over operators, for networks of any kind; fitted if there is none.

        Raises:
            DeviceError: there is nothing to fit one to.
        """
        ...


def least_founded(words: Iterable[str], default: str) -> str:
    """The last of ``PROVENANCES`` among some; ``default`` where there are none."""
    return max(words, key=PROVENANCES.index, default=default)


@dataclass(frozen=True)
class BlockSum:
    """Every network of the space as a sum of measured blocks.

    Attributes:
        space: of the networks.
        n_classes: of their classifier.
        table: the blocks.
        power_mw: energy is modelled as latency times this; None: no energy.
        energy_word: provenance of energies.
    """

    space: SearchSpace
    n_classes: int
    table: Blocks
    power_mw: float | None
    energy_word: str

    complete = True
    coverage = None
    promise = ""

    def latency_ms(self, genomes: Genomes) -> Array:
        """See `LatencyModel`."""
        return self.table.latency_ms(genomes)

    def interval_ms(self, genomes: Genomes) -> tuple[Array, Array]:
        """See `LatencyModel`; nobody states one of a sum."""
        none = np.full(len(np.atleast_2d(genomes)), np.nan)
        return none, none

    def energy_mj(self, genomes: Genomes) -> Array:
        """See `LatencyModel`."""
        return modelled_energy_mj(self.latency_ms(genomes), self.power_mw)

    def latency_and_energy(self, genomes: Genomes) -> tuple[Array, Array]:
        """See `LatencyModel`."""
        latency = self.latency_ms(genomes)
        return latency, modelled_energy_mj(latency, self.power_mw)

    def provenance(self, genomes: Genomes | None = None) -> dict[str, str]:
        """See `LatencyModel`."""
        return {"latency_ms": "block-sum", "energy_mj": self.energy_word}

    def blocks(self) -> Blocks:
        """See `LatencyModel`."""
        return self.table

    def operators(self) -> OperatorSum:
        """See `LatencyModel`."""
        genomes = self.space.sample(np.random.default_rng(0), N_SUMS)
        note = (
            "the profile's own figures are sums of blocks: the interval says how well operators "
            "give those back, not what a whole network takes."
        )
        words = f"{N_SUMS} block sums of {self.space.name} networks"
        latency = self.latency_ms(genomes)
        return fitted_operators(
            self.space, self.n_classes, genomes, latency, words, self.power_mw, (note,)
        )


@dataclass(frozen=True)
class Figures:
    """What a file lists, by architecture.

    Attributes:
        latency_ms: of every network that has one.
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
        space: of the networks.
        n_classes: of their classifier.
        figures: what the file lists.
    """

    space: SearchSpace
    n_classes: int
    figures: Figures

    complete = False
    promise = ""

    @property
    def coverage(self) -> float | None:
        """See `LatencyModel`."""
        return self.figures.coverage

    @cached_property
    def genomes(self) -> Genomes:
        """The listed networks in the order of their ids, shape (n_listed, n_layers)."""
        return self.space.parse(sorted(self.figures.latency_ms))

    @cached_property
    def _order(self) -> tuple[NDArray[np.bytes_], NDArray[np.intp]]:
        keys = _keys(self.genomes)
        order = np.argsort(keys)
        return keys[order], order

    def place(self, genomes: Genomes) -> NDArray[np.intp]:
        """Where each network stands among the listed ones, shape (n,); -1 where it does not."""
        keys, order = self._order
        wanted = _keys(np.atleast_2d(genomes))
        at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
        return np.where(keys[at] == wanted, order[at], -1)

    def column(self, figures: Mapping[str, float]) -> Array:
        """A figure of the listed networks, shape (n_listed,); NaN where there is none."""
        ids = sorted(self.figures.latency_ms)
        return np.array([figures.get(a, np.nan) for a in ids], np.float64)

    def _of(self, figures: Mapping[str, float], genomes: Genomes) -> Array:
        place = self.place(genomes)
        return np.where(place < 0, np.nan, self.column(figures)[place])

    def latency_ms(self, genomes: Genomes) -> Array:
        """See `LatencyModel`."""
        return self._of(self.figures.latency_ms, genomes)

    def interval_ms(self, genomes: Genomes) -> tuple[Array, Array]:
        """See `LatencyModel`."""
        ends = (self.figures.low_ms, self.figures.high_ms)
        low, high = (self._of(end, genomes) for end in ends)
        return low, high

    def energy_mj(self, genomes: Genomes) -> Array:
        """See `LatencyModel`."""
        if self.figures.energy_mj:
            return self._of(self.figures.energy_mj, genomes)
        return modelled_energy_mj(self.latency_ms(genomes), self.figures.power_mw)

    def latency_and_energy(self, genomes: Genomes) -> tuple[Array, Array]:
        """See `LatencyModel`."""
        return self.latency_ms(genomes), self.energy_mj(genomes)

    def provenance(self, genomes: Genomes | None = None) -> dict[str, str]:
        """See `LatencyModel`."""
        return {"latency_ms": self.figures.latency_word, "energy_mj": self.figures.energy_word}

    def blocks(self) -> Blocks:
        """See `LatencyModel`."""
        raise self._too_few()

    def _too_few(self) -> DeviceError:
        return DeviceError(
            f"{len(self.figures.latency_ms)} listed networks do not say what a layer or an "
            f"operator takes; expected at least {MIN_ROWS}, all above 0 ms, or a block table. "
            "Measure the ten most telling ones: biglittle profile --networks anchors:10."
        )

    def operators(self) -> OperatorSum:
        """See `LatencyModel`."""
        if not enough(self.figures.latency_ms):
            raise self._too_few()
        genomes, n = self.genomes, len(self.genomes)
        if n > MOST_ROWS:
            genomes = genomes[np.sort(np.random.default_rng(0).permutation(n)[:MOST_ROWS])]
        words = f"{len(genomes)} {self.figures.latency_word} {self.space.name} networks"
        latency = self.latency_ms(genomes)
        return fitted_operators(self.space, self.n_classes, genomes, latency, words, self.power_mw)

    @property
    def power_mw(self) -> float | None:
        """Power by which energy is modelled: what is stated, else the listed networks' median."""
        if self.figures.power_mw is not None or not self.figures.energy_mj:
            return self.figures.power_mw
        ratio = self.column(self.figures.energy_mj) / self.column(self.figures.latency_ms)
        return 1000.0 * float(np.nanmedian(ratio))


def _keys(genomes: Genomes) -> NDArray[np.bytes_]:
    rows = np.ascontiguousarray(genomes, np.uint8) + np.uint8(1)  # bytes may not end in zeros
    return rows.view(f"S{rows.shape[1]}").ravel()


@dataclass(frozen=True)
class Predicted:
    """The listed networks as they are listed, and any other one as a model predicts it.

    Attributes:
        listed: the networks of the file.
        make: makes the model when it is first needed, which may take a second.
        held: the file's own operator-level model; None: one is fitted to the list.
    """

    listed: Listed
    make: Callable[[], Terms]
    held: Callable[[], OperatorSum] | None = field(default=None)

    complete = True

    @cached_property
    def terms(self) -> Terms:
        """What predicts the networks that are not listed."""
        return self.make()

    @property
    def coverage(self) -> float | None:
        """See `LatencyModel`."""
        return self.terms.coverage

    @property
    def promise(self) -> str:
        """See `LatencyModel`."""
        figures, terms = self.listed.figures, self.terms
        whole = figures.latency_word != "measured"
        which = "" if whole else f" of all but the {len(figures.latency_ms)} measured networks"
        if terms.coverage is None:
            return f"Latencies{which} are predicted, without an interval."
        return (
            f"Latencies{which} are predicted; {terms.coverage:.0%} interval: from "
            f"{terms.low - 1:+.0%} to {terms.high - 1:+.0%}."
        )

    def latency_ms(self, genomes: Genomes) -> Array:
        """See `LatencyModel`."""
        return self.latency_and_energy(genomes)[0]

    def interval_ms(self, genomes: Genomes) -> tuple[Array, Array]:
        """See `LatencyModel`; a measured network has none but its own."""
        predicted = np.where(self.listed.place(genomes) < 0, self.terms.latency_ms(genomes), np.nan)
        low, high = self.listed.interval_ms(genomes)
        return _filled(low, predicted * self.terms.low), _filled(high, predicted * self.terms.high)

    def energy_mj(self, genomes: Genomes) -> Array:
        """See `LatencyModel`."""
        return self.latency_and_energy(genomes)[1]

    def latency_and_energy(self, genomes: Genomes) -> tuple[Array, Array]:
        """See `LatencyModel`."""
        predicted = self.terms.latency_ms(genomes)
        figures = predicted, modelled_energy_mj(predicted, self.terms.power_mw)
        there = np.flatnonzero(self.listed.place(genomes) >= 0)
        if len(there):  # few, and in most searches none
            some = np.atleast_2d(genomes)[there]
            for figure, listed in zip(figures, self.listed.latency_and_energy(some), strict=True):
                figure[there] = _filled(listed, figure[there])
        return figures

    def provenance(self, genomes: Genomes | None = None) -> dict[str, str]:
        """See `LatencyModel`."""
        words = self.listed.provenance()
        if genomes is not None and (self.listed.place(genomes) >= 0).all():
            return words
        others = {"latency_ms": "predicted", "energy_mj": "modelled"}
        return {name: least_founded((words[name], others[name]), "predicted") for name in words}

    def blocks(self) -> Blocks:
        """See `LatencyModel`."""
        if self.terms.blocks is None:
            raise DeviceError(
                f"networks of space {self.listed.space.name!r} are not a sum over layers."
            )
        return self.terms.blocks

    def operators(self) -> OperatorSum:
        """See `LatencyModel`."""
        return self.listed.operators() if self.held is None else self.held()


def enough(latency_ms: Mapping[str, float]) -> bool:
    """Whether other networks can be predicted from the latencies of these."""
    return len(latency_ms) >= MIN_ROWS and min(latency_ms.values()) > 0


def _filled(listed: Array, predicted: Array) -> Array:
    return np.where(np.isnan(listed), predicted, listed)


def latency_model(
    name: str,
    space: SearchSpace,
    n_classes: int,
    figures: Figures,
    table: Blocks | None,
    model: Any,
) -> LatencyModel:
    """The latency model of a profile.

    Args:
        name: of the device, for messages.
        space: of its networks.
        n_classes: of their classifier.
        figures: what the file lists.
        table: its block table, or None.
        model: what stands under ``model`` in the file, or None.

    Raises:
        DeviceError: a model in the file with impossible figures, or of another space.
    """
    if table is not None:
        check_shape(f"the block table of {name!r}", table, space)
        return BlockSum(space, n_classes, table, figures.power_mw, figures.energy_word)
    listed = Listed(space, n_classes, figures)
    if isinstance(model, dict) and model.get("kind") == KIND:
        terms = held_terms(name, model, space, figures.coverage)
        held = model.get("operators")
        return Predicted(
            listed,
            lambda: terms,
            None if held is None else lambda: held_operators(name, model, figures.coverage),
        )
    if not enough(figures.latency_ms):
        return listed
    return Predicted(listed, lambda: terms_of(listed.operators(), space, n_classes))
