"""ONNX files as operators: our own networks come back as they were, others are read or named."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from biglittle.bench import get_space
from biglittle.bench.errors import ProfileError
from biglittle.bench.operator_features import operator_features
from biglittle.bench.operators import Operator
from biglittle.edge_profiler import onnx_model
from biglittle.edge_profiler.onnx_reader import read_model, read_onnx

onnx = pytest.importorskip("onnx")
helper, FLOAT = onnx.helper, onnx.TensorProto.FLOAT
FBNET, NB201 = get_space("fbnet"), get_space("nb201")


def kept(operators):
    """Batch norms lie in the convolutions of a deployed network."""
    return [op for op in operators if op.kind != "batch_norm"]


def model(nodes, weights=(), shape=(1, 3, 8, 8), outputs=("y",)):
    initializers = [
        onnx.numpy_helper.from_array(
            np.asarray(value, np.float32 if name != "axes" else np.int64), name
        )
        for name, value in dict(weights).items()
    ]
    graph = helper.make_graph(
        nodes,
        "made",
        [helper.make_tensor_value_info("x", FLOAT, shape)],
        [helper.make_tensor_value_info(o, FLOAT, None) for o in outputs],
        initializers,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def node(kind, inputs, outputs="y", **attributes):
    return helper.make_node(kind, inputs.split(), outputs.split(), **attributes)


@pytest.mark.parametrize(
    "architecture", ["2863848418780625260277", "8" * 22, "1" * 22, "76543210" * 2 + "123456"]
)
def test_our_own_networks_come_back_operator_by_operator(architecture: str) -> None:
    read = read_model(onnx_model(FBNET, architecture, 10), "x")
    assert [n.operator for n in read.graph] == kept(FBNET.operators(architecture, 10))
    assert (read.unsupported, read.input_shape) == ({}, (1, 3, 32, 32))
    assert read.macs == FBNET.macs(FBNET.parse(architecture), 10)[0]
    ours = operator_features([FBNET.graph(architecture, 10)])
    np.testing.assert_allclose(operator_features([read.graph]), ours, atol=1e-9)


@pytest.mark.parametrize("architecture", ["123432", "444411", "111111", "000330"])
def test_cells_come_back_with_what_feeds_what(architecture: str) -> None:
    read = read_model(onnx_model(NB201, architecture, 10), "x")
    assert read.macs == NB201.macs(NB201.parse(architecture), 10)[0]
    ours = NB201.graph(architecture, 10)
    np.testing.assert_allclose(
        operator_features([read.graph]), operator_features([ours]), atol=1e-9
    )
    # The sums and zeros read the very nodes that they read in the space.
    sums = [
        Counter(n.operator.kind for n in g if n.operator.kind in ("add", "zero"))
        for g in (read.graph, ours)
    ]
    assert sums[0]["add"] == sums[1]["add"]


def test_what_nothing_reads_is_left_out() -> None:
    read = read_model(onnx_model(NB201, "300300", 10), "x")  # half of its convolutions end nowhere
    convs = sum(n.operator.kind == "conv" for n in read.graph)
    assert convs == sum(op.kind == "conv" for op in NB201.operators("000300", 10))


def test_shapes_of_another_exporters_network() -> None:
    weights = {
        "w": np.ones((8, 3, 3, 5)), "b": np.zeros(8), "d": np.ones((8, 1, 3, 3)),
        "m": np.ones((8, 4)), "half": 0.5,
    }  # fmt: skip
    made = model(
        [
            node("Conv", "x w b", "a", kernel_shape=[3, 5], strides=[2, 2], pads=[1, 2, 1, 2]),
            node("Mul", "a half", "a2"),
            node("HardSwish", "a2", "a3"),
            node("Conv", "a3 d", "c", kernel_shape=[3, 3], group=8),  # no padding: 4 -> 2
            node("MaxPool", "c", "p", kernel_shape=[2, 2], strides=[2, 2]),
            node("Flatten", "p", "f"),
            node("MatMul", "f m", "y"),
        ],
        weights,
    )
    read = read_model(made, "x")
    conv, scale, swish, depthwise, pool, linear = (n.operator for n in read.graph)
    assert conv == Operator("conv", 3, 8, 8, 8, 3, 2, kernel_width=5)
    assert (conv.macs, conv.out_height) == (3 * 5 * 3 * 8 * 16, 4)
    assert (scale.kind, swish.kind) == ("activation", "activation")
    assert depthwise == Operator("conv", 8, 8, 4, 4, 3, 1, 8, output=(2, 2))
    assert (pool.kind, pool.out_size) == ("max_pool", 8)
    assert linear == Operator("linear", 8, 4, 1, 1)
    assert read.unsupported == {}


def test_a_free_batch_is_one_image_and_a_gate_of_channels_is_a_product() -> None:
    made = model(
        [
            node("ReduceMean", "x", "g", axes=[2, 3], keepdims=1),
            node("Conv", "g w", "s", kernel_shape=[1, 1]),
            node("Sigmoid", "s", "t"),
            node("Mul", "x t", "u"),
            node("Add", "u x", "y"),
        ],
        {"w": np.ones((3, 3, 1, 1))},
        shape=("batch", 3, 8, 8),
    )
    read = read_model(made, "x")
    kinds = [n.operator.kind for n in read.graph]
    assert kinds == ["global_avg_pool", "conv", "activation", "multiply", "add"]
    assert read.graph[3].inputs == (-1, 2)
    assert read.graph[4].inputs == (3, -1)
    assert (read.macs, read.input_shape) == (9, (1, 3, 8, 8))


def test_a_layer_on_many_positions_counts_all_of_them() -> None:
    made = model([node("MatMul", "x w")], {"w": np.ones((8, 5))}, shape=(1, 7, 8))
    assert read_model(made, "x").macs == 7 * 8 * 5


def test_what_has_no_counterpart_is_named_with_its_number() -> None:
    made = model(
        [
            node("ConvTranspose", "x w", "a", kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
            node("ConvTranspose", "a w", "b", kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
            node("MatMul", "b b", "y"),
        ],
        {"w": np.ones((3, 3, 3, 3))},
    )
    assert read_model(made, "x").unsupported == {"ConvTranspose": 2, "MatMul": 1}
    custom = model([helper.make_node("Secret", ["x"], ["y"], domain="com.acme")])
    custom.opset_import.append(helper.make_opsetid("com.acme", 1))
    assert read_model(custom, "x").unsupported == {"com.acme.Secret": 1}


def test_all_outputs_of_a_network_count() -> None:
    made = model(
        [node("Relu", "x", "a"), node("Relu", "a", "y"), node("Sigmoid", "a", "z")],
        outputs=("y", "z"),
    )
    read = read_model(made, "x")
    assert [n.operator.kind for n in read.graph] == ["relu", "relu", "activation", "concat"]


@pytest.mark.parametrize(
    ("shape", "text"),
    [((4, 3, 8, 8), "batch 1"), ((1, 3, "h", "w"), "'h', 'w'"), ((1,), "batch 1")],
)
def test_shapes_that_say_too_little_are_refused(shape: tuple[object, ...], text: str) -> None:
    with pytest.raises(ProfileError, match=text):
        read_model(model([node("Relu", "x")], shape=shape), "net")


def test_two_inputs_a_constant_and_no_onnx_at_all_are_refused(tmp_path: Path) -> None:
    two = model([node("Relu", "x")])
    two.graph.input.append(helper.make_tensor_value_info("z", FLOAT, (1, 3, 8, 8)))
    with pytest.raises(ProfileError, match="2 inputs"):
        read_model(two, "net")
    with pytest.raises(ProfileError, match="does not depend"):
        read_model(model([node("Relu", "k")], {"k": np.ones(3)}), "net")
    path = tmp_path / "net.onnx"
    for content in (
        b"",
        b"not a network at all",
        onnx_model(FBNET, "8" * 22, 10).SerializeToString()[:9000],
    ):
        path.write_bytes(content)
        with pytest.raises(ProfileError, match=r"net\.onnx"):
            read_onnx(path)
    with path.open("wb") as file:
        file.truncate(2**31 + 1)
    with pytest.raises(ProfileError, match="was not read"):
        read_onnx(path)


def test_weights_in_another_file_are_not_opened(tmp_path: Path) -> None:
    network = onnx_model(FBNET, "8" * 22, 10)
    for weight in network.graph.initializer:
        weight.ClearField("raw_data")
        weight.data_location = onnx.TensorProto.EXTERNAL
        entry = weight.external_data.add()
        entry.key, entry.value = "location", "../../../etc/passwd"
    path = tmp_path / "net.onnx"
    path.write_bytes(network.SerializeToString())
    assert read_onnx(path).macs == FBNET.macs(FBNET.parse("8" * 22), 10)[0]
