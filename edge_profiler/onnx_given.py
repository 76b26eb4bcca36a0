"""Networks as somebody gives them to a cascade: opened, made plain, for one image.

A cascade takes one decision for the whole graph, so that its batch is 1. Exporters often leave the
batch free; that side alone is filled in here, and all others have to be there.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..bench.errors import GateError, ProfileError
from ..bench.gates import get_metric
from .onnx_checked import load_checked
from .onnx_graph import import_onnx
from .onnx_plain import image_input, with_input_shape
from .onnx_shapes import STANDARD

if TYPE_CHECKING:
    import onnx

#: How far beyond its metric's range a threshold may lie by rounding to fp32, as a share of it.
SLACK = 1e-6
#: What pipelines hang behind the layer that gives the answer, and that changes no value.
_VIEWS = ("Identity", "Flatten", "Reshape", "Squeeze")


def given_network(model: onnx.ModelProto | str | Path, label: str) -> onnx.ModelProto:
    """A network as a cascade is made of: a model without functions, for one image.

    Args:
        model: the model, or the path of an ONNX file with it; it is not changed.
        label: name by which messages call it.

    Raises:
        ProfileError: neither a model nor a file that can be read, or a side beside the batch that
            is free; says how to fix it.
        MissingExtraError: ``onnx`` is not installed.
    """
    library = import_onnx()
    if isinstance(model, str | Path):
        model = load_checked(Path(model), weights=True)[0]
    if not isinstance(model, library.ModelProto):
        raise ProfileError(
            f"{label} is {model!r:.60}, of type {type(model).__name__}; expected an "
            "onnx.ModelProto, or the path of an ONNX file."
        )
    if model.functions:
        try:
            from onnx.inliner import inline_local_functions

            model = inline_local_functions(model)
        except Exception as error:  # the checker's errors share no base with Python's own
            raise ProfileError(f"functions of {label} cannot be inlined: {error}") from error
    if len(model.graph.output) != 1:
        return model  # refused where its outputs are looked at
    values = image_input(model, label), model.graph.output[0]
    if all(d.dim_value > 0 for v in values for d in v.type.tensor_type.shape.dim):
        return model
    sides = values[0].type.tensor_type.shape.dim
    if any(d.dim_value < 1 for d in sides[1:]):
        raise ProfileError(
            f"input {values[0].name!r} of {label} has shape {shape_text(values[0])}, of which more "
            "than the batch is free; export it for one image of a fixed size, or fix it: python -m "
            f"onnxruntime.tools.make_dynamic_shape_fixed --input_name {values[0].name} "
            "--input_shape 1,3,32,32 FREE.onnx FIXED.onnx (with the sides of your images)."
        )
    fixed: onnx.ModelProto = with_input_shape(model, label)
    try:
        inferred = library.shape_inference.infer_shapes(fixed, data_prop=True)
    except Exception as error:  # as above
        raise ProfileError(f"shapes of {label} cannot be worked out: {error}") from error
    fixed.graph.output[0].CopyFrom(inferred.graph.output[0])
    answer = fixed.graph.output[0].type.tensor_type.shape.dim
    if not len(answer) or any(d.dim_value < 1 for d in answer):
        raise ProfileError(
            f"output {values[1].name!r} of {label} has shape {shape_text(values[1])}, and no fixed "
            "one follows for one image; export it for one image, without free sides."
        )
    return fixed


def shape_text(value: Any) -> str:
    """The shape of a graph's input or output as a reader sees it; free sides by their names.

    >>> from biglittle.edge_profiler.onnx_graph import GraphWriter
    >>> shape_text(GraphWriter().value("images", ("N", 3, 32, 32)))
    '(N, 3, 32, 32)'
    """
    sides = value.type.tensor_type.shape.dim
    return f"({', '.join(str(d.dim_value or d.dim_param or 'free') for d in sides)})"


def gives_probabilities(model: onnx.ModelProto) -> bool:
    """Whether a network's answer is that of a softmax, and so no logits."""
    makes = {name: node for node in model.graph.node for name in node.output}
    name = model.graph.output[0].name
    while name in makes and makes[name].op_type in _VIEWS and makes[name].domain in STANDARD:
        name = makes[name].input[0]
    return name in makes and makes[name].op_type == "Softmax" and makes[name].domain in STANDARD


def other_opsets(networks: Sequence[onnx.ModelProto]) -> Mapping[str, int]:
    """Versions of the operators beside ONNX's own that networks use, by domain.

    Raises:
        ProfileError: two networks use one domain in two versions.
    """
    out: dict[str, int] = {}
    for network in networks:
        for entry in network.opset_import:
            if entry.domain in STANDARD:
                continue
            if out.setdefault(entry.domain, entry.version) != entry.version:
                raise ProfileError(
                    f"two networks use operators of {entry.domain!r} in versions "
                    f"{out[entry.domain]} and {entry.version}; export both with one exporter."
                )
    return out


def check_threshold(metric: str, threshold: float, n_classes: int, forced: Sequence[float]) -> None:
    """Nothing, if a gate's threshold lies in the range of its metric.

    Args:
        metric: name of the gate metric.
        threshold: threshold in the metric's unit.
        n_classes: number of classes of the network before the gate.
        forced: thresholds outside of the range at which every input takes one branch.

    Raises:
        GateError: a threshold outside of the range, which it says, or not a number.
    """
    if not isinstance(threshold, Real) or isinstance(threshold, bool):
        raise GateError(f"threshold {threshold!r} of gate {metric!r} is not a number.")
    if threshold in forced or math.isnan(threshold):  # which the gate's writer refuses
        return
    get_metric(metric).check_range(threshold, n_classes, SLACK)
