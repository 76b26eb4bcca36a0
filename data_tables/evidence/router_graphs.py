"""What a learned router costs inside the graph that it steers, on this machine and on the Pi 4.

A router has 32 hidden units and looks at the trunk's features with the exit's confidences, at these
features alone, or at those behind the stem. It is measured alone, and in the graph of a pair whose
`If` it decides: an input that is kept, and one that is sent on, against the sum of their parts as
the bench adds them up. Weights are random: latency does not depend on them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ...bench import load_device
from ...bench.router import CONFIDENCES, Router
from ...bench.router_gate import RouterGate, features_of, router_ms
from ...bench.spaces import SearchSpace, get_space
from ...edge_profiler import Protocol, chained_model, onnx_model
from ...edge_profiler.executed import executed_nodes
from ...edge_profiler.onnx_gates import GateForm, forced_gate, write_gate
from ...edge_profiler.onnx_graph import ESCALATED, INPUT, LOGITS, GraphWriter
from ...edge_profiler.onnx_trunk import stem_of, trunk_model, trunk_of
from ...edge_profiler.protocol import Measurement
from ...edge_profiler.protocol import measure as bracketed
from ...edge_profiler.runtimes import Run
from ._page import Step, versions
from ._sessions import RUNTIME, alone, busy, busy_text, noise, session

SPACE, N_CLASSES, HIDDEN, DEVICE = "fbnet", 10, 32, "raspberry-pi-4"
#: Prefix pairs from small to large, and a pair of strangers.
PAIRS = (
    ("3200002020236000800000@12", "3200002020236000800000", "prefix"),
    ("2863848418780625260277@10", "2863848418780625260277", "prefix"),
    ("3333333333333333333333@12", "3333333333333333333333", "prefix"),
    ("3200002020236000800000", "3333333333333333333333", "sibling"),
)
#: Where a router looks, and whether at confidences too; the margin stands beside them.
KINDS = {
    "margin": None,
    "trunk, confidences": ("trunk", True),
    "trunk": ("trunk", False),
    "stem": ("stem", False),
}
Compare = Callable[[Run, Run, Protocol], Measurement]


def random_router(space: SearchSpace, little: str, place: str, confident: bool) -> RouterGate:
    """A router of random weights for a network and a place."""
    channels, _ = features_of(space, little, place)
    n, rng = channels + len(CONFIDENCES) * confident, np.random.default_rng(0)
    hidden = rng.standard_normal((n, HIDDEN)) / math.sqrt(n)
    router = Router(
        np.zeros(n), np.ones(n), hidden, np.zeros(HIDDEN), rng.standard_normal(HIDDEN), 0.0,
        channels,
    )  # fmt: skip
    return RouterGate(router, 0.5, place)


def gate_ms(
    space: SearchSpace, little: str, gate: GateForm, protocol: Protocol, compare: Compare
) -> tuple[float, float]:
    """What a gate takes alone, in ms, and half the width of a 95 % interval.

    Its features and logits are inputs of a graph; one that hands them through is subtracted.
    """
    place = gate.place if isinstance(gate, RouterGate) else "trunk"
    channels, size = features_of(space, little, place)
    rng = np.random.default_rng(0)
    feed = {
        INPUT: rng.standard_normal((1, channels, size, size)).astype(np.float32),
        LOGITS: rng.standard_normal((1, N_CLASSES)).astype(np.float32),
    }
    through = GraphWriter()
    for name in feed:
        through.add("Identity", (name,), f"{name}_again")
    writer = write_gate(gate, LOGITS, INPUT)
    runs = []
    for graph, out in (
        (writer, [through.value(writer.prefix + ESCALATED, (), "BOOL")]),
        (through, [through.value(f"{LOGITS}_again", feed[LOGITS].shape)]),
    ):
        inputs = [graph.value(name, array.shape) for name, array in feed.items()]
        one = session(graph.model(inputs, out, "gate"))
        runs.append(lambda one=one: one.run(None, feed))
    m = compare(runs[0], runs[1], protocol)
    return (m.ratio - 1.0) * m.reference_ms, _half(m, protocol) * m.reference_ms


def _half(m: Measurement, protocol: Protocol) -> float:
    """Half the width of a 95 % interval of a median ratio, as in `prefix_graphs`."""
    return 1.96 * math.sqrt(math.pi / 2) * m.ratio_spread / math.sqrt(protocol.rounds)


def measure_pair(
    names: tuple[str, str], coupling: str, protocol: Protocol, compare: Compare = bracketed
) -> dict[str, Any]:
    """Gates of one pair, alone and in its graph, against the sum of parts.

    Args:
        names: names of the little and the big network.
        coupling: what the two networks share.
        protocol: number of warm-up runs, rounds, and runs a round.
        compare: measures one way against another; another one for tests.
    """
    space, pi = get_space(SPACE), load_device(DEVICE)
    image, prefix = noise(space), coupling == "prefix"
    seeds = (0, 0 if prefix else 1)
    little, big = (
        onnx_model(space, name, N_CLASSES, seed=seed)
        for name, seed in zip(names, seeds, strict=True)
    )
    first, whole = alone(little, image), alone(big, image)
    parts = {
        "big": compare(whole, first, protocol),
        "trunk": compare(alone(trunk_model(little), image), first, protocol),
        "stem": compare(alone(trunk_model(little, stem_of(little)), image), first, protocol),
    }
    little_ms = float(np.median([m.reference_ms for m in parts.values()]))
    ms = {name: m.ratio * little_ms for name, m in parts.items()}
    rows = []
    for kind, what in KINDS.items():
        gate: GateForm = ("margin", 0.5)
        if what is not None:
            gate = random_router(space, names[0], *what)
        took, half = gate_ms(space, names[0], gate, protocol, compare)
        early = isinstance(gate, RouterGate) and gate.early
        place = gate.place if isinstance(gate, RouterGate) else "trunk"
        ran = ms[place] if early else little_ms
        shared = 0.0 if not prefix else ms["stem"] if early and place == "stem" else ms["trunk"]
        sums = {"kept": little_ms + took, "escalated": ran + took + ms["big"] - shared}
        row: dict[str, Any] = {"gate": kind, "gate_ms": took, "half_width_ms": half}
        if isinstance(gate, RouterGate):
            size = features_of(space, names[0], place)[1]
            row |= {"macs": gate.router.macs(), "params": gate.router.params()}
            row["pi_ms"] = router_ms(pi, gate.router, size)
        for branch, against in (("kept", first), ("escalated", whole)):
            forced = forced_gate(gate, branch == "escalated")
            graph = chained_model((little, big), (forced,), (coupling,))
            m = compare(alone(graph, image), against, protocol)
            unit = little_ms if branch == "kept" else ms["big"]
            names_run = executed_nodes(graph, image)
            row[branch] = {
                "ms": m.ratio * unit,
                "half_width_ms": _half(m, protocol) * unit,
                "sum_ms": sums[branch],
                "nodes": {
                    role: sum(name.startswith(f"{role}/") for name in names_run)
                    for role in ("little", "big")
                },
            }
        rows.append(row)
    head = len(little.graph.node) - len(trunk_of(little).nodes)
    return {
        "little": names[0],
        "big": names[1],
        "coupling": coupling,
        "little_ms": little_ms,
        "little_nodes": len(little.graph.node),
        "head_nodes": head,
        "stem_nodes": len(stem_of(little).nodes),
        **{f"{name}_ms": value for name, value in ms.items()},
        "gates": rows,
    }


def measure(rounds: int = 24, runs: int = 20) -> dict[str, Any]:
    """Measures all pairs on this machine; two minutes where nothing else runs."""
    protocol = Protocol(rounds=rounds, runs_per_round=runs, max_dropped=10 * rounds)
    load = busy()
    return {
        "rounds": rounds,
        "runs": runs,
        "hidden": HIDDEN,
        "device": DEVICE,
        "runtime": RUNTIME,
        **load,
        "pairs": [measure_pair((a, b), coupling, protocol) for a, b, coupling in PAIRS],
    }


def section(figures: dict[str, Any]) -> str:
    """The figures as Markdown."""
    lines = [
        "| pair | gate | MACs | alone, here (us) | Pi 4, predicted (ms) | kept (ms) | "
        "escalated (ms) | over the sum of parts: kept, escalated |",
        "|---|---|---|---|---|---|---|---|",
    ]
    errors, saved = [], []
    for pair in figures["pairs"]:
        rows = {row["gate"]: row for row in pair["gates"]}
        for kind, row in rows.items():
            both = [row[branch] for branch in ("kept", "escalated")]
            off = [b["ms"] / b["sum_ms"] - 1 for b in both]
            errors += [abs(o) for o in off]
            cells = [
                f"`{pair['little']}`, `{pair['big']}`" if kind == "margin" else "",
                kind,
                f"{row['macs']:,}" if "macs" in row else "",
                f"{1000 * row['gate_ms']:.1f} ± {1000 * row['half_width_ms']:.1f}",
                f"{row['pi_ms']:.3f}" if "pi_ms" in row else "",
                *(f"{b['ms']:.2f} ± {b['half_width_ms']:.2f}" for b in both),
                ", ".join(f"{100 * o:+.1f} %" for o in off),
            ]
            lines.append(f"| {' | '.join(cells)} |")
        if pair["coupling"] == "sibling":
            stem, late = (rows[k]["escalated"]["sum_ms"] for k in ("stem", "margin"))
            saved.append(1 - stem / late)
    idle = sum(
        row["kept"]["nodes"]["big"] + (row["escalated"]["nodes"]["little"] - allowed)
        for pair in figures["pairs"]
        for row, allowed in ((row, _nodes_before(pair, row["gate"])) for row in pair["gates"])
    )
    routers = [r["gate_ms"] for p in figures["pairs"] for r in p["gates"] if "macs" in r]
    lines += [
        "",
        f"A router of {figures['hidden']} hidden units takes {1000 * min(routers):.0f} to "
        f"{1000 * max(routers):.0f} us here; one without confidences decides before the little "
        "network's head, one behind the stem before its first layer. The graph is off the sum of "
        f"its parts by {100 * float(np.mean(errors)):.1f} % on average, {100 * max(errors):.1f} % "
        f"at most, and ONNX Runtime executed {idle} nodes of branches that were not taken. Behind "
        "the stem a prefix pair runs its trunk in either branch, so that its graph holds the "
        "trunk's weights twice; strangers lose nothing by it, and by the sum of parts save "
        f"{100 * max(saved, default=0.0):.0f} % of an escalated input.",
        "",
        f"Medians of {figures['rounds']} rounds of {figures['runs']} runs between blocks of the "
        "network that takes nearly as long; ± is a 95 % interval of the median within one "
        f"session. {figures['runtime']}, 1 thread, random weights, {versions(figures)}."
        f"{busy_text(figures)} On the {figures['device']} nobody measured a router: its operators "
        "are priced by the device's model, linear layers as pointwise convolutions, and the margin "
        "as nothing.",
    ]
    return "\n".join(lines)


def _nodes_before(pair: dict[str, Any], kind: str) -> int:
    """Nodes of the little network that run before a gate decides."""
    n: int = pair["little_nodes"]
    before: dict[str, int] = {"trunk": n - pair["head_nodes"], "stem": pair["stem_nodes"]}
    return before.get(kind, n)


STEP = Step(measure, {"router_graphs": section})
