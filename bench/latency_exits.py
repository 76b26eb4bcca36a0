"""Latency of networks that are cut at an exit, where nobody measured one.

Stem and layers before an exit take what they take in the whole network. What the exit's head takes
is predicted by a model of operators that was fitted to the device's own figures. A block table has
one constant for stem and head together; it is split as the same model predicts the two.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .latency_terms import Blocks, OperatorSum
from .operator_features import Array, chain_features
from .spaces import Exits, Genomes, SearchSpace


@dataclass(frozen=True)
class ExitTerms:
    """What a sum over layers lacks for networks that are cut.

    Attributes:
        space: search space of the networks; its layers follow one another.
        n_classes: number of classes of the classifier.
        blocks: constant and latencies of the layers of whole networks.
        operators: gives a model of operators that was fitted to the same device.
    """

    space: SearchSpace
    n_classes: int
    blocks: Blocks
    operators: Callable[[], OperatorSum]

    @cached_property
    def parts_ms(self) -> tuple[float, Array]:
        """Latency of the stem, and of head and classifier by number of the exit, (n_exits + 1,).

        Stem and head of a whole network add up to the constant of the blocks; the heads of exits
        are as the model of operators predicts them.
        """
        space, coefficients = self.space, self.operators().model.coefficients
        stem = float(chain_features(space.stem) @ coefficients)
        ends = [(*space.head, space.classifier(self.n_classes))]
        ends += [(*cut.operators, cut.classifier(self.n_classes)) for cut in space.exits]
        heads = np.array([chain_features(end) for end in ends]) @ coefficients
        share = stem / (stem + heads[0]) if stem + heads[0] > 0 else 0.5
        heads[0] = self.blocks.constant_ms * (1.0 - share)
        return self.blocks.constant_ms * share, heads

    def trunk_ms(self, genomes: Genomes, exits: Exits) -> Array:
        """Latency of stem and layers before each exit, shape (n,); of whole networks all layers."""
        rows = np.atleast_2d(genomes)
        layers = np.arange(self.space.n_layers)
        picked = self.blocks.blocks_ms[layers, rows]
        run = layers <= self.space.exit_after[exits][:, None]
        return np.asarray(np.where(run, picked, 0.0).sum(axis=1) + self.parts_ms[0])

    def latency_ms(self, genomes: Genomes, exits: Exits) -> Array:
        """Latency of networks, shape (n,), whole ones as the blocks say."""
        cut = self.trunk_ms(genomes, exits) + self.parts_ms[1][exits]
        return np.where(exits > 0, cut, self.blocks.latency_ms(genomes))
