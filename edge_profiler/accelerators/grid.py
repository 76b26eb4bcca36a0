"""Costs of networks on many accelerators at once: a table of blocks for each, gathered and summed.

The figures are those of the profiles that `accelerator_profile` writes for single accelerators, by
the analytic model: every layer from and to the memory outside, one after the other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ...bench.errors import AcceleratorError
from ...bench.operators import Operator
from ...bench.spaces import Exits, Genomes, SearchSpace
from ..block_graphs import EXIT, HEAD, STEM, Block, distinct_blocks
from .analytic import grid_costs
from .description import Accelerator
from .mapping import layers_of
from .profile import CLOCK_MHZ, moved_values
from .space import OF_ARRAY, AcceleratorSpace

Array = NDArray[np.float64]
Places = NDArray[np.intp]


@dataclass(frozen=True)
class GridCosts:
    """Costs of n networks, each on one accelerator, arrays of shape (n,); NaN: it does not fit.

    Attributes:
        latency_ms: latency of one input, modelled.
        energy_mj: energy of one input, modelled.
        trunk_ms: latency of stem and layers before the exit; of whole networks of all layers.
    """

    latency_ms: Array
    energy_mj: Array
    trunk_ms: Array


@dataclass(frozen=True)
class LayerCosts:
    """What layers cost on c accelerators that share one array, by the analytic model.

    Attributes:
        column: place of each layer in the arrays.
        cycles: cycles of each layer, shape (c, n_layers); NaN where it does not fit.
        energy_pj: energy of each layer, of the same shape.
        width: bits a cycle to the memory outside, shape (c,).
        moved_pj: energy of moving a bit there or from there, shape (c,).
    """

    column: Mapping[Operator, int]
    cycles: Array
    energy_pj: Array
    width: Array
    moved_pj: Array

    @classmethod
    def of(cls, accelerators: Sequence[Accelerator], operators: Sequence[Operator]) -> LayerCosts:
        """The costs of all layers among some operators, each once.

        Args:
            accelerators: what they run on; of one array and one number of bits.
            operators: operators of networks, layers among them.
        """
        layers = list(dict.fromkeys(layers_of(operators)))
        cycles, energy_pj = grid_costs(accelerators, layers)
        outside = [a.levels["I"][-1] for a in accelerators]
        return cls(
            column={op: i for i, op in enumerate(layers)},
            cycles=cycles,
            energy_pj=energy_pj,
            width=np.array([float(level.width) for level in outside]),
            moved_pj=np.array([level.read_pj for level in outside]),
        )

    def priced(self, operators: Sequence[Operator], bits: int, clock_mhz: float) -> Array:
        """Latency in ms and energy in mJ of operators one after the other, shape (c, 2).

        Args:
            operators: layers that have costs here, and what stands between them.
            bits: bits of a value that is moved between layers.
            clock_mhz: clock by which cycles are milliseconds.
        """
        at = [self.column[op] for op in layers_of(operators)]
        moved = bits * sum(moved_values(op) for op in operators)
        return np.stack(
            [
                (self.cycles[:, at].sum(axis=1) + moved / self.width) / clock_mhz / 1000,
                (self.energy_pj[:, at].sum(axis=1) + moved * self.moved_pj) * 1e-9,
            ],
            axis=1,
        )


def by_array(accelerators: AcceleratorSpace, places: Places) -> Iterator[Places]:
    """Some accelerators in groups that share one array, each accelerator once."""
    n_alike = int(np.prod(accelerators.sizes[OF_ARRAY:]))
    every = np.unique(places)
    for array in np.unique(every // n_alike).tolist():
        yield every[every // n_alike == array]


@dataclass
class CostGrid:
    """What the blocks of a search space take on every accelerator of a space of them.

    Tables are made when accelerators are first asked for, those with one array together.

    Attributes:
        accelerators: accelerators that networks can be put on.
        space: search space of the networks, whose layers follow one another.
        n_classes: number of classes of their classifiers.
        clock_mhz: clock by which cycles are milliseconds.

    Raises:
        ProfileError: the networks of the space are not a sum over layers.
    """

    accelerators: AcceleratorSpace
    space: SearchSpace
    n_classes: int
    clock_mhz: float = CLOCK_MHZ
    _blocks: tuple[Block, ...] = field(init=False)
    _ends: dict[str, int] = field(init=False)
    _layers: Array = field(init=False)
    _of_ends: Array = field(init=False)
    _filled: NDArray[np.bool_] = field(init=False)

    def __post_init__(self) -> None:
        space, n = self.space, len(self.accelerators)
        self._blocks = distinct_blocks(space, self.n_classes)
        heads = [f"{EXIT}.{cut.name}" for cut in space.exits]
        self._ends = {name: i for i, name in enumerate((STEM, HEAD, *heads))}
        # Latency and energy of each choice at each layer; a choice that computes nothing has 0.
        self._layers = np.zeros((n, space.n_layers, len(space.choices), 2))
        self._of_ends = np.zeros((n, len(self._ends), 2))
        self._filled = np.zeros(n, np.bool_)

    def blocks(self, places: Places) -> tuple[Array, Array]:
        """Latency in ms and energy in mJ of blocks on some accelerators.

        Args:
            places: accelerators by their place in the space, shape (n,).

        Returns:
            Those of each choice at each layer, (n, n_layers, n_choices, 2), and those of stem,
            head and the heads of exits, (n, 2 + n_exits, 2).
        """
        self._fill(places)
        return self._layers[places], self._of_ends[places]

    def costs(self, places: Places, genomes: Genomes, exits: Exits | None = None) -> GridCosts:
        """Costs of n networks, each on an accelerator of its own.

        Args:
            places: accelerator of each network by its place in the space, shape (n,).
            genomes: choices of the networks, shape (n, n_layers).
            exits: numbers of the exits at which they are cut, shape (n,); None: they are whole.
        """
        self._fill(places)
        layers, rows = np.arange(self.space.n_layers), np.atleast_2d(genomes)
        picked = self._layers[places[:, None], layers, rows]
        cuts = np.zeros(len(rows), np.intp) if exits is None else exits.astype(np.intp)
        if cuts.any():
            run = layers <= self.space.exit_after[cuts][:, None]
            picked = np.where(run[:, :, None], picked, 0.0)
        trunk = picked.sum(axis=1) + self._of_ends[places, 0]
        whole = trunk + self._of_ends[places, 1 + cuts]
        return GridCosts(whole[:, 0], whole[:, 1], trunk[:, 0])

    def usable(self, places: Places) -> NDArray[np.bool_]:
        """Whether each accelerator runs any whole network: stem, head and a choice of each layer.

        Args:
            places: accelerators by their place in the space, shape (n,).
        """
        layers, ends = self.blocks(places)
        some = np.any(np.isfinite(layers[..., 0]), axis=2)
        whole = np.all(np.isfinite(ends[:, :2, 0]), axis=1)
        return np.asarray(np.all(some, axis=1) & whole)

    def _fill(self, places: Places) -> None:
        for alike in by_array(self.accelerators, places[~self._filled[places]]):
            self._fill_array(alike)

    def _fill_array(self, places: Places) -> None:
        """Prices all blocks on accelerators that have one array."""
        alike = [self.accelerators.accelerator(int(place)) for place in places]
        costs = LayerCosts.of(alike, [op for block in self._blocks for op in block.operators])
        for block in self._blocks:
            both = costs.priced(block.operators, alike[0].activation_bits, self.clock_mhz)
            for layer, choice in block.places:
                self._layers[places, layer, choice] = both
            if not block.places:
                self._of_ends[places, self._ends[block.name]] = both
        self._filled[places] = True


def checked_places(grid: CostGrid, places: Sequence[int] | Places) -> Places:
    """Those of some accelerators that run any network at all.

    Raises:
        AcceleratorError: none of them does.
    """
    every = np.asarray(places, np.intp)
    usable = every[grid.usable(every)]
    if not len(usable):
        raise AcceleratorError(
            f"no network of {grid.space.name} fits on any of the {len(every)} accelerators of "
            f"{grid.accelerators.name}; give them larger buffers, or smaller arrays."
        )
    return usable
