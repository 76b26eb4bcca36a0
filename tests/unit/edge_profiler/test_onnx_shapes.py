"""Shapes that nodes compute, and constants that must not be."""

from __future__ import annotations

import numpy as np
import pytest

from biglittle.edge_profiler.onnx_reader import ReadNetwork, read_model

onnx = pytest.importorskip("onnx")
helper, FLOAT = onnx.helper, onnx.TensorProto.FLOAT


def tensor(name, values, dtype=np.float32):
    return onnx.numpy_helper.from_array(np.asarray(values, dtype), name)


def node(kind, inputs, outputs="y", **attributes):
    return helper.make_node(kind, inputs.split(" "), outputs.split(), **attributes)


def kinds(read: ReadNetwork) -> list[str]:
    return [n.operator.kind for n in read.graph]


def int64(name, *values):
    return tensor(name, values, np.int64)


# ---- shapes ------------------------------------------------------------------------------------
VIEW = [  # x.view(x.size(0), -1), as PyTorch exports it
    node("Shape", "a", "s"),
    node("Gather", "s first", "n", axis=0),
    node("Unsqueeze", "n axes", "n1"),
    node("Concat", "n1 rest", "to", axis=0),
    node("Reshape", "a to", "f"),
]
VIEW_WEIGHTS = [tensor("first", 0, np.int64), int64("axes", 0), int64("rest", -1)]


@pytest.mark.parametrize("batch", ["n", -1, "?", 1, None])
def test_a_view_by_the_batch_is_a_view(model, batch) -> None:
    made = model(
        [node("Relu", "x", "a"), *VIEW, node("Gemm", "f w b", transB=1)],
        [*VIEW_WEIGHTS, tensor("w", np.ones((5, 192))), tensor("b", np.ones(5))],
        shape=(batch, 3, 8, 8),
    )
    read = read_model(made, "x")
    assert (kinds(read), read.unsupported) == (["relu", "linear"], {})
    assert (read.macs, read.params) == (960, 965)


def test_shapes_that_inference_alone_does_not_follow_are_computed(model) -> None:
    """Half of the rows, by a division that ONNX's data propagation leaves out."""
    made = model(
        [
            node("Shape", "x", "s"),
            node("Slice", "s two three", "h"),
            node("Div", "h two", "half"),
            node("Concat", "one three4 half minus", "to", axis=0),
            node("Reshape", "x to", "r"),
            node("Conv", "r w", kernel_shape=[1, 1]),
        ],
        [
            int64("one", 1), int64("two", 2), int64("three", 3), int64("three4", 3),
            int64("minus", -1), tensor("w", np.ones((2, 3, 1, 1))),
        ],
        shape=("batch", 3, 8, 8),
    )  # fmt: skip
    read = read_model(made, "x")
    assert (read.graph[0].operator.height, read.graph[0].operator.width) == (4, 16)


def test_constants_that_would_be_huge_are_not_computed(model) -> None:
    made = model(
        [
            node("Tile", "one times", "z"),
            node("NonZero", "x", "open"),  # so that what follows from shapes is computed
            node("ReduceSum", "z", "sum"),
            node("Add", "x sum", "y"),
        ],
        [tensor("one", [1.0]), int64("times", 2**40)],
    )
    read = read_model(made, "x")
    assert read.macs == 0
