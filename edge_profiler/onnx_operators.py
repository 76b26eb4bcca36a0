"""Nodes of a plain ONNX model as operators with shapes, and what feeds them."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

from ..bench.errors import ProfileError
from ..bench.graph import IMAGE, Graph, Node
from ..bench.operators import Operator, OperatorKind
from .onnx_shapes import STANDARD, numbers
from .onnx_weights import Weights, is_training

#: Only the view of the data changes, or nothing at all outside of training.
VIEWS = {"Dropout", "Flatten", "Identity", "Reshape", "Squeeze", "Unsqueeze"}
#: Functions of single elements.
ACTIVATIONS = {
    *("Abs", "BitShift", "Cast", "Ceil", "Celu", "Clip", "Elu", "Erf", "Exp", "Floor", "Gelu"),
    *("HardSigmoid", "HardSwish", "LeakyRelu", "Log", "LogSoftmax", "Mish", "Neg", "PRelu"),
    *("Not", "Reciprocal", "Round", "Selu", "Sigmoid", "Sign", "Softmax", "Softplus", "Softsign"),
    *("Sqrt", "Tanh", "ThresholdedRelu"),
}
#: Two inputs, element by element.
BINARY = {
    *("Add", "Div", "Max", "Min", "Mul", "Pow", "Sub", "Sum", "Mod", "Where"),
    *("And", "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Or", "Xor"),
}
#: What is known of a value before it is computed.
OF_SHAPES = {"Shape", "Size"}
#: Data are moved or reduced, nothing is multiplied.
MOVES = {
    *("ArgMax", "DepthToSpace", "Expand", "Gather", "InstanceNormalization", "LayerNormalization"),
    *("LRN", "Pad", "ReduceMax", "ReduceMean", "ReduceSum", "Resize", "Slice", "SpaceToDepth"),
    *("Split", "Tile", "TopK", "Transpose", "Upsample"),
}


class OperatorReader:
    """Turns nodes into operators, one after the other."""

    def __init__(
        self, label: str, model: Any, stated: dict[str, tuple[int, ...]], image: str
    ) -> None:
        self.label, self.shapes, self.weights = label, stated, Weights(model)
        weights = (*model.graph.initializer, *(w.values for w in model.graph.sparse_initializer))
        self.constants = {w.name: tuple(w.dims) for w in weights}
        self.at = {image: IMAGE}
        self.values = numbers(model)
        self.zeros = {n for n, v in self.values.items() if v.size == 1 and not v.any()}
        self.unsupported: Counter[str] = Counter()
        self.training: Counter[str] = Counter()
        #: Parameters that the outputs need, by name; known once `graph` was asked for.
        self.tensors: dict[str, int] = {}
        self._opset = next((o.version for o in model.opset_import if o.domain in STANDARD), 1)
        self._nodes: list[Node] = []
        #: Names of the weights that each node reads.
        self._read: list[frozenset[str]] = []
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
        names = frozenset[str]().union(*(self._read[k] for k in needed))
        self.tensors = {name: self.weights.elements[name] for name in sorted(names)}
        place = {IMAGE: IMAGE} | {old: new for new, old in enumerate(sorted(needed))}
        nodes = [
            Node(self._nodes[k].operator, tuple(place[i] for i in self._nodes[k].inputs))
            for k in sorted(needed)
        ]
        if len(ends) > 1:
            nodes.append(Node(Operator("concat", 0, 0, 1, 1), tuple(place[i] for i in ends)))
        return tuple(nodes)

    def read(self, node: Any) -> None:
        """Adds what a node computes.

        Raises:
            ProfileError: it reads what is not there, or a shape is not known.
        """
        kind = node.op_type if node.domain in STANDARD else f"{node.domain}.{node.op_type}"
        for name in node.input:
            if name and name not in self.at and name not in self.constants:
                raise ProfileError(
                    f"{self.label} cannot be read: a node {kind} reads {name!r}, which nothing "
                    "before it makes."
                )
        varying = [name for name in node.input if name in self.at]
        if kind in OF_SHAPES or (not varying and not any(a.HasField("g") for a in node.attribute)):
            for name in node.output:  # a constant, or what is made of constants alone
                self.constants[name] = self.shapes.get(name, ())
            if kind not in OF_SHAPES:
                self.weights.passed_on(node)
            return
        if kind in ("BatchNormalization", "Dropout"):
            self.training[kind] += is_training(node, self._opset, self.values)
        if kind in VIEWS:
            self._view(node)
        elif kind == "Transpose" and self._is_shuffle(node):
            self._swapped[node.output[0]] = self._grouped[node.input[0]]
            self.at[node.output[0]] = self.at[node.input[0]]
        else:
            operator = self._operator(kind, node, varying)
            if operator is None:
                self.unsupported[self._without_counterpart(kind, node)] += 1
                operator = self._elementwise("other", node)
            self._put(node, operator, varying)

    def _put(self, node: Any, operator: Operator, varying: list[str]) -> None:
        self._nodes.append(Node(operator, tuple(self.at[name] for name in varying)))
        self._read.append(self.weights.of(node))
        for name in node.output:
            self.at[name] = len(self._nodes) - 1

    def notes(self) -> tuple[str, ...]:
        """What was seen and is not in the figures."""
        listed = " and ".join(f"{n} {kind}" for kind, n in sorted(self.training.items()) if n)
        if not listed:
            return ()
        return (f"{listed} in training mode, taken as in inference; export it with eval().",)

    def _without_counterpart(self, kind: str, node: Any) -> str:
        """Name of an operator that has no counterpart, with the reason where it is not the kind."""
        if kind == "Conv":
            sides = len(self.constants.get(node.input[1], ())) - 2
            if sides < 0:
                return "Conv with computed weights"
            if max(_attributes(node).get("dilations") or [1]) > 1:
                return "Conv with dilation"
            return f"Conv in {sides} dimensions"
        if kind in ("AveragePool", "MaxPool"):
            return f"{kind} in {len(_attributes(node).get('kernel_shape') or [])} dimensions"
        return kind

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
                f"the shape of {name!r} in {self.label} is not known ({shape}); expected shapes "
                "that follow from the input's. Export the network for one image, without free "
                "dimensions, and with the data of its small integer constants."
            )
        c, *pixels = shape[1:] if len(shape) > 1 else (shape[0],)
        if len(pixels) <= 1:
            return c, (pixels or [1])[0], 1
        return c, pixels[0], math.prod(pixels[1:])

    def _elementwise(self, kind: OperatorKind, node: Any) -> Operator:
        """An operator whose cost goes with its input and output."""
        inputs = [name for name in node.input if name in self.at]
        with_shape = (n for n in node.output if min(self.shapes.get(n) or (0,)) > 0)
        made = next(with_shape, None)
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
