"""ONNX files of others: held to limits and to ONNX's own schemas before anything is done with them.

A file of few bytes can ask for much work: nodes by the hundred thousand, functions that call one
another twice, tensors of impossible sizes, lists where an operator takes a number. Everything is
counted and compared here, once; what an operator's attributes have to be, ONNX's registry says.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from ..bench.bounded import LimitError, read_bounded
from ..bench.errors import ProfileError
from ..bench.files import why_unreadable
from ..bench.plain_text import plain
from .onnx_graph import import_onnx

#: Larger files are refused unread; protobuf itself stops at 2 GiB.
MAX_BYTES = 2**31
#: Nodes of a model, those of its functions and branches included; and again with functions inlined.
#: Exports of networks have hundreds, of language models some ten thousand.
MOST_NODES = 20_000
MOST_BRANCHING = 64  # nodes that hold graphs
MOST_NESTED = 8  # graphs within graphs
MOST_TENSORS = 100_000
MOST_LISTED = 4096  # entries of a list among the attributes of a node
_MOST_ELEMENTS = 2**40
#: Attributes of windows, each entry of which is a number of pixels or groups.
_AT_LEAST_ONE = {"dilations", "group", "kernel_shape", "strides"}
_STANDARD = ("", "ai.onnx")
_NO_WHOLE_BYTES = ("STRING", "INT4", "UINT4", "INT2", "UINT2", "FLOAT4", "FLOAT6")
#: Nodes that may be looked at again and again, while branches are taken apart and shapes found.
MOST_WORK = 400_000


class Work:
    """Counts nodes that are looked at once more; a model that asks for too many is refused.

    Args:
        label: name by which messages call the model.
    """

    def __init__(self, label: str) -> None:
        self.label, self.left = label, MOST_WORK

    def spend(self, n_nodes: int) -> None:
        """Counts some nodes.

        Raises:
            ProfileError: they are too many by now.
        """
        self.left -= n_nodes
        if self.left < 0:
            raise ProfileError(
                f"shapes of {self.label} follow from too many computations and branches; export "
                "the network for one image, without free dimensions."
            )


def load_checked(path: Path, weights: bool = False) -> tuple[Any, bytes]:
    """The model in an ONNX file that anyone may have made, as ``onnx.ModelProto``, and its bytes.

    Args:
        path: path of the ONNX file.
        weights: whether to read weights that lie in files beside it.

    Raises:
        ProfileError: it is not a regular file, too large, damaged, or as `check_model` says.
        MissingExtraError: ``onnx`` is not installed.
    """
    onnx = import_onnx()
    try:
        content = read_bounded(path, MAX_BYTES)
        model = onnx.load_model_from_string(content)
        check_model(model, path.name)
        if weights:
            onnx.load_external_data_for_model(model, str(path.parent))
    except ProfileError:
        raise
    except LimitError as error:
        raise ProfileError(f"{path.name} cannot be read as ONNX: {error}.") from error
    except Exception as error:  # protobuf's errors share no base with Python's own
        damaged = f"it is damaged or no ONNX file ({plain(str(error))[:300]})."
        why = why_unreadable(error, damaged)
        raise ProfileError(f"{path.name} cannot be read as ONNX: {why}") from error
    return model, content


def check_model(model: Any, label: str) -> None:
    """Nothing, if a model is small enough to be looked at, and its parts are possible.

    Args:
        model: model to check, an ``onnx.ModelProto``.
        label: name by which messages call it.

    Raises:
        ProfileError: it has too many nodes, branches or tensors; a tensor or a shape with an
            impossible side or type; or a node whose inputs or attributes are not those of its
            operator.
    """
    versions = {o.domain: o.version for o in model.opset_import}
    opset = next((versions[d] for d in _STANDARD if d in versions), 1)
    n_nodes = n_branching = n_tensors = 0
    for nodes, graph, depth in _bodies(model):
        n_nodes += len(nodes)
        if n_nodes > MOST_NODES:
            raise _too_many(label, f"more than {MOST_NODES:,} nodes")
        if depth > MOST_NESTED:
            raise _too_many(label, f"graphs within graphs, {depth} deep")
        _check_names(nodes, graph, label)
        for node in nodes:
            n_branching += any(a.HasField("g") or len(a.graphs) for a in node.attribute)
            n_tensors += _check_node(node, label, opset)
        if graph is not None:
            n_tensors += len(graph.initializer) + len(graph.sparse_initializer)
            for value in (*graph.input, *graph.output, *graph.value_info):
                _check_value(value, label)
            for tensor in graph.initializer:
                _check_tensor(tensor, label)
            for sparse in graph.sparse_initializer:
                _check_sparse(sparse, label)
        if n_branching > MOST_BRANCHING:
            raise _too_many(label, f"more than {MOST_BRANCHING} nodes with branches")
        if n_tensors > MOST_TENSORS:
            raise _too_many(label, f"more than {MOST_TENSORS:,} tensors")
    _check_functions(model, label)


def _check_names(nodes: Any, graph: Any, label: str) -> None:
    """Nothing, if no name could do more on a terminal than be read.

    Raises:
        ProfileError: one holds a control character or a line break.
    """
    names = [n for node in nodes for n in (node.name, node.op_type, node.domain, *node.output)]
    if graph is not None:
        values = (*graph.input, *graph.output, *graph.initializer)
        names += [graph.name, *(value.name for value in values)]
    for name in names:
        if plain(name) != name:
            raise ProfileError(
                f"{label} has the name {plain(name)[:60]!r}, which holds control characters."
            )


def _too_many(label: str, what: str) -> ProfileError:
    return ProfileError(f"{label} has {what}, and was not looked into; expected one network.")


def _bodies(model: Any) -> Iterator[tuple[Any, Any, int]]:
    """Nodes of every graph and function, the graph itself or None, and how deep it is nested."""
    waiting = [(model.graph.node, model.graph, 0), *((f.node, None, 0) for f in model.functions)]
    while waiting:
        nodes, graph, depth = waiting.pop()
        yield nodes, graph, depth
        for node in nodes:
            for attribute in node.attribute:
                inner = [attribute.g] if attribute.HasField("g") else []
                waiting += [(g.node, g, depth + 1) for g in (*inner, *attribute.graphs)]


def _check_functions(model: Any, label: str) -> None:
    """Counts the nodes that inlining functions would make.

    Raises:
        ProfileError: they are too many, or a function calls itself.
    """
    bodies = {(f.domain, f.name): f for f in model.functions}
    if len(bodies) < len(model.functions):
        raise ProfileError(f"functions of {label} cannot be inlined: two have one name.")
    calls = {key: _calls(f.node, bodies) for key, f in bodies.items()}
    counts: dict[tuple[str, str], int] = {}
    open_: dict[tuple[str, str], bool] = {}
    waiting = list(bodies)
    while waiting:
        key = waiting[-1]
        missing = [inner for inner in calls[key][1] if inner not in counts]
        if key in counts:
            waiting.pop()
        elif not missing:
            own, called = calls[key]
            counts[key] = min(own + sum(counts[c] for c in called), MOST_NODES + 1)
        elif open_.get(key):
            name = plain(key[1])[:60]
            raise ProfileError(f"functions of {label} cannot be inlined: {name} calls itself.")
        else:
            open_[key] = True
            waiting += missing
    own, called = _calls(model.graph.node, bodies)
    if own + sum(counts[c] for c in called) > MOST_NODES:
        raise ProfileError(
            f"{label} has more than {MOST_NODES:,} nodes when its functions are inlined; export it "
            "without functions."
        )


def _calls(nodes: Any, bodies: Any) -> tuple[int, list[tuple[str, str]]]:
    """How many nodes are operators, and which functions the others call, branches included."""
    own, called, waiting = 0, [], list(nodes)
    while waiting:
        node = waiting.pop()
        key = (node.domain, node.op_type)
        if key in bodies:
            called.append(key)
        else:
            own += 1
        for attribute in node.attribute:
            inner = [attribute.g] if attribute.HasField("g") else []
            waiting += [n for g in (*inner, *attribute.graphs) for n in g.node]
    return own, called


@lru_cache(maxsize=4096)
def _schema(kind: str, opset: int) -> Any:
    """What ONNX's registry says of a standard operator; None where it does not know it."""
    try:
        return import_onnx().defs.get_schema(kind, opset, "")
    except Exception:  # an error of ONNX's own
        return None


