"""The operators of a learned router, appended to a graph that has the trunk's features."""

from __future__ import annotations

import numpy as np

from ..bench.errors import GateError
from ..bench.router import Router
from .onnx_graph import GraphWriter


def write_router(
    graph: GraphWriter, router: Router, features: str, probabilities: str | None = None
) -> str:
    """Appends a router's nodes; returns the name of its score, float32 of shape (batch,).

    The score is in (0, 1) and high where the little network will do; a gate compares it with a
    threshold as it compares ``max_prob``. Standardisation is folded into the hidden layer.

    Args:
        graph: writer of the gate's nodes.
        router: weights of the router.
        features: name of the features at the exit, (batch, channels, rows, columns).
        probabilities: name of the little network's class probabilities, (batch, n_classes); None
            for a router that decides before any classifier.

    Raises:
        GateError: there are no probabilities for a router that looks at confidences.
    """
    if router.confident and probabilities is None:
        raise GateError("this router looks at confidences; name the little's probabilities.")
    pooled = graph.add("GlobalAveragePool", (features,), "router_average")
    inputs = graph.add("Flatten", (pooled,), "router_pooled", axis=1)
    if router.confident and probabilities is not None:
        parts = (inputs, *_confidences(graph, probabilities))
        inputs = graph.add("Concat", parts, "router_inputs", axis=1)
    weights = router.hidden / router.scale[:, None]
    bias = router.hidden_bias - (router.centre / router.scale) @ router.hidden
    names = graph.constant("router_hidden", weights), graph.constant("router_bias", bias)
    hidden = graph.add("Gemm", (inputs, *names), "router_linear")
    active = graph.add("Relu", (hidden,), "router_active")
    last = (
        graph.constant("router_out", router.out[:, None]),
        graph.constant("router_out_bias", [router.out_bias]),
    )
    logit = graph.add("Gemm", (active, *last), "router_logit")
    score = graph.add("Sigmoid", (logit,), "router_score")
    flat = graph.constant("router_flat", [-1], np.int64)
    return graph.add("Reshape", (score, flat), "router_value")


def _confidences(graph: GraphWriter, probabilities: str) -> tuple[str, str, str]:
    """Largest probability, margin and entropy, each (batch, 1)."""
    k = graph.constant("router_k", [2], np.int64)
    top, index = graph.prefix + "router_top2", graph.prefix + "router_top2_index"
    graph.nodes.append(
        graph.onnx.helper.make_node("TopK", [probabilities, k], [top, index], name=top, axis=-1)
    )
    largest = graph.add("ReduceMax", (probabilities,), "router_max", axes=[-1], keepdims=1)
    signed = graph.add("Mul", (top, graph.constant("router_signs", [[1.0, -1.0]])), "router_signed")
    axis = graph.constant("router_axis", [-1], np.int64)
    margin = graph.add("ReduceSum", (signed, axis), "router_margin", keepdims=1)
    least = graph.constant("router_least", 1e-30)
    log = graph.add(
        "Log", (graph.add("Max", (probabilities, least), "router_floor"),), "router_log"
    )
    terms = graph.add("Mul", (probabilities, log), "router_terms")
    total = graph.add("ReduceSum", (terms, axis), "router_total", keepdims=1)
    return largest, margin, graph.add("Neg", (total,), "router_entropy")
