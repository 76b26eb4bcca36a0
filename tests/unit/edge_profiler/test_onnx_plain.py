"""What exporters leave to a runtime: shapes that nodes compute, free sides, functions, branches."""

from __future__ import annotations

import numpy as np
import pytest

from biglittle.bench import get_space
from biglittle.bench.datasets import get_dataset
from biglittle.bench.errors import ProfileError
from biglittle.edge_profiler import cascade_model, onnx_model
from biglittle.edge_profiler.deployable import with_pixels
from biglittle.edge_profiler.onnx_plain import parse_shape
from biglittle.edge_profiler.onnx_reader import ReadNetwork, read_model

onnx = pytest.importorskip("onnx")
helper, FLOAT = onnx.helper, onnx.TensorProto.FLOAT
FBNET = get_space("fbnet")
LITTLE, BIG = "8" * 22, "2863848418780625260277"


def tensor(name, values, dtype=np.float32):
    return onnx.numpy_helper.from_array(np.asarray(values, dtype), name)


def node(kind, inputs, outputs="y", **attributes):
    return helper.make_node(kind, inputs.split(" "), outputs.split(), **attributes)


def model(nodes, weights=(), shape=(1, 3, 8, 8), opset=17, **more):
    graph = helper.make_graph(
        nodes,
        "made",
        [helper.make_tensor_value_info("x", FLOAT, shape)],
        [helper.make_tensor_value_info("y", FLOAT, None)],
        list(weights),
    )
    opsets = [helper.make_opsetid("", opset), *more.pop("opsets", ())]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8, **more)


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
def test_a_view_by_the_batch_is_a_view(batch) -> None:
    made = model(
        [node("Relu", "x", "a"), *VIEW, node("Gemm", "f w b", transB=1)],
        [*VIEW_WEIGHTS, tensor("w", np.ones((5, 192))), tensor("b", np.ones(5))],
        shape=(batch, 3, 8, 8),
    )
    read = read_model(made, "x")
    assert (kinds(read), read.unsupported) == (["relu", "linear"], {})
    assert (read.macs, read.params) == (960, 965)


def test_shapes_that_inference_alone_does_not_follow_are_computed() -> None:
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


def test_free_sides_are_said_with_a_shape_and_nothing_else() -> None:
    made = model([node("Relu", "x")], shape=("?", 3, "height", -1))
    with pytest.raises(ProfileError, match=r"'height'.*--shape 1,3,224,224"):
        read_model(made, "net")
    for shape in ((1, 3, 16, 24), (3, 16, 24)):
        assert read_model(made, "net", shape).input_shape == (1, 3, 16, 24)
    for shape in ((1, 4, 16, 24), (1, 3, 16), (2, 3, 16, 24)):
        with pytest.raises(ProfileError, match=r"contradicts|batch 1"):
            read_model(made, "net", shape)
    made.graph.input[0].type.tensor_type.ClearField("shape")
    assert read_model(made, "net", (1, 3, 4, 4)).input_shape == (1, 3, 4, 4)


@pytest.mark.parametrize("text", ["1,3,32,32", "1x3x32x32", "(1, 3, 32, 32)"])
def test_shapes_are_written_as_people_write_them(text: str) -> None:
    assert parse_shape(text) == (1, 3, 32, 32)


@pytest.mark.parametrize("text", ["", "1,3,h,w", "1,-3", "1,0", "32.5"])
def test_what_is_no_shape_is_refused(text: str) -> None:
    with pytest.raises(ProfileError, match="expected for example"):
        parse_shape(text)


# ---- functions ---------------------------------------------------------------------------------
def test_functions_of_the_models_own_are_inlined() -> None:
    opset = helper.make_opsetid("", 17)
    block = helper.make_function(
        "own", "Block", ["a", "w"], ["b"],
        [node("Conv", "a w", "c", pads=[1, 1, 1, 1]), node("Relu", "c", "b")], [opset],
    )  # fmt: skip
    made = model(
        [
            helper.make_node("Block", ["x", "w"], ["h"], domain="own"),
            helper.make_node("Block", ["h", "w"], ["y"], domain="own"),
        ],
        [tensor("w", np.ones((3, 3, 3, 3)))],
        opsets=[helper.make_opsetid("own", 1)],
        functions=[block],
    )
    read = read_model(made, "x")
    assert (kinds(read), read.unsupported) == (["conv", "relu"] * 2, {})
    assert read.params == 81


def test_functions_that_grow_without_end_are_refused() -> None:
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]

    def function(name, inner):
        nodes = [
            helper.make_node(inner, [a], [b], domain="own") for a, b in (("a", "m"), ("m", "b"))
        ]
        return helper.make_function("own", name, ["a"], ["b"], nodes, opsets)

    functions = [function(f"F{k}", f"F{k + 1}") for k in range(40)]
    functions.append(
        helper.make_function("own", "F40", ["a"], ["b"], [node("Relu", "a", "b")], opsets)
    )
    call = [helper.make_node("F0", ["x"], ["y"], domain="own")]
    with pytest.raises(ProfileError, match="when its functions are inlined"):
        read_model(model(call, opsets=opsets[1:], functions=functions), "net")
    functions[-1] = function("F40", "F0")
    with pytest.raises(ProfileError, match="calls itself"):
        read_model(model(call, opsets=opsets[1:], functions=functions), "net")


