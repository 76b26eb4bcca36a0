"""Architectures as the models of single networks see them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..bench import SearchSpace
from ..bench.spaces import Exits, Genomes
from .exit_features import EXIT_COLUMNS, exit_features
from .features import architecture_features, feature_names, layer_features

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Networks:
    """Architectures as members see them.

    Attributes:
        space: search space of the networks.
        choices: names of the space's choices that may occur.
        n_classes: number of classes of the classifier.
        genomes: one genome a row, shape (n, n_layers).
        columns: further figures of each network, such as zero-cost proxies or latencies on other
            devices, shape (n, k).
        column_names: names of the k further columns.
        exits: numbers of the exits at which they are cut, 0 for whole ones, shape (n,); None: they
            are described as whole ones, without columns for exits.
    """

    space: SearchSpace
    choices: tuple[str, ...]
    n_classes: int
    genomes: Genomes
    columns: NDArray[np.float32] | None = None
    column_names: tuple[str, ...] = ()
    exits: Exits | None = None

    def __len__(self) -> int:
        return len(self.genomes)

    @cached_property
    def features(self) -> NDArray[np.float32]:
        """Features of each network, the further columns last, shape (n, k) float32."""
        facts = self.space, self.genomes, self.n_classes, self.choices, self.exits
        own = architecture_features(*facts)
        if self.exits is not None:
            cut = exit_features(self.space, self.genomes, self.exits, self.n_classes)
            own = np.concatenate([own, cut], axis=1)
        if self.columns is None:
            return own
        return np.concatenate([own, np.asarray(self.columns, np.float32)], axis=1)

    @cached_property
    def layers(self) -> NDArray[np.float32]:
        """What each layer computes in numbers, shape (n, 3 n_layers) float32."""
        return layer_features(self.space, self.genomes, self.exits)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the columns of ``features``."""
        cut = EXIT_COLUMNS if self.exits is not None else ()
        return (*feature_names(self.space, self.choices), *cut, *self.column_names)

    @property
    def log_macs(self) -> Array:
        """Natural logarithm of MACs, shape (n,)."""
        macs = self.space.macs(self.genomes, self.n_classes, self.exits)
        return np.log(macs.astype(np.float64))

    def take(self, rows: NDArray[np.intp]) -> Networks:
        """Only the networks at ``rows``."""
        columns = None if self.columns is None else self.columns[rows]
        exits = None if self.exits is None else self.exits[rows]
        facts = self.space, self.choices, self.n_classes, self.genomes[rows]
        return Networks(*facts, columns, self.column_names, exits)

    def of(self, genomes: Genomes) -> Networks:
        """Other networks of the same space, without further columns."""
        return Networks(self.space, self.choices, self.n_classes, genomes)
