"""ONNX graphs under construction: what every graph that is written here has in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..bench.errors import MissingExtraError

if TYPE_CHECKING:
    import onnx

#: Understood by every ONNX Runtime since 1.12, the oldest that boards still run.
OPSET, IR_VERSION = 17, 8
#: Names of the only input and of the answer of every graph written here.
INPUT, LOGITS, ESCALATED = "images", "logits", "escalated"
#: Of a cascade of more than two networks: the place of the one that answered, from 0.
ANSWERED = "answered"


def import_onnx() -> Any:
    """The ``onnx`` module.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        import onnx
    except ImportError as error:
        raise MissingExtraError("onnx", "profiler", "profiling a network") from error
    return onnx


class GraphWriter:
    """Nodes and initialisers of a graph under construction.

    Args:
        prefix: put before the name of every node and initialiser.
    """

    def __init__(self, prefix: str = "") -> None:
        self.onnx, self.prefix = import_onnx(), prefix
        self.nodes: list[Any] = []
        self.initializers: list[Any] = []

    def constant(self, name: str, values: Any, dtype: type = np.float32) -> str:
        """Adds an initialiser; returns its name with the prefix."""
        array: NDArray[Any] = np.array(values, dtype, order="C")
        name = self.prefix + name
        self.initializers.append(self.onnx.numpy_helper.from_array(array, name))
        return name

    def add(self, kind: str, inputs: Sequence[str], name: str, **attributes: Any) -> str:
        """Adds a node with one output of its own name; returns that name with the prefix."""
        name = self.prefix + name
        node = self.onnx.helper.make_node(kind, list(inputs), [name], name=name, **attributes)
        self.nodes.append(node)
        return name

    def model(
        self, inputs: Sequence[Any], outputs: Sequence[Any], name: str, checked: bool = True
    ) -> onnx.ModelProto:
        """The finished model, which ONNX's checker has passed unless ``checked`` is False."""
        helper = self.onnx.helper
        graph = helper.make_graph(self.nodes, name, inputs, outputs, self.initializers)
        model: onnx.ModelProto = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
            producer_name="biglittle",
        )
        if checked:
            self.onnx.checker.check_model(model)
        return model

    def value(self, name: str, shape: Sequence[int], kind: str = "FLOAT") -> Any:
        """The description of an input or output: its name, shape and type."""
        data_type = getattr(self.onnx.TensorProto, kind)
        return self.onnx.helper.make_tensor_value_info(name, data_type, list(shape))
