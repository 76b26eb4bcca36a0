"""Which tensors of an ONNX model are its parameters, their precision, and what is in training mode.

A tensor counts once, however many nodes read it, and only where some node does. Running statistics
of batch norms, bounds of clips, scales of quantisation and the like are not parameters.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from numpy.typing import NDArray

from .onnx_graph import import_onnx

#: Which inputs of an operator are parameters where they do not depend on the image.
_PARAMETERS = {
    **dict.fromkeys(("Conv", "ConvTranspose"), (1, 2)),
    **dict.fromkeys(("Gemm", "MatMul", "Add", "Mul", "Sum", "Einsum"), (0, 1, 2)),
    **dict.fromkeys(("BatchNormalization", "InstanceNormalization"), (1, 2)),
    **dict.fromkeys(("LayerNormalization", "GroupNormalization"), (1, 2)),
    **dict.fromkeys(("LSTM", "GRU", "RNN"), (1, 2, 3)),
    "PRelu": (1,),
    "Gather": (0,),
}
#: A number that is added or multiplied with is a setting; a tensor is a bias or a scale.
_SCALARS_ARE_SETTINGS = {"Add", "Mul", "Sum"}
_PRECISIONS = {
    "FLOAT": "fp32",
    "FLOAT16": "fp16",
    "BFLOAT16": "bf16",
    "DOUBLE": "fp64",
    **dict.fromkeys(("INT8", "UINT8"), "int8"),
    **dict.fromkeys(("INT4", "UINT4"), "int4"),
}


class Weights:
    """The constant tensors of a model, followed through nodes that only reshape or convert them.

    Args:
        model: the model as an ``onnx.ModelProto``.
    """

    def __init__(self, model: Any) -> None:
        self._types = import_onnx().TensorProto.DataType
        self.elements: dict[str, int] = {}
        self._precision: dict[str, str] = {}
        #: Tensors that a constant value is made of.
        self._origin: dict[str, frozenset[str]] = {}
        for tensor in model.graph.initializer:
            self._add(tensor.name, tensor)
        for sparse in model.graph.sparse_initializer:
            self._add(sparse.values.name, sparse.values)

    def _add(self, name: str, tensor: Any) -> None:
        kind = self._types.Name(tensor.data_type)
        precision = _PRECISIONS.get(kind, "fp8" if kind.startswith("FLOAT8") else None)
        if precision is None:  # indices and truth values
            return
        self.elements[name], self._precision[name] = math.prod(tensor.dims), precision
        self._origin[name] = frozenset({name})

    def passed_on(self, node: Any) -> None:
        """Notes what a node makes that depends on constants alone."""
        for attribute in node.attribute:
            if node.op_type == "Constant" and attribute.name == "value":
                self._add(node.output[0], attribute.t)
        # Scale and zero point belong to a quantised tensor.
        sources = node.input[:1] if node.op_type == "DequantizeLinear" else node.input
        origin = frozenset().union(*(self._origin.get(name, frozenset()) for name in sources))
        for name in node.output:
            self._origin.setdefault(name, origin)

    def of(self, node: Any) -> frozenset[str]:
        """Names of the parameter tensors that a node reads."""
        names = [n for k, n in enumerate(node.input) if k in _PARAMETERS.get(node.op_type, ())]
        read = frozenset().union(*(self._origin.get(name, frozenset()) for name in names))
        if node.op_type in _SCALARS_ARE_SETTINGS:
            return frozenset(name for name in read if self.elements[name] > 1)
        return read

    def precision(self, names: Iterable[str]) -> str:
        """The precision that most elements of these tensors have; ``fp32`` where there are none."""
        counts: Counter[str] = Counter()
        for name in names:
            counts[self._precision[name]] += self.elements[name]
        return counts.most_common(1)[0][0] if counts else "fp32"


def is_training(node: Any, opset: int, values: Mapping[str, NDArray[Any]]) -> bool:
    """Whether a batch norm or a dropout is as in training, where it does something else.

    Args:
        node: the node as an ``onnx.NodeProto``.
        opset: version of the standard operators.
        values: small constants by name.
    """
    flags = {a.name: int(a.i) for a in node.attribute}
    if node.op_type == "BatchNormalization":
        if opset < 7:
            return not flags.get("is_test", 0)
        return bool(flags.get("training_mode", 0)) or (opset < 14 and any(node.output[1:]))
    if node.op_type == "Dropout":
        if opset < 7:
            return not flags.get("is_test", 0)
        mode = values.get(node.input[2]) if len(node.input) > 2 else None
        return mode is not None and bool(mode.any())
    return False
