"""What it saves to hold the weights of a nested pair once in its graph, on this machine.

Where little is a slice of big, each of its weights is a slice of one of big's, times a factor for
each channel: batch norms, which are folded into the weights, belong to one network. So a graph can
hold big's weights and make little's of them by a `Slice` and a `Mul`. Big's weights then lie
outside of the branch that runs big, since both networks read them. Such a graph stands against the
one that is deployed, which holds both, and against one that holds both with big's outside, all with
the same values: file, resident memory of a process that runs it, and latency.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...bench.spaces import get_space
from ...edge_profiler import Protocol, cascade_model, onnx_model
from ...edge_profiler.onnx_gates import forced_threshold
from ...edge_profiler.onnx_graph import import_onnx
from ...edge_profiler.protocol import Measurement
from ...edge_profiler.protocol import measure as bracketed
from ...edge_profiler.runtimes import Run
from ._page import Step, versions
from ._resident import resident_of
from ._sessions import RUNTIME, alone, busy, busy_text, noise

if TYPE_CHECKING:
    import onnx

SPACE, N_CLASSES, METRIC = "fbnet", 10, "margin"
PAIRS = (("0" * 22, "3" * 22), ("2" * 22, "7" * 22))
MIB = 2.0**20
PROCESSES = 3  # whose median memory is told
#: Ways to hold the weights, and what the page calls them.
WAYS = {"twice": "both", "outside": "both, big's outside of its branch", "once": "big's alone"}


def slices_of(little: tuple[int, ...], big: tuple[int, ...]) -> tuple[slice, ...] | None:
    """Where a weight lies within a larger one: first channels, middle of kernels; None: nowhere."""
    if len(little) != len(big) or any(a > b for a, b in zip(little, big, strict=True)):
        return None
    larger = [b - a for a, b in zip(little, big, strict=True)]
    starts = [more // 2 if axis > 1 else 0 for axis, more in enumerate(larger)]
    return tuple(slice(s, s + n) for s, n in zip(starts, little, strict=True))


def graphs_of(names: tuple[str, str], escalate: bool) -> dict[str, onnx.ModelProto]:
    """The graph of a nested pair in the three ways of `WAYS`; they answer alike.

    Args:
        names: ids of the little and the big network.
        escalate: whether every input reaches the big network.
    """
    helper, arrays = import_onnx().helper, import_onnx().numpy_helper
    space = get_space(SPACE)
    little, big = (onnx_model(space, name, N_CLASSES, seed=k) for k, name in enumerate(names))
    twice = cascade_model(little, big, METRIC, forced_threshold(METRIC, escalate), "nested")
    once = type(twice)()
    rng = np.random.default_rng(0)
    branch = _branch(twice)
    held = {w.name.removeprefix("big/"): w for w in branch.initializer}
    shared: dict[str, tuple[tuple[slice, ...], NDArray[np.float32]]] = {}
    for weight in twice.graph.initializer:
        name = weight.name.removeprefix("little/")
        if not name.endswith(".weight") or name not in held:
            continue
        where = slices_of(tuple(weight.dims), tuple(held[name].dims))
        if where is None:
            continue
        shape = (weight.dims[0], *(1,) * (len(weight.dims) - 1))
        factor = rng.uniform(0.5, 1.5, shape).astype(np.float32)
        own = arrays.to_array(held[name])[where] * factor
        weight.CopyFrom(arrays.from_array(np.ascontiguousarray(own), weight.name))
        shared[name] = where, factor
    once.CopyFrom(twice)
    outside, inner = type(twice)(), _branch(once)
    outside.CopyFrom(twice)
    outer = [w for w in inner.initializer if w.name.removeprefix("big/") in shared]
    own_big = [w for w in inner.initializer if w.name.removeprefix("big/") not in shared]
    own_weights = [
        w for w in once.graph.initializer if w.name.removeprefix("little/") not in shared
    ]
    nodes, constants = [], []
    for name, (where, factor) in shared.items():
        facts = {
            "starts": [s.start for s in where],
            "ends": [s.stop for s in where],
            "axes": list(range(len(where))),
        }
        inputs = [f"big/{name}"]
        for fact, values in facts.items():
            constants.append(arrays.from_array(np.array(values, np.int64), f"nested/{name}/{fact}"))
            inputs.append(constants[-1].name)
        constants.append(arrays.from_array(factor, f"nested/{name}/factor"))
        cut = f"nested/{name}/slice"
        nodes.append(helper.make_node("Slice", inputs, [cut], name=cut))
        nodes.append(
            helper.make_node(
                "Mul", [cut, constants[-1].name], [f"little/{name}"], name=f"nested/{name}"
            )
        )
    _replaced(once.graph.initializer, [*own_weights, *outer, *constants])
    _replaced(inner.initializer, own_big)
    _replaced(once.graph.node, [*nodes, *once.graph.node])
    _replaced(_branch(outside).initializer, own_big)
    _replaced(outside.graph.initializer, [*twice.graph.initializer, *outer])
    for model in (once, outside):
        import_onnx().checker.check_model(model)
    return dict(zip(WAYS, (twice, outside, once), strict=True))


def _branch(model: onnx.ModelProto) -> Any:
    (choose,) = [node for node in model.graph.node if node.op_type == "If"]
    return next(a.g for a in choose.attribute if a.name == "then_branch")


def _replaced(entries: Any, others: list[Any]) -> None:
    copies = [type(entry)() for entry in others]
    for copy, entry in zip(copies, others, strict=True):
        copy.CopyFrom(entry)
    del entries[:]
    entries.extend(copies)


def measure_pair(
    names: tuple[str, str],
    protocol: Protocol,
    compare: Callable[[Run, Run, Protocol], Measurement] = bracketed,
    processes: int = PROCESSES,
) -> dict[str, Any]:
    """Files, memory and latency of both graphs of one pair.

    Args:
        names: ids of the little and the big network.
        protocol: number of warm-up runs, rounds, and runs a round.
        compare: measures one way against another; another one for tests.
        processes: processes whose median memory is told.
    """
    space, image = get_space(SPACE), noise(get_space(SPACE))
    genomes = space.parse(list(names))
    little, big = space.params(list(names), N_CLASSES).tolist()
    shared = int(space.nested_params(genomes[:1], genomes[1:], N_CLASSES)[0])
    row: dict[str, Any] = {
        "little": names[0],
        "big": names[1],
        "params_mib": (little + big) * 4 / MIB,
        "shared_mib": shared * 4 / MIB,
    }
    row["ways"] = {way: {} for way in WAYS}
    for branch in ("kept", "escalated"):
        graphs = graphs_of(names, branch == "escalated")
        reference = alone(graphs["twice"], image)
        for way, graph in graphs.items():
            m = compare(alone(graph, image), reference, protocol)
            row["ways"][way][f"{branch}_ms"] = m.ratio * m.reference_ms
            row["ways"][way][branch] = m.ratio
    with tempfile.TemporaryDirectory() as folder:
        for way, graph in graphs.items():
            file = Path(folder) / f"{way}.onnx"
            file.write_bytes(graph.SerializeToString())
            memory = [resident_of(file) for _ in range(processes)]
            told = [value for value in memory if value is not None]
            row["ways"][way] |= {
                "file_mib": file.stat().st_size / MIB,
                "resident_mib": float(np.median(told)) if told else None,
            }
    return row


def measure(rounds: int = 24, runs: int = 10) -> dict[str, Any]:
    """Measures both pairs on this machine; a minute where nothing else runs."""
    protocol = Protocol(rounds=rounds, runs_per_round=runs, max_dropped=10 * rounds)
    load = busy()
    return {
        "rounds": rounds,
        "runs": runs,
        "processes": PROCESSES,
        "runtime": RUNTIME,
        **load,
        "pairs": [measure_pair(pair, protocol) for pair in PAIRS],
    }


def section(figures: dict[str, Any]) -> str:
    """The figures as Markdown."""
    lines = [
        "| nested pair | weights in the graph | file (MiB) | resident (MiB) | kept (ms) "
        "| escalated (ms) |",
        "|---|---|---|---|---|---|",
    ]
    pairs = figures["pairs"]
    for pair in pairs:
        for way, words in WAYS.items():
            row = pair["ways"][way]
            name = f"`{pair['little']}` in `{pair['big']}`" if way == "twice" else ""
            memory = row["resident_mib"]
            cells = [
                name,
                words,
                f"{row['file_mib']:.1f}",
                "not told here" if memory is None else f"{memory:.1f}",
                *(f"{row[f'{b}_ms']:.2f} ({row[b]:.2f})" for b in ("kept", "escalated")),
            ]
            lines.append(f"| {' | '.join(cells)} |")
    smaller = [1 - p["ways"]["once"]["file_mib"] / p["ways"]["twice"]["file_mib"] for p in pairs]
    slower = [p["ways"]["once"]["escalated"] for p in pairs]
    least, most = (100 * f(smaller) for f in (min, max))
    lines += [
        "",
        f"The file that holds big's weights alone is {least:.0f} to {most:.0f} % smaller. "
        f"{_memory(pairs)} An escalated image takes {min(slower):.1f} to {max(slower):.1f} times "
        "what it takes in the deployed graph, since the runtime lays weights out for its kernels "
        "within the branch that reads them alone. So deployed graphs hold both. The memory that "
        "the bench counts once for a nested pair is that of a runtime which reads slices in place; "
        "ONNX Runtime does not.",
        "",
        f"In brackets: over the deployed graph. Medians of {figures['rounds']} rounds of "
        f"{figures['runs']} runs, and of {figures['processes']} processes for memory. "
        f"{figures['runtime']}, 1 thread, random weights, {versions(figures)}."
        f"{busy_text(figures)}",
    ]
    return "\n".join(lines)


def _memory(pairs: list[dict[str, Any]]) -> str:
    """What sharing saves of memory, and what of that is only where the weights lie."""
    ways = [[p["ways"][way]["resident_mib"] for way in ("outside", "once")] for p in pairs]
    if any(None in both for both in ways):
        return "Nobody says here how much memory a process takes."
    saved, shared = [both[0] - both[1] for both in ways], [p["shared_mib"] for p in pairs]
    amounts = " and ".join(f"{abs(value):.1f}" for value in saved)
    of = " and ".join(f"{value:.1f}" for value in shared)
    verdict = f"saves {amounts} of the {of} MiB that are shared"
    if max(saved) <= 0:
        verdict = f"of {of} MiB saves no memory ({amounts} MiB more are taken)"
    return (
        f"Against both with big's outside, sharing {verdict}: a session begins by folding each "
        "slice into a weight of its own. What else it takes less than the deployed graph is that "
        "big's weights are not laid out for the kernels."
    )


STEP = Step(measure, {"nested_graphs": section})
