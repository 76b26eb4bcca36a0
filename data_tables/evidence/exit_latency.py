"""How sure the latencies of exits are on a device that has a block table: the Raspberry Pi 4.

Three things are judged. The operator model that prices exit heads is fitted without the blocks of a
layer, or of all layers of one shape, and predicts them. The constant of the table is split among
start, layers that the table gives as nothing, and head, by the device's own model and as the models
of other devices would. What these splits mean is told for one architecture at some of its exits.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

import numpy as np

from ...bench import load_device
from ...bench.device import shipped_devices
from ...bench.latency_exits import Parts, left_out_ratios, parts_of, shape_of
from ...bench.latency_terms import Blocks
from ...bench.operator_features import Array
from ...bench.spaces import Layer, SearchSpace, get_space
from ._page import Step

DEVICE = "raspberry-pi-4"
#: The architecture on which exits were first tried; the page tells what its exits take.
ARCHITECTURE = "3200002020236000800000"
EXITS = ("4", "4s", "8", "8s", "12", "12s", "16", "16s")
N_CLASSES = 10
GROUPS: dict[str, Callable[[Layer], Hashable]] = {
    "layer": lambda layer: layer.index,
    "shape": shape_of,
}


def block_errors(space: SearchSpace, blocks_ms: Array) -> dict[str, dict[str, float]]:
    """Errors of a model of operators on blocks that it was not fitted to, by what is left out.

    Args:
        space: search space of the blocks.
        blocks_ms: latencies relative to the last choice, shape (n_layers, n_choices).
    """
    out = {}
    for what, group in GROUPS.items():
        ratios = left_out_ratios(space, blocks_ms, group)
        error = np.abs(1 / ratios - 1)
        out[what] = {
            "groups": len({group(layer) for layer in space.layers}),
            "blocks": int(ratios.size),
            "median": float(np.median(error)),
            "within_90_percent": float(np.quantile(error, 0.9)),
            "low": float(np.quantile(ratios, 0.05)),
            "high": float(np.quantile(ratios, 0.95)),
        }
    return out


def relative_to_last(blocks: Blocks) -> Blocks:
    """The same sums with every block relative to the last choice, as the Pi's table is."""
    last = blocks.blocks_ms[:, [-1]]
    return Blocks(blocks.constant_ms + float(last.sum()), blocks.blocks_ms - last)


def splits(space: SearchSpace, constant_ms: float) -> dict[str, dict[str, Any]]:
    """Start, layers and head of a constant of so many milliseconds, by whose model splits it."""
    out = {}
    for name in shipped_devices():
        model = load_device(name).latency
        blocks = relative_to_last(model.blocks())
        parts = parts_of(space, N_CLASSES, blocks, model.operators().model.coefficients)
        out[name] = _of(parts, constant_ms / blocks.constant_ms)
        if name == DEVICE:
            whole = parts.unscaled_ms
            predicted = float(whole.sum())
            out[f"{name}, as predicted"] = {**_parts(parts, 1.0, whole), "sum_ms": predicted}
            rest = constant_ms - predicted
            for what, at in (("start", 0), ("head", 2)):
                more = whole.copy()
                more[at] += rest
                out[f"{name}, rest to the {what}"] = _parts(parts, 1.0, more)
    return out


def _of(parts: Parts, scale: float) -> dict[str, Any]:
    """A split of another constant in the same shares."""
    ends = np.array([parts.start_ms, parts.offsets_ms.sum(), parts.heads_ms[0]])
    return _parts(parts, scale, ends)


def _parts(parts: Parts, scale: float, ends: Array) -> dict[str, Any]:
    before = parts.offsets_ms.cumsum() / max(float(parts.offsets_ms.sum()), 1e-12)
    start, layers, head = (scale * ends).tolist()
    return {
        "start_ms": start,
        "layers_ms": layers,
        "head_ms": head,
        "layers_until_ms": (layers * before).tolist(),
    }


