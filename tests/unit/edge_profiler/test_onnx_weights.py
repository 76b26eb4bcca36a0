"""Which tensors of a model count as its parameters, in which precision."""

from __future__ import annotations

import numpy as np
import pytest

from biglittle.bench import get_space
from biglittle.bench.errors import ProfileError
from biglittle.edge_profiler import onnx_model
from biglittle.edge_profiler.onnx_reader import read_model

onnx = pytest.importorskip("onnx")
helper, FLOAT = onnx.helper, onnx.TensorProto.FLOAT
FBNET = get_space("fbnet")
LITTLE, BIG = "8" * 22, "2863848418780625260277"


def tensor(name, values, dtype=np.float32):
    return onnx.numpy_helper.from_array(np.asarray(values, dtype), name)


def node(kind, inputs, outputs="y", **attributes):
    return helper.make_node(kind, inputs.split(" "), outputs.split(), **attributes)


def int64(name, *values):
    return tensor(name, values, np.int64)


# ---- parameters --------------------------------------------------------------------------------
def test_a_shared_weight_counts_once_and_a_bias_counts(model) -> None:
    made = model(
        [
            node("Conv", "x w b", "a", pads=[1, 1, 1, 1]),
            node("Conv", "a w b", "c", pads=[1, 1, 1, 1]),
            node("BatchNormalization", "c s o mean var", "d"),
            node("PRelu", "d slope", "e"),
            node("Mul", "e half", "f"),
            node("Clip", "f zero half", "y"),
            node("Conv", "x unused", "nowhere", kernel_shape=[1, 1]),
        ],
        [
            tensor("w", np.ones((3, 3, 3, 3))), tensor("unused", np.ones((9, 3, 1, 1))),
            *(tensor(n, np.ones(3)) for n in ("b", "s", "o", "mean", "var")),
            tensor("slope", np.ones((3, 1, 1))), tensor("half", 0.5), tensor("zero", 0.0),
        ],
    )  # fmt: skip
    read = read_model(made, "x")
    assert read.params == 81 + 3 + 2 * 3 + 3
    assert read.macs == 2 * 81 * 64


def test_weights_are_followed_through_what_reshapes_them(model) -> None:
    made = model(
        [
            node("Constant", "", "w", value=tensor("value", np.ones((100, 192)))),
            node("Transpose", "w", "t"),
            node("Flatten", "x", "f"),
            node("MatMul", "f t", "a"),
            node("MatMul", "a w", "g"),
            node("MatMul", "g t", "y"),
        ],
    )
    del made.graph.node[0].input[:]
    read = read_model(made, "x")
    assert (read.params, read.macs) == (19200, 3 * 19200)


def test_shapes_of_weights_are_enough(model) -> None:
    made = onnx_model(FBNET, BIG, 10)
    whole = read_model(made, "x")
    for weight in made.graph.initializer:
        if weight.data_type == FLOAT:
            weight.ClearField("raw_data")
    read = read_model(made, "x")
    assert (read.macs, read.params, read.graph) == (whole.macs, whole.params, whole.graph)
    cell = onnx_model(get_space("nb201"), "300300", 10)  # with products by a constant zero
    for weight in cell.graph.initializer:
        weight.ClearField("raw_data")
    assert read_model(cell, "x").macs >= 0
    lost = model([node("Reshape", "x to")], [int64("to", 1, -1)])
    lost.graph.initializer[0].ClearField("raw_data")
    lost.graph.node.append(node("Relu", "y", "z"))
    lost.graph.output[0].name = "z"
    with pytest.raises(ProfileError, match=r"shape.*(not known|cannot be found)"):
        read_model(lost, "net")


# ---- what is said ------------------------------------------------------------------------------
def test_half_precision_and_training_mode_are_said(model) -> None:
    half = [tensor("w", np.ones((3, 3, 1, 1)), np.float16)]
    read = read_model(model([node("Conv", "x w")], half), "x")
    assert (read.precision, read.params) == ("fp16", 9)
    norms = [tensor(n, np.ones(3)) for n in ("s", "o", "m", "v")]
    made = model(
        [
            node("BatchNormalization", "x s o m v", "a m2 v2", training_mode=1),
            node("Dropout", "a ratio training", "b"),
            node("Dropout", "b ratio inference", "y"),
        ],
        [
            *norms, tensor("ratio", 0.5), tensor("training", True, bool),
            tensor("inference", False, bool),
        ],
    )  # fmt: skip
    (note,) = read_model(made, "x").notes
    assert "1 BatchNormalization and 1 Dropout in training mode" in note
    old = model([node("BatchNormalization", "x s o m v", "y m2 v2 a b")], norms, opset=9)
    assert "1 BatchNormalization in training mode" in read_model(old, "x").notes[0]
    new = model([node("BatchNormalization", "x s o m v", "y")], norms, opset=9)
    assert read_model(new, "x").notes == ()
