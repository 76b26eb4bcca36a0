"""Networks in int8: ONNX Runtime's static quantisation, calibrated on images that are given.

Weights become signed bytes with a scale for each output channel, activations unsigned ones with a
scale and a zero point for each tensor, from the smallest and largest value that the calibration
images give rise to. Signed activations would mean the same numbers, and are slower on x86. What the
classifier answers stays fp32: a gate looks at differences between classes that a byte would round
away. The file says so with pairs of ``QuantizeLinear`` and ``DequantizeLinear`` (QDQ) around its
operators, which any runtime may take together; ONNX Runtime, TensorRT and others do.

All eight bits are used. On x86 processors without VNNI instructions ONNX Runtime adds pairs of
products in 16 bits, where large ones saturate, and answers may differ from those of others.

Source: Jacob et al. 2018, "Quantization and Training of Neural Networks for Efficient
Integer-Arithmetic-Only Inference"; ONNX Runtime, "Quantize ONNX Models".
"""

from __future__ import annotations

import contextlib
import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..bench.errors import MissingExtraError, ProfileError
from .onnx_graph import import_onnx

if TYPE_CHECKING:
    import onnx

#: Operators that hold weights, of which a network needs one at least, or nothing is gained.
WEIGHTED = ("Conv", "ConvTranspose", "Gemm", "MatMul")
_QUANTISED = ("QuantizeLinear", "DequantizeLinear", "QLinearConv", "QLinearMatMul", "ConvInteger")
#: Images that are run at once while ranges are noted.
BATCH = 64
#: Images of noise that stand for real ones where only latency matters.
NOISE_IMAGES = 16


def is_quantised(model: onnx.ModelProto) -> bool:
    """Whether a model holds operators of quantisation."""
    return any(node.op_type in _QUANTISED for node in model.graph.node)


def precision_of(model: onnx.ModelProto) -> str:
    """``int8`` of a quantised model, else ``fp32``."""
    return "int8" if is_quantised(model) else "fp32"


def quantised(model: onnx.ModelProto, images: NDArray[np.float32] | None = None) -> onnx.ModelProto:
    """A network in int8, as a model with the same input and output.

    Args:
        model: a network in fp32 with one input of images.
        images: what it is calibrated on, as the network takes them, shape (n, channels, height,
            width); None: noise, which serves latency and not accuracy.

    Raises:
        ProfileError: the network cannot be quantised; the message names the operator.
        MissingExtraError: ``onnx`` or ``onnxruntime`` is not installed.
    """
    _check(model)
    shape = [d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim][1:]
    if images is None:
        rng = np.random.default_rng(0)
        images = rng.standard_normal((NOISE_IMAGES, *shape), np.float32)
    if list(images.shape[1:]) != shape or not len(images) or images.dtype != np.float32:
        raise ProfileError(
            f"calibration images have shape {images.shape} and type {images.dtype}; expected "
            f"float32 of shape (n, {', '.join(map(str, shape))}), at least one."
        )
    with _quiet(), tempfile.TemporaryDirectory(prefix="biglittle-") as folder:
        path = Path(folder) / "int8.onnx"
        try:
            _quantise(model, images, path)
        except Exception as error:  # the runtime's errors share no base of their own
            raise ProfileError(
                f"model {model.graph.name!r} cannot be quantised: {str(error)[:300]}"
            ) from error
        made: onnx.ModelProto = import_onnx().load(path)
    made.graph.name = model.graph.name
    del made.graph.value_info[:]  # of a free batch
    for values, own in (
        (made.graph.input, model.graph.input),
        (made.graph.output, model.graph.output),
    ):
        for value, before in zip(values, own, strict=True):
            value.CopyFrom(before)
    return made


def _check(model: onnx.ModelProto) -> None:
    name, kinds = model.graph.name, {node.op_type for node in model.graph.node}
    flow = sorted(
        node.op_type for node in model.graph.node if any(a.HasField("g") for a in node.attribute)
    )
    why = ""
    if is_quantised(model):
        why = f"it is int8 already (operator {sorted(kinds & {*_QUANTISED})[0]}); give the fp32 one"
    elif flow:
        why = f"operator {flow[0]} holds graphs of its own; quantise each network, then join them"
    elif not kinds & {*WEIGHTED}:
        listed = ", ".join(sorted(kinds)) or "none"
        why = f"of its operators ({listed}) none holds weights; expected {', '.join(WEIGHTED)}"
    if why:
        raise ProfileError(f"model {name!r} cannot be quantised: {why}.")


def _quantise(model: onnx.ModelProto, images: NDArray[np.float32], path: Path) -> None:
    try:
        from onnxruntime import quantization
    except ImportError as error:
        raise MissingExtraError("onnxruntime", "profiler", "quantising a network") from error
    copy = with_free_batch(model)
    names = [i.name for i in model.graph.input]

    class Reader(quantization.CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            starts = range(0, len(images), BATCH)
            self._parts = iter([{names[0]: images[i : i + BATCH]} for i in starts])

        def get_next(self) -> dict[str, NDArray[np.float32]] | None:
            return next(self._parts, None)

    quantization.quantize_static(
        copy,
        path,
        Reader(),
        quant_format=quantization.QuantFormat.QDQ,
        per_channel=True,
        activation_type=quantization.QuantType.QUInt8,
        weight_type=quantization.QuantType.QInt8,
        calibrate_method=quantization.CalibrationMethod.MinMax,
        extra_options={"OpTypesToExcludeOutputQuantization": ["Gemm"]},
    )


def with_free_batch(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy of a model whose batch axis is free."""
    copy = type(model)()
    copy.CopyFrom(model)
    for value in (*copy.graph.input, *copy.graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "batch"
    return copy


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without the advice of ONNX Runtime's quantiser, which is not of these networks."""
    root = logging.getLogger()
    before = root.level
    root.setLevel(logging.ERROR)
    try:
        yield
    finally:
        root.setLevel(before)
