"""What one graph with an ``If`` costs, for an exit and the network that it cuts, on this machine.

The graph runs the trunk once and what stands behind the exit only for what is escalated. It stands
against two sessions (the exit, then the whole network), against the same parts by hand (the exit
hands its features to a session that holds the rest), and against the sum of the parts, which is
what the table promises of a pair. Weights are random: latency does not depend on them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...bench.cost import answered_ms, mean_cost
from ...bench.spaces import get_space
from ...edge_profiler import Protocol, cascade_model, onnx_model
from ...edge_profiler.executed import executed_nodes
from ...edge_profiler.onnx_cascade import gated_model
from ...edge_profiler.onnx_gates import forced_threshold
from ...edge_profiler.onnx_graph import ESCALATED, INPUT
from ...edge_profiler.onnx_trunk import rest_model, trunk_model, trunk_of
from ...edge_profiler.pair_latency import measure_gate
from ...edge_profiler.protocol import Measurement
from ...edge_profiler.protocol import measure as bracketed
from ...edge_profiler.runtimes import Run
from ._page import Step, versions
from ._sessions import RUNTIME, alone, busy, busy_text, noise, session

if TYPE_CHECKING:
    import onnx

SPACE, N_CLASSES, METRIC, PREFIX = "fbnet", 10, "margin", "prefix"
#: From early exits of small networks to late ones of large networks.
PAIRS = (
    ("0000000000000000000000", "6s"),
    ("3200002020236000800000", "4s"),
    ("3200002020236000800000", "12"),
    ("2863848418780625260277", "10"),
    ("3333333333333333333333", "12"),
    ("7777777777777777777777", "16"),
)
#: Half the width of a 95 % interval of a median, in standard deviations of one round, times the
#: root of the number of rounds (normal errors).
HALF_WIDTH = 1.96 * math.sqrt(math.pi / 2)


def _noise() -> NDArray[np.float32]:
    return noise(get_space(SPACE))


def _on_noise(model: onnx.ModelProto) -> Run:
    return alone(model, _noise())


def _first(little: onnx.ModelProto, escalate: bool, features: str | None) -> onnx.ModelProto:
    """The exit with its gate, and without an ``If``; it may hand out its features."""
    model = gated_model(little, METRIC, forced_threshold(METRIC, escalate))
    if features is not None:
        value = type(model.graph.output[0])()
        value.CopyFrom(model.graph.output[0])
        value.name = f"little/{features}"
        value.type.tensor_type.ClearField("shape")
        model.graph.output.append(value)
    return model


def _by_hand(
    first: onnx.ModelProto, second: onnx.ModelProto, image: Any, features: str | None
) -> Run:
    """Two sessions and the choice between them in Python; the gate is in the first one."""
    before, behind = session(first), session(second)
    name = behind.get_inputs()[0].name
    wanted = [ESCALATED] if features is None else [ESCALATED, f"little/{features}"]
    wanted = [first.graph.output[0].name, *wanted]

    def run() -> None:
        answer = before.run(wanted, {INPUT: image})
        if answer[1]:
            behind.run(None, {name: image if features is None else answer[2]})

    return run


def measure_pair(
    architecture: str,
    cut: str,
    gate_ms: float,
    protocol: Protocol,
    compare: Callable[[Run, Run, Protocol], Measurement] = bracketed,
) -> dict[str, Any]:
    """What one pair takes as one graph and in other ways, in ms with intervals.

    Args:
        architecture: id of the network.
        cut: name of its exit.
        gate_ms: latency of the gate alone.
        protocol: number of warm-up runs, rounds, and runs a round.
        compare: measures one way against another; another one for tests.
    """
    space, image = get_space(SPACE), _noise()
    names = (f"{architecture}@{cut}", architecture)
    little, big = (onnx_model(space, name, N_CLASSES) for name in names)
    features, rest = trunk_of(little).features, rest_model(little, big)
    graphs = [
        cascade_model(little, big, METRIC, forced_threshold(METRIC, escalate), PREFIX)
        for escalate in (False, True)
    ]
    ran = [executed_nodes(graph, image) for graph in graphs]
    sure, asking, exit_, whole = (alone(model, image) for model in (*graphs, little, big))
    # Each against what takes nearly as long: speed drifts from one comparison to the next, and
    # little of that then reaches a sum.
    runs = {
        "little": (exit_, whole),
        "trunk": (alone(trunk_model(little), image), exit_),
        "kept": (sure, exit_),
        "escalated": (asking, whole),
        "kept_two_sessions": (sure, _by_hand(_first(little, False, None), big, image, None)),
        "kept_by_hand": (sure, _by_hand(_first(little, False, features), rest, image, features)),
        "escalated_two_sessions": (
            asking,
            _by_hand(_first(little, True, None), big, image, None),
        ),
        "escalated_by_hand": (
            asking,
            _by_hand(_first(little, True, features), rest, image, features),
        ),
    }
    measured = {name: compare(*pair, protocol) for name, pair in runs.items()}
    whole_ms = float(np.mean([measured[name].reference_ms for name in ("little", "escalated")]))
    parts = {name: measured[name].ratio * whole_ms for name in ("little", "escalated")}
    parts |= {name: measured[name].ratio * parts["little"] for name in ("trunk", "kept")}
    answered = answered_ms(parts["little"], gate_ms)
    sums = {
        "kept": answered,
        "escalated": mean_cost(answered, whole_ms, 1.0, parts["trunk"]),
    }
    compared = ("kept_two_sessions", "kept_by_hand", "escalated_two_sessions", "escalated_by_hand")
    return {
        "little": names[0],
        "big": names[1],
        "macs": space.macs([architecture] * 2, N_CLASSES, space.exit_numbers([cut, ""])).tolist(),
        "whole_ms": whole_ms,
        **{f"{name}_ms": value for name, value in parts.items()},
        "sums_ms": sums,
        "sum_error": {
            name: _interval(parts[name] / value - 1.0, _half(measured[name], protocol, True))
            for name, value in sums.items()
        },
        # Each way against the graph, both within one run: below 0 the graph is the faster one.
        "against": {n: _difference(measured[n], protocol) for n in compared},
        "idle_nodes_run": sum(name.startswith("big/") for name in ran[0]),
        "branch_nodes": sum(name.startswith("big/") for name in ran[1]),
        "n": min(m.n for m in measured.values()),
        "dropped_rounds": sum(m.dropped_rounds for m in measured.values()),
    }


def _half(m: Measurement, protocol: Protocol, relative: bool = False) -> float:
    """Half the width of the 95 % interval of a ratio, perhaps as a share of it."""
    half = HALF_WIDTH * m.ratio_spread / math.sqrt(protocol.rounds)
    return half / m.ratio if relative else half


def _difference(m: Measurement, protocol: Protocol) -> dict[str, float]:
    """What the graph takes beyond the other way, in ms, and as a share of that way."""
    half = _half(m, protocol)
    return {
        **_interval((m.ratio - 1.0) * m.reference_ms, half * m.reference_ms),
        "ratio": m.ratio,
        "ratio_half_width": half,
        "other_ms": m.reference_ms,
    }


def _interval(value: float, half: float) -> dict[str, float]:
    return {"value": value, "half_width": half}


def measure(rounds: int = 24, runs: int = 10) -> dict[str, Any]:
    """Measures all pairs on this machine; two minutes where nothing else runs."""
    protocol = Protocol(rounds=rounds, runs_per_round=runs, max_dropped=10 * rounds)
    load = busy()
    gate_ms, _ = measure_gate(get_space(SPACE), N_CLASSES, protocol, _on_noise, metric=METRIC)
    return {
        "gate_ms": gate_ms,
        "gate": METRIC,
        "rounds": rounds,
        "runs": runs,
        "runtime": RUNTIME,
        **load,
        "pairs": [measure_pair(*pair, gate_ms, protocol) for pair in PAIRS],
    }


def prefix_graphs_section(figures: dict[str, Any]) -> str:
    """The figures as Markdown."""
    pairs = figures["pairs"]
    lines = [
        "| exit, of a network | alone: exit, whole, trunk (ms) | one graph: kept, escalated (ms) "
        "| graph minus trunk and rest by hand: kept, escalated (ms) | graph over two sessions: "
        "kept, escalated | graph over the sum of parts: kept, escalated |",
        "|---|---|---|---|---|---|",
    ]
    for pair in pairs:
        architecture, _, cut = pair["little"].partition("@")
        against, error = pair["against"], pair["sum_error"]
        hand = [against[f"{branch}_by_hand"] for branch in ("kept", "escalated")]
        two = [against[f"{branch}_two_sessions"] for branch in ("kept", "escalated")]
        cells = [
            f"`@{cut}` of `{architecture}`",
            f"{pair['little_ms']:.2f}, {pair['whole_ms']:.2f}, {pair['trunk_ms']:.2f}",
            f"{pair['kept_ms']:.2f}, {pair['escalated_ms']:.2f}",
            ", ".join(f"{d['value']:+.3f} ± {d['half_width']:.3f}" for d in hand),
            ", ".join(f"{d['ratio']:.3f} ± {d['ratio_half_width']:.3f}" for d in two),
            ", ".join(
                f"{100 * error[b]['value']:+.1f} ± {100 * error[b]['half_width']:.1f} %"
                for b in ("kept", "escalated")
            ),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    saved = [1 - p["against"]["escalated_two_sessions"]["ratio"] for p in pairs]
    errors = [abs(p["sum_error"]["escalated"]["value"]) for p in pairs]
    idle = sum(p["idle_nodes_run"] for p in pairs)
    lines += [
        "",
        f"An escalated image takes {100 * min(saved):.0f} to {100 * max(saved):.0f} % less in one "
        "graph than in two sessions, which run the trunk twice. The sum of parts is off by "
        f"{100 * float(np.mean(errors)):.1f} % on average for what is escalated, "
        f"{100 * max(errors):.1f} % at most. In runs that keep the little network's answer, ONNX "
        f"Runtime executed {idle} of the {sum(p['branch_nodes'] for p in pairs)} nodes of the "
        "branches that hold the rest of the networks.",
        "",
        f"Medians of {figures['rounds']} rounds of {figures['runs']} runs, each between two blocks "
        "of what it is compared with; ± is a 95 % interval of the median within one session. The "
        f"gate (`{figures['gate']}`, {1000 * figures['gate_ms']:.1f} us) is in the graph in every "
        f"way, the choice between sessions in Python. {figures['runtime']}, 1 thread, random "
        f"weights, {versions(figures)}.{busy_text(figures)}",
    ]
    return "\n".join(lines)


STEP = Step(measure, {"prefix_graphs": prefix_graphs_section})
