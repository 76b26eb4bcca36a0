"""What the stages of networks cost on accelerators of 8 bits, whatever bits the stages have.

The silicon is that of an accelerator of 8 bits, its area with it. Where weights or activations have
4 bits its multipliers are split in two, or in four where both have: the array is then twice as long
on that side, and what the registers of a unit hold is shared out among its parts. A multiplier has
no form of 6 bits, so that such values are multiplied as if they had 8; every value is held and
moved in as many bits as it has.

A value of few bits may also be held as one of more. Of all ways to run a layer that are neither
slower than it is with 8 bits everywhere nor take more energy, the one with the least product of
cycles and energy stands. So no layer is ever more expensive than at 8 bits, and that product never
rises where bits are taken away. What a stage writes counts in the bits that it reads itself. Stem
and classifier have 8 bits.

Source: Sharma et al. 2018, "Bit Fusion: Bit-Level Dynamically Composable Architecture for
Accelerating Deep Neural Networks" (section III: multipliers split by powers of two). We differ: its
parts add up to one sum, and these have sums of their own, as in ``parametric.py``. Judd et al.
2016, "Proteus: Exploiting Numerical Precision Variability in Deep Neural Networks" (values packed
in memory by the bits that they have, and widened before they are multiplied).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import product

import numpy as np
from numpy.typing import NDArray

from ...bench.bits import BITS
from ...bench.errors import AcceleratorError, ConstraintError
from ...bench.mixed_network import FIXED_BITS, staged_operators
from ...bench.operators import Operator
from ...bench.spaces import SearchSpace
from .description import Accelerator
from .grid import LayerCosts, by_array
from .parametric import mac_pj
from .profile import CLOCK_MHZ
from .space import AcceleratorSpace

Array = NDArray[np.float64]
Places = NDArray[np.intp]
#: Bits of weights and of activations, as they are counted in tables.
EVERY = tuple(product(range(len(BITS)), repeat=2))


def in_bits(accelerator: Accelerator, weight_bits: int, activation_bits: int) -> Accelerator:
    """An accelerator of 8 bits as it runs layers of fewer: the same silicon, its multipliers split.

    Args:
        accelerator: a parametric one of 8 bits.
        weight_bits: bits of the weights, 8 at the most.
        activation_bits: bits of the activations, 8 at the most.
    """
    # Activations come along the first side, weights along the second.
    parts = [2 if 2 * bits <= FIXED_BITS else 1 for bits in (activation_bits, weight_bits)]
    sides = accelerator.sides[0] * parts[0], accelerator.sides[1] * parts[1]
    first, second = (
        tuple((loop, units) for loop, _ in side)
        for side, units in zip(accelerator.spread, sides, strict=True)
    )
    levels = {
        operand: tuple(
            level if level.serves else replace(level, bits=level.bits // (parts[0] * parts[1]))
            for level in chain
        )
        for operand, chain in accelerator.levels.items()
    }
    return replace(
        accelerator,
        sides=sides,
        spread=(first, second),
        levels=levels,
        weight_bits=weight_bits,
        activation_bits=activation_bits,
        mac_pj=mac_pj(FIXED_BITS // parts[0], FIXED_BITS // parts[1]),
    )


def layer_costs_by_bits(
    accelerators: Sequence[Accelerator], operators: Sequence[Operator]
) -> dict[tuple[int, int], LayerCosts]:
    """Costs of layers by the places of their bits of weights and of activations in ``BITS``.

    Args:
        accelerators: what they run on; parametric ones of 8 bits that share one array.
        operators: operators of networks, layers among them.
    """
    own = {
        (w, a): LayerCosts.of([in_bits(one, BITS[w], BITS[a]) for one in accelerators], operators)
        for w, a in EVERY
    }
    most = len(BITS) - 1
    limit = [_infinite(array) for array in (own[most, most].cycles, own[most, most].energy_pj)]
    chosen = {(most, most): (limit[0], limit[1])}
    for w, a in EVERY[-2::-1]:
        more = [chosen[at] for at in ((w + 1, a), (w, a + 1)) if at in chosen]
        cycles, energy_pj = more[0]
        mine = _infinite(own[w, a].cycles), _infinite(own[w, a].energy_pj)
        within = (mine[0] <= limit[0]) & (mine[1] <= limit[1])
        ways = [(one, np.ones_like(within)) for one in more[1:]]
        for other, usable in (*ways, (mine, within)):
            better = usable & (other[0] * other[1] < cycles * energy_pj)
            cycles = np.where(better, other[0], cycles)
            energy_pj = np.where(better, other[1], energy_pj)
        chosen[w, a] = cycles, energy_pj
    return {
        at: replace(own[at], cycles=_missing(cycles), energy_pj=_missing(energy_pj))
        for at, (cycles, energy_pj) in chosen.items()
    }


def _infinite(costs: Array) -> Array:
    """Costs in which what does not fit costs more than anything."""
    return np.where(np.isnan(costs), np.inf, costs)


def _missing(costs: Array) -> Array:
    return np.where(np.isinf(costs), np.nan, costs)


@dataclass
class StageGrid:
    """What the stages of some networks take at any bits on every accelerator of a space.

    Tables are made when accelerators are first asked for, those with one array together.

    Attributes:
        accelerators: accelerators of 8 bits that networks can be put on.
        space: search space of the networks, a chain of stages.
        networks: names of the networks, ``ARCHITECTURE[@EXIT]``.
        n_classes: number of classes of their classifiers.
        clock_mhz: clock by which cycles are milliseconds.

    Raises:
        ConstraintError: accelerators of other bits than 8.
        ArchitectureError: a network that is not in the space, or a space without stages.
    """

    accelerators: AcceleratorSpace
    space: SearchSpace
    networks: tuple[str, ...]
    n_classes: int
    clock_mhz: float = CLOCK_MHZ
    _groups: list[list[list[Operator]]] = field(init=False)
    _fixed: list[list[Operator]] = field(init=False)
    _of_stages: Array = field(init=False)
    _of_fixed: Array = field(init=False)
    _filled: NDArray[np.bool_] = field(init=False)

    def __post_init__(self) -> None:
        bits = self.accelerators.weight_bits, self.accelerators.activation_bits
        if bits != (FIXED_BITS, FIXED_BITS):
            raise ConstraintError(
                f"accelerators of {self.accelerators.name} have {bits[0]}-bit weights and "
                f"{bits[1]}-bit activations; where stages have bits of their own, expected "
                f"accelerators of {FIXED_BITS} and {FIXED_BITS}, whose multipliers are split."
            )
        self._groups, self._fixed = [], []
        for name in self.networks:
            groups, fixed = staged_operators(self.space, name, self.n_classes)
            self._groups.append(groups)
            self._fixed.append(fixed)
        n, most = len(self.accelerators), max(len(groups) for groups in self._groups)
        shape = n, len(self.networks), most, len(BITS), len(BITS), 2
        self._of_stages = np.zeros(shape)
        self._of_fixed = np.zeros((n, len(self.networks), 2))
        self._filled = np.zeros(n, np.bool_)

    def costs(self, places: Places, networks: Places, bits: NDArray[np.int64]) -> Array:
        """Modelled latency in ms and energy in mJ of one input, shape (n, 2); NaN: it does not fit.

        Args:
            places: accelerator of each network by its place in the space, shape (n,).
            networks: which of the networks each is, shape (n,).
            bits: bits of weights and of what is read, shape (n, n_entries, 2); those of stages that
                a network does not have mean nothing.
        """
        self._fill(places)
        at = np.searchsorted(BITS, bits)
        entries = np.arange(bits.shape[1])
        rows = places[:, None], networks[:, None], entries
        stages = self._of_stages[(*rows, at[..., 0], at[..., 1])]
        return np.asarray(stages.sum(axis=1) + self._of_fixed[places, networks])

    def checked_places(self, places: Places) -> Places:
        """Those of some accelerators that run at least one of the networks, at some bits.

        Raises:
            AcceleratorError: none of them does.
        """
        self._fill(places)
        fewest = self._of_stages[places][:, :, :, 0, 0, 0].sum(axis=2)
        usable: Places = places[np.isfinite(fewest + self._of_fixed[places, :, 0]).any(axis=1)]
        if not len(usable):
            raise AcceleratorError(
                f"no network of {', '.join(self.networks)} fits on any of the {len(places)} "
                f"accelerators of {self.accelerators.name}; give them larger buffers, or smaller "
                "arrays."
            )
        return usable

    def _fill(self, places: Places) -> None:
        for alike in by_array(self.accelerators, places[~self._filled[places]]):
            self._fill_array(alike)

    def _fill_array(self, places: Places) -> None:
        """Prices all stages at all bits on accelerators that have one array."""
        alike = [self.accelerators.accelerator(int(place)) for place in places]
        staged = [op for groups in self._groups for group in groups for op in group]
        table = layer_costs_by_bits(alike, staged)
        always = LayerCosts.of(alike, [op for fixed in self._fixed for op in fixed])
        for i, (groups, fixed) in enumerate(zip(self._groups, self._fixed, strict=True)):
            self._of_fixed[places, i] = always.priced(fixed, FIXED_BITS, self.clock_mhz)
            for k, group in enumerate(groups):
                for (w, a), costs in table.items():
                    price = costs.priced(group, BITS[a], self.clock_mhz)
                    self._of_stages[places, i, k, w, a] = price
        self._filled[places] = True
