"""Cascades as one ONNX graph: a gate behind each network, the next one in a branch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..bench.coupling import checked_couplings
from ..bench.errors import ProfileError
from ..bench.router_gate import RouterGate
from .onnx_gates import GateForm, forced_threshold, onnx_gates, write_gate
from .onnx_given import (
    check_threshold,
    given_network,
    gives_probabilities,
    other_opsets,
    shape_text,
)
from .onnx_graph import ANSWERED, ESCALATED, INPUT, LOGITS, GraphWriter, import_onnx
from .onnx_plain import image_input
from .onnx_trunk import check_shared, is_begun, stem_of, trunk_of

if TYPE_CHECKING:
    import onnx

#: Networks that a cascade may have.
MOST_NETWORKS = 4
_CALLED = ("the little network", "the big network")


@dataclass(frozen=True)
class _Part:
    """A network as a part of a larger graph.

    Attributes:
        nodes: nodes that are run for this network before its gate decides, renamed.
        initializers: weights that these nodes read, renamed.
        rest: nodes that are run only where it answers, renamed; none but behind an early gate.
        rest_initializers: weights that the rest reads, renamed.
        names: name in the larger graph by name in the network's own, of all that is computed before
            the gate decides.
        logits: name of its answer in the larger graph.
        features: name of the features that its gate reads; None where that is a metric.
        model: the network as it was given.
    """

    nodes: list[Any]
    initializers: list[Any]
    rest: list[Any]
    rest_initializers: list[Any]
    names: Mapping[str, str]
    logits: str
    features: str | None
    model: onnx.ModelProto


def _renamed(
    model: onnx.ModelProto,
    prefix: str,
    before: Mapping[str, str] | None = None,
    gate: GateForm | None = None,
) -> _Part:
    """A network with every name prefixed but that of the images.

    Args:
        model: model of the network as it was given.
        prefix: put before its names.
        before: values that the larger graph has already, by their name in the network; the nodes
            that make them are left out, and what these alone read.
        gate: gate behind the network; None: none, or one that reads its answer.
    """
    source = model.graph
    weights = {w.name for w in source.initializer}
    inputs = [i.name for i in source.input if i.name not in weights]
    if len(inputs) != 1 or len(source.output) != 1:
        raise ProfileError(
            f"model {source.name!r} has {len(inputs)} inputs and {len(source.output)} outputs; "
            "a cascade is made of networks with one each."
        )
    names = {inputs[0]: INPUT, "": "", **(before or {})}

    def new(name: str) -> str:
        return names.setdefault(name, prefix + name)

    nodes, initializers = [], []
    for old in source.node:
        if any(a.HasField("g") for a in old.attribute):
            raise ProfileError(
                f"node {old.name!r} of model {source.name!r} holds a graph of its own; a cascade "
                "is made of networks without control flow."
            )
        if before is not None and all(name in before for name in old.output):
            continue
        node = type(old)()
        node.CopyFrom(old)
        node.name = prefix + old.name if old.name else ""  # which more than one may have
        node.input[:] = [new(n) for n in old.input]
        node.output[:] = [new(n) for n in old.output]
        nodes.append(node)
    for weight in source.initializer:
        if before is not None and weight.name not in names:
            continue
        copy = type(weight)()
        copy.CopyFrom(weight)
        copy.name = new(weight.name)
        initializers.append(copy)
    logits = new(source.output[0].name)
    if not isinstance(gate, RouterGate):
        return _Part(nodes, initializers, [], [], names, logits, None, model)
    part = trunk_of(model) if gate.place == "trunk" else stem_of(model)
    features = names[part.features]
    if not gate.early:
        return _Part(nodes, initializers, [], [], names, logits, features, model)
    seen = {new(name) for name in part.nodes}
    ahead = [node for node in nodes if node.output[0] in seen]
    rest = [node for node in nodes if node.output[0] not in seen]
    needed, later = ({name for node in some for name in node.input} for some in (ahead, rest))
    there = {INPUT, "", *seen, *(before or {}).values()}
    return _Part(
        ahead,
        [weight for weight in initializers if weight.name in needed],
        rest,
        [weight for weight in initializers if weight.name in later],
        {old: name for old, name in names.items() if name in there},
        logits,
        features,
        model,
    )


def _shape(value: onnx.ValueInfoProto) -> tuple[int, ...]:
    return tuple(d.dim_value for d in value.type.tensor_type.shape.dim)


def _image(model: onnx.ModelProto) -> Any:
    """The input of a model that is not a weight."""
    return image_input(model, f"model {model.graph.name!r}")


def _kind(model: onnx.ModelProto) -> str:
    """The type of a model's input, as ONNX writes it."""
    kind = _image(model).type.tensor_type.elem_type
    return str(import_onnx().TensorProto.DataType.Name(kind))


