"""Shapes of the values of an ONNX model, and small constants that follow from them.

ONNX's shape inference follows some computations with shapes; the others are evaluated node by node
with its reference evaluator, as long as they stay small.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bench.errors import ProfileError
from .onnx_checked import Work
from .onnx_graph import import_onnx

#: Tensors of more elements are weights; only smaller ones are looked into, for shapes and the like.
FEW = 4096
#: Domains of the standard operators.
STANDARD = ("", "ai.onnx")
#: Operators whose result has few elements if their inputs do; others are evaluated only where
#: shape inference knows beforehand that it has.
_BOUNDED = {
    *("Abs", "Add", "And", "Cast", "Ceil", "Concat", "Div", "Equal", "Floor", "Gather", "Greater"),
    *("GreaterOrEqual", "Identity", "Less", "LessOrEqual", "Max", "Min", "Mod", "Mul", "Neg"),
    *("Not", "Or", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceSum", "Reshape", "Slice"),
    *("Sqrt", "Squeeze", "Sub", "Transpose", "Unsqueeze", "Where"),
}
#: Others that are evaluated where their result is known to be small. Not every operator may be: an
#: image decoder, say, is a program of its own.
_EVALUATED = {
    *_BOUNDED,
    *(
        "ArgMax",
        "ArgMin",
        "BitShift",
        "Clip",
        "CumSum",
        "ConstantOfShape",
        "Expand",
        "GatherElements",
    ),
    *("GatherND", "NonZero", "Pow", "Range", "ReduceMean", "Round", "ScatterElements", "ScatterND"),
    *("Sign", "Split", "Tile", "TopK", "Trilu"),
}
_MOST_COMBINED = 2**20  # elements of all inputs, multiplied: what broadcasting can make of them
_VALUES = 16  # a float constant of more is a weight in another form


def shapes(model: Any) -> dict[str, tuple[int, ...]]:
    """Sides of every value whose shape a model states; 0 for a side that is open."""
    graph = model.graph
    return {
        v.name: tuple(max(int(d.dim_value), 0) for d in v.type.tensor_type.shape.dim)
        for v in (*graph.value_info, *graph.output, *graph.input)
        if v.type.HasField("tensor_type") and v.type.tensor_type.HasField("shape")
    }


def with_shapes(model: Any, label: str, work: Work | None = None) -> Any:
    """The model with the shapes of its values, as far as they follow from the input's.

    Args:
        model: the model as an ``onnx.ModelProto``.
        label: name by which messages call it.
        work: counts what is looked at again; None: a count of its own.

    Raises:
        ProfileError: its shapes contradict one another, or follow from too much.
    """
    onnx, work = import_onnx(), work or Work(label)
    while True:
        work.spend(len(model.graph.node))
        try:
            inferred = onnx.shape_inference.infer_shapes(model, data_prop=True)
        except Exception as error:  # of several kinds that share no base
            raise ProfileError(f"shapes of {label} cannot be found: {error}") from error
        stated = shapes(inferred)
        branches = any(node.op_type == "If" for node in inferred.graph.node)
        is_open = any(
            0 in stated.get(name, (0,)) for node in inferred.graph.node for name in node.output
        )
        if not (branches or is_open) or not _fold(inferred):
            return inferred
        model = inferred
        del model.graph.value_info[:]


def numbers(model: Any) -> dict[str, NDArray[Any]]:
    """Values of the small constants that a model holds, by name, where their data are there."""
    onnx = import_onnx()
    tensors = {w.name: w for w in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type == "Constant" and node.domain in STANDARD:
            for attribute in node.attribute:
                if attribute.name == "value":
                    tensors[node.output[0]] = attribute.t
    return {
        name: values
        for name, tensor in tensors.items()
        if (values := _values(onnx, tensor)) is not None
    }


def _values(onnx: Any, tensor: Any) -> NDArray[Any] | None:
    """A tensor's numbers; None where it is large, lies elsewhere or states dimensions alone."""
    size = math.prod(tensor.dims)
    if size > FEW or tensor.data_location == onnx.TensorProto.EXTERNAL:
        return None
    try:
        values = np.asarray(onnx.numpy_helper.to_array(tensor))
    except Exception:  # of several kinds: no data, a type that NumPy lacks
        return None
    return values if values.size == size else None


def _fold(model: Any) -> bool:
    """Puts constants in the place of what follows from shapes and constants; whether any was.

    Changes the model.
    """
    onnx = import_onnx()
    stated, values = shapes(model), numbers(model)
    left, folded = [], False
    for node in model.graph.node:
        results = None
        if node.op_type != "Constant" and node.domain in STANDARD and node.output:
            results = _computed(onnx, model, node, stated, values)
        if results is None:
            left.append(node)
            continue
        folded = True
        for name, value in zip(node.output, results, strict=False):
            values[name] = value
            model.graph.initializer.append(onnx.numpy_helper.from_array(value, name))
    if folded:
        del model.graph.node[:]
        model.graph.node.extend(left)
    return folded


def _computed(
    onnx: Any,
    model: Any,
    node: Any,
    stated: dict[str, tuple[int, ...]],
    values: dict[str, NDArray[Any]],
) -> list[NDArray[Any]] | None:
    """What a node gives, if that follows from shapes and small constants; else None."""
    if node.op_type in ("Shape", "Size"):
        sides = stated.get(node.input[0])
        if sides is None or 0 in sides:
            return None
        if node.op_type == "Size":
            return [np.array(math.prod(sides), np.int64)]
        ends = {a.name: int(a.i) for a in node.attribute}
        return [np.array(sides[ends.get("start", 0) : ends.get("end", len(sides))], np.int64)]
    if any(a.HasField("g") for a in node.attribute):
        return None
    given = [name for name in node.input if name]
    if not given or any(name not in values for name in given):
        return None
    if node.op_type not in _EVALUATED or any(values[n].dtype.kind not in "biuf" for n in given):
        return None
    combined = math.prod(max(1, values[n].size) for n in given)
    if node.op_type not in _BOUNDED or combined > _MOST_COMBINED:
        sizes = [stated.get(name, (0,)) for name in node.output if name]
        if any(0 in sides or math.prod(sides) > FEW for sides in sizes):
            return None
    try:
        from onnx.reference import ReferenceEvaluator

        helper = onnx.helper
        inputs = [
            helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(values[n].dtype), None)
            for n in dict.fromkeys(given)
        ]
        outputs = [onnx.ValueInfoProto(name=name) for name in node.output if name]
        graph = helper.make_graph([node], "one", inputs, outputs)
        alone = helper.make_model(graph, opset_imports=model.opset_import)
        results = ReferenceEvaluator(alone).run(None, {name: values[name] for name in given})
        arrays = [np.asarray(result) for result in results]
    except Exception:  # an operator that cannot be evaluated stays as it is
        return None
    # Larger floats are weights in another form, to be counted as the tensors that they were.
    small = (a.size <= (FEW if a.dtype.kind in "iub" else _VALUES) for a in arrays)
    return arrays if all(small) else None
