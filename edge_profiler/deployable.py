"""Networks as they are handed out: pixels in, classes out, and a file that explains itself.

A deployed network takes an image as cameras and decoders give it, uint8 (1, height, width,
channels), and normalises it in the graph, with the arithmetic of training. What a reader has to
know stands in the file's metadata (``metadata_props``), which every runtime can read.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .. import __version__
from ..bench.datasets import Dataset
from ..bench.documents import DocumentError, parse_json
from ..bench.errors import ProfileError
from ..bench.gate import Gate
from ..bench.router_gate import RouterGate
from ..bench.spaces import SearchSpace
from .onnx_graph import ESCALATED, INPUT, LOGITS, import_onnx

if TYPE_CHECKING:
    import onnx

FORMAT = "biglittle-network-1"
_PIXELS = "pixels/"  # begins the names of what is put in front of a network

#: How the cascade is run; a test runs these very lines, and ``cotrain/README.md`` has them.
PYTHON = """\
import json
import numpy as np
import onnxruntime

session = onnxruntime.InferenceSession("cascade.onnx")
about = session.get_modelmeta().custom_metadata_map
image = np.zeros((32, 32, 3), np.uint8)  # yours: rows, columns, red-green-blue, 0 to 255
logits, escalated = session.run(["logits", "escalated"], {"images": image[None]})
print(json.loads(about["classes"])[logits.argmax()], "from the big network" if escalated else "")
"""
#: The same in C++: the calls by name.
CPP = """\
Ort::Env env;
Ort::Session session(env, "cascade.onnx", Ort::SessionOptions{});
Ort::AllocatorWithDefaultOptions allocator;
auto classes = session.GetModelMetadata().LookupCustomMetadataMapAllocated("classes", allocator);
auto memory = Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault);
auto image = Ort::Value::CreateTensor<uint8_t>(memory, pixels, 32 * 32 * 3, shape, 4);
auto out = session.Run(Ort::RunOptions{}, inputs, &image, 1, outputs, 2);
const float* logits = out[0].GetTensorData<float>();
bool escalated = *out[1].GetTensorData<bool>();
"""


def with_pixels(model: onnx.ModelProto, dataset: Dataset) -> onnx.ModelProto:
    """The same network on uint8 images (1, height, width, channels), normalised in the graph.

    Args:
        model: a network or a cascade on normalised float32 (1, channels, height, width).
        dataset: whose mean and standard deviation training used.

    Raises:
        ProfileError: the network takes another number of channels than the data set has.
        MissingExtraError: ``onnx`` is not installed.
    """
    onnx = import_onnx()
    helper, taken = onnx.helper, type(model)()
    taken.CopyFrom(model)
    weights = {w.name for w in model.graph.initializer}
    (source,) = (i for i in taken.graph.input if i.name not in weights)
    _, channels, height, width = (d.dim_value for d in source.type.tensor_type.shape.dim)
    if channels != len(dataset.mean):
        raise ProfileError(
            f"model {model.graph.name!r} takes {channels} channels, images of {dataset.name} have "
            f"{len(dataset.mean)}."
        )
    normal = f"{_PIXELS}normalised"
    _rename_input(taken.graph, source.name, normal)
    mean, std = _scaled(dataset)
    constants = {"mean": mean, "std": std}
    for name, value in constants.items():
        shaped = value.reshape(1, channels, 1, 1)
        taken.graph.initializer.append(onnx.numpy_helper.from_array(shaped, _PIXELS + name))
    steps: tuple[tuple[str, tuple[str, ...], str, dict[str, Any]], ...] = (
        ("Cast", (INPUT,), "float", {"to": onnx.TensorProto.FLOAT}),
        ("Transpose", (f"{_PIXELS}float",), "planes", {"perm": [0, 3, 1, 2]}),
        ("Sub", (f"{_PIXELS}planes", f"{_PIXELS}mean"), "centred", {}),
        ("Div", (f"{_PIXELS}centred", f"{_PIXELS}std"), "normalised", {}),
    )
    front = [
        helper.make_node(kind, list(inputs), [_PIXELS + name], name=_PIXELS + name, **attributes)
        for kind, inputs, name, attributes in steps
    ]
    nodes = [*front, *taken.graph.node]
    del taken.graph.node[:]
    taken.graph.node.extend(nodes)
    images = helper.make_tensor_value_info(
        INPUT, onnx.TensorProto.UINT8, [1, height, width, channels]
    )
    source.CopyFrom(images)
    onnx.checker.check_model(taken)
    return taken


def _rename_input(graph: Any, old: str, new: str) -> None:
    """Lets every node, those of branches too, read ``new`` where it reads ``old``."""
    for node in graph.node:
        node.input[:] = [new if name == old else name for name in node.input]
        for attribute in node.attribute:
            if attribute.HasField("g"):
                _rename_input(attribute.g, old, new)


def _scaled(dataset: Dataset) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean and standard deviation of pixels from 0 to 255, in the arithmetic of training."""
    mean, std = (np.array(v, np.float32) * np.float32(255) for v in (dataset.mean, dataset.std))
    return mean, std


def describe(
    model: onnx.ModelProto,
    role: str,
    architectures: Mapping[str, str],
    space: SearchSpace,
    dataset: Dataset,
    origin: Mapping[str, Any],
    gate: Gate | RouterGate | None = None,
) -> None:
    """Writes what a user of the file has to know into its metadata.

    Args:
        model: on pixels, as from `with_pixels`; its metadata are replaced.
        role: ``network``, ``little``, ``big`` or ``cascade``.
        architectures: id by metadata key: ``architecture``, or ``little`` and ``big``.
        space: search space of the ids.
        dataset: data set of the images and the classes.
        origin: how the weights came about: training, seed, hashes, sources.
        gate: metric and threshold of the pair, or its router; None: a network of no pair.
    """
    source = model.graph.input[0]
    facts: dict[str, Any] = {
        "format": FORMAT,
        "biglittle_version": __version__,
        "role": role,
        "space": space.name,
        **architectures,
        "dataset": dataset.name,
        "classes": list(dataset.classes),
        "input": {
            "name": source.name,
            "type": "uint8",
            "layout": "NHWC",
            "shape": [d.dim_value for d in source.type.tensor_type.shape.dim],
            "colours": "RGB",
            "range": [0, 255],
            "normalisation": {
                "where": "in the graph: (pixel / 255 - mean) / std",
                "mean": list(dataset.mean),
                "std": list(dataset.std),
            },
        },
        "outputs": {LOGITS: "float32 (1, n_classes), before softmax"},
        "provenance": dict(origin),
    }
    if role == "cascade":
        facts["outputs"][ESCALATED] = "bool scalar: the big network answered"
    if gate is not None:
        facts |= {"gate": gate.metric, "threshold": gate.threshold}
    if isinstance(gate, RouterGate):
        facts["router"] = {"features": gate.place, "confidences": gate.router.confident}
    props = {k: v if isinstance(v, str) else json.dumps(v) for k, v in facts.items()}
    import_onnx().helper.set_model_props(model, props)


def metadata(model: onnx.ModelProto) -> dict[str, Any]:
    """What a file says of itself, values as they were before they became text; {} if nothing."""
    return {entry.key: _value(entry.key, entry.value) for entry in model.metadata_props}


def _value(key: str, text: str) -> Any:
    """Ids are digits, so that not all that reads as JSON is JSON; others write other text."""
    if text[:1] not in ("[", "{") and key != "threshold":
        return text
    try:
        return parse_json(text)
    except DocumentError:
        return text