def _opset(model: onnx.ModelProto) -> int:
    return next((int(o.version) for o in model.opset_import if o.domain in ("", "ai.onnx")), 0)


def cascade_model(
    little: onnx.ModelProto | str | Path,
    big: onnx.ModelProto | str | Path,
    metric: str,
    threshold: float,
    coupling: str = "sibling",
) -> onnx.ModelProto:
    """One graph that runs the big network only where the little one is not confident.

    The big network lies in a branch of an ``If`` node, which a runtime executes only when it is
    taken; of a ``prefix`` pair that branch holds what the big network runs behind the exit, on
    features that the little one has computed. Confident means at or above the threshold
    (``max_prob``, ``margin``) or at or below it (``entropy``, nats); a metric that is NaN
    escalates. The batch is 1, since one decision steers the whole graph; a free batch is made 1.
    Outputs: ``logits`` float32 (1, n_classes) of whichever network answered, and ``escalated``, a
    bool scalar. A network that ends in a softmax answers with probabilities, which are then what
    ``logits`` holds and what the gate reads as they are.

    Args:
        little: model, or path of an ONNX file, with one input (1, channels, height, width) and one
            output (1, n_classes).
        big: model of the same shapes and opset, or path of its file.
        metric: ``max_prob``, ``margin`` or ``entropy``.
        threshold: threshold in the metric's unit, rounded to float32; or one of
            `onnx_gates.forced_threshold`.
        coupling: what the two share, ``sibling``, ``nested`` or ``prefix``; nested networks have
            their weights twice in a graph.

    Raises:
        GateError: a metric without ONNX form, or a threshold outside its range.
        ProfileError: a file that cannot be read, or two networks that do not fit each other.
        UnknownNameError: no coupling has this name.
        MissingExtraError: ``onnx`` is not installed.
    """
    return chained_model((little, big), ((metric, threshold),), (coupling,))


