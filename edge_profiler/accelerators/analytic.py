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
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import permutations, product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...bench.operators import Operator
from .description import LOOPS, SUM_BITS, Accelerator, Level
from .mapping import loops_of, spread

Array = NDArray[np.float64]
Side = Mapping[str, int]
#: Orders of layers, times accelerators, that are looked at together: arrays of a few 100 KiB.
AT_ONCE = 50_000
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
    levels, first = _levels(accelerators), accelerators[0]
    distinct = list(dict.fromkeys(operators))
    nests = [_nest(first, op) for op in distinct]
    parts = [
        _costs(first, levels, _Nests.of(nests[some]), len(accelerators))
        for some in _together([len(nest.outside) for nest in nests], len(accelerators))
    ]
    cycles, energy_pj = (np.concatenate(column, axis=1) for column in zip(*parts, strict=True))
    place = {op: i for i, op in enumerate(distinct)}
    at = [place[op] for op in operators]
    return cycles[:, at], energy_pj[:, at]


def _together(sizes: Sequence[int], n: int) -> list[slice]:
    """Layers that are looked at together, so that no array of theirs is large.

    Args:
        sizes: number of orders of each layer.
        n: number of accelerators that they run on.
    """
    starts, rows = [0], 0
    for i, size in enumerate(sizes):
        if rows and (rows + size) * n > AT_ONCE:
            starts.append(i)
            rows = 0
        rows += size
    return [slice(a, b) for a, b in zip(starts, [*starts[1:], len(sizes)], strict=True)]


@dataclass(frozen=True)
class _Numbers:
    """The numbers of one memory on c accelerators; a number that all share stands once.

    Attributes:
        bits: different sizes of it, room for all its operands together, shape (s,).
        of_bits: which of these sizes each accelerator has, shape (c,).
        read_pj: energy of reading one bit, shape (c, 1) or (1, 1).
        write_pj: energy of writing one bit, shape (c, 1) or (1, 1).
        width: bits a cycle that it hands out, shape (c, 1) or (1, 1).
    """

    bits: Array
    of_bits: NDArray[np.intp]
    read_pj: Array
    write_pj: Array
    width: Array

    @classmethod
    def of(cls, rows: Array) -> _Numbers:
        """The numbers of one memory, from a row of `_NUMBERS` for every accelerator."""
        bits, of_bits = np.unique(rows[:, 0], return_inverse=True)
        columns = (
            rows[:1, i] if (rows[:, i] == rows[0, i]).all() else rows[:, i] for i in (1, 2, 3)
        )
        return cls(bits, of_bits, *(column[:, None] for column in columns))


#: What stands in a row of the numbers of a memory.
_NUMBERS = ("bits", "read_pj", "write_pj", "width")


@dataclass(frozen=True)
class _Step:
    """A memory of an operand on c accelerators, with the one below it; None: there is none.

    Of many accelerators few differ in these two, so that each kind of them is looked at once.

    Attributes:
        level: the memory, as the first accelerator has it.
        own: its numbers on every kind of accelerator.
        lower: those of the memory below.
        kind: which kind each accelerator is of, shape (c,).
    """

    level: Level
    own: _Numbers
    lower: _Numbers | None
    kind: NDArray[np.intp]

    @classmethod
    def of(cls, levels: Sequence[Level], below: Sequence[Level]) -> _Step:
        """One memory and the one below it on every accelerator; ``below`` may be empty."""
        rows = np.array(
            [
                [float(getattr(level, name)) for level in both for name in _NUMBERS]
                for both in (zip(levels, below, strict=True) if below else zip(levels))
            ]
        )
        _, first, kind = np.unique(rows, axis=0, return_index=True, return_inverse=True)
        some, n = rows[first], len(_NUMBERS)
        lower = _Numbers.of(some[:, n:]) if below else None
        return cls(levels[0], _Numbers.of(some[:, :n]), lower, kind.reshape(-1))

    def spread(self, of_kinds: NDArray[Any]) -> NDArray[Any]:
        """What is known of every kind, by accelerator; one row stands for all of them."""
        return of_kinds if len(of_kinds) == 1 else of_kinds[self.kind]


def _levels(accelerators: Sequence[Accelerator]) -> dict[str, tuple[_Step, ...]]:
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
        stacked: list[_Step] = []
        below: list[Level] = []
        for place, level in enumerate(chain):
            each = [a.levels[operand][place] for a in accelerators]
            assert {(e.name, e.operands, e.serves) for e in each} == {
                (level.name, level.operands, level.serves)
            }
            stacked.append(_Step.of(each, below))
            below = each
        out[operand] = tuple(stacked)
    return out


