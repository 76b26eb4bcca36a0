"""Accelerators by their numbers, and what a stated simple model says of their energy and area.

One law gives the energy of every memory on the chip: reading 64 bits from 8 KiB takes 10 pJ, and it
grows with the root of the size, since the wires do. It is what Horowitz gives for 8 and 32 KiB
(10 and 20 pJ), 13 % above what he gives for 1 MiB (100 pJ), and for a register of 64 bytes it is
0.11 pJ a byte, half of a multiplication in 8 bits, near the ratio of one that Chen et al. state for
Eyeriss. Multipliers are fused from small ones, so that energy and cycles of a multiplication fall
with the product of its bits, as in BitFusion. Everything is for 45 nm and 0.9 V.

Source: Horowitz 2014, "Computing's Energy Problem (and what we can do about it)" (energies of
operations, caches and DRAM, areas of arithmetic); Sharma et al. 2018, "Bit Fusion: Bit-Level
Dynamically Composable Architecture for Accelerating Deep Neural Networks" (section III); Chen et
al. 2017, "Eyeriss: An Energy-Efficient Reconfigurable Accelerator" (ratios of energies). A bit of
memory is taken to be 0.6 square micrometres, a 6-transistor cell of that node with as much again
for what drives it.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, structs

from ...bench.document_problems import ENDS
from ...bench.documents import DocumentError, typed
from ...bench.errors import AcceleratorError
from .description import MOST_UNITS, OPERANDS, SIDES, SUM_BITS, Accelerator, parse_accelerator

#: Reading 64 bits from 8 KiB, in pJ, and from the memory outside of the chip.
READ_64_PJ, OUTSIDE_64_PJ = 10.0, 1300.0
#: Multiplying two numbers of 8 bits, and adding to a sum of 32.
MULTIPLY_8_PJ, ADD_32_PJ = 0.2, 0.1
#: The same in square millimetres.
MULTIPLY_8_MM2, ADD_32_MM2, BIT_MM2 = 282e-6, 137e-6, 0.6e-6
#: Values that fit into the registers of a unit.
WEIGHTS_OF_UNIT, SUMS_OF_UNIT = 4, 4
KIB_BITS = 8192

Kib = Annotated[float, Meta(gt=0, le=65536)]
Units = Annotated[int, Meta(ge=1, le=MOST_UNITS // 4)]
Bits = Literal[2, 4, 8, 16]
#: What is spread over both sides of the array, by the name of the dataflow. Where a layer lacks the
#: loop, or has less of it, the next one takes the units that are left.
SPREADS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "weight-stationary": (("C", "FY", "FX"), ("K", "G")),
    "output-stationary": (("OX", "OY"), ("K", "G")),
    "row-stationary": (("OX", "OY"), ("FY", "K", "G")),
}


class Parameters(Struct, forbid_unknown_fields=True, frozen=True):
    """An accelerator by its numbers.

    Attributes:
        name: key of the accelerator.
        rows: units of 8 by 8 bits on the first side of the array.
        columns: units on the second side.
        weight_buffer_kib: memory on the chip for weights.
        activation_buffer_kib: memory on the chip for inputs and outputs together.
        bandwidth_bits: bits a cycle between the chip and the memory outside.
        weight_bits: bits of a weight.
        activation_bits: bits of an activation.
        dataflow: what is spread over the array; one of ``SPREADS``.
    """

    name: Annotated[str, Meta(pattern="^[a-z0-9][a-z0-9_-]{0,60}" + ENDS)]
    rows: Units
    columns: Units
    weight_buffer_kib: Kib
    activation_buffer_kib: Kib
    bandwidth_bits: Annotated[int, Meta(ge=1, le=65536)]
    weight_bits: Bits = 8
    activation_bits: Bits = 8
    dataflow: Literal["weight-stationary", "output-stationary", "row-stationary"] = (
        "weight-stationary"
    )


def parse_parameters(raw: Any, label: str) -> Parameters:
    """The numbers that a document holds.

    Args:
        raw: the document as plain values.
        label: its name in messages.

    Raises:
        AcceleratorError: a field that is unknown, missing or impossible; the message says which.
    """
    try:
        return typed(raw, Parameters)
    except DocumentError as error:
        raise AcceleratorError(
            f"{label} is not an accelerator: {error}. 'biglittle accelerator show parametric "
            "--yaml' prints one that is."
        ) from error


def toml_text(parameters: Parameters) -> str:
    """The file of a parametric accelerator, as ``parametric.toml`` is one."""
    lines = []
    for name, value in structs.asdict(parameters).items():
        lines.append(f"{name} = " + (f'"{value}"' if isinstance(value, str) else f"{value:g}"))
    return "\n".join(lines) + "\n"


def read_pj(bits: float) -> float:
    """Energy of reading one bit from a memory on the chip of that many bits."""
    return READ_64_PJ / 64 * math.sqrt(bits / (8 * KIB_BITS))


def mac_pj(activation_bits: int, weight_bits: int) -> float:
    """Energy of one multiply-accumulate of so many bits, in pJ."""
    return MULTIPLY_8_PJ * activation_bits * weight_bits / 64 + ADD_32_PJ


def from_parameters(parameters: Parameters) -> Accelerator:
    """The accelerator with these numbers, as zigzag would have it.

    Weights and sums have registers in every unit, inputs come from their buffer and are handed to
    every unit that needs them. A
    buffer hands out a value for every unit of the longer side at every cycle; that of activations
    as much as a sum for each.

    Raises:
        AcceleratorError: 16 bits on an array with a side of an odd number of units.
    """
    p = parameters
    sides = tuple(
        _fused(units, bits, p)
        for units, bits in ((p.rows, p.activation_bits), (p.columns, p.weight_bits))
    )
    weight_bits, sum_bits = WEIGHTS_OF_UNIT * p.weight_bits, SUMS_OF_UNIT * SUM_BITS
    buffers = round(p.weight_buffer_kib * KIB_BITS), round(p.activation_buffer_kib * KIB_BITS)
    first, second = SPREADS[p.dataflow]
    both, units = list(SIDES), sides[0] * sides[1]
    outside = OUTSIDE_64_PJ / 64 * p.bandwidth_bits
    memories = {
        "weight_registers": _memory(weight_bits, p.weight_bits, p.weight_bits, ("W",), []),
        "sum_registers": _memory(sum_bits, SUM_BITS, SUM_BITS, ("O",), []),
        "weight_buffer": _memory(
            buffers[0], p.weight_bits, max(sides) * p.weight_bits, ("W",), both
        ),
        "activation_buffer": _memory(
            buffers[1], p.activation_bits, max(sides) * SUM_BITS, ("I", "O"), both
        ),
        "outside": {
            **_memory(10**11, p.bandwidth_bits, p.bandwidth_bits, ("I", "W", "O"), both, False),
            **{"r_cost": outside, "w_cost": outside, "area": 0.0},
        },
    }
    document = {
        "name": p.name,
        "memories": memories,
        "operational_array": {
            "unit_energy": mac_pj(p.activation_bits, p.weight_bits),
            "unit_area": (MULTIPLY_8_MM2 + ADD_32_MM2) * p.rows * p.columns / units,
            "dimensions": both,
            "sizes": list(sides),
            "input_precision": [p.activation_bits, p.weight_bits],
        },
        "dataflows": {
            "D1": [f"{loop}, {sides[0]}" for loop in first],
            "D2": [f"{loop}, {sides[1]}" for loop in second],
        },
    }
    return parse_accelerator(document, p.name)


def _fused(units: int, bits: int, parameters: Parameters) -> int:
    """Units of a side when those of 8 bits are split, or two are joined to one of 16."""
    if units * 8 % bits:
        raise AcceleratorError(
            f"{parameters.name} has a side of {units} units, and two of them make one of {bits} "
            "bits; expected an even number."
        )
    return units * 8 // bits


def _memory(
    bits: int,
    grain: int,
    width: int,
    operands: tuple[str, ...],
    serves: list[str],
    own_ports: bool = True,
) -> dict[str, Any]:
    """A memory in zigzag's format, with a port for reading and one for writing, or one for both."""
    width, alias = max(width, grain), [OPERANDS[o] for o in operands]
    read = [f"{a}, {way}" for a in alias for way in (("tl", "th") if a == "O" else ("tl",))]
    write = [f"{a}, {way}" for a in alias for way in (("fh", "fl") if a == "O" else ("fh",))]
    of_port = {"bandwidth_min": grain, "bandwidth_max": width}
    ports: list[dict[str, Any]] = [
        {"name": "r_port_1", "type": "read", **of_port, "allocation": read},
        {"name": "w_port_1", "type": "write", **of_port, "allocation": write},
    ]
    if not own_ports:
        ports = [{"name": "rw_port_1", "type": "read_write", **of_port, "allocation": read + write}]
    cost = read_pj(bits) * width
    return {
        "size": bits,
        "r_cost": cost,
        "w_cost": cost,
        "area": bits * BIT_MM2,
        "latency": 1,
        "operands": alias,
        "ports": ports,
        "served_dimensions": serves,
    }