def _check_node(node: Any, label: str, opset: int) -> int:
    """The tensors among a node's attributes, all of which are possible.

    Raises:
        ProfileError: inputs or attributes are not those of its operator.
    """
    if not node.output or len(node.input) > MOST_LISTED or len(node.output) > MOST_LISTED:
        raise _wrong(node, label, f"{len(node.input)} inputs and {len(node.output)} outputs")
    schema = _schema(node.op_type, opset) if node.domain in _STANDARD else None
    if schema is not None and len(node.input) < schema.min_input:
        raise _wrong(node, label, f"{len(node.input)} inputs, expected at least {schema.min_input}")
    declared = {} if schema is None else schema.attributes
    kinds, n_tensors, seen = import_onnx().AttributeProto, 0, set()
    for attribute in node.attribute:
        name = attribute.name
        kind = attribute.type or _guessed(attribute, kinds)
        wanted = int(declared[name].type.value) if name in declared else kind
        if name in seen or kind != wanted or kind not in kinds.AttributeType.values():
            words = [_kind(kinds, k) for k in (kind, wanted)]
            reason = "is there twice" if name in seen else f"is {words[0]}, expected {words[1]}"
            raise _wrong(node, label, f"an attribute {plain(name)[:60]!r} that {reason}")
        seen.add(name)
        if kind != kinds.INTS and len(attribute.ints):
            raise _wrong(
                node, label, f"a list in {plain(name)[:60]!r}, which is {_kind(kinds, kind)}"
            )
        longest = max(len(attribute.ints), len(attribute.floats), len(attribute.strings))
        if schema is not None and longest > MOST_LISTED:
            raise _wrong(node, label, f"more than {MOST_LISTED} entries in {plain(name)[:60]!r}")
        numbers = (*attribute.ints, *([attribute.i] if kind == kinds.INT else []))
        if name in _AT_LEAST_ONE and schema is not None and numbers and min(numbers) < 1:
            raise _wrong(node, label, f"{name} of {min(numbers)}, expected at least 1")
        tensors = (*attribute.tensors, *([attribute.t] if kind == kinds.TENSOR else []))
        for tensor in tensors:
            _check_tensor(tensor, label)
        n_tensors += len(tensors)
        if kind == kinds.SPARSE_TENSOR:
            _check_sparse(attribute.sparse_tensor, label)
    return n_tensors


