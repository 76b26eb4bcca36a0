"""Several exits of one network as one ONNX graph: the trunk once, and a head for every output."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..bench.errors import ProfileError
from .onnx_graph import LOGITS

if TYPE_CHECKING:
    import onnx


def joined_exits(models: Sequence[onnx.ModelProto]) -> onnx.ModelProto:
    """A model whose outputs are the logits of several exits, in their order.

    Args:
        models: models of one architecture that end at different exits, as `onnx_network.onnx_model`
            writes them with the same weights; the trunk of the deepest holds all others.

    Raises:
        ProfileError: the trunk of a model is not part of the deepest one.
    """
    deepest = max(models, key=lambda model: len(_trunk(model)))
    joined = type(deepest)()
    joined.CopyFrom(deepest)
    graph, trunk = joined.graph, _trunk(deepest)
    held = {tensor.name: tensor for tensor in deepest.graph.initializer}
    del graph.node[:], graph.output[:], graph.initializer[:]
    graph.node.extend(node for node in deepest.graph.node if node.name in trunk)
    graph.initializer.extend(held[name] for name in held if not _is_head(name))
    for index, model in enumerate(models):
        for tensor in model.graph.initializer:
            if _is_head(tensor.name):
                graph.initializer.add().CopyFrom(tensor)
                graph.initializer[-1].name = f"exit{index}.{tensor.name}"
            elif held.get(tensor.name) != tensor:
                raise ProfileError(
                    f"{model.graph.name} has another weight {tensor.name!r} than "
                    f"{deepest.graph.name}; expected exits of one trunk with the same weights."
                )
        for node in model.graph.node:
            if node.name in trunk:
                continue
            copy = graph.node.add()
            copy.CopyFrom(node)
            copy.name = f"exit{index}.{node.name}"
            for names in (copy.input, copy.output):
                for place, name in enumerate(names):
                    if _is_head(name):
                        names[place] = f"exit{index}.{name}"
        graph.output.add().CopyFrom(model.graph.output[0])
        graph.output[-1].name = f"exit{index}.{LOGITS}"
    return joined


def _is_head(name: str) -> bool:
    return name.startswith(("head.", "classifier.")) or name == LOGITS


def _trunk(model: onnx.ModelProto) -> set[str]:
    """Names of the nodes before the head."""
    return {node.name for node in model.graph.node if not _is_head(node.name)}
