"""ONNX files of anyone: an answer or one sentence, in little time and memory."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")

from biglittle.bench import get_space  # noqa: E402
from biglittle.bench.errors import ProfileError  # noqa: E402
from biglittle.edge_profiler.onnx_network import onnx_model  # noqa: E402
from biglittle.edge_profiler.onnx_reader import read_model, read_onnx  # noqa: E402
from biglittle.edge_profiler.subject import file_subjects  # noqa: E402

helper, FLOAT, INT64 = onnx.helper, onnx.TensorProto.FLOAT, onnx.TensorProto.INT64


def made(nodes: list[Any], weights: Any = (), shape: Any = (1, 3, 8, 8), **more: Any) -> Any:
    """A model that takes x to y."""
    graph = helper.make_graph(
        nodes,
        "made",
        [helper.make_tensor_value_info("x", FLOAT, shape)],
        [helper.make_tensor_value_info("y", FLOAT, None)],
        list(weights),
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8, **more)


def node(kind: str, *inputs: str, output: str = "y", **attributes: Any) -> Any:
    return helper.make_node(kind, list(inputs), [output], **attributes)


def chain(n: int) -> list[Any]:
    names = ["x", *(f"v{i}" for i in range(1, n)), "y"]
    return [node("Relu", a, output=b) for a, b in itertools.pairwise(names)]


def doubling(levels: int) -> Any:
    """Functions of which each calls the one below it twice."""
    own, standard = helper.make_opsetid("own", 1), helper.make_opsetid("", 17)
    bodies = [[node("Relu", "a", output="b")]]
    for k in range(1, levels):
        twice = (("a", "c"), ("c", "b"))
        bodies.append([node(f"f{k - 1}", a, output=b, domain="own") for a, b in twice])
    functions = [
        helper.make_function("own", f"f{k}", ["a"], ["b"], body, [standard, own])
        for k, body in enumerate(bodies)
    ]
    return made([node(f"f{levels - 1}", "x", domain="own")], functions=functions)


def shapes_in_turn(n: int) -> Any:
    """Each shape follows from a computation on the one before it."""
    nodes, last = [], "x"
    for k in range(n):
        nodes += [
            node("Shape", last, output=f"s{k}"),
            node("Abs", f"s{k}", output=f"t{k}"),
            node("Reshape", last, f"t{k}", output=f"r{k}"),
        ]
        last = f"r{k}"
    return made([*nodes, node("Relu", last)])


def broadcasting(n: int) -> Any:
    column, row = np.ones((4096, 1), np.int64), np.ones((1, 4096), np.int64)
    weights = [onnx.numpy_helper.from_array(a, name) for a, name in ((column, "c"), (row, "r"))]
    nodes = [node("Add", "c", "r", output=f"v{k}") for k in range(n)]
    return made([*nodes, node("Relu", "x")], weights)


def branches(n: int) -> Any:
    """Branches whose conditions are constants, one after the other."""
    weights = [onnx.numpy_helper.from_array(np.array(True), "c")]
    nodes, last = [], "x"
    for k in range(n):
        bodies = {
            f"{branch}_branch": helper.make_graph(
                [node("Relu", last, output=f"{branch}{k}")],
                branch,
                [],
                [helper.make_tensor_value_info(f"{branch}{k}", FLOAT, None)],
            )
            for branch in ("then", "else")
        }
        nodes.append(node("If", "c", output=f"o{k}", **bodies))
        last = f"o{k}"
    return made(
        [*nodes, *[node("Relu", last, output=f"z{k}") for k in range(9000)], node("Relu", last)],
        weights,
    )


MUCH: dict[str, Callable[[], Any]] = {
    "100,000 nodes": lambda: made(chain(100_000)),
    "functions called 2^29 times": lambda: doubling(30),
    "functions one in another": lambda: doubling(3000),
    "shapes that follow from shapes": lambda: shapes_in_turn(6000),
    "broadcasts of 16 million": lambda: broadcasting(5000),
    "branches of a large model": lambda: branches(64),
}
READ = """
import sys, time
from pathlib import Path
from biglittle.bench.errors import ProfileError
from biglittle.edge_profiler.onnx_reader import read_onnx

began = time.process_time()
try:
    read_onnx(Path(sys.argv[1]))
    print("answered")
except ProfileError as error:
    print(error)
