"""Cycles and energy of layers by counting what every memory hands over, in milliseconds a layer.

A layer's loops are spread over the array as the accelerator says, and what is left is gone through
in time. For some orders of the loops, each perhaps split into an inner and an outer one, every
memory holds of every operand the innermost loops that it has room for; what lies outside of these
brings the operand again. That gives the reads and writes of every memory, whose energies are added
up, and the bits through every port. Cycles are a roofline: those of the array, or of the busiest
port if that takes longer. Memories work in halves, so that half of what is first loaded has to be
there before the array begins, and half of the last results leaves after it is done. Of all orders
the one with the least product of energy and cycles stands. Layers follow one another: each reads
its input from the memory outside of the chip and writes its output to it.

Source: the derivation is our own. Mei et al. 2021, "ZigZag" (an operand is held by itself, and the
innermost loops are held first); Yang et al. 2020, "Interstellar: Using Halide's Scheduling Language
to Analyze DNN Accelerators" (reuse in buffers); Williams et al. 2009, "Roofline: An Insightful
Visual Performance Model for Multicore Architectures".
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import permutations, product

import numpy as np
from numpy.typing import NDArray

from ...bench.operators import Operator
from .description import LOOPS, SUM_BITS, Accelerator, Level
from .mapping import loops_of, spread

Array = NDArray[np.float64]
Side = Mapping[str, int]
#: Which loops say which value of an operand it is; of inputs, window and position together do.
RELEVANT = {
    "W": frozenset(("G", "K", "C", "FY", "FX")),
    "I": frozenset(("G", "C", "OY", "OX", "FY", "FX")),
    "O": frozenset(("G", "K", "OY", "OX")),
}
#: What is ordered, innermost first: the window F, positions P, channels X that come out (groups, of
#: a depthwise layer) and channels C that are summed, each with an inner and an outer part.
PARTS = ("F", "Pi", "Xi", "Ci", "Po", "Xo", "Co")
#: With the window innermost. All 144 orders of inner and of outer parts gave no lower product for
#: 150 layers and arrays than two of these did; the others stand here for arrays not tried.
ORDERS = tuple(
    ("F", *inner, *outer)
    for inner in permutations(PARTS[1:4])
    for outer in (("Co", "Po", "Xo"), ("Xo", "Co", "Po"))
)
_ORDERS = np.array([[PARTS.index(part) for part in order] for order in ORDERS])


def analytic_costs(accelerator: Accelerator, operators: Sequence[Operator]) -> tuple[Array, Array]:
    """Cycles and energy in pJ of layers, each (n,); NaN where a layer does not fit.

    Args:
        accelerator: what they run on.
        operators: convolutions and linear layers.
    """
    cycles, energy_pj = grid_costs([accelerator], operators)
    return cycles[0], energy_pj[0]


def grid_costs(
    accelerators: Sequence[Accelerator], operators: Sequence[Operator]
) -> tuple[Array, Array]:
    """Cycles and energy in pJ of layers on several accelerators, each (n_accelerators, n).

    NaN where a layer does not fit. A layer's loops are ordered once for all of the accelerators,
    which takes little longer than for one of them.

    Args:
        accelerators: what they run on. They have one array, one bits and the same memories, whose
            sizes, energies and widths alone may differ.
        operators: convolutions and linear layers.
    """
    levels = _levels(accelerators)
    costs = {op: _costs(accelerators[0], levels, op) for op in dict.fromkeys(operators)}
    shape = len(operators), 2, len(accelerators)
    table = np.array([costs[op] for op in operators], np.float64).reshape(shape)
    return table[:, 0].T, table[:, 1].T


@dataclass(frozen=True)
class _Numbers:
    """The numbers of one memory on c accelerators.

    Attributes:
        bits: different sizes of it, room for all its operands together, shape (s,).
        of_bits: which of these sizes each accelerator has, shape (c,).
        read_pj: energy of reading one bit, shape (c, 1).
        write_pj: energy of writing one bit, shape (c, 1).
        width: bits a cycle that it hands out, shape (c, 1).
    """

    bits: Array
    of_bits: NDArray[np.intp]
    read_pj: Array
    write_pj: Array
    width: Array

    @classmethod
    def of(cls, levels: Sequence[Level]) -> _Numbers:
        """The numbers of one memory, of which every accelerator has its own."""
        bits, of_bits = np.unique([float(level.bits) for level in levels], return_inverse=True)
        columns = (
            np.array([[float(getattr(level, name))] for level in levels])
            for name in ("read_pj", "write_pj", "width")
        )
        return cls(bits, of_bits, *columns)


def _levels(
    accelerators: Sequence[Accelerator],
) -> dict[str, tuple[tuple[Level, _Numbers], ...]]:
    """The memories of each operand, as those of the first accelerator, with the numbers of all."""
    first = accelerators[0]
    for other in accelerators[1:]:
        assert (other.sides, other.spread, other.mac_pj) == (
            first.sides,
            first.spread,
            first.mac_pj,
        )
        assert (other.weight_bits, other.activation_bits) == (
            first.weight_bits,
            first.activation_bits,
        )
    out = {}
    for operand, chain in first.levels.items():
        stacked = []
        for place, level in enumerate(chain):
            each = [a.levels[operand][place] for a in accelerators]
            assert {(e.name, e.operands, e.serves) for e in each} == {
                (level.name, level.operands, level.serves)
            }
            stacked.append((level, _Numbers.of(each)))
        out[operand] = tuple(stacked)
    return out


@dataclass(frozen=True)
class _Nest:
    """The loops of one layer in m orders.

    Attributes:
        sides: iterations that run at once on each side of the array, by loop.
        inside: iterations of each loop that the innermost j parts hold, (m, len(PARTS) + 1).
        outside: iterations of all parts outside of these, of the same shape.
        step: rows and columns between the inputs of neighbouring outputs, of those that are read.
    """

    sides: tuple[Side, Side]
    inside: Mapping[str, Array]
    outside: Array
    step: int

    def values(self, operand: str, serves: Sequence[int]) -> Array:
        """Values of an operand in the innermost j parts, (m, len(PARTS) + 1).

        Args:
            operand: "W", "I" or "O".
            serves: sides of the array whose units see the same memory.
        """
        at_once = {d: math.prod(self.sides[s].get(d, 1) for s in serves) for d in LOOPS}
        n = {d: self.inside[d] * at_once[d] if d in self.inside else at_once[d] for d in LOOPS}
        if operand == "W":
            return np.asarray(n["G"] * n["K"] * n["C"] * n["FY"] * n["FX"])
        if operand == "O":
            return np.asarray(n["G"] * n["K"] * n["OY"] * n["OX"])
        height = (n["OY"] - 1) * self.step + n["FY"]
        width = (n["OX"] - 1) * self.step + n["FX"]
        return np.asarray(n["G"] * n["C"] * height * width)

    def copies(self, operand: str, below: Sequence[int], above: Sequence[int]) -> tuple[int, int]:
        """Copies of a tile that the memory above hands out, and that arrive below it.

        Args:
            operand: "W", "I" or "O".
            below: sides that the lower memory serves.
            above: sides that the memory above it serves.
        """
        out, arriving = 1, 1
        for side, at_once in enumerate(self.sides):
            if side not in below:
                every = math.prod(at_once.values())
                differing = math.prod(n for d, n in at_once.items() if d in RELEVANT[operand])
                arriving *= every
                out *= differing if side in above else every
        return out, arriving


def _splits(iterations: int) -> list[tuple[int, int]]:
    """Ways to split a loop into an inner and an outer one."""
    middle = next(d for d in range(math.isqrt(iterations), 0, -1) if iterations % d == 0)
    return list(dict.fromkeys([(1, iterations), (iterations, 1), (middle, iterations // middle)]))


def _nest(accelerator: Accelerator, operator: Operator) -> tuple[_Nest, int]:
    """The orders of a layer's loops, and how often all of it is gone through."""
    loops = loops_of(operator)
    sides = spread(accelerator, loops)
    left = {d: -(-n // (sides[0].get(d, 1) * sides[1].get(d, 1))) for d, n in loops.items()}
    channels = "K" if left["K"] > 1 else "G"
    repeated = left["G"] if channels == "K" else 1
    window = left["FY"] * left["FX"]
    parts = np.array(
        [
            (window, p[0] * left["OX"], x[0], c[0], p[1], x[1], c[1])
            for p, x, c in product(_splits(left["OY"]), _splits(left[channels]), _splits(left["C"]))
        ],
        np.float64,
    )
    grown = {
        "FY": ("F", parts[:, 0] / left["FX"]),
        "FX": ("F", parts[:, 0] / left["FY"]),
        "OX": ("Pi", np.full(len(parts), left["OX"])),
    }
    both = {"OY": ("Pi", "Po"), channels: ("Xi", "Xo"), "C": ("Ci", "Co")}
    orders = [_distinct_orders(tuple(row)) for row in (parts > 1).tolist()]
    which = np.repeat(np.arange(len(parts)), [len(some) for some in orders])[:, None]
    order = _ORDERS[np.concatenate(orders)]
    ones = np.ones_like(parts)
    inside = {}
    for loop in (*grown, *both):
        steps = ones.copy()
        if loop in grown:
            steps[:, PARTS.index(grown[loop][0])] = grown[loop][1]
        else:
            at = [PARTS.index(part) for part in both[loop]]
            steps[:, at] = parts[:, at]
            if loop == "OY":
                steps[:, at[0]] /= left["OX"]
        inside[loop] = _running(steps[which, order])
    outside = _running(parts[which, order][:, ::-1])[:, ::-1]
    # A window narrower than its step leaves inputs out.
    step = min(operator.stride, operator.kernel)
    return _Nest(sides, inside, outside, step), repeated


@cache
def _distinct_orders(several: tuple[bool, ...]) -> NDArray[np.intp]:
    """Places in `ORDERS` of those that differ where parts of one iteration are left out.

    Args:
        several: whether each of `PARTS` has more than one iteration.
    """
    left: dict[tuple[str, ...], int] = {}
    for place, order in enumerate(ORDERS):
        left.setdefault(tuple(part for part in order if several[PARTS.index(part)]), place)
    return np.array(list(left.values()), np.intp)


def _running(steps: Array) -> Array:
    """Products of the first j of some steps, j from 0."""
    out = np.ones((len(steps), steps.shape[1] + 1))
    np.cumprod(steps, axis=1, out=out[:, 1:])
    return out


def _costs(
    accelerator: Accelerator,
    levels: Mapping[str, Sequence[tuple[Level, _Numbers]]],
    operator: Operator,
) -> tuple[Array, Array]:
    """Cycles and energy of a layer on every accelerator, (c,) each."""
    nest, repeated = _nest(accelerator, operator)
    m = len(nest.outside)
    fits = np.ones((1, m), np.bool_)
    energy = np.full((1, m), accelerator.mac_pj * operator.macs / repeated)
    ends = np.zeros((1, m))
    busy: dict[str, Array] = {}
    for operand, chain in levels.items():
        bits = accelerator.weight_bits if operand == "W" else accelerator.activation_bits
        below: Level | None = None
        lower: _Numbers | None = None
        for level, own in chain:
            serves = () if below is None else below.serves
            values = nest.values(operand, serves)
            width = SUM_BITS if operand == "O" else bits
            room = np.ones(1)
            if below is not None and lower is not None:
                room = lower.bits / len(below.operands) / width
            # Many accelerators have few sizes of one memory, each of which is looked at once.
            held = (values <= room[:, None, None]).sum(axis=2) - 1
            if lower is not None and len(room) > 1:
                held = held[lower.of_bits]
            fits = fits & (held >= 0)
            at = np.arange(m), held.clip(0)
            moved, (out, arriving) = (
                values[at] * nest.outside[at],
                nest.copies(operand, serves, level.serves),
            )
            # Sums that have to be gone on with go up and come back; inputs only come down.
            back = np.maximum(moved - values[:, -1], 0.0) if operand == "O" else moved
            to_level = moved * np.where(back > 0, SUM_BITS, bits) if operand == "O" else 0 * moved
            from_level = back * width
            energy = energy + out * (to_level * own.write_pj + from_level * own.read_pj)
            if below is not None and lower is not None:
                energy = energy + arriving * (
                    to_level * lower.read_pj + from_level * lower.write_pj
                )
            if len(level.serves) == 2:
                _add(busy, level.read_port, out * from_level / own.width)
                _add(busy, level.write_port, out * to_level / own.width)
                if below is not None and lower is not None and len(below.serves) == 2:
                    _add(busy, below.write_port, out * from_level / lower.width)
                    _add(busy, below.read_port, out * to_level / lower.width)
            if level is chain[-1][0]:
                ends = ends + out * values[at] * bits / own.width / 2
            below, lower = level, own
    port = accelerator.levels["W"][-1].read_port
    busy[port] = busy[port] - ends
    passing = sum(math.prod(nest.sides[s].values()) - 1 for s in accelerator.drains)
    cycles = np.broadcast_arrays(nest.outside[:, 0], *busy.values())
    whole = np.maximum.reduce(cycles) + ends + passing
    best = np.where(fits, whole * energy, np.inf).argmin(axis=1)
    chosen = np.arange(len(best)), best
    lacking = ~fits.any(axis=1)
    return (
        np.where(lacking, np.nan, whole[chosen] * repeated),
        np.where(lacking, np.nan, energy[chosen] * repeated),
    )


def _add(busy: dict[str, Array], port: str, cycles: Array) -> None:
    busy[port] = busy[port] + cycles if port in busy else cycles
