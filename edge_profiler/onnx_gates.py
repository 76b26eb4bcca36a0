"""Gates in an ONNX graph: from a network's answer or features to "escalate"."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from ..bench.errors import GateError
from ..bench.router_gate import RouterGate
from .onnx_graph import ESCALATED, GraphWriter
from .onnx_router import write_router

#: A gate as graphs are given it: a metric with a threshold, or a learned router.
GateForm = tuple[str, float] | RouterGate


# Only operators whose form is one since opset 13, so that models of other exporters fit too.
def _probabilities(graph: GraphWriter, answer: str, ready: bool) -> str:
    """The name of a network's probabilities: its answer itself where that is ``ready``."""
    return answer if ready else graph.add("Softmax", (answer,), "probabilities", axis=-1)


def _write_max_prob(graph: GraphWriter, answer: str, ready: bool) -> str:
    p = _probabilities(graph, answer, ready)
    return graph.add("ReduceMax", (p,), "value", keepdims=0)


def _write_margin(graph: GraphWriter, answer: str, ready: bool) -> str:
    p = _probabilities(graph, answer, ready)
    k = graph.constant("k", [2], np.int64)
    top, index = graph.prefix + "top2", graph.prefix + "top2_index"
    node = graph.onnx.helper.make_node("TopK", [p, k], [top, index], name=top, axis=-1)
    graph.nodes.append(node)
    signed = graph.add("Mul", (top, graph.constant("signs", [[1.0, -1.0]])), "signed")
    return graph.add("ReduceSum", (signed,), "value", keepdims=0)


def _write_entropy(graph: GraphWriter, answer: str, ready: bool) -> str:
    if ready:  # a class without any probability adds nothing
        least = graph.constant("least", float(np.finfo(np.float32).tiny))
        p, above = answer, graph.add("Max", (answer, least), "above_zero")
        log_p = graph.add("Log", (above,), "log_probabilities")
    else:
        log_p = graph.add("LogSoftmax", (answer,), "log_probabilities", axis=-1)
        p = graph.add("Exp", (log_p,), "probabilities")
    terms = graph.add("Mul", (p, log_p), "terms")
    total = graph.add("ReduceSum", (terms,), "total", keepdims=0)
    return graph.add("Neg", (total,), "value")


#: Metric -> (writer of its nodes, comparison that means "confident").
_GATES: dict[str, tuple[Callable[[GraphWriter, str, bool], str], str]] = {
    "max_prob": (_write_max_prob, "GreaterOrEqual"),
    "margin": (_write_margin, "GreaterOrEqual"),
    "entropy": (_write_entropy, "LessOrEqual"),
}


def onnx_gates() -> tuple[str, ...]:
    """The gate metrics that have an ONNX form."""
    return tuple(_GATES)


def forced_threshold(metric: str, escalate: bool) -> float:
    """A threshold outside of the metric's range, at which every input takes one branch.

    Raises:
        GateError: the metric has no ONNX form.
    """
    router = metric == RouterGate.metric
    high_is_confident = router or _gate(metric)[1] == "GreaterOrEqual"
    return float("inf") if escalate == high_is_confident else -1.0


def forced_gate(gate: GateForm, escalate: bool) -> GateForm:
    """The gate with a threshold at which every input takes one branch.

    Raises:
        GateError: a metric without ONNX form.
    """
    if isinstance(gate, RouterGate):
        return replace(gate, threshold=forced_threshold(gate.metric, escalate))
    return gate[0], forced_threshold(gate[0], escalate)


def _gate(metric: str) -> tuple[Callable[[GraphWriter, str, bool], str], str]:
    if metric not in _GATES:
        raise GateError(
            f"gate metric {metric!r} cannot be written as ONNX; expected one of "
            f"{', '.join(sorted(_GATES))}."
        )
    return _GATES[metric]


def write_gate(
    gate: GateForm,
    logits: str,
    features: str | None = None,
    prefix: str = "gate/",
    ready: bool = False,
) -> GraphWriter:
    """A graph whose last node is the bool scalar "escalate", named ``PREFIXescalated``.

    Args:
        gate: a metric and its threshold, or a router.
        logits: name of the network's answer.
        features: name of the features that a router reads.
        prefix: put before the name of every node.
        ready: whether the answer is probabilities already, as behind a softmax, and not logits.

    Raises:
        GateError: a metric without ONNX form, or a threshold that is not a number.
    """
    if isinstance(gate, RouterGate):
        assert features is not None
        graph, probabilities = GraphWriter(prefix), None
        if not gate.early:
            probabilities = _probabilities(graph, logits, ready)
        scores = write_router(graph, gate.router, features, probabilities)
        value = graph.add("ReduceMax", (scores,), "value", keepdims=0)  # of one image
        threshold, confident = gate.threshold, "GreaterOrEqual"
    else:
        metric, threshold = gate
        writer, confident = _gate(metric)
        if math.isnan(threshold):
            raise GateError(f"threshold of gate {metric!r} is NaN; expected a number.")
        graph = GraphWriter(prefix)
        value = writer(graph, logits, ready)
    sure = graph.add(confident, (value, graph.constant("threshold", threshold)), "confident")
    graph.add("Not", (sure,), ESCALATED)
    return graph
