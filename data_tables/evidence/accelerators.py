"""How near the analytic model of accelerators is to zigzag, on the blocks of a space.

What zigzag computed lies beside the accelerators, in ``computed/``, so that the comparison is
repeated without it. With ``--zigzag`` layers that are missing there are computed, which takes
minutes and needs ``zigzag-dse``.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...bench.agreement import spearman
from ...bench.operators import Operator
from ...bench.spaces import SearchSpace, get_space
from ...edge_profiler.accelerators import (
    Accelerator,
    Parameters,
    from_parameters,
    load_accelerator,
)
from ...edge_profiler.accelerators.mapping import layers_of
from ...edge_profiler.accelerators.profile import block_cost
from ...edge_profiler.accelerators.table import (
    COMPUTED,
    Costs,
    accelerator_hash,
    layer_costs,
    layer_key,
    read_layers,
    write_layers,
    zigzag_name,
)
from ...edge_profiler.accelerators.zigzag_costs import zigzag_costs
from ...edge_profiler.block_graphs import HEAD, STEM, Block, distinct_blocks
from ._page import Step, versions

SPACE, N_CLASSES, N_NETWORKS = "fbnet", 10, 500
SHIPPED = ("eyeriss-like", "tpu-like", "mcu-array", "parametric")
#: A fifth one, of other bits and another dataflow.
NARROW = Parameters("row-stationary-4-bit", 8, 8, 16, 32, 32, 4, 4, "row-stationary")
#: Layers by which the share of transfers that the array waits for was chosen, of five rules tried.
N_CHOSEN_BY = 25
#: Beyond this factor, up or down, a layer is called off.
OFF = 1.5
Array = NDArray[np.float64]


def configurations() -> tuple[Accelerator, ...]:
    """The accelerators of the comparison."""
    return (*map(load_accelerator, SHIPPED), from_parameters(NARROW))


def layers(space: SearchSpace) -> list[Operator]:
    """The distinct convolutions and linear layers of a space's blocks, in order."""
    blocks = distinct_blocks(space, N_CLASSES)
    return list(dict.fromkeys(op for b in blocks for op in layers_of(b.operators)))


def compute(accelerator: Accelerator, operators: Sequence[Operator]) -> None:
    """Adds to what zigzag computed for an accelerator the layers that are missing."""
    path = COMPUTED / f"{accelerator.name}.json"
    costs, seconds = {}, 0.0
    if path.exists():
        table = read_layers(path)
        if table.sha256 == accelerator_hash(accelerator) and table.model == zigzag_name():
            costs, seconds = dict(table.layers), table.seconds
    for operator in operators:
        if layer_key(operator) in costs:
            continue
        began = time.process_time()
        costs[layer_key(operator)] = zigzag_costs(accelerator, operator)
        seconds += time.process_time() - began
        write_layers(path, accelerator, costs, zigzag_name(), round(seconds, 1))


def measure(zigzag: bool = False) -> dict[str, Any]:
    """Compares both models on every accelerator.

    Args:
        zigzag: whether to compute with zigzag what is missing.
    """
    space = get_space(SPACE)
    operators, blocks = layers(space), distinct_blocks(space, N_CLASSES)
    order = list(range(len(operators)))
    random.Random(0).shuffle(order)
    chosen_by = {operators[i] for i in order[:N_CHOSEN_BY]}
    genomes = space.sample(np.random.default_rng(21), N_NETWORKS)
    records, ratios = {}, []
    model, seconds = "", 0.0
    for accelerator in configurations():
        if zigzag:
            compute(accelerator, operators)
        table = read_layers(COMPUTED / f"{accelerator.name}.json")
        if table.sha256 != accelerator_hash(accelerator):
            raise ValueError(f"{accelerator.name} is not the one that zigzag was asked about")
        model, seconds = table.model, seconds + table.seconds
        truth: Costs = {op: table.layers[layer_key(op)] for op in operators}
        ours = layer_costs(accelerator, operators)
        rest = [op for op in operators if op not in chosen_by]
        single = np.array([[*_both(ours[op], truth[op])] for op in operators])
        ratios.append(single[:, 0] / single[:, 2])
        of_rest = np.array([[*_both(ours[op], truth[op])] for op in rest])
        of_blocks = np.array(
            [_both(_pair(accelerator, b, ours), _pair(accelerator, b, truth)) for b in blocks]
        )
        sums = [_networks(space, accelerator, blocks, costs, genomes) for costs in (ours, truth)]
        records[accelerator.name] = {
            "units": list(accelerator.sides),
            "bits": [accelerator.weight_bits, accelerator.activation_bits],
            "area_mm2": round(accelerator.area_mm2, 4),
            "blocks": _agreement(of_blocks),
            "layers": _agreement(single),
            "layers_not_chosen_by": _agreement(of_rest),
            "networks": _agreement(np.concatenate(sums, axis=1)),
        }
    return {
        "model": model,
        "zigzag_seconds": round(seconds, 1),
        "distinct_blocks": len(blocks),
        "distinct_layers": len(operators),
        "accelerators": records,
        "off": _off(operators, np.array(ratios)),
    }


def _both(ours: Any, truth: Any) -> tuple[float, float, float, float]:
    """Cycles and energy of ours, and those of zigzag."""
    return (*(ours or (math.nan, math.nan)), *(truth or (math.nan, math.nan)))


