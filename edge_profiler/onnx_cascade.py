"""Cascades as one ONNX graph: a gate behind the little network, the big one in a branch."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ..bench.errors import GateError, ProfileError
from .onnx_graph import ESCALATED, INPUT, LOGITS, GraphWriter, import_onnx

if TYPE_CHECKING:
    import onnx


# Only operators whose form is one since opset 13, so that models of other exporters fit too.
def _write_max_prob(graph: GraphWriter, logits: str) -> str:
    p = graph.add("Softmax", (logits,), "probabilities", axis=-1)
    return graph.add("ReduceMax", (p,), "value", keepdims=0)


def _write_margin(graph: GraphWriter, logits: str) -> str:
    p = graph.add("Softmax", (logits,), "probabilities", axis=-1)
    k = graph.constant("k", [2], np.int64)
    top, index = graph.prefix + "top2", graph.prefix + "top2_index"
    node = graph.onnx.helper.make_node("TopK", [p, k], [top, index], name=top, axis=-1)
    graph.nodes.append(node)
    signed = graph.add("Mul", (top, graph.constant("signs", [[1.0, -1.0]])), "signed")
    return graph.add("ReduceSum", (signed,), "value", keepdims=0)


def _write_entropy(graph: GraphWriter, logits: str) -> str:
    log_p = graph.add("LogSoftmax", (logits,), "log_probabilities", axis=-1)
    p = graph.add("Exp", (log_p,), "probabilities")
    terms = graph.add("Mul", (p, log_p), "terms")
    total = graph.add("ReduceSum", (terms,), "total", keepdims=0)
    return graph.add("Neg", (total,), "value")


#: Metric -> (writer of its nodes, comparison that means "confident").
_GATES: dict[str, tuple[Callable[[GraphWriter, str], str], str]] = {
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
    high_is_confident = _gate(metric)[1] == "GreaterOrEqual"
    return float("inf") if escalate == high_is_confident else -1.0


def _gate(metric: str) -> tuple[Callable[[GraphWriter, str], str], str]:
    if metric not in _GATES:
        raise GateError(
            f"gate metric {metric!r} cannot be written as ONNX; expected one of "
            f"{', '.join(sorted(_GATES))}."
        )
    return _GATES[metric]


def _write_gate(logits: str, metric: str, threshold: float) -> GraphWriter:
    """A graph whose last node is the bool scalar "escalate"."""
    writer, confident = _gate(metric)
    if math.isnan(threshold):
        raise GateError(f"threshold of gate {metric!r} is NaN; expected a number.")
    graph = GraphWriter("gate/")
    value = writer(graph, logits)
    sure = graph.add(confident, (value, graph.constant("threshold", threshold)), "confident")
    graph.nodes.append(graph.onnx.helper.make_node("Not", [sure], [ESCALATED], name="gate/not"))
    return graph


def _renamed(model: onnx.ModelProto, prefix: str) -> tuple[list[Any], list[Any], str]:
    """Nodes, initialisers and the name of the logits, every name prefixed but the images'."""
    source = model.graph
    weights = {w.name for w in source.initializer}
    inputs = [i.name for i in source.input if i.name not in weights]
    if len(inputs) != 1 or len(source.output) != 1:
        raise ProfileError(
            f"model {source.name!r} has {len(inputs)} inputs and {len(source.output)} outputs; "
            "a cascade is made of networks with one each."
        )

    def new(name: str) -> str:
        return name if not name else INPUT if name == inputs[0] else prefix + name

    nodes, initializers = [], []
    for old in source.node:
        if any(a.HasField("g") for a in old.attribute):
            raise ProfileError(
                f"node {old.name!r} of model {source.name!r} holds a graph of its own; a cascade "
                "is made of networks without control flow."
            )
        node = type(old)()
        node.CopyFrom(old)
        node.name = prefix + old.name
        node.input[:] = [new(n) for n in old.input]
        node.output[:] = [new(n) for n in old.output]
        nodes.append(node)
    for weight in source.initializer:
        copy = type(weight)()
        copy.CopyFrom(weight)
        copy.name = prefix + weight.name
        initializers.append(copy)
    return nodes, initializers, new(source.output[0].name)


def _shape(value: onnx.ValueInfoProto) -> tuple[int, ...]:
    return tuple(d.dim_value for d in value.type.tensor_type.shape.dim)


def _kind(model: onnx.ModelProto) -> str:
    """The type of a model's input, as ONNX writes it."""
    kind = model.graph.input[0].type.tensor_type.elem_type
    return str(import_onnx().TensorProto.DataType.Name(kind))


