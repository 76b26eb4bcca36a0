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


def kinds(read: ReadNetwork) -> list[str]:
    return [n.operator.kind for n in read.graph]


def test_free_sides_are_said_with_a_shape_and_nothing_else(model) -> None:
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
def test_functions_of_the_models_own_are_inlined(model) -> None:
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


def test_functions_that_grow_without_end_are_refused(model) -> None:
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


def test_branches_may_hold_branches_and_names_of_one_another(model) -> None:
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


def test_a_condition_that_the_shapes_decide_is_no_branch(model) -> None:
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


def test_more_branches_than_anyone_could_read_are_refused(model) -> None:
    nodes, last = [node("ReduceMax", "x", "m", keepdims=0), node("Less", "m half", "c")], "x"
    for k in range(4):
        then = branch("t", [node("Relu", last, "z")])
        nodes.append(fork("c", then, branch("e", [node("Abs", last, "z")]), f"y{k}"))
        last = f"y{k}"
    nodes.append(node("Relu", last))
    with pytest.raises(ProfileError, match="more than 8 ways"):
        read_model(model(nodes, [tensor("half", 0.5)]), "net")