def _pair(accelerator: Accelerator, block: Block, costs: Costs) -> tuple[float, float] | None:
    cost = block_cost(accelerator, block, costs)
    return None if cost is None else (cost.cycles, cost.energy_pj)


def _networks(
    space: SearchSpace,
    accelerator: Accelerator,
    blocks: Sequence[Block],
    costs: Costs,
    genomes: NDArray[Any],
) -> Array:
    """Cycles and energy of whole networks, (n, 2)."""
    table = np.zeros((space.n_layers, len(space.choices), 2))
    ends = np.zeros(2)
    for block in blocks:
        pair = _pair(accelerator, block, costs) or (math.nan, math.nan)
        for place in block.places:
            table[place] = pair
        if block.name in (STEM, HEAD):
            ends += pair
    return np.asarray(table[np.arange(space.n_layers), genomes].sum(axis=1) + ends)


def _agreement(figures: Array) -> dict[str, Any]:
    """How two models agree; cycles and energy of ours, then of zigzag, (n, 4)."""
    both = figures[np.isfinite(figures).all(axis=1)]
    out: dict[str, Any] = {
        "n": len(both),
        "fit_in_one_alone": int((np.isfinite(figures[:, 0]) != np.isfinite(figures[:, 2])).sum()),
    }
    for name, at in (("cycles", 0), ("energy", 1)):
        ours, truth = both[:, at], both[:, at + 2]
        ratio = ours / truth
        out[name] = {
            "spearman": round(spearman(ours, truth), 4),
            "median_error": round(float(np.median(np.abs(ratio - 1))), 4),
            "ratio_min": round(float(ratio.min()), 3),
            "ratio_median": round(float(np.median(ratio)), 3),
            "ratio_max": round(float(ratio.max()), 3),
        }
    return out


def _kind(op: Operator) -> str:
    if op.kind == "linear":
        return "linear"
    if op.groups == op.in_channels:
        return "depthwise"
    if op.kernel > 1:
        return "dense"
    if op.groups > 1:
        return "pointwise in groups"
    return "pointwise, widening" if op.out_channels > op.in_channels else "pointwise, not widening"


def _off(operators: Sequence[Operator], ratios: Array) -> dict[str, Any]:
    """Cycles of ours over zigzag's by kind of layer, over all accelerators."""
    kinds = [_kind(op) for op in operators]
    out = {}
    for kind in sorted({*kinds}):
        some = ratios[:, [k == kind for k in kinds]].ravel()
        some = some[np.isfinite(some)]
        out[kind] = {
            "n": len(some),
            "ratio_median": round(float(np.median(some)), 3),
            "below": int((some < 1 / OFF).sum()),
            "above": int((some > OFF).sum()),
        }
    return out


def page(figures: dict[str, Any]) -> str:
    """The figures as Markdown."""
    records = figures["accelerators"]
    lines = [
        "| accelerator | bits W/A | area mm2 | blocks: Spearman of cycles, energy | median error | "
        "cycles over zigzag's, least to most | networks: Spearman | median error |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, r in records.items():
        blocks, networks = r["blocks"], r["networks"]
        cycles, energy = blocks["cycles"], blocks["energy"]
        lines.append(
            f"| {name} | {r['bits'][0]}/{r['bits'][1]} | {r['area_mm2']:.2f} | "
            f"{cycles['spearman']:.3f}, {energy['spearman']:.3f} | "
            f"{100 * cycles['median_error']:.0f} %, {100 * energy['median_error']:.0f} % | "
            f"{cycles['ratio_min']:.2f} to {cycles['ratio_max']:.2f} | "
            f"{networks['cycles']['spearman']:.3f}, {networks['energy']['spearman']:.3f} | "
            f"{100 * networks['cycles']['median_error']:.0f} %, "
            f"{100 * networks['energy']['median_error']:.0f} % |"
        )
    least = min(r["blocks"]["cycles"]["spearman"] for r in records.values())
    rest = min(r["layers_not_chosen_by"]["cycles"]["spearman"] for r in records.values())
    off = figures["off"]
    far = "; ".join(
        f"{kind}: {o['below']} too low, {o['above']} too high, of {o['n']}"
        for kind, o in off.items()
        if o["below"] or o["above"]
    )
    alone = sum(r["layers"]["fit_in_one_alone"] for r in records.values())
    lines += [
        "",
        f"{figures['distinct_blocks']} blocks of {SPACE} (stem and heads among them, of "
        f"{figures['distinct_layers']} distinct layers) on {len(records)} accelerators; "
        f"{N_NETWORKS} random networks as sums of them. All figures are modelled, by ours and by "
        f"{figures['model']}, which took {figures['zigzag_seconds'] / 60:.0f} minutes of one core. "
        f"The least Spearman of cycles over blocks is {least:.3f}; asked for was 0.9. Half of the "
        "first and last transfers is what the array waits for: that share was chosen among five "
        f"rules on {N_CHOSEN_BY} layers, and over the layers that did not choose the least "
        f"Spearman of cycles is {rest:.3f}. Layers that fit by one model alone: {alone}.",
        "",
        f"Where it fails: cycles of single layers that are off by more than {OFF} times "
        f"({far or 'none'}).",
        "",
        f"`python -m biglittle.data_tables.evidence accelerators`, {versions(figures)}.",
    ]
    return "\n".join(lines)


STEP = Step(measure, {"accelerators": page})
