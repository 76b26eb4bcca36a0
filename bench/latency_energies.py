"""Energy of networks as a sum over blocks, where every block has an energy of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from .operator_features import Array
from .spaces import Exits, Genomes, SearchSpace


@dataclass(frozen=True)
class BlockEnergies:
    """A constant, and an energy for every choice at every layer.

    Attributes:
        constant_mj: energy of stem, head and classifier.
        blocks_mj: energy of each choice at each layer, (n_layers, n_choices); NaN: no figure.
        start_mj: part of the constant before the first layer; None: nobody said it.
        heads_mj: energy of the heads of exits, classifiers included, by name; None: no figure.
    """

    constant_mj: float
    blocks_mj: Array
    start_mj: float | None
    heads_mj: Mapping[str, float | None]

    def energy_mj(self, space: SearchSpace, genomes: Genomes, exits: Exits | None = None) -> Array:
        """The sums, shape (n,); NaN of networks without a figure.

        Args:
            space: search space of the networks.
            genomes: choices of the networks, shape (n, n_layers).
            exits: numbers of the exits at which they are cut, shape (n,); None: they are whole.
        """
        layers, rows = np.arange(space.n_layers), np.atleast_2d(genomes)
        picked = self.blocks_mj[layers, rows]
        whole = np.asarray(picked.sum(axis=1) + self.constant_mj)
        if exits is None or not exits.any():
            return whole
        start = np.nan if self.start_mj is None else self.start_mj
        cuts = (self.heads_mj.get(cut.name) for cut in space.exits)
        heads = np.array([np.nan, *(np.nan if mj is None else mj for mj in cuts)])
        run = layers <= space.exit_after[exits][:, None]
        cut_mj = np.where(run, picked, 0.0).sum(axis=1) + start + heads[exits]
        return np.where(exits > 0, cut_mj, whole)
