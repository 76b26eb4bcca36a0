"""Nodes without a counterpart among the operators, and malformed ones."""

from __future__ import annotations

import numpy as np
import pytest

from biglittle.bench.errors import ProfileError
from biglittle.edge_profiler.onnx_reader import read_model

onnx = pytest.importorskip("onnx")
helper, FLOAT = onnx.helper, onnx.TensorProto.FLOAT


def tensor(name, values, dtype=np.float32):
    return onnx.numpy_helper.from_array(np.asarray(values, dtype), name)


def node(kind, inputs, outputs="y", **attributes):
    return helper.make_node(kind, inputs.split(" "), outputs.split(), **attributes)


def int64(name, *values):
    return tensor(name, values, np.int64)


def test_convolutions_without_counterpart_say_what_they_are(model) -> None:
    made = model(
        [
            node("Conv", "x w", "a", dilations=[2, 2], pads=[2, 2, 2, 2]),
            node("Relu", "w2", "w3"),
            node("Conv", "a w3", "y", kernel_shape=[3, 3]),
        ],
        [tensor("w", np.ones((3, 3, 3, 3)))],
    )
    made.graph.node[1].input[0] = "reshaped"
    made.graph.node.insert(1, node("Reshape", "x to", "reshaped"))
    made.graph.initializer.append(int64("to", 1, 3, 8, 8))
    assert read_model(made, "x").unsupported == {
        "Conv with dilation": 1,
        "Conv with computed weights": 1,
    }


@pytest.mark.parametrize(
    ("nodes", "words"),
    [
        ([node("Conv", "x", "y")], "malformed|cannot be found|1 inputs, expected at least 2"),
        ([node("Less", "x half", "c"), helper.make_node("If", ["c"], ["y"])], "malformed|be found"),
        ([node("Add", "x nothing", "y")], "'nothing', which nothing before it makes"),
        ([node("Relu", "a", "y"), node("Relu", "x", "a")], "nothing before it makes|be found"),
    ],
)
def test_malformed_nodes_are_a_reason(model, nodes, words) -> None:
    with pytest.raises(ProfileError, match=words):
        read_model(model(nodes), "net")