def _guessed(attribute: Any, kinds: Any) -> int:
    """The type of an attribute that does not say it, as files before 2018 do not."""
    for field, kind in (("f", kinds.FLOAT), ("i", kinds.INT), ("s", kinds.STRING)):
        if attribute.HasField(field):
            return int(kind)
    for field, kind in (("t", kinds.TENSOR), ("g", kinds.GRAPH)):
        if attribute.HasField(field):
            return int(kind)
    lists = {"floats": kinds.FLOATS, "ints": kinds.INTS, "strings": kinds.STRINGS}
    return next((int(k) for field, k in lists.items() if len(getattr(attribute, field))), 0)


def _kind(kinds: Any, kind: int) -> str:
    names: dict[int, str] = {value: name for name, value in kinds.AttributeType.items()}
    return names.get(kind, "of an unknown type")


def _wrong(node: Any, label: str, what: str) -> ProfileError:
    name = plain(node.name or (node.output[0] if node.output else ""))[:60]
    return ProfileError(
        f"{label} cannot be read: its node {name!r} ({plain(node.op_type)[:60]}) has {what}."
    )


def _check_tensor(tensor: Any, label: str) -> None:
    """Nothing, if a tensor has possible sides, a known type, and as many bytes as these need."""
    types = import_onnx().TensorProto
    name, dims = plain(tensor.name)[:60], list(tensor.dims)
    if tensor.data_type not in types.DataType.values() or tensor.data_type == types.UNDEFINED:
        raise ProfileError(f"{label} has a tensor {name!r} of the unknown type {tensor.data_type}.")
    if len(dims) > 32 or any(d < 0 for d in dims) or math.prod(dims) > _MOST_ELEMENTS:
        raise ProfileError(f"{label} has a tensor {name!r} of the impossible shape {dims[:8]}.")
    held, wanted = len(tensor.raw_data), _bytes(tensor.data_type, math.prod(dims))
    if held and wanted is not None and held != wanted:
        raise ProfileError(
            f"{label} has a tensor {name!r} of shape {dims} with {held} bytes, expected {wanted}."
        )


@lru_cache(maxsize=64)
def _itemsize(data_type: int) -> int | None:
    onnx = import_onnx()
    if onnx.TensorProto.DataType.Name(data_type).startswith(_NO_WHOLE_BYTES):
        return None
    try:
        return int(onnx.helper.tensor_dtype_to_np_dtype(data_type).itemsize)
    except Exception:  # a type that NumPy lacks
        return None


def _bytes(data_type: int, n: int) -> int | None:
    size = _itemsize(data_type)
    return None if size is None else n * size


def _check_sparse(sparse: Any, label: str) -> None:
    _check_tensor(sparse.values, label)
    _check_tensor(sparse.indices, label)
    if len(sparse.dims) > 32 or any(d < 0 for d in sparse.dims):
        raise ProfileError(f"{label} has a sparse tensor of the impossible shape.")


def _check_value(value: Any, label: str) -> None:
    """Nothing, if a value has possible sides and a known type."""
    if not value.type.HasField("tensor_type"):
        return
    kind, types = value.type.tensor_type, import_onnx().TensorProto
    sides = [d.dim_value for d in kind.shape.dim if d.HasField("dim_value")]
    name = plain(value.name)[:60]
    if len(kind.shape.dim) > 32 or any(not -1 <= s <= _MOST_ELEMENTS for s in sides):
        raise ProfileError(f"{label} has a value {name!r} of the impossible shape {sides[:8]}.")
    if kind.elem_type not in types.DataType.values():
        raise ProfileError(f"{label} has a value {name!r} of the unknown type {kind.elem_type}.")
