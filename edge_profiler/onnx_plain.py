"""ONNX models made plain before they are read: functions inlined, branches apart, shapes found.

Exporters leave much to a runtime: functions of the model's own, sides that are free, shapes that
nodes compute, an ``If``. What ONNX's own inliner, shape inference and reference evaluation can
resolve is resolved here, so that what follows sees operators with shapes. Weights are reduced to
their dimensions first; nothing here needs their values.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

from ..bench.errors import ProfileError
from .onnx_checked import Work
from .onnx_graph import import_onnx
from .onnx_shapes import FEW, STANDARD, numbers, with_shapes

#: Ways through a model's branches; with many more, a model is not one network.
MOST_PATHS = 8
_VALUE_FIELDS = ("raw_data", "float_data", "int32_data", "int64_data", "double_data", "uint64_data")


def parse_shape(text: str) -> tuple[int, ...]:
    """The shape in a text such as ``1,3,224,224`` or ``3x224x224``.

    Raises:
        ProfileError: it is not a list of positive whole numbers.

    >>> parse_shape("1,3,32,32")
    (1, 3, 32, 32)
    """
    parts = re.split(r"\s*[,xX]\s*", text.strip().strip("()[]"))
    if not all(part.isdecimal() and int(part) > 0 for part in parts):
        raise ProfileError(
            f"shape {text!r} is not a list of positive whole numbers; expected for example "
            "1,3,224,224."
        )
    return tuple(int(part) for part in parts)


def plain_paths(
    model: Any, label: str, shape: Sequence[int] | None = None
) -> list[tuple[str, Any]]:
    """The model by every way through its branches: one without ``If``, each with all shapes filled.

    Args:
        model: an ``onnx.ModelProto``; it is not changed.
        label: name by which messages call it.
        shape: shape of the only input, where the file leaves it open; with or without the batch of
            1.

    Returns:
        Name of the way (``""``, or ``then`` and ``else``) and the plain model of each.

    Raises:
        ProfileError: another number of inputs than one, another batch than 1, unknown sides, or
            more branches or computations of shapes than can be followed.
        MissingExtraError: ``onnx`` is not installed.
    """
    import_onnx()  # or the extra that brings it
    plain = type(model)()
    plain.CopyFrom(model)
    for tensor in plain.graph.initializer:
        if math.prod(tensor.dims) > FEW:
            for field in (*_VALUE_FIELDS, "external_data"):
                tensor.ClearField(field)
            tensor.ClearField("data_location")
    if plain.functions:
        try:
            from onnx.inliner import inline_local_functions

            plain = inline_local_functions(plain)
        except Exception as error:  # the checker's errors share no base with Python's own
            raise ProfileError(f"functions of {label} cannot be inlined: {error}") from error
    _fix_input(plain, label, shape)
    # What an exporter wrote down for a free batch would contradict the batch of 1.
    del plain.graph.value_info[:]
    for output in plain.graph.output:
        output.type.tensor_type.ClearField("shape")
    return _taken_apart(plain, label, "", Work(label))


def image_input(model: Any, label: str) -> Any:
    """The only input of a model that is not a weight.

    Raises:
        ProfileError: there are more or fewer.
    """
    weights = {w.name for w in model.graph.initializer}
    inputs = [i for i in model.graph.input if i.name not in weights]
    if len(inputs) != 1:
        named = f" ({', '.join(i.name for i in inputs)})" if inputs else ""
        raise ProfileError(
            f"{label} has {len(inputs)} inputs{named}; expected one, the image, of shape (1, "
            "channels, height, width)."
        )
    return inputs[0]


def with_input_shape(model: Any, label: str, shape: Sequence[int] | None = None) -> Any:
    """The model for one image, to be run; the very same where it is for one image already.

    Args:
        model: an ``onnx.ModelProto``; it is not changed.
        label: name by which messages call it.
        shape: shape of the only input, where the file leaves it open; with or without the batch of
            1.

    Raises:
        ProfileError: another number of inputs than one, another batch than 1, or unknown sides.
    """
    dims = image_input(model, label).type.tensor_type.shape.dim
    if shape is None and dims and all(d.dim_value > 0 for d in dims):
        return model
    fixed = type(model)()
    fixed.CopyFrom(model)
    _fix_input(fixed, label, shape)
    del fixed.graph.value_info[:]
    for output in fixed.graph.output:
        output.type.tensor_type.ClearField("shape")
    return fixed


def _fix_input(model: Any, label: str, shape: Sequence[int] | None) -> None:
    """Writes the shape of one image into the model."""
    source = image_input(model, label)
    dims = source.type.tensor_type.shape.dim
    sides = [int(d.dim_value) if d.dim_value > 0 else 0 for d in dims]
    written = tuple(d.dim_param or (d.dim_value if d.HasField("dim_value") else "?") for d in dims)
    wanted = None if shape is None else tuple(shape)
    if wanted is not None and len(wanted) == len(sides) - 1:
        wanted = (1, *wanted)
    if wanted is not None and (
        (sides and len(wanted) != len(sides))
        or any(side not in (0, given) for side, given in zip(sides, wanted, strict=False))
    ):
        raise ProfileError(
            f"input {source.name!r} of {label} has shape {written}, which --shape "
            f"{','.join(map(str, wanted))} contradicts; give the sides that the file leaves open."
        )
    if wanted is not None:
        sides = list(wanted)
    elif sides:
        sides[0] = sides[0] or 1  # a free batch
    if len(sides) < 2 or min(sides) < 1 or sides[0] != 1:
        raise ProfileError(
            f"input {source.name!r} of {label} has shape {written}; expected batch 1 (or a free "
            "one) and fixed channels, height and width. Say them, for example --shape "
            "1,3,224,224, or export it for one image."
        )
    del dims[:]
    for side in sides:
        dims.add().dim_value = side


def _taken_apart(model: Any, label: str, name: str, work: Work) -> list[tuple[str, Any]]:
    model = with_shapes(model, label, work)
    forks = (
        k
        for k, node in enumerate(model.graph.node)
        if node.op_type == "If" and node.domain in STANDARD
    )
    index = next(forks, None)
    if index is None:
        return [(name, model)]
    condition = numbers(model).get(model.graph.node[index].input[0])
    branches = ("then", "else") if condition is None else ("then" if condition.any() else "else",)
    paths: list[tuple[str, Any]] = []
    for branch in branches:
        step = branch if condition is None else ""
        whole = "/".join(part for part in (name, step) if part)
        paths += _taken_apart(_with_branch(model, index, branch), label, whole, work)
        if len(paths) > MOST_PATHS:
            raise ProfileError(
                f"{label} has more than {MOST_PATHS} ways through its branches; give its parts."
            )
    return paths


def _with_branch(model: Any, index: int, branch: str) -> Any:
    """The model with an ``If`` replaced by one of its branches."""
    helper = import_onnx().helper
    taken = type(model)()
    taken.CopyFrom(model)
    node = taken.graph.node[index]
    (body,) = (a.g for a in node.attribute if a.name == f"{branch}_branch")
    held = {w.name for w in body.initializer} | {w.values.name for w in body.sparse_initializer}
    held |= {name for inner in body.node for name in inner.output if name}
    prefix = f"{branch} of {node.output[0]}/"
    renamed = {name: prefix + name for name in held}
    _rename(body, renamed)
    ends = [
        helper.make_node("Identity", [renamed.get(value.name, value.name)], [output])
        for value, output in zip(body.output, node.output, strict=True)
    ]
    # The decision is made whichever branch runs, so it is kept as an output.
    condition = node.input[0]
    nodes = [*taken.graph.node[:index], *body.node, *ends, *taken.graph.node[index + 1 :]]
    weights, sparse = list(body.initializer), list(body.sparse_initializer)
    values = list(body.value_info)
    del taken.graph.node[:]
    taken.graph.node.extend(nodes)
    taken.graph.initializer.extend(weights)
    taken.graph.sparse_initializer.extend(sparse)
    del taken.graph.value_info[:]
    taken.graph.value_info.extend(v for v in values if v.name not in renamed.values())
    if condition not in {o.name for o in taken.graph.output}:
        bool_type = import_onnx().TensorProto.BOOL
        taken.graph.output.append(helper.make_tensor_value_info(condition, bool_type, None))
    return taken


def _rename(graph: Any, renamed: dict[str, str]) -> None:
    """Renames values of a graph, and what graphs inside of it read of them."""
    for tensor in graph.initializer:
        tensor.name = renamed.get(tensor.name, tensor.name)
    for sparse in graph.sparse_initializer:
        sparse.values.name = renamed.get(sparse.values.name, sparse.values.name)
    for node in graph.node:
        node.input[:] = [renamed.get(name, name) for name in node.input]
        node.output[:] = [renamed.get(name, name) for name in node.output]
        for attribute in node.attribute:
            if attribute.HasField("g"):
                _rename(attribute.g, renamed)
