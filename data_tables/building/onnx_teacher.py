"""The dense teacher as an ONNX model, as it would be deployed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...bench.datasets import Dataset
from ...cotrain.teacher import LOGIT_SCALE, Teacher
from ...edge_profiler.onnx_graph import INPUT, LOGITS, GraphWriter

if TYPE_CHECKING:
    import onnx

_NORM = ("weight", "bias", "running_mean", "running_var")


class _Writer:
    """Appends what a teacher is made of; ``weights`` are those of its state dict, as arrays."""

    def __init__(self, weights: Mapping[str, NDArray[Any]], epsilon: float) -> None:
        self.graph, self.weights, self.epsilon = GraphWriter(), weights, epsilon

    def norm(self, name: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """A batch norm as a factor and a summand of each channel."""
        gamma, beta, mean, var = (self.weights[f"{name}.{k}"].astype(np.float64) for k in _NORM)
        factor = gamma / np.sqrt(var + self.epsilon)
        return factor, beta - mean * factor

    def conv(
        self, x: str, name: str, weight: NDArray[Any], bias: NDArray[Any] | None, pad: int
    ) -> str:
        inputs = [x, self.graph.constant(f"{name}.weight", weight)]
        if bias is not None:
            inputs.append(self.graph.constant(f"{name}.bias", bias))
        sides = list(weight.shape[2:])
        return self.graph.add("Conv", inputs, name, kernel_shape=sides, pads=[pad] * 4)

    def gelu(self, x: str, name: str) -> str:
        """X times the probability that a standard normal number is below it."""
        graph = self.graph
        half = graph.constant(f"{name}.half", 0.5)
        scaled = graph.add(
            "Mul", (x, graph.constant(f"{name}.root", math.sqrt(0.5))), f"{name}.scaled"
        )
        error = graph.add("Erf", (scaled,), f"{name}.erf")
        above = graph.add("Add", (error, graph.constant(f"{name}.one", 1.0)), f"{name}.above")
        return graph.add("Mul", (graph.add("Mul", (x, half), f"{name}.x"), above), name)

    def stage(self, x: str, name: str) -> str:
        """Two convolutions; the first is pooled before its batch norm, which stays."""
        graph, weights = self.graph, self.weights
        x = self.conv(x, f"{name}.first", weights[f"{name}.first.weight"], None, 1)
        x = graph.add("MaxPool", (x,), f"{name}.pooled", kernel_shape=[2, 2], strides=[2, 2])
        factor, summand = (v[:, None, None] for v in self.norm(f"{name}.first_norm"))
        x = graph.add("Mul", (x, graph.constant(f"{name}.factor", factor)), f"{name}.times")
        x = graph.add("Add", (x, graph.constant(f"{name}.summand", summand)), f"{name}.plus")
        x = self.gelu(x, f"{name}.first_gelu")
        factor, summand = self.norm(f"{name}.second_norm")
        folded = weights[f"{name}.second.weight"] * factor[:, None, None, None]
        return self.gelu(self.conv(x, f"{name}.second", folded, summand, 1), f"{name}.second_gelu")


def teacher_model(teacher: Teacher, dataset: Dataset) -> onnx.ModelProto:
    """A teacher as an ONNX model; batch norms are folded where nothing stands between.

    Args:
        teacher: a trained teacher, its batch norms recalibrated.
        dataset: facts of its images.

    Returns:
        A model with the input ``images`` float32 (1, channels, height, width), normalised, and the
        output ``logits`` float32 (1, n_classes).
    """
    weights = {name: tensor.numpy() for name, tensor in teacher.state_dict().items()}
    norm: Any = teacher.stages[0].first_norm
    writer = _Writer(weights, float(norm.eps))
    graph = writer.graph
    x = writer.conv(INPUT, "whiten", weights["whiten.weight"], weights["whiten.bias"], 0)
    x = writer.gelu(x, "whiten_gelu")
    for number in range(len(teacher.stages)):
        x = writer.stage(x, f"stages.{number}")
    x = graph.add("ReduceMax", (x,), "largest", axes=[2, 3], keepdims=0)
    head = weights["head.weight"].T * LOGIT_SCALE
    graph.add("MatMul", (x, graph.constant("head.weight", head)), LOGITS)
    shape = (1, len(dataset.mean), dataset.height, dataset.height)
    inputs, outputs = graph.value(INPUT, shape), graph.value(LOGITS, (1, teacher.n_classes))
    return graph.model([inputs], [outputs], "teacher")
