"""The trunk of a network in its ONNX graph: what runs before the head, and whose weights it has.

A network that is cut at an exit and one that goes on from there can be run as one only if they
compute the same features: the same operators on the same weights. Both are looked at here, in the
graphs themselves, so that no pair is deployed whose halves were trained apart.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..bench.errors import ProfileError
from .onnx_graph import import_onnx

if TYPE_CHECKING:
    import onnx

#: Name of the first node of a head in the graphs of `onnx_network.onnx_model`.
_HEAD = "head.0"
#: Begins the names of the nodes of a stem there.
_STEM = "stem."


@dataclass(frozen=True)
class Trunk:
    """What a network runs before its head.

    Attributes:
        network: name of the network's graph.
        features: name of the value that the head reads.
        nodes: the trunk's nodes, serialised, by the name of their output, in order of execution.
        sha256: SHA-256 over names, types, shapes and values of all weights that these nodes read.
    """

    network: str
    features: str
    nodes: Mapping[str, bytes]
    sha256: str


def trunk_of(model: onnx.ModelProto, features: str | None = None) -> Trunk:
    """The trunk of a network, or of as much of it as a value needs.

    Args:
        model: a network as `onnx_network.onnx_model` writes it.
        features: name of the value where the trunk ends; None: what the head reads.

    Raises:
        ProfileError: the model has no such value, or no head that could be told from a trunk.
    """
    graph = model.graph
    if features is None:
        heads = [node.input[0] for node in graph.node if node.name == _HEAD]
        if len(heads) != 1:
            raise ProfileError(
                f"model {graph.name!r} has no node {_HEAD!r}, so that its trunk cannot be told "
                "from its head; expected a network of onnx_model, whole or ARCHITECTURE@EXIT."
            )
        (features,) = heads
    makes = {output: node for node in graph.node for output in node.output}
    needed, stack = set[str](), [features]
    while stack:
        name = stack.pop()
        if name in makes and name not in needed:
            needed.add(name)
            stack += makes[name].input
    nodes = {name: makes[name] for name in makes if name in needed}
    if not nodes:
        raise ProfileError(f"model {graph.name!r} computes no value {features!r}.")
    read = {name for node in nodes.values() for name in node.input}
    digest = hashlib.sha256()
    for tensor in sorted(graph.initializer, key=lambda w: str(w.name)):
        if tensor.name in read:
            array = import_onnx().numpy_helper.to_array(tensor)
            digest.update(f"{tensor.name} {array.dtype.str} {array.shape}".encode())
            digest.update(array.tobytes())
    serialised = {name: bytes(node.SerializeToString()) for name, node in nodes.items()}
    return Trunk(str(graph.name), features, serialised, digest.hexdigest())


def stem_of(model: onnx.ModelProto) -> Trunk:
    """What a network runs before its first layer.

    Raises:
        ProfileError: the model has no stem that could be told from its layers.
    """
    stem = [node.output[0] for node in model.graph.node if node.name.startswith(_STEM)]
    if not stem:
        raise ProfileError(
            f"model {model.graph.name!r} has no node {_STEM + '0'!r}, so that its stem cannot be "
            "told from its layers; expected a network of onnx_model."
        )
    return trunk_of(model, stem[-1])


def is_begun(trunk: Trunk, model: onnx.ModelProto) -> bool:
    """Whether a network begins with the operators of a trunk, whatever its weights."""
    there = {o: bytes(n.SerializeToString()) for n in model.graph.node for o in n.output}
    return all(there.get(name) == node for name, node in trunk.nodes.items())


def check_shared(trunk: Trunk, model: onnx.ModelProto) -> None:
    """Nothing, if a network goes on from a trunk: the same operators with the same weights.

    Args:
        trunk: trunk of the network that is cut.
        model: the network that goes on.

    Raises:
        ProfileError: the operators or the weights before the exit are not the same.
    """
    little, big = trunk.network, str(model.graph.name)
    if not is_begun(trunk, model):
        raise ProfileError(
            f"{little!r} is no exit of {big!r}, so that they share no trunk; expected "
            "ARCHITECTURE@EXIT and the same architecture, whole or cut later, or the coupling "
            "'sibling'."
        )
    theirs = trunk_of(model, trunk.features).sha256
    if theirs != trunk.sha256:
        raise ProfileError(
            f"{little!r} and {big!r} have other weights before the exit (SHA-256 "
            f"{trunk.sha256[:12]} and {theirs[:12]}), and a prefix pair runs that part once; take "
            "both from one supernet or one training, or give the coupling 'sibling', which runs it "
            "twice."
        )


def trunk_model(model: onnx.ModelProto, part: Trunk | None = None) -> onnx.ModelProto:
    """The beginning of a network: images to features, whose latency is that of the trunk.

    Args:
        model: a network as `onnx_network.onnx_model` writes it.
        part: its beginning, for example from `stem_of`; None: all before the head.

    Raises:
        ProfileError: a model without a head that could be told from a trunk.
        MissingExtraError: ``onnx`` is not installed.
    """
    trunk = part or trunk_of(model)
    onnx = import_onnx()
    nodes = [n for n in model.graph.node if n.output[0] in trunk.nodes]
    features = onnx.helper.make_tensor_value_info(trunk.features, onnx.TensorProto.FLOAT, None)
    return _part(model, nodes, list(model.graph.input), [features], "trunk")


def rest_model(little: onnx.ModelProto, big: onnx.ModelProto) -> onnx.ModelProto:
    """What is left of a network behind an earlier exit: features to logits, in a file of its own.

    Args:
        little: the network that is cut at that exit.
        big: the network that goes on from there, with the same weights.

    Raises:
        ProfileError: ``big`` does not go on from the exit of ``little``.
        MissingExtraError: ``onnx`` is not installed.
    """
    trunk = trunk_of(little)
    check_shared(trunk, big)
    onnx = import_onnx()
    inferred = onnx.shape_inference.infer_shapes(big).graph.value_info
    (features,) = [v for v in inferred if v.name == trunk.features]
    nodes = [n for n in big.graph.node if n.output[0] not in trunk.nodes]
    return _part(big, nodes, [features], list(big.graph.output), "rest")


def _part(
    model: onnx.ModelProto, nodes: list[Any], inputs: list[Any], outputs: list[Any], what: str
) -> onnx.ModelProto:
    """A model of some of the nodes of another one, with the weights that they read."""
    module = import_onnx()
    read = {name for node in nodes for name in node.input}
    weights = [w for w in model.graph.initializer if w.name in read]
    graph = module.helper.make_graph(nodes, f"{model.graph.name}_{what}", inputs, outputs, weights)
    part = module.helper.make_model(
        graph, opset_imports=list(model.opset_import), ir_version=model.ir_version
    )
    inferred: onnx.ModelProto = module.shape_inference.infer_shapes(part)
    module.checker.check_model(inferred)
    return inferred
