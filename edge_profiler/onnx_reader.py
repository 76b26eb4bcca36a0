"""Any ONNX file as a graph of operators with shapes, so that a latency model can be asked about it.

Read are the graph and its shapes; of the weights only their dimensions count, and files outside of
the model are never opened. What has no counterpart among the operators is named, with how often it
occurs, so that nobody takes a figure for the whole network that leaves half of it out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ..bench.errors import ProfileError
from ..bench.graph import Graph
from .onnx_checked import check_model, load_checked
from .onnx_graph import ANSWERED, ESCALATED
from .onnx_operators import OperatorReader
from .onnx_plain import image_input, plain_paths
from .onnx_shapes import shapes


@dataclass(frozen=True)
class ReadNetwork:
    """What an ONNX file holds.

    Attributes:
        name: name of the graph, or of the way through its branches.
        graph: its operators and what feeds them; constants and needless views are left out. Of a
            model with branches, those of the way with most MACs.
        unsupported: operators without a counterpart, with how often each occurs.
        input_shape: shape of the only input, with the batch of 1.
        tensors: elements of every tensor of parameters that the outputs need, by name.
        precision: number format of the weights: ``fp32``, ``fp16``, ``bf16`` or ``fp64``.
        notes: sentences about what was seen and not taken into account.
        paths: of a model with branches each way through it, from the fewest MACs to the most.
    """

    name: str
    graph: Graph
    unsupported: dict[str, int]
    input_shape: tuple[int, ...]
    tensors: Mapping[str, int] = field(default_factory=dict)
    precision: str = "fp32"
    notes: tuple[str, ...] = ()
    paths: tuple[ReadNetwork, ...] = ()

    @property
    def macs(self) -> int:
        """Multiply-accumulates of what is in ``graph``."""
        return sum(node.operator.macs for node in self.graph)

    @property
    def params(self) -> int:
        """Parameters that the file holds, each once however often it is used, biases included."""
        return sum(self.tensors.values())


def read_onnx(path: Path, shape: Sequence[int] | None = None) -> ReadNetwork:
    """The network in an ONNX file, which may come from anyone.

    Args:
        path: path of the ONNX file.
        shape: shape of its input, where the file leaves sides open.

    Raises:
        ProfileError: the file cannot be read, is too large, or has no shapes to go by.
        MissingExtraError: ``onnx`` is not installed.
    """
    return _read(load_checked(path)[0], path.name, shape)


def read_model(model: Any, label: str, shape: Sequence[int] | None = None) -> ReadNetwork:
    """The network in an ONNX model.

    Args:
        model: the model as an ``onnx.ModelProto``.
        label: name by which messages call it.
        shape: shape of its input, where the model leaves sides open.

    Raises:
        ProfileError: more or less than one input, another batch than 1, or unknown shapes.
        MissingExtraError: ``onnx`` is not installed.
    """
    check_model(model, label)
    return _read(model, label, shape)


def _read(model: Any, label: str, shape: Sequence[int] | None) -> ReadNetwork:
    """The network in a model that was checked."""
    try:
        paths = [_read_plain(m, label, name) for name, m in plain_paths(model, label, shape)]
    except (ValueError, KeyError, IndexError, TypeError, RecursionError) as error:
        raise ProfileError(f"{label} cannot be read: it is malformed ({error!r}).") from error
    paths.sort(key=lambda path: path.macs)
    last = paths[-1]
    if len(paths) == 1:
        return replace(last, name=model.graph.name or label)
    tensors = {name: n for path in paths for name, n in path.tensors.items()}
    outputs = {output.name for output in model.graph.output}
    names = [path.name for path in paths]
    if len(paths) == 2 and ESCALATED in outputs:
        names = ["kept", "escalated"]
    elif ANSWERED in outputs:
        names = [f"network {k} answers" for k in range(1, len(paths) + 1)]
    paths = [replace(path, name=name) for path, name in zip(paths, names, strict=True)]
    return replace(
        last,
        name=model.graph.name or label,
        unsupported={k: n for path in paths for k, n in path.unsupported.items()},
        tensors=tensors,
        paths=tuple(paths),
    )


def _read_plain(model: Any, label: str, name: str) -> ReadNetwork:
    """The network in a model without branches whose shapes are filled in."""
    source = image_input(model, label)
    stated = shapes(model)
    reader = OperatorReader(label, model, stated, source.name)
    for node in model.graph.node:
        try:
            reader.read(node)
        except (IndexError, KeyError, ValueError, TypeError) as error:
            raise ProfileError(
                f"{label} cannot be read: its node {node.name or node.output[:1]} "
                f"({node.op_type}) is malformed ({error!r})."
            ) from error
    graph = reader.graph([output.name for output in model.graph.output])
    if not graph:
        raise ProfileError(f"the output of {label} does not depend on its input; no network.")
    return ReadNetwork(
        name,
        graph,
        dict(reader.unsupported),
        stated[source.name],
        reader.tensors,
        reader.weights.precision(reader.tensors),
        reader.notes(),
    )
