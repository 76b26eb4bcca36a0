"""Networks as TensorFlow Lite files, straight from their graphs, with random weights.

What a runtime plans in memory depends on shapes and types alone. A batch norm is folded into the
convolution before it, as a converter does, and a ReLU is its fused activation; tensors are
channels last. A shuffle of channels is a reshape, a transpose and a reshape. In int8 weights have
a scale for each output channel and biases are of four bytes.

The classes of the format come with the package ``tflite-micro``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...bench.errors import BigLittleError, MissingExtraError
from ...bench.graph import IMAGE, Graph
from ...bench.operators import Operator

_RELU, _SAME, _VALID, _VERSION = 1, 0, 1, 3
_VERSIONS = {"CONV_2D": 3, "DEPTHWISE_CONV_2D": 3, "FULLY_CONNECTED": 4}


def runtime() -> Any:
    """The module of ``tflite-micro`` that reads and runs such files.

    Raises:
        MissingExtraError: the package is not installed.
    """
    try:
        from tflite_micro.python.tflite_micro import runtime as module
    except ImportError as error:
        raise MissingExtraError("tflite-micro", "microcontroller", "planning an arena") from error
    return module


def tflite_model(graph: Graph, precision: str, outputs: Sequence[int] = ()) -> bytes:
    """A network, or several that run one after the other, as the bytes of a ``.tflite`` file.

    Args:
        graph: what it computes, without zeros.
        precision: fp32, or int8 for weights and activations.
        outputs: nodes whose tensors are outputs; none: the last node.

    Raises:
        BigLittleError: an operator that is not written here.
    """
    writer = _Writer(precision == "int8")
    made: dict[int, int] = {}
    for index, node in enumerate(graph):
        op = node.operator
        if IMAGE in node.inputs and IMAGE not in made:
            made[IMAGE] = writer.tensor((1, op.height, op.width, op.in_channels))
        sources = [made[i] for i in node.inputs]
        if op.kind in ("batch_norm", "relu"):
            made[index] = sources[0]
            if op.kind == "relu":
                writer.fuse_relu(sources[0])
        else:
            made[index] = writer.operator(op, sources)
    return writer.finished(made[IMAGE], [made[i] for i in outputs or (len(graph) - 1,)])


class _Writer:
    def __init__(self, quantised: bool) -> None:
        self.fb: Any = runtime().schema_fb
        self.quantised, self.rng = quantised, np.random.default_rng(0)
        self.type = self.fb.TensorType.INT8 if quantised else self.fb.TensorType.FLOAT32
        self.model, self.subgraph = self.fb.ModelT(), self.fb.SubGraphT()
        self.model.version, self.model.operatorCodes = _VERSION, []
        self.model.buffers = [self.fb.BufferT()]
        self.subgraph.tensors, self.subgraph.operators = [], []
        self._codes: dict[int, int] = {}
        self._made_by: dict[int, Any] = {}

    def tensor(
        self,
        shape: Sequence[int],
        values: NDArray[Any] | None = None,
        scales: NDArray[np.float32] | None = None,
    ) -> int:
        """A tensor of activations, or of constant ``values``; gives its index."""
        tensor, types = self.fb.TensorT(), self.fb.TensorType
        tensor.shape, tensor.name = list(shape), f"t{len(self.subgraph.tensors)}"
        tensor.type, tensor.buffer = self.type, 0
        if values is not None:
            kinds = {np.int8: types.INT8, np.int32: types.INT32, np.float32: types.FLOAT32}
            tensor.type = kinds[values.dtype.type]
            buffer = self.fb.BufferT()
            buffer.data = np.frombuffer(values.tobytes(), np.uint8)
            tensor.buffer = len(self.model.buffers)
            self.model.buffers.append(buffer)
        if self.quantised and (values is None or scales is not None):
            scale = np.array([0.05], np.float32) if scales is None else scales
            about = self.fb.QuantizationParametersT()
            about.scale, about.zeroPoint = scale, np.zeros(len(scale), np.int64)
            about.quantizedDimension = 3 if len(shape) == 4 and shape[0] == 1 else 0
            tensor.quantization = about
        self.subgraph.tensors.append(tensor)
        return len(self.subgraph.tensors) - 1

    def weights(self, shape: tuple[int, ...], outputs: int) -> tuple[int, int]:
        """Random weights and biases; gives both indices."""
        if not self.quantised:
            values = self.rng.standard_normal(shape).astype(np.float32)
            return self.tensor(shape, values), self.tensor(
                (outputs,), np.zeros(outputs, np.float32)
            )
        scales = np.full(outputs, 0.01, np.float32)
        ints = self.rng.integers(-127, 128, shape).astype(np.int8)
        biases = np.zeros(outputs, np.int32)
        return self.tensor(shape, ints, scales), self.tensor((outputs,), biases, scales * 0.05)

    def fuse_relu(self, tensor: int) -> None:
        """Makes a ReLU part of the operator that writes a tensor."""
        self._made_by[tensor].builtinOptions.fusedActivationFunction = _RELU

    def add(self, name: str, options: Any, inputs: list[int], shape: Sequence[int]) -> int:
        """One operator; gives the tensor that it writes."""
        code = getattr(self.fb.BuiltinOperator, name)
        if code not in self._codes:
            self._codes[code] = len(self.model.operatorCodes)
            entry = self.fb.OperatorCodeT()
            entry.builtinCode, entry.deprecatedBuiltinCode = code, min(code, 127)
            entry.version = {"CONV_2D": 3, "DEPTHWISE_CONV_2D": 3, "FULLY_CONNECTED": 4}.get(
                name, 2
            )
            self.model.operatorCodes.append(entry)
        operator = self.fb.OperatorT()
        operator.opcodeIndex, operator.inputs = self._codes[code], inputs
        kind = type(options).__name__.removesuffix("T")
        operator.builtinOptionsType = getattr(self.fb.BuiltinOptions, kind)
        operator.builtinOptions = options
        out = self.tensor(shape)
        operator.outputs = [out]
        self.subgraph.operators.append(operator)
        self._made_by[out] = operator
        return out

    def operator(self, op: Operator, sources: list[int]) -> int:
        """One operator of a graph; gives the tensor that it writes."""
        shape = (1, op.out_height, op.out_width, op.out_channels)
        if op.kind == "conv":
            return self.conv(op, sources[0], shape)
        if op.kind == "add":
            return self.add("ADD", self.fb.AddOptionsT(), sources, shape)
        if op.kind == "channel_shuffle":
            return self.shuffle(op, sources[0], shape)
        if op.kind == "global_avg_pool":
            pool = self.fb.Pool2DOptionsT()
            pool.padding, pool.strideH, pool.strideW = _VALID, 1, 1
            pool.filterHeight, pool.filterWidth = op.height, op.width
            return self.add("AVERAGE_POOL_2D", pool, sources, shape)
        if op.kind == "linear":
            weights, biases = self.weights((op.out_channels, op.in_channels), op.out_channels)
            options = self.fb.FullyConnectedOptionsT()
            if self.quantised:  # one scale, which every version of the runtime reads
                self._one_scale(weights, biases)
            inputs = [*sources, weights, biases]
            return self.add("FULLY_CONNECTED", options, inputs, (1, op.out_channels))
        raise BigLittleError(
            f"operator {op.kind!r} is not written as TensorFlow Lite; expected a network of space "
            "fbnet."
        )

    def conv(self, op: Operator, source: int, shape: Sequence[int]) -> int:
        """A convolution; one filter a channel is an operator of its own."""
        deep = op.groups == op.in_channels == op.out_channels and op.groups > 1
        options = self.fb.DepthwiseConv2DOptionsT() if deep else self.fb.Conv2DOptionsT()
        options.padding, options.strideH, options.strideW = _SAME, op.stride, op.stride
        options.dilationHFactor = options.dilationWFactor = 1
        if deep:
            options.depthMultiplier = 1
            kernel: tuple[int, ...] = (1, op.kernel, op.kernel, op.out_channels)
        else:
            kernel = (op.out_channels, op.kernel, op.kernel, op.in_channels // op.groups)
        weights, biases = self.weights(kernel, op.out_channels)
        if self.quantised:
            about = self.subgraph.tensors[weights].quantization
            about.quantizedDimension = 3 if deep else 0
        name = "DEPTHWISE_CONV_2D" if deep else "CONV_2D"
        return self.add(name, options, [source, weights, biases], shape)

    def shuffle(self, op: Operator, source: int, shape: Sequence[int]) -> int:
        """Channels of the groups in turn, by a transpose between two reshapes."""
        groups, rows, columns = op.groups if op.groups > 1 else 2, op.height, op.width
        each = op.out_channels // groups
        apart = self._reshaped(source, (1, rows, columns, groups, each))
        order = self.tensor((5,), np.array([0, 1, 2, 4, 3], np.int32))
        turned = self.add(
            "TRANSPOSE", self.fb.TransposeOptionsT(), [apart, order],
            (1, rows, columns, each, groups),
        )  # fmt: skip
        return self._reshaped(turned, shape)

    def _reshaped(self, source: int, shape: Sequence[int]) -> int:
        options = self.fb.ReshapeOptionsT()
        options.newShape = list(shape)
        to = self.tensor((len(shape),), np.array(shape, np.int32))
        return self.add("RESHAPE", options, [source, to], shape)

    def _one_scale(self, *tensors: int) -> None:
        for tensor in tensors:
            about = self.subgraph.tensors[tensor].quantization
            about.scale, about.zeroPoint = about.scale[:1], about.zeroPoint[:1]

    def finished(self, image: int, outputs: list[int]) -> bytes:
        """The bytes of the file."""
        import flatbuffers

        self.subgraph.inputs, self.subgraph.outputs = [image], outputs
        self.model.subgraphs = [self.subgraph]
        builder = flatbuffers.Builder(1024)
        builder.Finish(self.model.Pack(builder), b"TFL3")
        return bytes(builder.Output())