def chained_model(
    networks: Sequence[onnx.ModelProto | str | Path],
    gates: Sequence[GateForm],
    couplings: Sequence[str] | None = None,
) -> onnx.ModelProto:
    """One graph of a cascade: each network is run where no gate before it was confident.

    Every further network lies in a branch within the branch before it, and reads the features of
    earlier ones from outside where it shares their trunk. A router without confidences decides
    before its network has answered: what is left of that network lies in the other branch, and the
    next one goes on from what ran before the gate. Outputs as of `cascade_model`, where
    ``escalated`` says that the first network did not answer; a cascade of more than two networks
    also has ``answered``, int64, the place of the one that did, counted from 0.

    Args:
        networks: two to four models of one input and one output, of the same shapes and opset, or
            paths of their files.
        gates: metric and threshold, or router, behind each network but the last.
        couplings: what each network but the first shares with one before it; ``prefix``: it goes
            on from the last exit of its own architecture. None: nothing.

    Raises:
        GateError: a metric without ONNX form, or a threshold outside its range.
        ProfileError: a file that cannot be read, networks that do not fit each other, or other
            numbers of them.
        UnknownNameError: no coupling has this name.
        MissingExtraError: ``onnx`` is not installed.
    """
    shared = ("sibling",) * (len(networks) - 1) if couplings is None else tuple(couplings)
    pair = len(networks) == 2
    called = _CALLED if pair else tuple(f"network {k + 1}" for k in range(len(networks)))
    models = [given_network(n, label) for n, label in zip(networks, called, strict=True)]
    _check_fit(models, gates, shared)
    own = ("little/", "big/") if pair else tuple(f"network{k + 1}/" for k in range(len(models)))
    parts: list[_Part] = []
    for k, network in enumerate(models):
        before = _taken_over(parts, network) if k and shared[k - 1] == "prefix" else None
        parts.append(_renamed(network, own[k], before, gates[k] if k < len(gates) else None))
    graph = GraphWriter()
    answer, outputs = _shape(models[0].graph.output[0]), [LOGITS] if pair else [LOGITS, ANSWERED]
    then: Any = None
    for k in reversed(range(len(parts))):
        part, last = parts[k], k == len(parts) - 1
        nodes, weights = list(part.nodes), list(part.initializers)
        if last:
            ends = [part.logits]
            if not pair:
                nodes.append(_place(graph, k, own[k]))
                ends.append(own[k] + ANSWERED)
        else:
            prefix = "gate/" if pair else f"gate{k + 1}/"
            ready = gives_probabilities(models[k])
            gate = write_gate(gates[k], part.logits, part.features, prefix, ready)
            escalated = f"{gate.prefix}{ESCALATED}"
            if k == 0:  # the one that the whole graph tells
                gate.nodes[-1].output[0] = escalated = ESCALATED
            ends = outputs if k == 0 else [f"{own[k]}chosen/{name}" for name in outputs]
            keep = _kept(graph, part, k, own[k], answer, pair)
            choose = graph.onnx.helper.make_node(
                "If", [escalated], ends, name="escalate" if pair else f"escalate{k + 1}",
                then_branch=then, else_branch=keep,
            )  # fmt: skip
            nodes += [*gate.nodes, choose]
            weights += gate.initializers
        if k:
            # A network's weights lie in its own branch: a runtime may lay them out for its kernels
            # there, as it would in a model of its own.
            infos = _infos(graph, ends, answer)
            then = graph.onnx.helper.make_graph(nodes, "escalate", [], infos, weights)
        else:
            graph.nodes, graph.initializers = nodes, weights
    infos = _infos(graph, outputs, answer)
    told = [infos[0], graph.value(ESCALATED, (), "BOOL"), *infos[1:]]
    first = models[0]
    images = graph.value(INPUT, _shape(_image(first)), _kind(first))
    model = graph.model([images], told, "cascade", checked=False)
    model.opset_import[0].version = _opset(first)
    for domain, version in other_opsets(models).items():
        model.opset_import.add(domain=domain, version=version)
    model.ir_version = max(network.ir_version for network in models)
    graph.onnx.checker.check_model(model)
    return model


def _infos(graph: GraphWriter, names: Sequence[str], answer: Sequence[int]) -> list[Any]:
    """Descriptions of logits and, where there are two names, of the place of who answered."""
    infos = [graph.value(names[0], answer)]
    return infos + [graph.value(name, (), "INT64") for name in names[1:]]


def _place(graph: GraphWriter, k: int, prefix: str) -> Any:
    """A node that says that the k-th network answered."""
    name = prefix + ANSWERED
    return graph.onnx.helper.make_node("Constant", [], [name], name=name, value_int=k)


def _kept(
    graph: GraphWriter, part: _Part, k: int, prefix: str, answer: Sequence[int], pair: bool
) -> Any:
    """The branch in which a network's own answer stands, and is made if its gate was early."""
    own = "kept/" if pair else f"{prefix}kept/"
    make = graph.onnx.helper.make_node
    identity = make("Identity", [part.logits], [f"{own}logits"], name=f"{own}identity")
    nodes, names = [*part.rest, identity], [f"{own}logits"]
    if not pair:
        nodes.append(_place(graph, k, own))
        names.append(own + ANSWERED)
    infos = _infos(graph, names, answer)
    return graph.onnx.helper.make_graph(nodes, "keep", [], infos, part.rest_initializers)