@dataclass(frozen=True)
class _Nest:
    """The loops of one layer in m orders.

    Attributes:
        sides: iterations that run at once on each side of the array, by loop.
        inside: iterations of each loop that the innermost j parts hold, (m, len(PARTS) + 1), of
            loops that have several.
        outside: iterations of all parts outside of these, of the same shape.
        step: rows and columns between the inputs of neighbouring outputs, of those that are read.
        repeated: how often all of it is gone through.
        macs: multiply-accumulates of the layer.
    """

    sides: tuple[Side, Side]
    inside: Mapping[str, Array]
    outside: Array
    step: int
    repeated: int
    macs: int

    def at_once(self, loop: str, serves: Sequence[int]) -> int:
        """Iterations of a loop that run at once on some sides of the array."""
        return math.prod(self.sides[s].get(loop, 1) for s in serves)

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


@dataclass(frozen=True)
class _Nests:
    """The loops of several layers, each in its orders, one below the other: m rows in all.

    Attributes:
        each: loops of every layer.
        sizes: number of orders of every layer.
        inside: as of a `_Nest`, of all loops, (m, len(PARTS) + 1) each.
        outside: as of a `_Nest`, of the same shape.
    """

    each: Sequence[_Nest]
    sizes: NDArray[np.intp]
    inside: Mapping[str, Array]
    outside: Array

    @classmethod
    def of(cls, nests: Sequence[_Nest]) -> _Nests:
        """The loops of some layers together."""
        outside = np.concatenate([nest.outside for nest in nests])
        inside = {
            loop: np.concatenate([n.inside.get(loop, np.ones_like(n.outside)) for n in nests])
            for loop in LOOPS
        }
        return cls(nests, np.array([len(n.outside) for n in nests]), inside, outside)

    def rows(self, of_layers: Iterable[float]) -> Array:
        """What every layer has, for each of its orders, (m,)."""
        return np.repeat(np.array([*of_layers], np.float64), self.sizes)

    def values(self, operand: str, serves: Sequence[int]) -> Array:
        """Values of an operand in the innermost j parts, (m, len(PARTS) + 1).

        Args:
            operand: "W", "I" or "O".
            serves: sides of the array whose units see the same memory.
        """
        n = {d: self.inside[d] for d in RELEVANT[operand]}
        for loop in n if serves else ():
            n[loop] = n[loop] * self.rows(x.at_once(loop, serves) for x in self.each)[:, None]
        if operand == "W":
            return np.asarray(n["G"] * n["K"] * n["C"] * n["FY"] * n["FX"])
        if operand == "O":
            return np.asarray(n["G"] * n["K"] * n["OY"] * n["OX"])
        step = self.rows(x.step for x in self.each)[:, None]
        height = (n["OY"] - 1) * step + n["FY"]
        width = (n["OX"] - 1) * step + n["FX"]
        return np.asarray(n["G"] * n["C"] * height * width)

    def copies(self, operand: str, below: Sequence[int], above: Sequence[int]) -> Iterator[Array]:
        """Those of every layer as a `_Nest` has them, handed out and arriving, (m,) each."""
        both = [nest.copies(operand, below, above) for nest in self.each]
        return (self.rows(column) for column in zip(*both, strict=True))

    def best(self, cost: Array) -> NDArray[np.intp]:
        """The first row of every layer whose cost is least, (c, n_layers), of (c, m)."""
        ends = np.cumsum(self.sizes).tolist()
        starts = [0, *ends[:-1]]
        each = [cost[:, a:b].argmin(axis=1) + a for a, b in zip(starts, ends, strict=True)]
        return np.stack(each, axis=1)