print(time.process_time() - began)
"""


@pytest.mark.parametrize("name", MUCH)
def test_a_small_file_that_asks_for_much_ends_soon(
    tmp_path: Path, in_a_cell: Callable[..., str], name: str
) -> None:
    path = tmp_path / "much.onnx"
    path.write_bytes(MUCH[name]().SerializeToString())
    reason, seconds = in_a_cell(READ, path, memory_mib=1024, time_s=20).splitlines()
    assert float(seconds) < 10
    assert reason == "answered" or "much.onnx" in reason


def attribute(name: str, kind: str, **values: Any) -> Any:
    types = onnx.AttributeProto
    return types(name=name, type=getattr(types, kind), **values)


def conv(*attributes: Any) -> Any:
    """A convolution with other attributes."""
    weights = [onnx.numpy_helper.from_array(np.ones((4, 3, 3, 3), np.float32), "w")]
    own = node("Conv", "x", "w")
    own.attribute.extend(attributes)
    return made([own], weights)


def tensor(**changes: Any) -> Any:
    """A weight with other fields."""
    weight = onnx.numpy_helper.from_array(np.ones((4, 3, 3, 3), np.float32), "w")
    for name, value in changes.items():
        if name == "dims":
            weight.ClearField(name)
            weight.dims.extend(value)
        else:
            setattr(weight, name, value)
    return made([node("Conv", "x", "w")], [weight])


def itself() -> Any:
    own, standard = helper.make_opsetid("own", 1), helper.make_opsetid("", 17)
    body = [node("f", "a", output="b", domain="own")]
    function = helper.make_function("own", "f", ["a"], ["b"], body, [standard, own])
    return made([node("f", "x", domain="own")], functions=[function])


def typed_value(**kind: Any) -> Any:
    model = made([node("Relu", "x")])
    model.graph.value_info.append(helper.make_tensor_value_info("v", FLOAT, (1, 3)))
    if "elem_type" in kind:
        model.graph.value_info[0].type.tensor_type.elem_type = kind["elem_type"]
    else:
        model.graph.value_info[0].type.tensor_type.shape.dim[0].dim_value = kind["side"]
    return model


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (
            lambda: conv(attribute("group", "INTS", ints=[1, 2])),
            "'group' that is INTS, expected INT",
        ),
        (lambda: conv(attribute("strides", "INT", i=2)), "'strides' that is INT, expected INTS"),
        (lambda: conv(attribute("group", "FLOAT", f=1.0)), "is FLOAT, expected INT"),
        (lambda: conv(attribute("group", "INT", i=0)), "group of 0, expected at least 1"),
        (lambda: conv(attribute("strides", "INTS", ints=[-1, 1])), "strides of -1"),
        (lambda: conv(attribute("pads", "INTS", ints=[0] * 9999)), "more than 4096 entries"),
        (lambda: conv(*[attribute("group", "INT", i=1)] * 2), "'group' that is there twice"),
        (lambda: made([node("Conv", "x")]), "1 inputs, expected at least 2"),
        (lambda: tensor(dims=[-4, 3, 3, 3]), r"impossible shape \[-4"),
        (lambda: tensor(dims=[2**60, 2**60, 1, 1]), "impossible shape"),
        (lambda: tensor(dims=[4, 3, 3, 5]), "with 432 bytes, expected 720"),
        (lambda: tensor(data_type=99), "unknown type 99"),
        (lambda: tensor(data_type=0), "unknown type 0"),
        (lambda: typed_value(elem_type=77), "unknown type 77"),
        (lambda: typed_value(side=-7), r"impossible shape \[-7"),
        (itself, "calls itself"),
    ],
)
def test_what_a_node_or_a_tensor_cannot_be_is_said(make: Callable[[], Any], reason: str) -> None:
    with pytest.raises(ProfileError, match=reason):
        read_model(make(), "net")


def test_names_of_others_do_not_reach_a_terminal() -> None:
    model = conv(attribute("group", "INT", i=0))
    model.graph.node[0].name = "\x1b[2J\nbiglittle --evil"
    with pytest.raises(ProfileError) as caught:
        read_model(model, "net")
    assert "\x1b" not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes have names on POSIX systems alone")
def test_pipes_and_devices_are_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.onnx")
    for path in (tmp_path / "pipe.onnx", Path("/dev/zero"), tmp_path):
        for read in (read_onnx, lambda path: file_subjects([path])):
            with pytest.raises(ProfileError, match="as ONNX: it is a folder, a pipe or a device"):
                read(path)


def test_metadata_of_others_is_text(tmp_path: Path) -> None:
    model = made([node("Relu", "x")])
    helper.set_model_props(model, {"names": "{0: 'person'}", "threshold": "[" * 100_000})
    (tmp_path / "yolo.onnx").write_bytes(model.SerializeToString())
    (subject,) = file_subjects([tmp_path / "yolo.onnx"])
    assert subject.names["file"] == "yolo.onnx"


def altered(model: Any, rng: np.random.Generator) -> Any:
    """A copy in which some fields have another value or type."""
    copy = type(model)()
    copy.CopyFrom(model)
    for _ in range(int(rng.integers(1, 4))):
        nodes, weights = copy.graph.node, copy.graph.initializer
        one, weight = (group[int(rng.integers(0, len(group)))] for group in (nodes, weights))
        match int(rng.integers(0, 8)):
            case 0 if one.attribute:
                one.attribute[0].type = int(rng.integers(0, 15))
            case 1 if one.attribute:
                one.attribute[0].ints.extend(rng.integers(-9, 9, 3).tolist())
            case 2:
                weight.dims[0] = int(rng.choice([-1, 0, 7, 2**31, 2**62]))
            case 3:
                weight.data_type = int(rng.integers(0, 40))
            case 4 if one.input and one.output:
                one.input[0] = str(rng.choice(["", "nothing", one.output[0]]))
            case 5:
                one.op_type = str(rng.choice(["If", "Loop", "Gemm", "Reshape", "Concat", "Split"]))
            case 6:
                del one.output[:]
            case _:
                nodes.extend([nodes[int(rng.integers(0, len(nodes)))]])
    return copy


@pytest.fixture
def network() -> Any:
    return onnx_model(get_space("fbnet"), "0888888888888888888882", 10)


def test_altered_models_are_answered_or_refused(
    tmp_path: Path, network: Any, answers: Any, count: Callable[[int], int]
) -> None:
    path = tmp_path / "net.onnx"
    for seed in range(count(120)):
        path.write_bytes(altered(network, np.random.default_rng(seed)).SerializeToString())
        answers.of(lambda: read_onnx(path), seed)
    assert answers.refused > 0


def test_damaged_files_are_answered_or_refused(
    tmp_path: Path,
    network: Any,
    answers: Any,
    mutations: Callable[[bytes, int], Iterator[bytes]],
) -> None:
    path = tmp_path / "net.onnx"
    for part in (conv().SerializeToString(), network.SerializeToString()[:20_000]):
        for number, content in enumerate(mutations(part, 100)):
            path.write_bytes(content)
            answers.of(lambda: read_onnx(path), number)
    assert answers.refused > 0
