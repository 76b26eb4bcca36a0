"""What a device profile knows of single networks, in one of three ways.

A block table gives every network of the space as a sum (`BlockSum`). A list gives the networks in
it and no others (`Listed`). A list beside a model gives those in it as they stand there, and any
other network as predicted (`Predicted`); the model stands in the file, or is fitted to the list
where that holds enough networks. Which one a profile has is decided once, by `latency_model`, and
nobody else asks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from .errors import DeviceError
from .latency_energies import BlockEnergies
from .latency_exits import Ends, ExitTerms, GraphTerms, MeasuredExitTerms
from .latency_listed import Figures, Listed, enough, filled
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
from .provenance import chosen, weakest
from .spaces import Exits, Genomes, SearchSpace

#: A stated interval that reaches further than this factor, up or down, is warned of. Of random
#: networks of the FBNet space nine in ten lie within 0.73 to 1.31 of the median latency, on every
#: device that ships: an interval beyond a factor of two holds nearly the whole space, so that it
#: does not tell a fast network from a slow one.
WIDE_FACTOR = 2.0
N_SUMS = 200  # networks of a block table: as many as determine every class of operators


class LatencyModel(Protocol):
    """Figures of single networks on one device, for genomes of shape (n, n_layers).

    ``exits`` are the numbers of the exits at which they are cut, shape (n,); None: all are whole.
    """

    @property
    def complete(self) -> bool:
        """Whether a search of the space may ask it: of a table, whether every layer has a block."""
        ...

    @property
    def coverage(self) -> float | None:
        """Nominal share of networks inside the intervals; None where there are none."""
        ...

    @property
    def promise(self) -> str:
        """How good its predictions are, in a sentence; empty where it predicts nothing."""
        ...

    @property
    def warning(self) -> str:
        """What to beware of where its interval is too wide to choose by; empty elsewhere."""
        ...

    def latency_ms(self, genomes: Genomes, exits: Exits | None = None) -> Array:
        """Latency, shape (n,); NaN for those that are not covered."""
        ...

    def trunk_ms(self, genomes: Genomes, exits: Exits) -> Array:
        """Latency of what is run before each exit, shape (n,); NaN where there is no figure.

        A whole network has no exit, and what it says of one has no meaning.
        """
        ...

    def stem_ms(self) -> float:
        """Latency of the stem, and what a network takes whatever is in it; NaN: no figure."""
        ...

    def interval_ms(self, genomes: Genomes, exits: Exits | None = None) -> tuple[Array, Array]:
        """Lower and upper end of the stated interval, each (n,); NaN where none is stated."""
        ...

    def energy_mj(self, genomes: Genomes, exits: Exits | None = None) -> Array:
        """Energy, shape (n,); NaN where there is no figure."""
        ...

    def latency_and_energy(
        self, genomes: Genomes, exits: Exits | None = None
    ) -> tuple[Array, Array]:
        """Both at once, for searches, which ask often."""
        ...

    def provenance(
        self, genomes: Genomes | None = None, exits: Exits | None = None
    ) -> Mapping[str, str]:
        """How latency and energy came about; where networks differ, with the words of each.

        Args:
            genomes: choices of the networks; None: of any whole network of the space.
            exits: numbers of the exits at which they are cut, shape (n,); None: they are whole.
        """
        ...

    def blocks(self) -> Blocks:
        """The latency as a sum over layers.

        Raises:
            DeviceError: it is not such a sum.
        """
        ...

    def operators(self) -> OperatorSum:
        """A sum over operators, for networks of any kind; fitted if there is none.

        Raises:
            DeviceError: there is nothing to fit one to.
        """
        ...


@dataclass(frozen=True)
class BlockSum:
    """Every network of the space as a sum of measured blocks.

    Attributes:
        space: search space of the networks.
        n_classes: number of classes of their classifier.
        table: latencies of the blocks.
        power_mw: energy is modelled as latency times this; None: no energy.
        energy_word: how the energies came about.
        ends: what stem and heads take, where they were measured like blocks; None: predicted.
        energies: energies of the blocks; None: energy is that of a power, or there is none.
        word: how the latencies of the blocks came about.
    """

    space: SearchSpace
    n_classes: int
    table: Blocks
    power_mw: float | None
    energy_word: str
    ends: Ends | None = None
    energies: BlockEnergies | None = None
    word: str = "block-sum"

    coverage = None
    promise = ""

    @property
    def complete(self) -> bool:
        """See `LatencyModel`."""
        return bool(np.isfinite(self.table.blocks_ms).any(axis=1).all())

    @property
    def warning(self) -> str:
        """See `LatencyModel`; names the blocks that the runtime could not run."""
        lacking = self.table.lacking(self.space)
        if not lacking:
            return ""
        named = ", ".join(lacking[:5]) + (", ..." if len(lacking) > 5 else "")
        return (
            f"{len(lacking)} blocks could not be run on the device (layer.choice {named}), and "
            "networks with one of them have no figure."
        )

    @cached_property
    def _exits(self) -> ExitTerms | MeasuredExitTerms:
        if self.ends is not None:
            return MeasuredExitTerms(self.space, self.table, self.ends)
        return ExitTerms(self.space, self.n_classes, self.table, self.operators)

    def latency_ms(self, genomes: Genomes, exits: Exits | None = None) -> Array:
        """See `LatencyModel`."""
        if exits is None or not exits.any():
            return self.table.latency_ms(genomes)
        return self._exits.latency_ms(genomes, exits)

    def trunk_ms(self, genomes: Genomes, exits: Exits) -> Array:
        """See `LatencyModel`."""
        return self._exits.trunk_ms(genomes, exits)

    def stem_ms(self) -> float:
        """See `LatencyModel`."""
        return self._exits.stem_ms

    def interval_ms(self, genomes: Genomes, exits: Exits | None = None) -> tuple[Array, Array]:
        """See `LatencyModel`; nobody states one of a sum, but of an exit's head, which is none."""
        if exits is not None and exits.any():
            return self._exits.interval_ms(genomes, exits)
        none = np.full(len(np.atleast_2d(genomes)), np.nan)
        return none, none

    def energy_mj(self, genomes: Genomes, exits: Exits | None = None) -> Array:
        """See `LatencyModel`."""
        return self.latency_and_energy(genomes, exits)[1]

    def latency_and_energy(
        self, genomes: Genomes, exits: Exits | None = None
    ) -> tuple[Array, Array]:
        """See `LatencyModel`."""
        latency = self.latency_ms(genomes, exits)
        if self.energies is not None:
            return latency, self.energies.energy_mj(self.space, genomes, exits)
        return latency, modelled_energy_mj(latency, self.power_mw)

    def provenance(
        self, genomes: Genomes | None = None, exits: Exits | None = None
    ) -> Mapping[str, str]:
        """See `LatencyModel`; the head of an exit is predicted where it was not measured."""
        words = {"latency_ms": self.word, "energy_mj": self.energy_word}
        if exits is None or self.ends is not None:
            return words
        return chosen(exits > 0, {"latency_ms": "predicted"}, words)

    def blocks(self) -> Blocks:
        """See `LatencyModel`."""
        return self.table

    def operators(self) -> OperatorSum:
        """See `LatencyModel`."""
        rng = np.random.default_rng(0)
        genomes = self.space.sample(rng, N_SUMS)
        for layer, there in enumerate(np.isfinite(self.table.blocks_ms)):
            lacking = ~there[genomes[:, layer]]
            genomes[lacking, layer] = rng.choice(np.flatnonzero(there), int(lacking.sum()))
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
            f"Latencies{which} are predicted; of 100 networks about {100 * terms.coverage:.0f} are "
            f"expected to take {terms.low:.3g} to {terms.high:.3g} times that "
            f"({terms.coverage:.0%} interval: from {terms.low - 1:+.0%} to {terms.high - 1:+.0%})."
        )

    @property
    def warning(self) -> str:
        """See `LatencyModel`."""
        terms = self.terms
        if terms.coverage is None or (terms.low * WIDE_FACTOR >= 1 and terms.high <= WIDE_FACTOR):
            return ""
        return (
            f"predicted latencies may be off by more than a factor of {WIDE_FACTOR:.0f} "
            f"({terms.coverage:.0%} interval: from {terms.low - 1:+.0%} to {terms.high - 1:+.0%}). "
            "Which of two networks is the faster, and whether a limit is kept, is not certain: "
            "measure what is recommended before you rely on it."
        )

    @cached_property
    def _exits(self) -> ExitTerms | GraphTerms:
        listed = self.listed
        if self.terms.blocks is None:
            return GraphTerms(listed.space, listed.n_classes, self.operators)
        return ExitTerms(listed.space, listed.n_classes, self.blocks(), self.operators)

    def _predicted_ms(self, genomes: Genomes, exits: Exits | None) -> Array:
        if exits is None or not exits.any():
            return self.terms.latency_ms(genomes)
        return self._exits.latency_ms(genomes, exits)

    def latency_ms(self, genomes: Genomes, exits: Exits | None = None) -> Array:
        """See `LatencyModel`."""
        return self.latency_and_energy(genomes, exits)[0]

    def trunk_ms(self, genomes: Genomes, exits: Exits) -> Array:
        """See `LatencyModel`."""
        return self._exits.trunk_ms(genomes, exits)

    def stem_ms(self) -> float:
        """See `LatencyModel`."""
        return self._exits.stem_ms

    def interval_ms(self, genomes: Genomes, exits: Exits | None = None) -> tuple[Array, Array]:
        """See `LatencyModel`; a measured network has none but its own."""
        unlisted = self.listed.place(genomes, exits) < 0
        predicted = np.where(unlisted, self._predicted_ms(genomes, exits), np.nan)
        low, high = self.listed.interval_ms(genomes, exits)
        factors: tuple[Any, ...] = self.terms.low, self.terms.high
        if exits is not None and exits.any():
            model = self._exits.model
            own = (model.low, model.high) if model.coverage > 0 else (np.nan, np.nan)
            factors = tuple(np.where(exits > 0, o, f) for o, f in zip(own, factors, strict=True))
        return filled(low, predicted * factors[0]), filled(high, predicted * factors[1])

    def energy_mj(self, genomes: Genomes, exits: Exits | None = None) -> Array:
        """See `LatencyModel`."""
        return self.latency_and_energy(genomes, exits)[1]

    def latency_and_energy(
        self, genomes: Genomes, exits: Exits | None = None
    ) -> tuple[Array, Array]:
        """See `LatencyModel`."""
        predicted = self._predicted_ms(genomes, exits)
        figures = predicted, modelled_energy_mj(predicted, self.terms.power_mw)
        there = np.flatnonzero(self.listed.place(genomes, exits) >= 0)
        if len(there):  # few, and in most searches none
            some = np.atleast_2d(genomes)[there]
            cuts = None if exits is None else exits[there]
            of_list = self.listed.latency_and_energy(some, cuts)
            for figure, listed in zip(figures, of_list, strict=True):
                figure[there] = filled(listed, figure[there])
        return figures

    def provenance(
        self, genomes: Genomes | None = None, exits: Exits | None = None
    ) -> Mapping[str, str]:
        """See `LatencyModel`."""
        words = self.listed.provenance()
        others = weakest([words, {"latency_ms": "predicted", "energy_mj": "modelled"}])
        if genomes is None:
            return others
        there = self.listed.place(genomes, exits) >= 0
        words = chosen(there, {"latency_ms": words["latency_ms"]}, others)
        if self.listed.figures.energy_mj:
            there &= ~np.isnan(self.listed.energy_mj(genomes, exits))
        energy = {"energy_mj": self.listed.provenance()["energy_mj"]}
        return chosen(there, energy, words)

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


def latency_model(
    name: str,
    space: SearchSpace,
    n_classes: int,
    figures: Figures,
    table: Blocks | None,
    model: Any,
    ends: Ends | None = None,
    energies: BlockEnergies | None = None,
    word: str = "block-sum",
) -> LatencyModel:
    """The latency model of a profile.

    Args:
        name: name of the device, for messages.
        space: search space of its networks.
        n_classes: number of classes of their classifier.
        figures: figures of networks that the file lists.
        table: its block table, or None.
        model: object that stands under ``model`` in the file, or None.
        ends: what stem and heads take, where they were measured like the blocks of the table.
        energies: energies of the blocks of the table, or None.
        word: how the latencies of the table came about.

    Raises:
        DeviceError: a model in the file with impossible figures, or of another space.
    """
    if table is not None:
        check_shape(f"the block table of {name!r}", table, space)
        if energies is not None:
            shaped = replace(table, blocks_ms=energies.blocks_mj)
            check_shape(f"the table of energies of {name!r}", shaped, space)
        power, of_energy = figures.power_mw, figures.energy_word
        return BlockSum(space, n_classes, table, power, of_energy, ends, energies, word)
    listed = Listed(space, n_classes, figures)
    if model is not None:
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