def measure() -> dict[str, Any]:
    """Errors on blocks, splits of the constant, and what both mean for some exits."""
    space, model = get_space("fbnet"), load_device(DEVICE).latency
    blocks = model.blocks()
    errors, by = block_errors(space, blocks.blocks_ms), splits(space, blocks.constant_ms)
    usable = {k: v for k, v in by.items() if "sum_ms" not in v}  # those that give the constant
    genome = space.parse(ARCHITECTURE)
    picked = blocks.blocks_ms[np.arange(space.n_layers), genome[0]]
    factors = errors["shape"]["low"], errors["shape"]["high"]
    exits = {}
    for name in EXITS:
        numbers = space.exit_numbers([name])
        after = int(space.exit_after[numbers[0]])
        whole, trunk = (f(genome, numbers)[0] for f in (model.latency_ms, model.trunk_ms))
        measured, head = float(picked[: after + 1].sum()), float(whole - trunk)
        starts = [v["start_ms"] + v["layers_until_ms"][after] for v in usable.values()]
        low, high = min(starts) + head * factors[0], max(starts) + head * factors[1]
        own_low, own_high = (float(end[0]) for end in model.interval_ms(genome, numbers))
        exits[name] = {
            "interval_ms": [own_low, own_high],
            "blocks_ms": measured,
            "head_ms": head,
            "head_low_ms": head * factors[0],
            "head_high_ms": head * factors[1],
            "latency_ms": float(whole),
            "latency_low_ms": measured + low,
            "latency_high_ms": measured + high,
        }
    ends = ("start_ms", "layers_ms", "head_ms")
    return {
        "device": DEVICE,
        "architecture": ARCHITECTURE,
        "whole_ms": float(model.latency_ms(genome)[0]),
        "constant_ms": blocks.constant_ms,
        "errors": errors,
        "splits": by,
        "range": {
            n: [min(v[n] for v in usable.values()), max(v[n] for v in usable.values())]
            for n in ends
        },
        "exits": exits,
    }


def page(figures: dict[str, Any]) -> str:
    """The figures as Markdown."""
    errors, spans, by = figures["errors"], figures["range"], figures["splits"]
    own = by[f"{figures['device']}, as predicted"]
    lines = [
        "The model that prices exit heads, on blocks of the table that it was not fitted to:",
        "",
        "| left out | groups | median error | 90 % of blocks within | 90 % lie at |",
        "|---|---|---|---|---|",
    ]
    for what, e in errors.items():
        lines.append(
            f"| the blocks of a {what} | {e['groups']} | {100 * e['median']:.0f} % | "
            f"{100 * e['within_90_percent']:.0f} % | {e['low']:.2f} to {e['high']:.2f} times the "
            "prediction |"
        )
    lines += [
        "",
        f"The constant of {figures['constant_ms']:.2f} ms is more than its parts as they are "
        f"predicted: {own['start_ms']:.2f} ms for what a network takes whatever is in it and the "
        f"stem, {own['layers_ms']:.2f} ms for the skips that change the shape (the table gives "
        f"them as 0), {own['head_ms']:.2f} ms for head and classifier, {own['sum_ms']:.2f} ms in "
        "all. The parts are scaled to the constant. Nothing in the table tells what a dense "
        "convolution costs, and the stem is one: it is priced as a pointwise one. The same "
        "constant, split in the shares that the models of other devices give, or with what is "
        "not explained given to one end:",
        "",
        "| split of | start, ms | skips that change the shape, ms | head, ms |",
        "|---|---|---|---|",
    ]
    for name, s in by.items():
        if "sum_ms" not in s:
            cells = " | ".join(f"{s[n]:.2f}" for n in ("start_ms", "layers_ms", "head_ms"))
            lines.append(f"| {name} | {cells} |")
    (a, b), (c, d), (e, f) = (spans[n] for n in ("start_ms", "layers_ms", "head_ms"))
    lines += [
        "",
        f"So the start is known as {a:.1f} to {b:.1f} ms, these skips as {c:.1f} to {d:.1f} ms and "
        f"the head as {e:.1f} to {f:.1f} ms, and no better: what a whole network takes does not "
        f"depend on it, what an exit takes does. For `{figures['architecture']}` (whole: "
        f"{figures['whole_ms']:.2f} ms), with exit heads off by as much as blocks of a shape that "
        "was left out:",
        "",
        "| exit | exit head, ms (range) | latency, ms (range over all splits) "
        "| interval of `device predict` |",
        "|---|---|---|---|",
    ]
    for name, x in figures["exits"].items():
        lines.append(
            f"| @{name} | {x['head_ms']:.2f} ({x['head_low_ms']:.2f} to {x['head_high_ms']:.2f}) | "
            f"{x['latency_ms']:.2f} ({x['latency_low_ms']:.2f} to {x['latency_high_ms']:.2f}) | "
            f"{x['interval_ms'][0]:.2f} to {x['interval_ms'][1]:.2f} |"
        )
    lines += [
        "",
        "`device predict` rests on the device alone: head, start and skips are off by as much as "
        "nine in ten blocks of a shape that was left out, and what is not explained may all be the "
        "start's. It covers the splits of this device, not those of others.",
        "",
        "Other devices pay more for starting a network (a graph on a GPU) or less for weights than "
        "a Pi does, so that theirs are the ends of the range and not its middle. A measurement of "
        "one network at two exits on a Pi would settle it: `biglittle profile --networks`.",
    ]
    return "\n".join(lines)


STEP = Step(measure, {"exit_latency": page})
