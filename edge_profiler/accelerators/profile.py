"""The device profile of an accelerator: every block of a space as a model has it."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ... import __version__
from ...bench.device_document import FORMAT_2
from ...bench.errors import AcceleratorError
from ...bench.operators import Operator
from ...bench.spaces import SearchSpace
from ..block_graphs import EXIT, HEAD, STEM, Block, distinct_blocks
from ..profile_file import DIGITS, Profile
from .description import Accelerator
from .mapping import layers_of
from .table import Costs, accelerator_hash, layer_costs, zigzag_name

CLOCK_MHZ = 200.0


@dataclass(frozen=True)
class BlockCost:
    """What a block takes on an accelerator.

    Attributes:
        cycles: cycles of its layers, one after the other.
        energy_pj: energy of the same.
    """

    cycles: float
    energy_pj: float


def block_cost(accelerator: Accelerator, block: Block, costs: Costs) -> BlockCost | None:
    """Cycles and energy of a block; None where one of its layers does not fit.

    Batch norms and activations are folded into layers, and a shuffle is an order of addresses. An
    addition reads its other input once more from outside of the chip, and a pooling reads its input
    and writes its output, at the speed of the memory outside.

    Args:
        accelerator: what it runs on.
        block: a block of a search space.
        costs: costs of its convolutions and linear layers.
    """
    cycles, energy_pj = 0.0, 0.0
    outside = accelerator.levels["I"][-1]
    for op in layers_of(block.operators):
        layer = costs[op]
        if layer is None:
            return None
        cycles, energy_pj = cycles + layer[0], energy_pj + layer[1]
    for op in block.operators:
        bits = moved_values(op) * accelerator.activation_bits
        cycles, energy_pj = cycles + bits / outside.width, energy_pj + bits * outside.read_pj
    return BlockCost(cycles, energy_pj)


def moved_values(operator: Operator) -> int:
    """Values that an operator other than a layer reads and writes outside of the chip."""
    if operator.kind == "add":
        return operator.in_size
    if operator.kind in ("global_avg_pool", "avg_pool", "max_pool"):
        return operator.in_size + operator.out_size
    return 0


def accelerator_profile(
    accelerator: Accelerator,
    space: SearchSpace,
    n_classes: int,
    clock_mhz: float = CLOCK_MHZ,
    model: str = "analytic",
    folder: Path | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> Profile:
    """The profile of an accelerator for the networks of a space, in the format of device profiles.

    Args:
        accelerator: what the networks run on.
        space: search space whose layers follow one another.
        n_classes: number of classes of the classifiers.
        clock_mhz: clock by which cycles are milliseconds.
        model: name of what computes the costs, "analytic" or "zigzag".
        folder: where results of zigzag are kept; None: nowhere.
        on_progress: called when zigzag computed a layer, with its number and that of all.

    Raises:
        ProfileError: the networks of the space are not a sum over layers.
        AcceleratorError: stem or head do not fit, or no choice of a layer does, so that no network
            has a figure; or as of `layer_costs`.
        MissingExtraError: ``zigzag-dse`` is not installed.
    """
    blocks = distinct_blocks(space, n_classes)
    operators = [op for block in blocks for op in layers_of(block.operators)]
    costs = layer_costs(accelerator, operators, model, folder, on_progress)
    by_name = {block.name: block_cost(accelerator, block, costs) for block in blocks}
    table = _block_table(accelerator, space, blocks, by_name, clock_mhz)
    lacking = [name for name, cost in by_name.items() if cost is None]
    word = zigzag_name(accelerator) if model == "zigzag" else "analytic model"
    n, m = accelerator.sides
    bits = f"{accelerator.weight_bits}-bit weights, {accelerator.activation_bits}-bit activations"
    return {
        "format": FORMAT_2,
        "device": f"{accelerator.name}-{model}"[:80],
        "description": (
            f"Accelerator {accelerator.name}: {n} x {m} units, {accelerator.on_chip_kib:.4g} KiB "
            f"on the chip, {accelerator.area_mm2:.3g} mm2, at {clock_mhz:g} MHz; nothing measured."
        ),
        "space": space.name,
        "space_hash": space.hash,
        "n_classes": n_classes,
        "runtime": f"{word}, {clock_mhz:g} MHz, {bits}",
        "source": (
            f"Computed by {word} from the description of {accelerator.name} "
            f"(SHA-256 {accelerator_hash(accelerator)[:16]}); nobody built or measured it."
        ),
        "notes": _notes(accelerator, lacking),
        "precision": "fp32",
        "threads": None,
        "batch": 1,
        "author": None,
        "date": datetime.date.today().isoformat(),
        "tool_version": __version__,
        "fit": {
            "kind": "accelerator",
            "model": word,
            "clock_mhz": clock_mhz,
            "area_mm2": round(accelerator.area_mm2, 6),
            "accelerator": dict(accelerator.document),
        },
        "block_table": table,
        "networks": [],
        "blocks": [_entry(name, cost, clock_mhz) for name, cost in by_name.items()],
    }


def _entry(name: str, cost: BlockCost | None, clock_mhz: float) -> dict[str, Any]:
    if cost is None:
        error = "a value of one of its layers does not fit into a memory that has to hold it"
        return {"block": name, "latency_ms": None, "provenance": "modelled", "error": error}
    return {"block": name, "latency_ms": _ms(cost, clock_mhz), "provenance": "modelled"}


def _ms(cost: BlockCost | None, clock_mhz: float) -> float | None:
    return None if cost is None else round(cost.cycles / clock_mhz / 1000, DIGITS)


def _mj(cost: BlockCost | None) -> float | None:
    return None if cost is None else round(cost.energy_pj * 1e-9, 9)


def _block_table(
    accelerator: Accelerator,
    space: SearchSpace,
    blocks: tuple[Block, ...],
    costs: Mapping[str, BlockCost | None],
    clock_mhz: float,
) -> dict[str, Any]:
    start, head = costs[STEM], costs[HEAD]
    if start is None or head is None:
        raise AcceleratorError(
            f"the {'stem' if start is None else 'head'} of every network of {space.name} does not "
            f"fit into the memories of {accelerator.name}, so that none has a figure; give it "
            "larger buffers, or a smaller array."
        )
    shape = space.n_layers, len(space.choices)
    rows: list[list[BlockCost | None]] = [[BlockCost(0, 0)] * shape[1] for _ in range(shape[0])]
    for block in blocks:
        for layer, choice in block.places:
            rows[layer][choice] = costs[block.name]
    for number, row in enumerate(rows):
        if all(cost is None for cost in row):
            raise AcceleratorError(
                f"no choice of layer {number} of {space.name} fits into the memories of "
                f"{accelerator.name}, so that no network has a figure; give it larger buffers, or "
                "a smaller array."
            )
    heads = {
        name.removeprefix(f"{EXIT}."): cost
        for name, cost in costs.items()
        if name.startswith(f"{EXIT}.")
    }
    whole = BlockCost(start.cycles + head.cycles, start.energy_pj + head.energy_pj)
    return {
        "constant_ms": _ms(whole, clock_mhz),
        "start_ms": _ms(start, clock_mhz),
        "latency_ms": [[_ms(cost, clock_mhz) for cost in row] for row in rows],
        "heads_ms": {name: _ms(cost, clock_mhz) for name, cost in heads.items()},
        "energies": {
            "constant_mj": _mj(whole),
            "start_mj": _mj(start),
            "energy_mj": [[_mj(cost) for cost in row] for row in rows],
            "heads_mj": {name: _mj(cost) for name, cost in heads.items()},
        },
        "provenance": "modelled",
    }


def _notes(accelerator: Accelerator, lacking: list[str]) -> list[str]:
    """What belongs on the profile's face."""
    notes = [
        "Every figure is modelled: nobody built or measured this accelerator. Layers follow one "
        "another, each reading its input from outside of the chip and writing its output there, "
        "and energy is that of array and memories alone.",
        f"Networks are priced at {accelerator.weight_bits}-bit weights and "
        f"{accelerator.activation_bits}-bit activations, whatever precision their name says; "
        "accuracies beside these figures are those of the table.",
    ]
    if lacking:
        named = ", ".join(lacking[:10]) + (", ..." if len(lacking) > 10 else "")
        notes.append(
            f"{len(lacking)} blocks do not fit ({named}), and networks with one of them have no "
            "figure."
        )
    return notes
