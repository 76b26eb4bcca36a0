"""Any ONNX file as a graph of operators with shapes, so that a latency model can be asked about it.

Read are the graph and its shapes; of the weights only their dimensions count, and files outside of
the model are never opened. What has no counterpart among the operators is named, with how often it
occurs, so that nobody takes a figure for the whole network that leaves half of it out.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..bench.errors import ProfileError
from ..bench.graph import IMAGE, Graph, Node
from ..bench.operators import Operator, OperatorKind
from .onnx_network import import_onnx

#: Larger files are refused unread; protobuf itself stops at 2 GiB.
MAX_BYTES = 2**31
#: Only the view of the data changes, or nothing at all outside of training.
VIEWS = {"Dropout", "Flatten", "Identity", "Reshape", "Squeeze", "Unsqueeze"}
#: Functions of single elements.
ACTIVATIONS = {
    *("Abs", "BitShift", "Cast", "Ceil", "Celu", "Clip", "Elu", "Erf", "Exp", "Floor", "Gelu"),
    *("HardSigmoid", "HardSwish", "LeakyRelu", "Log", "LogSoftmax", "Mish", "Neg", "PRelu"),
    *("Reciprocal", "Round", "Selu", "Sigmoid", "Sign", "Softmax", "Softplus", "Softsign", "Sqrt"),
    *("Tanh", "ThresholdedRelu"),
}
#: Two inputs, element by element.
BINARY = {"Add", "Div", "Max", "Min", "Mul", "Pow", "Sub", "Sum"}
#: Data are moved or reduced, nothing is multiplied.
MOVES = {
    *("ArgMax", "DepthToSpace", "Expand", "Gather", "InstanceNormalization", "LayerNormalization"),
    *("LRN", "Pad", "ReduceMax", "ReduceMean", "ReduceSum", "Resize", "Slice", "SpaceToDepth"),
    *("Split", "Tile", "TopK", "Transpose", "Upsample"),
}


@dataclass(frozen=True)
class ReadNetwork:
    """What an ONNX file holds.

    Attributes:
        name: of the graph.
        graph: its operators and what feeds them; constants and needless views are left out.
        unsupported: operators without a counterpart, with how often each occurs.
        input_shape: of the only input, with the batch of 1.
    """

    name: str
    graph: Graph
    unsupported: dict[str, int]
    input_shape: tuple[int, ...]

    @property
    def macs(self) -> int:
        """Multiply-accumulates of what is in ``graph``."""
        return sum(node.operator.macs for node in self.graph)

    @property
    def params(self) -> int:
        """Parameters of what is in ``graph``."""
        return sum(node.operator.params for node in self.graph)


def read_onnx(path: Path) -> ReadNetwork:
    """The network in an ONNX file, which may come from anyone.

    Raises:
        ProfileError: the file cannot be read, is too large, or has no shapes to go by.
        MissingExtraError: ``onnx`` is not installed.
    """
    onnx = import_onnx()
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise ProfileError(
                f"{path.name} has {size / 2**20:,.0f} MiB and was not read; expected at most "
                f"{MAX_BYTES // 2**20} MiB. Weights may lie in a file of their own."
            )
        model = onnx.load(str(path), load_external_data=False)
    except ProfileError:
        raise
    except Exception as error:  # protobuf's errors share no base with Python's own
        raise ProfileError(f"{path.name} cannot be read as ONNX: {error}") from error
    return read_model(model, path.name)


def read_model(model: Any, label: str) -> ReadNetwork:
    """The network in an ONNX model.

    Args:
        model: an ``onnx.ModelProto``.
        label: what messages call it.

    Raises:
        ProfileError: more or less than one input, another batch than 1, or unknown shapes.
        MissingExtraError: ``onnx`` is not installed.
    """
    onnx = import_onnx()
    constants = {w.name: tuple(w.dims) for w in model.graph.initializer}
    inputs = [i for i in model.graph.input if i.name not in constants]
    if len(inputs) != 1:
        raise ProfileError(
            f"{label} has {len(inputs)} inputs; expected one, the image, of shape (1, channels, "
            "height, width)."
        )
    shape = _input_shape(inputs[0], label)
    fixed = type(model)()
    fixed.CopyFrom(model)
    source = next(i for i in fixed.graph.input if i.name == inputs[0].name)
    source.type.tensor_type.shape.dim[0].dim_value = 1
    # What an exporter wrote down for a free batch would contradict the batch of 1.
    del fixed.graph.value_info[:]
    for output in fixed.graph.output:
        output.type.tensor_type.ClearField("shape")
    try:
        inferred = onnx.shape_inference.infer_shapes(fixed, data_prop=True).graph
    except Exception as error:
        raise ProfileError(f"shapes of {label} cannot be found: {error}") from error
    shapes = {
        v.name: tuple(d.dim_value for d in v.type.tensor_type.shape.dim)
        for v in (*inferred.value_info, *inferred.output)
        if v.type.HasField("tensor_type") and v.type.tensor_type.HasField("shape")
    } | {inputs[0].name: shape}
    reader = _Reader(label, constants, shapes, inputs[0].name)
    reader.zeros = {
        w.name
        for w in model.graph.initializer
        if math.prod(w.dims) == 1 and not w.external_data and not _values(w).any()
    }
    for node in model.graph.node:
        reader.read(node)
    graph = reader.graph([output.name for output in model.graph.output])
    if not graph:
        raise ProfileError(f"the output of {label} does not depend on its input; no network.")
    return ReadNetwork(model.graph.name or label, graph, dict(reader.unsupported), shape)


def _values(weight: Any) -> Any:
    return import_onnx().numpy_helper.to_array(weight)


def _input_shape(given: Any, label: str) -> tuple[int, ...]:
    dims = [int(d.dim_value) for d in given.type.tensor_type.shape.dim]
    if len(dims) < 2 or min(dims[1:], default=0) < 1 or dims[0] > 1:
        said = [
            d.dim_param or (d.dim_value if d.HasField("dim_value") else "?")
            for d in given.type.tensor_type.shape.dim
        ]
        raise ProfileError(
            f"input {given.name!r} of {label} has shape {tuple(said)}; expected batch 1 (or a free "
            "one) and fixed channels, height and width. Export it for one image."
        )
    return (1, *dims[1:])


class _Reader:
    """Turns nodes into operators, one after the other."""

    def __init__(
        self,
        label: str,
        constants: dict[str, tuple[int, ...]],
        shapes: dict[str, tuple[int, ...]],
        image: str,
    ) -> None:
        self.label, self.constants, self.shapes = label, constants, shapes
        self.at = {image: IMAGE}
        self.zeros: set[str] = set()
        self.unsupported: Counter[str] = Counter()
        self._nodes: list[Node] = []
        #: Of a value that is a view or a transposition: the value it shows, and how.
        self._grouped: dict[str, tuple[str, int]] = {}
        self._swapped: dict[str, tuple[str, int]] = {}

    def graph(self, outputs: list[str]) -> Graph:
        """What the outputs need; several of them are joined by a node that costs little."""
        ends = list(dict.fromkeys(self.at[o] for o in outputs if self.at.get(o, IMAGE) != IMAGE))
        needed, stack = set[int](), list(ends)
        while stack:
            k = stack.pop()
            if k != IMAGE and k not in needed:
                needed.add(k)
                stack += self._nodes[k].inputs
        place = {IMAGE: IMAGE} | {old: new for new, old in enumerate(sorted(needed))}
        kept = [
            Node(self._nodes[k].operator, tuple(place[i] for i in self._nodes[k].inputs))
            for k in sorted(needed)
        ]
        if len(ends) > 1:
            kept.append(Node(Operator("concat", 0, 0, 1, 1), tuple(place[i] for i in ends)))
        return tuple(kept)

    def read(self, node: Any) -> None:
        kind = node.op_type if node.domain in ("", "ai.onnx") else f"{node.domain}.{node.op_type}"
        varying = [name for name in node.input if name in self.at]
        if not varying and not any(a.HasField("g") for a in node.attribute):
            for name in node.output:  # a constant, or what is made of constants alone
                self.constants[name] = self.shapes.get(name, ())
            return
        if kind in VIEWS:
            self._view(node)
        elif kind == "Transpose" and self._is_shuffle(node):
            self._swapped[node.output[0]] = self._grouped[node.input[0]]
            self.at[node.output[0]] = self.at[node.input[0]]
        else:
            operator = self._operator(kind, node, varying)
            if operator is None:
                self.unsupported[kind] += 1
                operator = self._elementwise("other", node)
            self._put(node, operator, varying)

    def _put(self, node: Any, operator: Operator, varying: list[str]) -> None:
        self._nodes.append(Node(operator, tuple(self.at[name] for name in varying)))
        for name in node.output:
            self.at[name] = len(self._nodes) - 1

    # ---- views -----------------------------------------------------------------------------
    def _view(self, node: Any) -> None:
        given, made = node.input[0], node.output[0]
        if given not in self.at:  # the shape varies, the data do not
            self.constants[made] = self.shapes.get(made, ())
            return
        before, after = self.shapes.get(given, ()), self.shapes.get(made, ())
        if given in self._swapped and len(after) == 4:
            source, groups = self._swapped[given]
            if self.shapes.get(source) == after:
                _, c, h, w = after
                self._put(node, Operator("channel_shuffle", c, c, h, w, groups=groups), [given])
                return
        self.at[made] = self.at[given]
        if len(before) == 4 and len(after) == 5 and after[1] * after[2] == before[1]:
            if after[3:] == before[2:]:
                self._grouped[made] = (given, after[1])

    def _is_shuffle(self, node: Any) -> bool:
        perm = next((list(a.ints) for a in node.attribute if a.name == "perm"), [])
        return perm == [0, 2, 1, 3, 4] and node.input[0] in self._grouped

    # ---- operators -------------------------------------------------------------------------
    def _operator(self, kind: str, node: Any, varying: list[str]) -> Operator | None:
        """The counterpart of a node, or None."""
        one = len(varying) == 1
        if kind == "Conv":
            return self._conv(node) if node.input[1] in self.constants else None
        if kind in ("Gemm", "MatMul"):
            return self._product(kind, node, varying) if one else None
        if kind in ("AveragePool", "MaxPool"):
            return self._window("avg_pool" if kind == "AveragePool" else "max_pool", node)
        if kind in ("GlobalAveragePool", "GlobalMaxPool") or self._is_spatial_mean(kind, node):
            c, h, w = self._chw(node.input[0])
            return Operator("global_avg_pool", c, c, h, w)
        if kind == "BatchNormalization":
            return self._elementwise("batch_norm", node)
        if kind == "Relu":
            return self._elementwise("relu", node)
        if kind in ("Add", "Sum") and not one:
            return self._elementwise("add", node)
        if kind == "Concat":
            return self._elementwise("concat", node)
        if kind == "Mul" and not self.zeros.isdisjoint(node.input):
            return self._elementwise("zero", node)
        if kind in BINARY:
            return self._elementwise("activation" if one else "multiply", node)
        if kind in ACTIVATIONS:
            return self._elementwise("activation", node)
        return self._elementwise("other", node) if kind in MOVES else None

    def _chw(self, name: str) -> tuple[int, int, int]:
        """Channels, height and width of a value; a vector has 1 by 1 pixels.

        Raises:
            ProfileError: the shape is not known.
        """
        shape = self.shapes.get(name)
        if shape == ():
            return 1, 1, 1
        if shape is None or min(shape) < 1:
            raise ProfileError(
                f"the shape of {name!r} in {self.label} is not known ({shape}); expected fixed "
                "shapes throughout. Export the network for one image, without free dimensions."
            )
        c, *pixels = shape[1:] if len(shape) > 1 else (shape[0],)
        if len(pixels) <= 1:
            return c, (pixels or [1])[0], 1
        return c, pixels[0], math.prod(pixels[1:])

    def _elementwise(self, kind: OperatorKind, node: Any) -> Operator:
        """An operator whose cost goes with its input and output."""
        inputs = [name for name in node.input if name in self.at]
        known = (n for n in node.output if min(self.shapes.get(n) or (0,)) > 0)
        made = next(known, None)
        c, h, w = self._chw(inputs[0]) if inputs else (1, 1, 1)
        if made is None or kind in ("batch_norm", "relu", "activation", "zero"):
            return Operator(kind, c, c, h, w)
        after, rows, columns = self._chw(made)
        return Operator(kind, c, after, h, w, output=self._output((h, w), 1, (rows, columns)))

    @staticmethod
    def _output(
        before: tuple[int, int], stride: int, after: tuple[int, int]
    ) -> tuple[int, int] | None:
        """Rows and columns of the output, None where they are those of "same" padding."""
        same = (-(-before[0] // stride), -(-before[1] // stride))
        return None if after == same else after

    def _conv(self, node: Any) -> Operator | None:
        weight = self.constants[node.input[1]]
        attributes = _attributes(node)
        strides = attributes.get("strides") or [1]
        if len(weight) not in (3, 4) or max(attributes.get("dilations") or [1]) > 1:
            return None
        groups = attributes.get("group") or 1
        cin, h, w = self._chw(node.input[0])
        cout, rows, columns = self._chw(node.output[0])
        kernel = weight[2:] if len(weight) == 4 else (weight[2], 1)
        if len(set(strides)) > 1 or (len(weight) == 3 and strides[0] > 1):
            strides = [1]  # the output's own size says what the stride is
        return Operator(
            "conv",
            cin,
            cout,
            h,
            w,
            kernel[0],
            strides[0],
            groups,
            kernel_width=0 if kernel[0] == kernel[1] else kernel[1],
            output=self._output((h, w), strides[0], (rows, columns)),
        )

    def _window(self, kind: OperatorKind, node: Any) -> Operator | None:
        attributes = _attributes(node)
        kernel, strides = attributes.get("kernel_shape") or [], attributes.get("strides") or [1]
        if len(kernel) != 2:
            return None
        c, h, w = self._chw(node.input[0])
        _, rows, columns = self._chw(node.output[0])
        stride = strides[0] if len(set(strides)) == 1 else 1
        width = 0 if kernel[0] == kernel[1] else kernel[1]
        output = self._output((h, w), stride, (rows, columns))
        return Operator(kind, c, c, h, w, kernel[0], stride, kernel_width=width, output=output)

    def _product(self, kind: str, node: Any, varying: list[str]) -> Operator | None:
        """A matrix of weights: a linear layer, or a 1x1 convolution where there are positions."""
        if node.input[0] != varying[0] or len(self.constants.get(node.input[1], ())) != 2:
            return None
        rows, columns = self.constants[node.input[1]]
        if kind == "Gemm" and _attributes(node).get("transB"):
            rows, columns = columns, rows
        positions = math.prod(self.shapes.get(node.input[0], ())[:-1] or (1,))
        if positions == 1:
            return Operator("linear", rows, columns, 1, 1)
        return Operator("conv", rows, columns, positions, 1)

    def _is_spatial_mean(self, kind: str, node: Any) -> bool:
        before = self.shapes.get(node.input[0], ())
        after = self.shapes.get(node.output[0], ())
        return (
            kind == "ReduceMean"
            and len(before) == 4
            and math.prod(after or (0,)) == before[1]
            and math.prod(before[2:]) > 1
        )


def _attributes(node: Any) -> dict[str, Any]:
    """Integers and lists of integers of a node."""
    return {a.name: list(a.ints) if a.ints else a.i for a in node.attribute}