def test_constants_that_would_be_huge_are_not_computed() -> None:
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


# ---- branches ----------------------------------------------------------------------------------
def test_a_cascade_is_read_by_both_of_its_branches() -> None:
    little, big = onnx_model(FBNET, LITTLE, 10), onnx_model(FBNET, BIG, 10)
    cascade = cascade_model(little, big, "margin", 0.5)
    macs = [int(FBNET.macs(FBNET.parse(a), 10)[0]) for a in (LITTLE, BIG)]
    for made in (cascade, with_pixels(cascade, get_dataset("cifar10"))):
        read = read_model(made, "x")
        kept, escalated = read.paths
        assert (kept.name, kept.macs) == ("kept", macs[0])
        assert (escalated.name, escalated.macs) == ("escalated", sum(macs))
        assert (read.macs, read.unsupported) == (sum(macs), {})
        params = [read_model(m, "x").params for m in (little, big)]
        signs = 2  # a tensor of the margin, which multiplies like a scale
        assert (read.params, kept.params) == (sum(params) + signs, params[0] + signs)
        # The gate runs for every input, whatever it decides.
        assert len(kept.graph) > len(read_model(little, "x").graph)


def branch(name, nodes, output="z", weights=()):
    value = helper.make_tensor_value_info(output, FLOAT, None)
    return helper.make_graph(nodes, name, [], [value], list(weights))


def fork(condition, then, other, output="y"):
    return helper.make_node("If", [condition], [output], then_branch=then, else_branch=other)


def test_branches_may_hold_branches_and_names_of_one_another() -> None:
    inner = fork("c", branch("t", [node("Relu", "x", "z")]), branch("e", [node("Abs", "x", "z")]))
    inner.output[0] = "q"
    weights = [tensor("w", np.ones((3, 3, 1, 1)))]
    made = model(
        [
            node("ReduceMax", "x", "m", keepdims=0),
            node("Less", "m half", "c"),
            fork(
                "c",
                branch("t", [inner], "q"),
                branch("e", [node("Conv", "x w", "z", kernel_shape=[1, 1])], "z", weights),
            ),
        ],
        [tensor("half", 0.5)],
    )
    read = read_model(made, "x")
    assert sorted(p.name for p in read.paths) == ["else", "then/else", "then/then"]
    assert (read.macs, read.params) == (3 * 3 * 64, 9)


def test_a_condition_that_the_shapes_decide_is_no_branch() -> None:
    made = model(
        [
            node("Shape", "x", "s", start=1, end=2),
            node("Squeeze", "s", "channels"),
            node("Equal", "channels three", "c"),
            fork("c", branch("t", [node("Relu", "x", "z")]), branch("e", [node("Abs", "x", "z")])),
        ],
        [tensor("three", 3, np.int64)],
        shape=("batch", 3, 8, 8),
    )
    read = read_model(made, "x")
    assert (kinds(read), read.paths) == (["relu"], ())


def test_more_branches_than_anyone_could_read_are_refused() -> None:
    nodes, last = [node("ReduceMax", "x", "m", keepdims=0), node("Less", "m half", "c")], "x"
    for k in range(4):
        then = branch("t", [node("Relu", last, "z")])
        nodes.append(fork("c", then, branch("e", [node("Abs", last, "z")]), f"y{k}"))
        last = f"y{k}"
    nodes.append(node("Relu", last))
    with pytest.raises(ProfileError, match="more than 8 ways"):
        read_model(model(nodes, [tensor("half", 0.5)]), "net")


# ---- parameters --------------------------------------------------------------------------------
def test_a_shared_weight_counts_once_and_a_bias_counts() -> None:
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


def test_weights_are_followed_through_what_reshapes_them() -> None:
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


def test_shapes_of_weights_are_enough() -> None:
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
def test_half_precision_and_training_mode_are_said() -> None:
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


def test_convolutions_without_counterpart_say_what_they_are() -> None:
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
        ([node("Conv", "x", "y")], "malformed|cannot be found"),
        ([node("Less", "x half", "c"), helper.make_node("If", ["c"], ["y"])], "malformed|be found"),
        ([node("Add", "x nothing", "y")], "'nothing', which nothing before it makes"),
        ([node("Relu", "a", "y"), node("Relu", "x", "a")], "nothing before it makes|be found"),
    ],
)
def test_malformed_nodes_are_a_reason(nodes, words) -> None:
    with pytest.raises(ProfileError, match=words):
        read_model(model(nodes), "net")