def _taken_over(parts: Sequence[_Part], network: onnx.ModelProto) -> dict[str, str]:
    """Values that a network need not compute, by name: the longest trunk among earlier networks.

    Raises:
        ProfileError: no earlier network is an exit of this one, or its weights are others.
    """
    cut = [(trunk_of(part.model), part) for part in parts]
    fitting = [(trunk, part) for trunk, part in cut if is_begun(trunk, network)]
    trunk, part = max(fitting or cut[-1:], key=lambda item: len(item[0].nodes))
    check_shared(trunk, network)
    return {name: part.names[name] for name in trunk.nodes if name in part.names}


def _check_fit(
    networks: Sequence[onnx.ModelProto],
    gates: Sequence[GateForm],
    couplings: Sequence[str],
) -> None:
    """Nothing, if the networks of a cascade have one form and there are gates between all."""
    n = len(networks)
    if not 2 <= n <= MOST_NETWORKS or len(gates) != n - 1 or len(couplings) != n - 1:
        raise ProfileError(
            f"{n} networks with {len(gates)} gates and {len(couplings)} couplings; expected 2 to "
            f"{MOST_NETWORKS} networks, and one gate and one coupling fewer."
        )
    checked_couplings(couplings)
    first, named = networks[0], ("little", "big") if n == 2 else ("first", "other")
    for gate in gates:
        _check_threshold(gate, first)
    for other in networks[1:]:
        values = [(_image(m), m.graph.output[0]) for m in (first, other)]
        shapes = [tuple(map(_shape, both)) for both in values]
        texts = [tuple(map(shape_text, both)) for both in values]
        kinds = (_kind(first), _kind(other))
        if shapes[0] != shapes[1] or kinds[0] != kinds[1] or shapes[0][0][:1] != (1,):
            raise ProfileError(
                f"the {named[0]} network maps {kinds[0]} {texts[0][0]} to {texts[0][1]}, the "
                f"{named[1]} one {kinds[1]} {texts[1][0]} to {texts[1][1]}; expected the same "
                "shapes and types, and batch 1 (or a free one)."
            )
        if _opset(first) != _opset(other) or _opset(first) < 16:
            raise ProfileError(
                f"the {named[0]} network has opset {_opset(first)}, the {named[1]} one "
                f"{_opset(other)}; expected one and the same opset of at least 16. Export both "
                "with opset_version=17, or convert them: "
                "onnx.version_converter.convert_version(model, 17)."
            )


def _check_threshold(gate: GateForm, network: onnx.ModelProto) -> None:
    """Nothing, if the gate behind a network has a threshold that its metric can have."""
    shape = _shape(network.graph.output[0])
    if not isinstance(gate, RouterGate) and gate[0] in onnx_gates():
        forced = [forced_threshold(gate[0], escalate) for escalate in (False, True)]
        check_threshold(gate[0], gate[1], shape[-1] if shape else 2, forced)


def gated_model(network: onnx.ModelProto, metric: str, threshold: float) -> onnx.ModelProto:
    """A network with the nodes of a gate behind it, and nothing to escalate to.

    Outputs: ``little/logits`` of the network and ``escalated``, a bool scalar. Its latency minus
    the network's own is that of the gate.

    Raises:
        GateError: a metric without ONNX form, or a threshold that is not a number.
        MissingExtraError: ``onnx`` is not installed.
    """
    part = _renamed(network, "little/")
    _check_threshold((metric, threshold), network)
    graph = write_gate((metric, threshold), part.logits, ready=gives_probabilities(network))
    graph.nodes[-1].output[0] = ESCALATED
    graph.nodes = [*part.nodes, *graph.nodes]
    graph.initializers = [*part.initializers, *graph.initializers]
    images, answer = _image(network), network.graph.output[0]
    outputs = [graph.value(part.logits, _shape(answer)), graph.value(ESCALATED, (), "BOOL")]
    inputs = [graph.value(INPUT, _shape(images), _kind(network))]
    return graph.model(inputs, outputs, "gated")
