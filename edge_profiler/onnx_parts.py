"""A cascade's ONNX graph, cut at its gates into graphs that run one after the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bench.errors import ProfileError


@dataclass(frozen=True)
class GraphPart:
    """What runs up to a gate, or behind the last one.

    Attributes:
        nodes: nodes in the order in which they run.
        constants: arrays by the name that nodes read.
        inputs: names of images, and of features of earlier parts.
        outputs: name of the answer; before a gate also of whether it escalates, and of the
            features that later parts read.
    """

    nodes: tuple[Any, ...]
    constants: dict[str, NDArray[Any]]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


def graph_parts(content: bytes, name: str) -> list[GraphPart]:
    """The parts of a network (one) or of a cascade (one more than it has gates).

    Args:
        content: bytes of an ONNX file.
        name: name of the file, for messages.

    Raises:
        ProfileError: not an ONNX file, or an ``If`` that is not that of a cascade.
    """
    import onnx

    try:
        graph = onnx.load_model_from_string(content).graph
    except Exception as error:  # of protobuf, which has many
        raise ProfileError(f"{name} is not an ONNX file ({error}).") from error
    images = tuple(i.name for i in graph.input if i.name not in {c.name for c in graph.initializer})
    stages: list[tuple[list[Any], str, str]] = []  # nodes, answer, decision
    constants: dict[str, NDArray[Any]] = {}
    answer = graph.output[0].name
    while True:
        constants |= {c.name: onnx.numpy_helper.to_array(c) for c in graph.initializer}
        plain = [node for node in graph.node if node.op_type != "If"]
        gates = [node for node in graph.node if node.op_type == "If"]
        if not gates:
            stages.append((plain, answer, ""))
            break
        branches = {a.name: a.g for a in gates[0].attribute}
        stops, rest = branches["else_branch"], branches["then_branch"]
        kept_answer = [node for node in stops.node if node.op_type != "Constant"]
        if len(gates) > 1 or [node.op_type for node in kept_answer] != ["Identity"]:
            raise ProfileError(
                f"{name} has a branch that is not a cascade's, or a router that decides before the "
                "little network's answer; expected one that keeps an answer and one that goes on. "
                "ONNX Runtime's format takes it: leave out --format litert."
            )
        stages.append((plain, kept_answer[0].input[0], gates[0].input[0]))
        graph, answer = rest, rest.output[0].name
    return _joined(stages, constants, images)


def _joined(
    stages: list[tuple[list[Any], str, str]],
    constants: dict[str, NDArray[Any]],
    images: tuple[str, ...],
) -> list[GraphPart]:
    """The parts of stages, with what each reads of those before it."""
    read = [{i for node in nodes for i in node.input if i} for nodes, _, _ in stages]
    made = [{o for node in nodes for o in node.output} for nodes, _, _ in stages]
    parts = []
    for at, (nodes, answer, decision) in enumerate(stages):
        own = {n: constants[n] for n in read[at] if n in constants}
        own |= {
            node.output[0]: _constant(node)
            for node in nodes
            if node.op_type == "Constant" and node.output[0] in read[at]
        }
        outside = read[at] - made[at] - own.keys()
        earlier = sorted(outside - set(images))
        later = set().union(*read[at + 1 :]) if decision else set()
        features = sorted((later & made[at]) - {answer, decision})
        parts.append(
            GraphPart(
                tuple(node for node in nodes if node.op_type != "Constant"),
                own,
                (*(i for i in images if i in outside), *earlier),
                (answer, *([decision] if decision else []), *features),
            )
        )
    return parts


def _constant(node: Any) -> NDArray[Any]:
    import onnx

    return np.asarray(onnx.numpy_helper.to_array(node.attribute[0].t))