def _splits(iterations: int) -> list[tuple[int, int]]:
    """Ways to split a loop into an inner and an outer one."""
    middle = next(d for d in range(math.isqrt(iterations), 0, -1) if iterations % d == 0)
    return list(dict.fromkeys([(1, iterations), (iterations, 1), (middle, iterations // middle)]))


def _nest(accelerator: Accelerator, operator: Operator) -> _Nest:
    """The orders of a layer's loops."""
    loops = loops_of(operator)
    sides = spread(accelerator, loops)
    left = {d: -(-n // (sides[0].get(d, 1) * sides[1].get(d, 1))) for d, n in loops.items()}
    # A window narrower than its step leaves inputs out.
    step = min(operator.stride, operator.kernel)
    repeated = left["G"] if left["K"] > 1 else 1
    return _Nest(sides, *_ordered(tuple(left[d] for d in LOOPS)), step, repeated, operator.macs)


@lru_cache(maxsize=512)
def _ordered(iterations: tuple[int, ...]) -> tuple[Mapping[str, Array], Array]:
    """Iterations inside and outside of the innermost parts, as of a `_Nest`, in every order.

    Arrays of different sizes leave the same loops of many layers.

    Args:
        iterations: how often each of `LOOPS` is gone through in time.
    """
    left = dict(zip(LOOPS, iterations, strict=True))
    channels = "K" if left["K"] > 1 else "G"
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
    return inside, outside


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
    accelerator: Accelerator, levels: Mapping[str, Sequence[_Step]], nests: _Nests, n: int
) -> tuple[Array, Array]:
    """Cycles and energy of layers on each of n accelerators, (n, n_layers) each."""
    m = len(nests.outside)
    fits = np.ones((1, m), np.bool_)
    energy = nests.rows(accelerator.mac_pj * x.macs / x.repeated for x in nests.each)[None]
    ends = np.zeros((1, m))
    busy: dict[str, Array] = {}
    for operand, chain in levels.items():
        bits = accelerator.weight_bits if operand == "W" else accelerator.activation_bits
        width = SUM_BITS if operand == "O" else bits
        below: Level | None = None
        seen: tuple[int, ...] | None = None
        for step in chain:
            level, own, lower = step.level, step.own, step.lower
            serves = () if below is None else tuple(below.serves)
            if serves != seen:
                values, seen = nests.values(operand, serves), serves
            room = np.ones(1)
            if below is not None and lower is not None:
                room = lower.bits / len(below.operands) / width
            # Many accelerators have few sizes of one memory, each of which is looked at once.
            held = (values <= room[:, None, None]).sum(axis=2) - 1
            if lower is not None and len(room) > 1:
                held = held[lower.of_bits]
            fits = fits & step.spread(held >= 0)
            at = np.arange(m), held.clip(0)
            moved = values[at] * nests.outside[at]
            out, arriving = nests.copies(operand, serves, level.serves)
            # Sums that have to be gone on with go up and come back; inputs only come down.
            back = np.maximum(moved - values[:, -1], 0.0) if operand == "O" else moved
            to_level = moved * np.where(back > 0, SUM_BITS, bits) if operand == "O" else 0 * moved
            from_level = back * width
            here = out * (to_level * own.write_pj + from_level * own.read_pj)
            energy = energy + step.spread(here)
            if below is not None and lower is not None:
                there = arriving * (to_level * lower.read_pj + from_level * lower.write_pj)
                energy = energy + step.spread(there)
            if len(level.serves) == 2:
                _add(busy, level.read_port, step.spread(out * from_level / own.width))
                _add(busy, level.write_port, step.spread(out * to_level / own.width))
                if below is not None and lower is not None and len(below.serves) == 2:
                    _add(busy, below.write_port, step.spread(out * from_level / lower.width))
                    _add(busy, below.read_port, step.spread(out * to_level / lower.width))
            if step is chain[-1]:
                ends = ends + step.spread(out * values[at] * bits / own.width / 2)
            below = level
    port = accelerator.levels["W"][-1].read_port
    busy[port] = busy[port] - ends
    passing = nests.rows(
        sum(math.prod(x.sides[s].values()) - 1 for s in accelerator.drains) for x in nests.each
    )
    cycles = np.broadcast_arrays(nests.outside[:, 0], *busy.values())
    whole = np.broadcast_to(np.maximum.reduce(cycles) + ends + passing, (n, m))
    energy, fits = np.broadcast_to(energy, (n, m)), np.broadcast_to(fits, (n, m))
    chosen = np.arange(n)[:, None], nests.best(np.where(fits, whole * energy, np.inf))
    repeated = np.array([float(x.repeated) for x in nests.each])
    return (
        np.where(fits[chosen], whole[chosen] * repeated, np.nan),
        np.where(fits[chosen], energy[chosen] * repeated, np.nan),
    )


def _add(busy: dict[str, Array], port: str, cycles: Array) -> None:
    busy[port] = busy[port] + cycles if port in busy else cycles