def _opset(model: onnx.ModelProto) -> int:
    return next((int(o.version) for o in model.opset_import if o.domain in ("", "ai.onnx")), 0)


def cascade_model(
    little: onnx.ModelProto, big: onnx.ModelProto, metric: str, threshold: float
) -> onnx.ModelProto:
    """One graph that runs the big network only where the little one is not confident.

    The big network lies in a branch of an ``If`` node, which a runtime executes only when it is
    taken. Confident means at or above the threshold (``max_prob``, ``margin``) or at or below it
    (``entropy``, nats); a metric that is NaN escalates. The batch is 1, since one decision steers
    the whole graph. Outputs: ``logits`` float32 (1, n_classes) of whichever network answered, and
    ``escalated``, a bool scalar.

    Args:
        little: model with one input (1, channels, height, width) and one output (1, n_classes).
        big: model of the same shapes and opset.
        metric: ``max_prob``, ``margin`` or ``entropy``.
        threshold: threshold in the metric's unit, rounded to float32.

    Raises:
        GateError: a metric without ONNX form, or a threshold that is not a number.
        ProfileError: the two networks do not fit each other.
        MissingExtraError: ``onnx`` is not installed.
    """
    gate_nodes = _write_gate("little/" + little.graph.output[0].name, metric, threshold)
    shapes = [(_shape(m.graph.input[0]), _shape(m.graph.output[0])) for m in (little, big)]
    kinds = (_kind(little), _kind(big))
    if shapes[0] != shapes[1] or kinds[0] != kinds[1] or shapes[0][0][:1] != (1,):
        raise ProfileError(
            f"the little network maps {kinds[0]} {shapes[0][0]} to {shapes[0][1]}, the big one "
            f"{kinds[1]} {shapes[1][0]} to {shapes[1][1]}; expected the same shapes and types, "
            "and batch 1."
        )
    if _opset(little) != _opset(big) or _opset(little) < 16:
        raise ProfileError(
            f"the little network has opset {_opset(little)}, the big one {_opset(big)}; expected "
            "one and the same opset of at least 16."
        )
    helper, graph = gate_nodes.onnx.helper, gate_nodes
    nodes, initializers, little_logits = _renamed(little, "little/")
    big_nodes, big_initializers, big_logits = _renamed(big, "big/")
    answer = shapes[0][1]
    keep = helper.make_graph(
        [helper.make_node("Identity", [little_logits], ["kept/logits"], name="kept/identity")],
        "keep",
        [],
        [graph.value("kept/logits", answer)],
    )
    # The big network's weights lie in its own branch: a runtime may lay them out for its kernels
    # there, as it would in a model of its own.
    escalate = helper.make_graph(
        big_nodes, "escalate", [], [graph.value(big_logits, answer)], big_initializers
    )
    choose = helper.make_node(
        "If", [ESCALATED], [LOGITS], name="escalate", then_branch=escalate, else_branch=keep
    )
    graph.nodes = [*nodes, *graph.nodes, choose]
    graph.initializers = [*initializers, *graph.initializers]
    outputs = [graph.value(LOGITS, answer), graph.value(ESCALATED, (), "BOOL")]
    images = graph.value(INPUT, shapes[0][0], kinds[0])
    model = graph.model([images], outputs, "cascade", checked=False)
    model.opset_import[0].version = _opset(little)
    model.ir_version = max(little.ir_version, big.ir_version)
    graph.onnx.checker.check_model(model)
    return model


def gated_model(network: onnx.ModelProto, metric: str, threshold: float) -> onnx.ModelProto:
    """A network with the nodes of a gate behind it, and nothing to escalate to.

    Outputs: ``little/logits`` of the network and ``escalated``, a bool scalar. Its latency minus
    the network's own is that of the gate.

    Raises:
        GateError: a metric without ONNX form, or a threshold that is not a number.
        MissingExtraError: ``onnx`` is not installed.
    """
    nodes, initializers, logits = _renamed(network, "little/")
    graph = _write_gate(logits, metric, threshold)
    graph.nodes = [*nodes, *graph.nodes]
    graph.initializers = [*initializers, *graph.initializers]
    images, answer = network.graph.input[0], network.graph.output[0]
    outputs = [graph.value(logits, _shape(answer)), graph.value(ESCALATED, (), "BOOL")]
    inputs = [graph.value(INPUT, _shape(images), _kind(network))]
    return graph.model(inputs, outputs, "gated")
